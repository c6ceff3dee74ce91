"""A zip archive that other people filled is listed within limits; nothing of it leads outside."""

from __future__ import annotations

import datetime
import stat
import struct
import zipfile
import zoneinfo
from pathlib import Path

import pytest

from grader.collecting import zips
from grader.collecting.members import MAX_FILES
from grader.errors import SpecError, SubmissionError
from tests.support.handed_in import FIRST, zip_of


def names(path: Path) -> tuple[list[str], dict[str, str]]:
    with zips.opened(path, datetime.UTC) as (members, asides):
        return [str(member.path) for member in members], {aside.path: aside.why for aside in asides}


def test_files_are_listed_with_content_and_time(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"folder/one.ipynb": "{}", "__MACOSX/one.ipynb": "x"})

    with zips.opened(path, datetime.UTC) as (members, asides):
        (member,) = members
        assert (str(member.path), member.read(10), member.modified) == ("folder/one.ipynb", b"{}", FIRST)
        assert asides == ()


def test_times_have_the_zone_that_is_given(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"one.ipynb": "{}"})

    with zips.opened(path, zoneinfo.ZoneInfo("America/New_York")) as (members, _):
        assert members[0].modified == FIRST + datetime.timedelta(hours=5)


def test_a_time_in_utc_goes_before_the_local_one(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("one.ipynb", (2020, 1, 1, 0, 0, 0))
        entry.extra = struct.pack("<HHBl", 0x5455, 5, 1, int(FIRST.timestamp()))
        archive.writestr(entry, "{}")

    with zips.opened(path, datetime.UTC) as (members, _):
        assert members[0].modified == FIRST


def test_the_first_moment_of_the_format_stands_for_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("one.ipynb"), "{}")

    with zips.opened(path, datetime.UTC) as (members, _):
        assert members[0].modified is None


@pytest.mark.parametrize(
    "name", ["../out.ipynb", "/etc/out.ipynb", "a/../../out.ipynb", "..\\out.ipynb", "C:\\out.ipynb"]
)
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    taken, refused = names(zip_of(tmp_path / "a.zip", {name: "{}", "good.ipynb": "{}"}))

    assert taken == ["good.ipynb"]
    assert list(refused.values()) == ["its path leads out of the archive"]


@pytest.mark.parametrize(
    ("mode", "why"), [(stat.S_IFLNK | 0o777, "symbolic link"), (stat.S_IFIFO | 0o644, "no regular file")]
)
def test_a_link_or_pipe_is_refused(tmp_path: Path, mode: int, why: str) -> None:
    taken, refused = names(zip_of(tmp_path / "a.zip", {"a.ipynb": "/etc/passwd"}, mode=mode))

    assert taken == []
    assert why in refused["a.ipynb"]


def test_folders_too_deep_are_refused(tmp_path: Path) -> None:
    _, refused = names(zip_of(tmp_path / "a.zip", {"d/" * 40 + "a.ipynb": "{}"}))

    assert "folders deep" in next(iter(refused.values()))


def test_a_name_that_is_there_twice_is_taken_once(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.ipynb", "first")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.ipynb", "second")

    with zips.opened(path, None) as (members, asides):
        assert [member.read(9) for member in members] == [b"first"]
        assert "two files of this name" in asides[0].why


def test_a_file_beyond_its_limit_is_not_read(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.ipynb": b"0" * 1000})

    with (
        zips.opened(path, None) as (members, _),
        pytest.raises(SubmissionError, match="at most 999 bytes, found 1000"),
    ):
        members[0].read(999)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "FREE_BYTES", 100_000)

    with pytest.raises(SpecError, match="looks like a zip bomb"):
        names(zip_of(tmp_path / "a.zip", {"a.ipynb": b"0" * 1_000_000}))


def test_files_that_share_their_bytes_are_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.ipynb", b"0" * 5000)
        # A second entry that leads to the bytes of the first.
        for number in range(3):
            entry = zipfile.ZipInfo(f"{number}.ipynb")
            entry.file_size = entry.compress_size = 5000
            entry.header_offset, entry.CRC = 0, archive.filelist[0].CRC
            archive.filelist.append(entry)

    with pytest.raises(SpecError, match="looks like a zip bomb"):
        names(path)


def test_more_bytes_than_are_reasonable_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MAX_UNPACKED_BYTES", 10)

    with pytest.raises(SpecError, match="at most 10 bytes unpacked, found 11"):
        names(zip_of(tmp_path / "a.zip", {"a.ipynb": "0" * 11}))


def test_more_files_than_are_reasonable_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=f"at most {MAX_FILES} files"):
        names(zip_of(tmp_path / "a.zip", {f"{number}": "" for number in range(MAX_FILES + 1)}))


def test_a_list_of_files_that_would_fill_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zip_of(tmp_path / "a.zip", {f"{number}": "" for number in range(100)})
    monkeypatch.setattr(zips, "MAX_DIRECTORY_BYTES", 100)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # to ask it would be too late

    with pytest.raises(SpecError, match="a list of files of at most 100 bytes"):
        names(path)


def test_a_large_archives_own_record_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)  # writes as for 65,536 files
    path = zip_of(tmp_path / "a.zip", {f"{number}": "" for number in range(5)})
    assert b"PK\x06\x07" in path.read_bytes()

    assert len(names(path)[0]) == 5
    content = bytearray(path.read_bytes())
    end = content.rfind(b"PK\x05\x06")
    content[end + 12 : end + 16] = b"\xff" * 4
    path.write_bytes(content)
    assert len(names(path)[0]) == 5
    monkeypatch.setattr(zips, "MAX_DIRECTORY_BYTES", 10)
    with pytest.raises(SpecError, match="a list of files of at most 10 bytes"):
        names(path)


def test_a_damaged_or_protected_file_is_named(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"a.ipynb": "0123456789" * 9, "b.ipynb": "{}"})
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF  # in the packed bytes of the first
    second = content.rfind(b"PK\x01\x02")
    content[second + 8] |= 1  # the second is encrypted, says the list
    path.write_bytes(content)

    with zips.opened(path, None) as (members, asides):
        assert [(aside.path, aside.why) for aside in asides] == [("b.ipynb", "it is protected by a password")]
        with pytest.raises(SubmissionError, match=r"a\.ipynb is damaged"):
            members[0].read(1000)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x05\x06" + b"\xff" * 10])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)

    with pytest.raises(SpecError, match="no zip archive that can be read"):
        names(tmp_path / "a.zip")
