"""A quiz is explained when nobody can profit from it: after the deadline, or when everybody has used up the attempts."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from grader.assignment import spec
from grader.assignment.course import Course
from grader.assignment.quizzes.quiz import note_given
from grader.feedback.explanations import explained_quiz, explanations, may_explain
from grader.gradebook import attempts
from grader.settings import Settings
from tests.support.notebooks import source_notebook, toy_grade
from tests.support.quiz_course import SECRET, hand_in, quiz_course, quiz_in

SETTINGS = Settings(None, Path("unused"), secret=SECRET, attempts=1)


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return quiz_course(tmp_path / "course", roster="")


def store(course: Course, student: str) -> None:
    """Store a graded attempt that ran."""
    grade = replace(toy_grade(student), assignment="week1", notebooks=("week1",))
    attempts.write(
        course.folder,
        grade,
        submitted={"week1": b""},
        executed={"week1": source_notebook()},
        answers={},
    )
    attempts.set_current(course.folder, grade)


def assignment(course: Course, deadline: datetime.datetime | None = None) -> spec.Assignment:
    return spec.load_assignment(course.source("week1")).model_copy(update={"deadline": deadline})


def test_the_deadline_decides_whoever_has_used_up_what(course: Course) -> None:
    now = datetime.datetime.now(datetime.UTC)
    store(course, "student01")

    day = datetime.timedelta(days=1)
    assert not may_explain(course, assignment(course, now + day), SETTINGS)
    assert may_explain(course, assignment(course, now - day), SETTINGS)


def test_without_a_deadline_everybody_must_have_used_up_the_attempts(course: Course) -> None:
    assert not may_explain(course, assignment(course), SETTINGS)  # nobody has begun
    store(course, "student01")

    assert may_explain(course, assignment(course), SETTINGS)
    assert not may_explain(course, assignment(course), replace(SETTINGS, attempts=2))
    assert not may_explain(course, assignment(course), replace(SETTINGS, attempts=0))


@pytest.mark.parametrize("way", ["roster", "handed out", "handed in"])
def test_who_has_attempts_left_keeps_everybody_from_reading_the_key(course: Course, way: str) -> None:
    store(course, "student01")
    if way == "roster":
        (course.folder / "roster.csv").write_text("id\nstudent01\nstudent02\n")
    elif way == "handed out":
        note_given(course.folder, "week1", ["student02"])
    else:
        hand_in(course, "student02")

    assert not may_explain(course, assignment(course), SETTINGS)
    assert explained_quiz(course, assignment(course), SETTINGS) is None


def test_each_option_of_the_own_drawing_is_explained_with_its_letter(course: Course) -> None:
    store(course, "student01")
    quiz = explained_quiz(course, assignment(course), SETTINGS)
    assert quiz is not None
    grade = toy_grade("student01")

    own = explanations(quiz, replace(grade, provenance={"drawing": "own"}))
    common = explanations(quiz, replace(grade, provenance={"drawing": "for all"}))

    drawn = quiz_in(course).own("student01").questions[0]
    assert list(own) == ["q1", "q2", "q3"]
    assert own["q1"].startswith(f"**{'ABCD'[drawn.right - 1]} is right.**")
    assert f"- **B.** {drawn.options[1].text}: {drawn.options[1].explanation}" in own["q1"]
    assert common != own
