"""A course's gradebook from its attempts: those that count, whoever's folder is gone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.errors import SpecError
from grader.gradebook import attempts
from grader.gradebook.conversion import gradebook_notebooks, record_source
from grader.gradebook.nbgrader import open_gradebook
from grader.gradebook.rebuild import rebuild_gradebook, set_aside
from grader.settings import Settings
from tests.support.notebooks import answered, toy_course, toy_grade


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(toy_course(tmp_path / "course").resolve())


def graded(course: Course, student: str, attempt: str, double: float, when: str) -> None:
    """Store an attempt, as grading does."""
    grade = dataclasses.replace(
        toy_grade(student, attempt, double=double), provenance={"graded_at": f"2026-01-{when}T12:00:00+00:00"}
    )
    executed = answered(gradebook_notebooks(course.folder, "toy")["toy"])
    attempts.write(course.folder, grade, submitted={"toy": b"{}"}, executed={"toy": executed}, answers={})
    attempts.set_current(course.folder, grade)


def scores(course: Course) -> dict[str, float]:
    with open_gradebook(course.db_url(None)) as gradebook:
        return {str(row["student"]): float(row["score"]) for row in gradebook.submission_dicts("toy")}


@pytest.mark.parametrize(("rule", "points"), [("latest", 7.0), ("best", 10.0)])
def test_the_attempt_that_counts_is_written_although_nothing_is_handed_in_any_more(
    course: Course, tmp_path: Path, rule: str, points: float
) -> None:
    graded(course, "student01", "first", 6.0, "10")
    graded(course, "student01", "second", 3.0, "11")
    settings = Settings(None, tmp_path / "cache", counts=rule)  # type: ignore[arg-type]

    rebuilt = rebuild_gradebook(course, settings)

    assert scores(course) == {"student01": points}
    assert (rebuilt.submissions, rebuilt.snapshot, rebuilt.kept) == (1, None, None)


def test_a_course_without_attempts_has_an_empty_gradebook(course: Course, tmp_path: Path) -> None:
    rebuilt = rebuild_gradebook(course, Settings(None, tmp_path / "cache"))

    assert rebuilt.submissions == 0
    assert scores(course) == {}


def test_nothing_is_set_aside_of_an_assignment_that_nbgrader_did_not_grade(
    course: Course, tmp_path: Path
) -> None:
    settings = Settings(None, tmp_path / "cache")
    record_source(course.folder, "toy", course.db_url(None))

    with pytest.raises(SpecError, match="no scores of it but Pawgrade's"):
        set_aside(course, settings, "toy")
    with pytest.raises(SpecError, match="no assignment 'moon'"):
        set_aside(course, settings, "moon")
