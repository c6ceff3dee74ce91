"""Adopting writes a small file beside the notebooks, releases, and overwrites nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from nbformat import NotebookNode

from grader.assignment import spec
from grader.assignment.course import Course
from grader.authoring.adoption.adopt import adopt, adopt_with_checks
from grader.authoring.calibrate import calibrate
from grader.authoring.release import require_readable
from grader.authoring.verify import verify
from grader.errors import SpecError
from grader.grading.preparation import prepare_public
from grader.grading.runners import InlineExecutor
from grader.settings import Settings
from tests.support.classic import SECRET_INPUT, classic_course, source_notebook


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return classic_course(tmp_path / "course")


def ignore_staff(course: Course) -> None:
    with (course.folder / "nbgrader_config.py").open("a") as file:
        file.write('c.CourseDirectory.ignore = ["staff"]\n')


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_assignment_is_adopted_as_it_stands(course: Course) -> None:
    source = course.source("week1")
    before = contents(source)

    adopted = adopt(course, "week1", course.db_url(None), title='The "first" week')

    assignment = spec.load_assignment(source)
    assert (assignment.title, assignment.points, assignment.pass_points) == ('The "first" week', 17, 8.5)
    assert assignment.in_the_notebook
    assert [exercise.id for exercise in assignment.exercises] == ["double_tests", "mean_tests", "mean-partly"]
    assert [exercise.id for exercise in assignment.manual] == ["why", "essay"]
    # Of what was there nothing changed.
    assert {
        name: content for name, content in contents(source).items() if name != "assignment.toml"
    } == before
    released = contents(course.folder / "assignments" / "week1")
    assert set(released) == {"week1.ipynb", "assignment.toml"}
    assert SECRET_INPUT.encode() not in released["week1.ipynb"]
    assert adopted.written == ("solutions/week1/assignment.toml", "assignments/week1")
    assert adopted.to_json()["tested"] == {"cells": 3, "points": 8}
    assert adopted.to_json()["manual"] == {"cells": 2, "points": 9}
    assert adopted.to_json()["hidden_tests"] == 1


def test_a_release_that_is_there_stays(course: Course) -> None:
    released = course.folder / "assignments" / "week1"
    released.mkdir(parents=True)
    (released / "week1.ipynb").write_text("as nbgrader released it")

    adopted = adopt(course, "week1", course.db_url(None))

    assert contents(released) == {"week1.ipynb": b"as nbgrader released it"}
    assert adopted.left == ("assignments/week1",)


def test_in_nbgraders_own_layout_the_release_goes_where_nbgrader_looks_for_it(course: Course) -> None:
    (course.folder / "solutions").rename(course.folder / "source")
    (course.folder / "nbgrader_config.py").write_text("c = get_config()\n")
    course = Course(course.folder)

    adopted = adopt(course, "week1", course.db_url(None))

    assert adopted.written == ("source/week1/assignment.toml", "release/week1")
    assert set(contents(course.folder / "release" / "week1")) == {"week1.ipynb", "assignment.toml"}
    assert not (course.folder / "assignments").exists()


def test_what_is_adopted_is_not_adopted_again(course: Course) -> None:
    (course.source("week1") / "assignment.toml").write_text("mine")

    with pytest.raises(SpecError, match="nothing is overwritten"):
        adopt(course, "week1", course.db_url(None))

    assert (course.source("week1") / "assignment.toml").read_text() == "mine"


def test_an_assignment_that_cannot_be_released_is_not_half_adopted(course: Course) -> None:
    path = course.source("week1") / "week1.ipynb"
    # Not quite nbgrader's words, so that it leaves what follows in the release.
    path.write_text(path.read_text().replace("# Week 1", "BEGIN HIDDEN TEST"))

    with pytest.raises(SpecError, match="would give away"):
        adopt(course, "week1", course.db_url(None))

    assert not (course.source("week1") / "assignment.toml").exists()
    assert not (course.folder / "assignments" / "week1").exists()


def test_verify_looks_at_the_release_and_says_that_there_are_no_checks(course: Course) -> None:
    adopt(course, "week1", course.db_url(None))

    findings = list(verify(course, "week1", Settings(None, course.folder), card=None, tell=lambda _: None))

    assert [finding.what for finding in findings] == [
        "release is fresh",
        "release gives nothing away",
        "checks",
    ]
    assert all(finding.ok for finding in findings)


def test_there_are_no_levels_to_calibrate_and_no_checks_to_try_at_home(course: Course) -> None:
    adopt(course, "week1", course.db_url(None))
    settings = Settings(None, course.folder)

    with InlineExecutor() as runner, pytest.raises(SpecError, match="no levels"):
        calibrate(
            course,
            "week1",
            settings,
            card=None,
            seeds=[0],
            recipes=(),
            runner=runner,
            jobs=1,
            tell=lambda *_: None,
        )
    with pytest.raises(SpecError, match="the tests are in its own cells"):
        prepare_public(course.release("week1"), settings, card=None, desk=course.folder / "desk")


def test_checks_are_drafted_beside_an_assignment_that_stays_as_it_is(course: Course) -> None:
    adopt(course, "week1", course.db_url(None))
    ignore_staff(course)
    before = (course.source("week1") / "assignment.toml").read_bytes()

    adopted = adopt_with_checks(course, "week1")

    assert (course.source("week1") / "assignment.toml").read_bytes() == before
    written = {"check_public.py", "staff/check_hidden.py", "staff/assignment.toml"}
    assert {name.removeprefix("solutions/week1/") for name in adopted.written} == written
    assert dict(adopted.todo) == {
        "check_public.py": 4,
        "staff/check_hidden.py": 1,
        "staff/assignment.toml": 0,
    }
    with pytest.raises(SpecError, match=r"check_public\.py exists"):
        adopt_with_checks(course, "week1")


def test_drafted_checks_fit_the_assignment_that_is_drafted_with_them(course: Course) -> None:
    ignore_staff(course)
    adopt_with_checks(course, "week1")
    shutil.rmtree(course.folder / "assignments", ignore_errors=True)

    require_readable(course.source("week1"))

    assignment = spec.load_assignment(course.source("week1"))
    assert not assignment.in_the_notebook
    assert [entry_point.name for entry_point in assignment.entry_points] == ["double", "mean"]


def test_hidden_checks_are_not_written_where_nbgrader_would_release_them(course: Course) -> None:
    with pytest.raises(SpecError, match=r"expected 'staff' in c\.CourseDirectory\.ignore"):
        adopt_with_checks(course, "week1")

    assert set(contents(course.source("week1"))) == {"week1.ipynb"}


def worth_nothing(*ids: str) -> NotebookNode:
    """Return the source notebook with cells that are worth 0 points."""
    notebook = source_notebook()
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in ids:
            cell.metadata.nbgrader.points = 0
    return notebook


def test_a_cell_of_no_points_is_no_exercise_of_checks_and_a_todo_says_so(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course", worth_nothing("double_tests", "why"))
    ignore_staff(course)

    adopted = adopt_with_checks(course, "week1")

    source = course.source("week1")
    assignment = spec.load_assignment(source)
    assert [exercise.id for exercise in assignment.exercises] == ["mean_tests", "mean-partly"]
    assert [exercise.id for exercise in assignment.manual] == ["essay"]
    assert (
        '# TODO: the cell "double_tests" gives no points, and its tests are in no check'
        in (source / "assignment.toml").read_text()
    )
    assert "double_tests" not in (source / "check_public.py").read_text()
    assert dict(adopted.todo)["assignment.toml"] == 2
    # What a teacher has not done is told, of that cell alone.
    with pytest.raises(SpecError) as told:
        require_readable(source)
    assert "cell 3 (double_tests): the cell is autograded, 0 points; assignment.toml says nothing" in str(
        told.value.message
    )
    assert "points must be more than 0" not in str(told.value.message)


def test_tests_that_give_no_points_are_nothing_to_begin_checks_from(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course", worth_nothing("double_tests", "mean_tests", "mean-partly"))
    ignore_staff(course)

    with pytest.raises(SpecError, match="no cell has tests that give points"):
        adopt_with_checks(course, "week1")

    assert set(contents(course.source("week1"))) == {"week1.ipynb"}
