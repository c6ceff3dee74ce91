"""A grade is whole and true whatever became of the submission, and ERROR only where we could not decide."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from nbformat.v4 import new_notebook

from grader.checks.session import Verdicts
from grader.execution.run import Execution
from grader.gradebook import versions
from grader.grading import assemble, preparation
from grader.grading.preparation import Work
from grader.messages import Message
from grader.records import NOT_RUN, Check, FailedCell, Limit, Status, Submission
from grader.settings import Settings
from tests.support.tiny import SECRET, tiny_course


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, toy_cache: Path) -> Work:
    folder = tmp_path_factory.mktemp("course")
    settings = Settings(None, toy_cache, secret=SECRET.encode(), sandbox="none")
    return preparation.prepare(
        tiny_course(folder), "tiny", settings, card=None, secret=SECRET.encode(), desk=folder / "desk"
    )


@pytest.fixture
def submission(tmp_path: Path) -> Submission:
    return Submission("student01", "tiny", tmp_path)


def check(name: str, exercise: str, points: float, most: float) -> Check:
    return Check(name, exercise, Status.PASSED if points == most else Status.FAILED, points, most)


def test_points_are_added_up_by_exercise_and_decide_who_passes(work: Work, submission: Submission) -> None:
    checks = (
        check("double", "double", 1.5, 6),
        check("brightness", "brightness", 7.5, 8),
        check("n", "brightness", 0, 2),
    )

    grade = assemble.grade_of(submission, work, Verdicts(checks))

    assert [(one.id, one.points, one.max_points) for one in grade.exercises] == [
        ("double", 1.5, 6),
        ("brightness", 7.5, 10),
    ]
    assert (grade.points, grade.max_points, grade.passed, grade.status) == (9.0, 16, True, Status.PASSED)
    assert (grade.sandbox, grade.limit, grade.manual_points) == (NOT_RUN, None, None)
    assert {"pawgrade", "python", "assignment", "split", "kernel", "graded_at"} <= grade.provenance.keys()


def test_public_checks_alone_are_worth_what_they_can_give(work: Work, submission: Submission) -> None:
    public = dataclasses.replace(work, context=dataclasses.replace(work.context, complete=False))

    grade = assemble.grade_of(submission, public, Verdicts((check("double", "double", 2, 2),)))

    assert (grade.points, grade.max_points) == (2, 2)


def test_what_a_run_used_and_broke_is_in_its_grade(work: Work, submission: Submission) -> None:
    cell = FailedCell(3, 2, None, "limit: cell", Message("stopped"), Limit.CELL)
    execution = Execution(
        new_notebook(), (cell,), {Limit.CELL: 3}, wall_s=3.14159, cell_s=2.71828, peak_mb=123.456
    )
    verdicts = Verdicts((check("double", "double", 6, 6),), log="of the checks")

    grade = assemble.grade_of(submission, work, verdicts, executions={"tiny": execution}, log="of a try; ")

    assert (grade.failed_cells, grade.limit) == ((dataclasses.replace(cell, notebook="tiny"),), Limit.CELL)
    assert grade.staff.usage == {"memory_mb": 123.5, "wall_s": 3.14, "cell_s": 2.72}
    assert grade.staff.log == "of a try; of the checks"


def test_what_cannot_be_read_is_the_students_to_mend(work: Work, submission: Submission) -> None:
    grade = assemble.unread(submission, work, {"tiny": Message("It is a picture.")})

    assert (grade.status, grade.points, grade.passed) == (Status.FAILED, 0, False)
    assert {str(one.hint) for one in grade.checks} == {"It is a picture."}
    assert [one.exercise for one in grade.checks] == ["double", "brightness"]
    assert grade.staff.log == ""


def test_what_we_could_not_judge_is_an_error_with_a_log_that_only_staff_see(
    work: Work, submission: Submission
) -> None:
    grade = assemble.undecided(submission, work, "Traceback: the disk is full")

    assert (grade.status, grade.points, grade.max_points) == (Status.ERROR, 0, 16)
    assert grade.staff.log == "Traceback: the disk is full"
    assert "disk" not in str(grade.to_json())
    assert grade.notices == (assemble.NOT_GRADED,)
    assert versions.RAN not in grade.provenance


def test_an_undecided_notebook_that_ran_counts_as_an_attempt_and_says_so(
    work: Work, submission: Submission
) -> None:
    grade = assemble.undecided(submission, work, "", ran="namespaces")

    assert (grade.sandbox, grade.provenance[versions.RAN]) == ("namespaces", "yes")
    assert grade.notices == (assemble.NOT_GRADED, assemble.COUNTED)
