"""What questions hang on: the notebook, data, limits and entry points; levels, points and checks are no part of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment import identity
from grader.assignment.spec import version
from tests.support.tiny import tiny_course


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tiny_course(tmp_path_factory.mktemp("identity") / "course").source("tiny")
    (source / "staff" / "hidden.toml").write_text("[levels]\n")
    return source


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("assignment.toml", "pass_points = 9", "pass_points = 8"),
        ("assignment.toml", 'title = "Twice a number"\npoints = 6', 'title = "Doubled"\npoints = 5'),
        ("check_public.py", "at_most=1e-9", "at_most=1e-6"),
        ("staff/check_hidden.py", "at_most=0.0", "at_most=0.1"),
        ("staff/hidden.toml", "[levels]", "[levels]\n# another level\n"),
        ("tiny.ipynb", '"points": 6', '"points": 5'),
    ],
)
def test_levels_points_and_checks_change_nothing(folder: Path, file: str, old: str, new: str) -> None:
    changed(folder, file, old, new, part="")


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        ("assignment.toml", "cell_s = 12", "cell_s = 13", "limits"),
        ("assignment.toml", "budget_s = 6", "budget_s = 7", "entry points"),
        ("assignment.toml", "max_kb = 1", "max_kb = 2", "declared files"),
        ("assignment.toml", "[data.toy_pets]", "[data.toy_pets]\ncounts = { photos = 3 }", "data"),
        ("assignment.toml", 'id = "reflection"', 'id = "thoughts"', "exercises"),
        ("staff/hidden.toml", "[levels]", '[levels]\n[holdout]\nsplit = "second_holdout"', "hidden photos"),
        ("tiny.ipynb", "judged after", "judged long after", "notebook"),
    ],
)
def test_what_decides_questions_or_runs_changes_its_part(
    folder: Path, file: str, old: str, new: str, part: str
) -> None:
    changed(folder, file, old, new, part=part)


def changed(folder: Path, file: str, old: str, new: str, *, part: str) -> None:
    path = folder / file
    text, before, digest = path.read_text(), identity.parts(folder), identity.asked(folder)
    assert old in text
    try:
        path.write_text(text.replace(old, new))
        after = identity.parts(folder)
        assert {name for name in after if after[name] != before[name]} == ({part} if part else set())
        assert (identity.asked(folder) == digest) == (not part)
    finally:
        path.write_text(text)


def test_a_notebook_beside_those_of_the_assignment_changes_nothing(folder: Path) -> None:
    before, path = identity.asked(folder), folder / "Untitled.ipynb"
    path.write_text("{}")

    try:
        assert identity.asked(folder) == before
    finally:
        path.unlink()


@pytest.mark.parametrize(
    "name", [".DS_Store", "Thumbs.db", "tiny.ipynb~", "staff/.check_hidden.py.swp", "Untitled.ipynb"]
)
def test_what_systems_and_editors_leave_asks_and_judges_nobody_anew(folder: Path, name: str) -> None:
    before, path = (identity.asked(folder), version(folder)), folder / name
    path.write_text("{}")

    try:
        assert (identity.asked(folder), version(folder)) == before
    finally:
        path.unlink()


def test_a_file_that_a_release_copies_changes_its_part(folder: Path) -> None:
    before, path = identity.parts(folder), folder / "words.csv"
    path.write_text("cat,dog")

    try:
        after = identity.parts(folder)
        assert {name for name in after if after[name] != before[name]} == {"files beside the notebook"}
    finally:
        path.unlink()


def test_what_was_noted_is_kept_and_read_again(tmp_path: Path) -> None:
    identity.note(tmp_path, "tiny", "a" * 16, "b" * 16)
    identity.note(tmp_path, "tiny", "c" * 16, "d" * 16)

    assert identity.noted(tmp_path, "tiny") == {"a" * 16: "b" * 16, "c" * 16: "d" * 16}
    (tmp_path / ".pawgrade" / "questions" / "tiny.json").write_text("{")
    assert identity.noted(tmp_path, "tiny") == {}
