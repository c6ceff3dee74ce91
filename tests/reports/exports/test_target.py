"""An export is written whole, for its owner only, and takes no other folder's place."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import SpecError
from grader.reports.exports.rows import Export
from grader.reports.exports.target import write

FILE, FOLDER = (
    Export({"": "text\r\n"}, ("student01",)),
    Export({"student01/results.json": "{}"}, ("student01",)),
)


def test_a_file_is_for_its_owner_and_keeps_its_bytes(tmp_path: Path) -> None:
    write(FILE, tmp_path / "exports" / "toy.csv")

    path = tmp_path / "exports" / "toy.csv"
    assert path.read_bytes() == b"text\r\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_replaces_an_earlier_export_and_nothing_else(tmp_path: Path) -> None:
    write(Export({"student02/results.json": "{}"}, ()), tmp_path / "out")
    write(FOLDER, tmp_path / "out")

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["student01"]
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(SpecError, match=r"holds thesis.txt, which would be lost"):
        write(FOLDER, tmp_path / "out")
    with pytest.raises(SpecError, match="is a folder"):
        write(FILE, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SpecError, match="cannot be written"):
        write(FILE, tmp_path / "file" / "toy.csv")
