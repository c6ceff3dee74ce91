"""One rule says which files of a source folder count; a release holds exactly those that are to reach students."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment.layout import IGNORED, ignored_names
from grader.assignment.source_files import LITTER, beside_the_notebooks, that_decide
from grader.authoring.release import build_release
from grader.errors import SpecError
from tests.support.notebooks import toy_course

LEFT_BEHIND = (
    ".DS_Store", "._words.csv", "Thumbs.db", "desktop.ini", "toy.ipynb~", "words.csv~", ".#words.csv", "#words.csv#",
    ".words.csv.swp", ".~lock.words.csv#", "__pycache__/check_public.cpython-311.pyc", ".ipynb_checkpoints/toy.csv",
    "pictures/.DS_Store",
)  # fmt: skip


def furnished(course: Path) -> Path:
    source = course / "solutions" / "toy"
    for name in (*LEFT_BEHIND, "words.csv", "pictures/cat.txt", "staff/notes.txt", "staff/mutants/m.py"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a cat")
    return source


def names(paths: list[Path], source: Path) -> set[str]:
    return {path.relative_to(source).as_posix() for path in paths}


def test_a_release_holds_what_the_rule_says_and_nothing_that_was_left_behind(tmp_path: Path) -> None:
    course = toy_course(tmp_path / "course")
    source = furnished(course)
    # nbgrader's own default, and the folder that no release may hold: hidden files are not among them.
    (course / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.ignore.append('staff')\n")

    beside = names(beside_the_notebooks(source), source)
    release = build_release(course, "toy", course / "assignments")

    assert beside == {"assignment.toml", "check_public.py", "words.csv", "pictures/cat.txt"}
    lying = {path.relative_to(release).as_posix() for path in release.rglob("*") if path.is_file()}
    assert {name for name in lying if not name.startswith("datasets/")} == {*beside, "toy.ipynb"}


def test_what_the_course_ignores_is_left_out_and_what_judges_counts(tmp_path: Path) -> None:
    course = toy_course(tmp_path / "course")
    source = furnished(course)
    (source / "Untitled.ipynb").write_text("{}")
    (course / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.ignore = ['staff', 'words.*']\n"
    )

    deciding = names(that_decide(source), source)

    assert {"toy.ipynb", "check_public.py", "staff/notes.txt", "pictures/cat.txt"} <= deciding
    assert not deciding & {"words.csv", "Untitled.ipynb", "staff/mutants/m.py", *LEFT_BEHIND}


def test_the_default_is_nbgraders_own(tmp_path: Path) -> None:
    from nbgrader.coursedir import CourseDirectory

    assert ignored_names(tmp_path) == IGNORED == tuple(CourseDirectory().ignore)
    assert {"staff"}.isdisjoint(LITTER)


def test_an_ignore_that_is_no_list_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.ignore = 'staff'\n")

    with pytest.raises(SpecError, match="CourseDirectory.ignore: expected a list of names, found 'staff'"):
        ignored_names(tmp_path)
