"""Tests of where a course keeps its folders: by `nbgrader_config.py`, as nbgrader reads it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from grader.assignment.course import Course, find_course
from grader.assignment.layout import Layout, layout_of
from grader.doctor import classic_assignments
from grader.errors import SpecError
from tests.support.notebooks import REPOSITORY


def configured(folder: Path, *lines: str) -> Path:
    """Write a configuration of those lines, and return the course's folder."""
    (folder / "nbgrader_config.py").write_text("\n".join(["c = get_config()", *lines, ""]))
    return folder


def test_pawgrades_own_courses_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_bytes((REPOSITORY / "nbgrader_config.py").read_bytes())

    assert layout_of(tmp_path) == Layout() == layout_of(tmp_path / "no-such-course")


def test_nbgraders_names_are_the_default_of_its_configuration(tmp_path: Path) -> None:
    assert layout_of(configured(tmp_path)) == Layout("source", "release")


def test_a_course_that_names_no_folder_and_has_pawgrades_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "solutions").mkdir()

    assert layout_of(configured(tmp_path)) == Layout()


def test_names_and_database_may_be_the_courses_own_and_computed(tmp_path: Path) -> None:
    configured(
        tmp_path,
        "c.CourseDirectory.source_directory = 's' + 'rc'",
        "c.CourseDirectory.submitted_directory = 'in'",
        "c.CourseDirectory.db_url = 'sqlite:////elsewhere.db'",
    )
    folder = tmp_path / "in" / "student01" / "Problem Set [1]"
    folder.mkdir(parents=True)
    (folder / "Problem Set [1].ipynb").touch()
    (tmp_path / "src" / "Problem Set [1]").mkdir(parents=True)

    course = find_course(None, folder)

    assert course == Course(tmp_path.resolve())
    assert course.source("Problem Set [1]") == tmp_path.resolve() / "src" / "Problem Set [1]"
    # Brackets are characters of the name, not a pattern.
    assert [one.student for one in course.submissions("Problem Set [1]")] == ["student01"]
    assert course.db_url(None) == "sqlite:////elsewhere.db"
    assert course.db_url("sqlite:///chosen.db") == "sqlite:///chosen.db"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    before = layout_of(configured(tmp_path))

    configured(tmp_path, "c.CourseDirectory.release_directory = 'out'")

    assert (before.release, layout_of(tmp_path).release) == ("release", "out")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("c.CourseDirectory.source_directory = no_such_name", ["line 2", "NameError", "no_such_name"]),
        ("c.CourseDirectory.source_directory = (", ["line 2", "SyntaxError"]),
        ("c.CourseDirectory.source_directory = '../other'", ["source_directory", "'../other'"]),
        ("c.CourseDirectory.feedback_directory = '/tmp'", ["feedback_directory", "'/tmp'"]),
        ("c.CourseDirectory.submitted_directory = 3", ["submitted_directory", "found 3"]),
        ("c.CourseDirectory.directory_structure = '{assignment_id}'", ["directory_structure"]),
        ("c.CourseDirectory.root = '/elsewhere'", ["root", "'/elsewhere'"]),
    ],
)
def test_what_cannot_be_followed_is_one_line_with_file_and_reason(
    tmp_path: Path, line: str, words: list[str]
) -> None:
    configured(tmp_path, line)

    with pytest.raises(SpecError) as caught:
        layout_of(tmp_path)

    message = str(caught.value.message)
    assert str(tmp_path / "nbgrader_config.py") in message
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


def test_the_course_that_nbgrader_writes_is_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nbgrader", "quickstart", "course101"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    course = find_course(None, tmp_path / "course101")

    assert course.layout == Layout("source", "release")
    assert course.source("ps1").is_dir()
    # No assignment of Pawgrade's yet: nothing is graded by mistake.
    assert course.assignments() == ()
    (fact,) = classic_assignments(course)
    assert (fact.what, fact.state) == ("assignment ps1", "missing")
    assert "`pawgrade adopt ps1`" in fact.advice
    assert "`pawgrade new assignment ID`" in fact.advice
    (course.source("ps1") / "assignment.toml").touch()
    assert list(classic_assignments(course)) == []
