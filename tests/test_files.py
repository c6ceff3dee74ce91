"""Tar archives are unpacked the same way where Python's tarfile has filters and where it has none."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from grader import files


@pytest.fixture(
    params=[
        False,
        pytest.param(True, marks=pytest.mark.skipif(not files.HAS_FILTERS, reason="Python before 3.11.4")),
    ],
    ids=["without filters", "with filters"],
    autouse=True,
)
def has_filters(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "HAS_FILTERS", request.param)


def archive(*entries: tarfile.TarInfo) -> tarfile.TarFile:
    """Make an archive whose files all hold `meow`."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as made:
        for entry in entries:
            made.addfile(entry, io.BytesIO(b"meow") if entry.isreg() else None)
    return tarfile.open(fileobj=io.BytesIO(file.getvalue()))


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    made.size = 4 if kind == tarfile.REGTYPE else 0
    made.uid, made.uname = 12, "man"
    return made


# Python itself warns where an archive is unpacked without a filter although there are some.
@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")
def test_files_and_folders_come_out_as_ones_own(tmp_path: Path) -> None:
    with archive(
        entry("cats", tarfile.DIRTYPE, mode=0o755), entry("cats/tom", mode=0o4755), entry("dogs/rex")
    ) as found:
        files.unpack(found, tmp_path)

    assert (tmp_path / "cats" / "tom").read_bytes() == b"meow"
    assert (tmp_path / "cats" / "tom").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "dogs" / "rex").stat().st_mode & 0o7777 == 0o644
    assert (tmp_path / "cats" / "tom").stat().st_uid == tmp_path.stat().st_uid


def test_only_the_chosen_members_come_out(tmp_path: Path) -> None:
    with archive(entry("tom"), entry("rex")) as found:
        files.unpack(found, tmp_path, (one for one in found if one.name == "tom"))

    assert [path.name for path in tmp_path.iterdir()] == ["tom"]


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")
@pytest.mark.parametrize(
    "bad",
    [
        entry("../tom"),
        entry("cats/../../tom"),
        entry("tom", tarfile.SYMTYPE, "/etc/passwd"),
        entry("tom", tarfile.LNKTYPE, "../../passwd"),
        entry("tom", tarfile.CHRTYPE),
        entry("tom", tarfile.FIFOTYPE),
    ],
    ids=["parent", "parent inside", "link", "hard link", "device", "pipe"],
)
def test_what_leads_outside_or_is_no_file_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()

    with archive(bad) as found, pytest.raises((tarfile.TarError, KeyError)):
        files.unpack(found, folder)

    assert list(folder.iterdir()) == []
    assert list(tmp_path.iterdir()) == [folder]
