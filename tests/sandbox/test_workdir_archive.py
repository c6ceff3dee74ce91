"""What travels with a notebook: plain files, nearest first, up to a size."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from grader.sandbox.host.workdir_archive import MAX_FILES, SKIPPED, packed

KIB = 1024


def contents(folder: Path, max_mb: int = 1) -> tuple[dict[str, bytes | None], int]:
    """Pack a folder and unpack it again: names with their bytes, None for folders, and what was left out."""
    with packed(folder, max_mb) as baggage, os.fdopen(os.dup(baggage.descriptor), "rb") as file:
        with tarfile.open(fileobj=file) as tar:
            found = {one.name: _bytes(tar, one) for one in tar}
        return found, baggage.left_out


def _bytes(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes | None:
    stream = tar.extractfile(entry)
    return stream.read() if stream else None


def test_files_and_folders_come_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "photos" / "empty").mkdir(parents=True)
    (tmp_path / "helper.py").write_bytes(b"x = 1\n")
    (tmp_path / "photos" / "größe 1.png").write_bytes(bytes(range(256)))

    found = contents(tmp_path)

    assert found == (
        {
            "helper.py": b"x = 1\n",
            "photos": None,
            "photos/empty": None,
            "photos/größe 1.png": bytes(range(256)),
        },
        0,
    )


def test_the_archive_stands_at_its_start_and_is_gone_afterwards(tmp_path: Path) -> None:
    with packed(tmp_path, 1) as baggage:
        assert os.lseek(baggage.descriptor, 0, os.SEEK_CUR) == 0

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(baggage.descriptor)


def test_links_pipes_and_sockets_are_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder link").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")

    assert contents(tmp_path) == ({}, 3)


@pytest.mark.parametrize("name", sorted(SKIPPED))
def test_what_no_notebook_needs_stays_behind_without_a_word(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "file").write_text("")

    assert contents(tmp_path) == ({}, 0)


def test_what_does_not_fit_is_left_out_and_smaller_files_still_come(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(700 * KIB))
    (tmp_path / "b").write_bytes(bytes(700 * KIB))
    (tmp_path / "c").write_bytes(bytes(100 * KIB))

    found, left_out = contents(tmp_path, max_mb=1)

    assert (set(found), left_out) == ({"a", "c"}, 1)


def test_near_files_come_before_far_ones(tmp_path: Path) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "far").write_bytes(bytes(900 * KIB))
    (tmp_path / "near").write_bytes(bytes(900 * KIB))

    found, left_out = contents(tmp_path, max_mb=1)

    assert (set(found), left_out) == ({"a folder", "near"}, 1)


def test_no_more_than_so_many_files_come(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 5):
        (tmp_path / str(number)).touch()

    found, left_out = contents(tmp_path)

    assert (len(found), left_out) == (MAX_FILES, 5)


def test_owner_and_rights_of_this_machine_do_not_travel_but_executable_stays_so(tmp_path: Path) -> None:
    (tmp_path / "run.sh").touch(0o770)
    (tmp_path / "notes").touch(0o600)

    with (
        packed(tmp_path, 1) as baggage,
        os.fdopen(os.dup(baggage.descriptor), "rb") as file,
        tarfile.open(fileobj=file) as tar,
    ):
        entries = {one.name: one for one in tar}

    assert {name: oct(one.mode) for name, one in entries.items()} == {"run.sh": "0o755", "notes": "0o644"}
    assert {(one.uid, one.gid, one.uname, one.mtime) for one in entries.values()} == {(0, 0, "", 0)}


def test_a_folder_that_is_gone_gives_an_empty_archive(tmp_path: Path) -> None:
    assert contents(tmp_path / "gone") == ({}, 0)


def test_a_file_that_grows_after_it_was_listed_takes_no_more_than_the_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes(b"x")
    listed = os.scandir

    def grows(folder: Path) -> list[os.DirEntry[str]]:
        entries = list(listed(folder))
        for entry in entries:
            entry.stat(follow_symlinks=False)  # which remembers the size
        file.write_bytes(b"x" * 2 * KIB * KIB)
        return entries

    monkeypatch.setattr(os, "scandir", grows)

    assert contents(tmp_path) == ({}, 1)
