"""A folder that other people filled is listed without links, bounded in count and depth."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.collecting import folder_files
from grader.errors import SpecError, SubmissionError
from tests.support.handed_in import FIRST, folder_of


def test_files_are_listed_by_path_with_content_and_time(tmp_path: Path) -> None:
    folder_of(
        tmp_path, {"b/x.ipynb": "{}", "a.ipynb": "{ }", ".git/config": "", "b/.ipynb_checkpoints/x.ipynb": ""}
    )

    members, asides = folder_files.listed(tmp_path)

    assert [(str(member.path), member.read(9), member.modified) for member in members] == [
        ("a.ipynb", b"{ }", FIRST),
        ("b/x.ipynb", b"{}", FIRST),
    ]
    assert asides == ()


def test_links_and_pipes_are_named_and_not_followed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {"a.ipynb": "{}"})
    folder_of(tmp_path / "elsewhere", {"secret.ipynb": "secret"})
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "linked.ipynb").symlink_to(tmp_path / "elsewhere" / "secret.ipynb")
    os.mkfifo(folder / "pipe.ipynb")

    members, asides = folder_files.listed(folder)

    assert [str(member.path) for member in members] == ["a.ipynb"]
    assert {aside.path: "link" in aside.why for aside in asides} == {
        "linked": True,
        "linked.ipynb": True,
        "pipe.ipynb": False,
    }


def test_a_file_that_became_a_link_is_not_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "in", {"a.ipynb": "{}"})
    members, _ = folder_files.listed(folder)
    (folder / "a.ipynb").unlink()
    (folder / "a.ipynb").symlink_to("/etc/passwd")

    with pytest.raises(SubmissionError, match="regular file"):
        members[0].read(10_000)


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    members, _ = folder_files.listed(folder_of(tmp_path / "in", {"a.ipynb": "{}"}))
    (tmp_path / "in" / "a.ipynb").unlink()

    with pytest.raises(SubmissionError, match="cannot be read"):
        members[0].read(10)


def test_depth_and_count_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, {"d/" * 40 + "a.ipynb": "{}", "b.ipynb": "{}"})

    members, asides = folder_files.listed(tmp_path)

    assert [str(member.path) for member in members] == ["b.ipynb"]
    assert "folders deep" in asides[0].why
    monkeypatch.setattr(folder_files, "MAX_FILES", 1)
    with pytest.raises(SpecError, match="at most 1 files"):
        folder_files.listed(tmp_path)
