"""A quiz is judged by the drawing that each student was given; answers to another one are told to student and staff."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from grader.assignment.course import Course
from grader.assignment.quizzes.cells import drawing_number
from grader.assignment.quizzes.quiz import note_given
from grader.authoring.quizzes.handing_out import hand_out
from grader.feedback import explanations
from grader.feedback.publish import write_pages
from grader.gradebook import attempts
from grader.grading import preparation
from grader.grading.anew.rejudging import judge_stored
from grader.grading.coordinator import grade_class
from grader.grading.deciding import Options
from grader.grading.preparation import Order, Work
from grader.grading.quizzes import personal
from grader.grading.runners import InlineExecutor
from grader.records import Grade, Status
from grader.sandbox.host import client
from grader.settings import Settings
from tests.support.quiz_course import SECRET, hand_in, quiz_course, quiz_in

DEADLINE = "2026-03-01T12:00:00Z"


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    yield Settings(None, Path("unused"), secret=SECRET, device="cpu")
    client.release_zygotes()


@pytest.fixture(scope="module")
def graded(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> tuple[Course, dict[str, Grade], dict[str, str]]:
    """A class that was graded: the own notebook, another student's, and the sample by who is not in the roster; and the pages."""
    course = quiz_course(tmp_path_factory.mktemp("courses") / "course")
    hand_out(course, "week1", SECRET)
    hand_in(course, "student01", notebook_of="student01", when="2026-03-01 11:59:00 UTC")
    hand_in(course, "student02", notebook_of="student01")
    hand_in(course, "student03", when="2026-03-01 12:00:01 UTC")
    path = course.source("week1") / "assignment.toml"
    path.write_text(path.read_text().replace("[limits]", f"deadline = {DEADLINE}\n\n[limits]"))
    grades = grade_class(course, "week1", settings, Options(), runner=InlineExecutor(), tell=lambda *_: None)
    stored = {
        grade.student: attempts.read(course.folder, "week1", grade.student, grade.attempt) for grade in grades
    }
    pages = {
        page.parent.parent.name: page.read_text("utf-8") for page in write_pages(course, "week1", settings)
    }
    return course, {name: grade for name, grade in stored.items() if grade is not None}, pages


@pytest.fixture
def work(graded: tuple[Course, dict[str, Grade], dict[str, str]], settings: Settings, tmp_path: Path) -> Work:
    return preparation.prepared(Order(graded[0], "week1", settings, tmp_path, SECRET))


def test_answers_to_the_own_drawing_earn_points_and_those_to_anothers_nothing(
    graded: tuple[Course, dict[str, Grade], dict[str, str]],
) -> None:
    _, grades, _ = graded
    other = {check.id: check for check in grades["student02"].checks}["the_questions_are_your_own"]

    assert {name: grade.points for name, grade in grades.items()} == {
        "student01": 6,
        "student02": 0,
        "student03": 6,
    }
    assert {name: grade.provenance["drawing"] for name, grade in grades.items()} == {
        "student01": "own",
        "student02": "own",
        "student03": "for all",
    }
    assert other.status is Status.FAILED
    assert "drawn for somebody else" in str(other.hint)


def test_staff_read_whose_drawing_it_was_and_who_handed_in_late(
    graded: tuple[Course, dict[str, Grade], dict[str, str]],
) -> None:
    _, grades, _ = graded

    assert grades["student01"].staff.flags == ()
    assert grades["student02"].staff.flags == (
        "quiz: answers to the drawing of student01, not to the student's own: 0 points",
    )
    (late,) = grades["student03"].staff.flags
    assert "after the deadline" in late


def test_pages_explain_each_question_of_the_own_drawing_after_the_deadline(
    graded: tuple[Course, dict[str, Grade], dict[str, str]],
) -> None:
    course, _, pages = graded
    quiz = quiz_in(course)

    # The deadline has passed; before it nothing is told (`tests/feedback/test_explanations.py`).
    for student, page in pages.items():
        drawn = quiz.drawing(student).questions
        asked = {question.question.id for question in drawn}
        told = {
            question.id
            for question in quiz.bank.questions
            if question.options[0].explanation.rstrip(".") in page
        }
        assert told == asked
        assert page.count(" is right.</strong>") == 3
        assert f"{drawn[0].letters[drawn[0].right - 1]} is right." in page


def test_another_deadline_and_another_class_change_no_drawing(
    graded: tuple[Course, dict[str, Grade], dict[str, str]], work: Work
) -> None:
    course, _, _ = graded
    first, second = (personal.of_student(work, name) for name in ("student01", "student02"))

    numbers = [drawing_number(one.releases["week1"]) for one in (first, second)]
    assert numbers == [quiz_in(course).own(name).number for name in ("student01", "student02")]
    assert first.context.asked == second.context.asked == work.context.asked
    assert not np.array_equal(
        first.context.plan["answers"][0].key["drawing"], second.context.plan["answers"][0].key["drawing"]
    )


def test_stored_answers_are_judged_again_by_the_drawing_that_they_were_given_to(
    graded: tuple[Course, dict[str, Grade], dict[str, str]], settings: Settings, tmp_path: Path
) -> None:
    course, grades, _ = graded
    note = course.folder / ".pawgrade" / "drawn" / "week1.json"
    before = note.read_text()
    note_given(course.folder, "week1", ["student03"])  # joined the roster after the hand-in
    work = preparation.prepared(Order(course, "week1", settings, tmp_path, SECRET))
    note.write_text(before)

    points = {}
    for name, grade in grades.items():
        anew = judge_stored(course.folder, grade, work)
        assert anew is not None
        points[name] = anew.points

    assert points == {"student01": 6, "student02": 0, "student03": 6}


def test_what_is_no_quiz_stays_as_it_is(work: Work) -> None:
    import dataclasses

    plain = dataclasses.replace(work, context=dataclasses.replace(work.context, quiz=None))

    assert personal.of_student(plain, "student01") is plain


def test_before_the_deadline_it_is_not_explained(
    graded: tuple[Course, dict[str, Grade], dict[str, str]], work: Work, settings: Settings
) -> None:
    assignment = work.context.assignment
    tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)

    assert explanations.may_explain(graded[0], assignment, settings)
    assert not explanations.may_explain(
        graded[0], assignment.model_copy(update={"deadline": tomorrow}), settings
    )
    assert json.loads(assignment.model_dump_json())["deadline"] == DEADLINE
