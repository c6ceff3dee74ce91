"""The same files make the same attempt; other files, kinds of files or facts make another one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from grader.assignment import contents
from grader.records import Submission


def submission(folder: Path, **files: str) -> Submission:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return Submission("student01", "toy", folder)


def test_the_same_files_and_facts_are_the_same_attempt(tmp_path: Path) -> None:
    first, second = submission(tmp_path / "a", nb="x"), submission(tmp_path / "b", nb="x")

    assert contents.attempt_id(first, "v1", "toy") == contents.attempt_id(second, "v1", "toy")
    assert len(contents.attempt_id(first)) == 16


def test_files_contents_names_and_facts_all_make_another_attempt(tmp_path: Path) -> None:
    names = {
        contents.attempt_id(submission(tmp_path / "a", nb="x"), "v1", "toy"),
        contents.attempt_id(submission(tmp_path / "b", nb="y"), "v1", "toy"),
        contents.attempt_id(submission(tmp_path / "c", other="x"), "v1", "toy"),
        contents.attempt_id(submission(tmp_path / "d", nb="x", more=""), "v1", "toy"),
        contents.attempt_id(submission(tmp_path / "e", nb="x"), "v2", "toy"),
        contents.attempt_id(submission(tmp_path / "f", nb="x"), "v1toy"),
        contents.attempt_id(submission(tmp_path / "g"), "v1", "toy"),
        contents.attempt_id(submission(tmp_path / "h", nb="", x=""), "v1", "toy"),
    }

    assert len(names) == 8


def test_when_it_was_handed_in_does_not_make_another_attempt(tmp_path: Path) -> None:
    first = submission(tmp_path / "a", nb="x", **{"timestamp.txt": "2026-01-01"})
    second = submission(tmp_path / "b", nb="x", **{"timestamp.txt": "2026-02-02"})

    assert (
        contents.attempt_id(first)
        == contents.attempt_id(second)
        == contents.attempt_id(submission(tmp_path / "c", nb="x"))
    )


def test_links_pipes_and_strange_names_do_not_stop_naming(tmp_path: Path) -> None:
    found = submission(tmp_path / "a", nb="x")
    plain = contents.attempt_id(found)
    (found.folder / "loop").symlink_to(found.folder)
    (found.folder / "out").symlink_to("/")
    os.mkfifo(found.folder / "fifo")
    (Path(os.fsdecode(os.fsencode(found.folder) + b"/\xff\xfe"))).write_text("x")

    assert contents.attempt_id(found) != plain


def test_a_folder_that_is_gone_has_a_name_all_the_same(tmp_path: Path) -> None:
    assert len(contents.attempt_id(Submission("student01", "toy", tmp_path / "missing"))) == 16


def deep(folder: Path, name: str, levels: int) -> None:
    """Make folders inside folders, deeper than a path may be long."""
    before = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(levels):
            Path(name).mkdir()
            os.chdir(name)
    finally:
        os.chdir(before)


@pytest.mark.parametrize(("name", "levels"), [("d", 1500), ("n" * 200, 60)], ids=["levels", "long names"])
def test_folders_without_end_are_an_attempt_like_any_other(tmp_path: Path, name: str, levels: int) -> None:
    work = submission(tmp_path / "toy", **{"toy.ipynb": "one"})
    deep(work.folder, name, levels)
    try:
        first = contents.attempt_id(work)
        (work.folder / "toy.ipynb").write_text("two")

        assert len(first) == 16
        assert contents.attempt_id(work) != first
    finally:
        subprocess.run(["rm", "-rf", str(work.folder)], check=True)


def test_more_files_than_count_leave_the_notebook_to_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MAX_FILES", 20)
    work = submission(
        tmp_path / "toy", **{"toy.ipynb": "one"}, **{f"file{number}": "" for number in range(30)}
    )
    first = contents.attempt_id(work)
    (work.folder / "file29").write_text("more")
    same = contents.attempt_id(work)
    (work.folder / "toy.ipynb").write_text("two")

    assert first == same != contents.attempt_id(work)
