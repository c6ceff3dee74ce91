"""What every export shows: exact points, what is open, and no points that are not 0."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.errors import SpecError
from grader.gradebook.nbgrader import open_gradebook
from grader.reports.exports.rows import EXCUSED, MISSING, UNGRADED, Row, believed_note, exact, number
from tests.support.gradebooks import row as cell_row
from tests.support.handed_in import folder_of
from tests.support.marks import grade_what_lies_there, marks_of
from tests.support.notebooks import toy_course, toy_grade


def rows_of(course: Course, **changes: object) -> dict[str, Row]:
    return {row.student.id: row for row in marks_of(course, **changes).rows}


def test_points_are_those_of_checks_of_people_and_on_top(template: Course) -> None:
    row = rows_of(template)["student01"]

    assert (row.automatic, row.manual, row.extra) == (Decimal("7.3333"), Decimal(4), Decimal("0.5"))
    assert row.points == Decimal("11.8333")
    assert (row.status, row.waiting, row.attempt) == ("PASSED", (), "first")
    assert str(row.handed_in) == "2026-01-31 12:00:00+00:00"


def test_work_by_hand_that_is_open_is_named(template: Course) -> None:
    row = rows_of(template)["student02"]

    assert (row.points, row.manual, row.waiting, row.status) == (Decimal(4), None, ("reflection",), "FAILED")


def test_what_is_missing_excused_or_not_decided_has_no_points(template: Course) -> None:
    rows = rows_of(template, excused=["student01"])

    assert {
        name: (rows[name].points, rows[name].status) for name in ("student01", "student03", "student04")
    } == {
        "student01": (None, EXCUSED),
        "student03": (None, MISSING),
        "student04": (None, "ERROR"),
    }
    assert rows["student04"].without_points == "not decided: double"
    assert not rows["student05"].in_roster


def test_work_that_is_not_graded_is_handed_in_and_points_of_an_earlier_version_say_so(course: Course) -> None:
    hand_in(course, "student01", "student03", "student06")
    grade_what_lies_there(course, toy_grade("student01", double=3.3333))
    hand_in(course, "student01", text='{"cells": []}')

    marks = marks_of(course)

    rows = {row.student.id: row for row in marks.rows}
    assert {name for name, row in rows.items() if row.status == UNGRADED} == {"student03", "student06"}
    assert rows["student03"].in_roster
    assert not rows["student06"].in_roster
    assert [name for name, row in rows.items() if row.newer] == ["student01"]
    assert rows["student01"].points == Decimal("11.8333")
    assert marks.notes == (
        "handed in, not graded yet: student03, student06. Run `pawgrade grade toy`.",
        "a newer hand-in is not graded yet, the points are of an earlier one: student01. Run `pawgrade grade toy`.",
    )


def test_what_nbgrader_graded_itself_is_graded(course: Course) -> None:
    shutil.rmtree(course.folder / ".pawgrade/attempts/toy/student01")
    hand_in(course, "student01")

    marks = marks_of(course)

    assert {row.student.id: row.status for row in marks.rows}["student01"] == "PASSED"
    assert marks.notes == ()


def hand_in(course: Course, *students: str, text: str = "{}") -> None:
    folder_of(course.submitted, {f"{student}/toy/toy.ipynb": text for student in students})


def test_a_person_may_correct_a_check_decide_what_was_not_and_take_off_for_being_late(course: Course) -> None:
    with open_gradebook(f"sqlite:///{course.folder}/gradebook.db") as gradebook:
        cell_row(gradebook, "double").manual_score = 6.0
        cell_row(gradebook, "double", "student04").manual_score = 0.0
        gradebook.find_submission_notebook("toy", "toy", "student01").late_submission_penalty = 2.25
        gradebook.db.commit()

    rows = rows_of(course)

    assert (rows["student01"].points, rows["student01"].penalty) == (Decimal("12.25"), Decimal("2.25"))
    assert rows["student04"].points == 4
    assert rows["student04"].undecided == ()


def test_an_id_that_cannot_be_seen_as_it_is_is_left_out(course: Course) -> None:
    folder = course.folder / ".pawgrade/attempts/toy"
    shutil.copytree(folder / "student01", folder / "student01\u202e")

    marks = marks_of(course)

    assert marks.left_out == {"student01\u202e": "the id has the invisible character U+202E"}


def test_without_a_gradebook_it_is_said_that_points_by_hand_are_missing(course: Course) -> None:
    (course.folder / "gradebook.db").unlink()

    marks = marks_of(course)

    assert "points given by hand are in no mark" in marks.notes[0]
    assert not (course.folder / "gradebook.db").exists()


def test_a_gradebook_that_shows_another_attempt_is_told(course: Course) -> None:
    folder = course.folder / ".pawgrade/attempts/toy/student02"
    (folder / "first").rename(folder / "abc")
    (folder / "current").write_text("abc")
    path = folder / "abc" / "grade.json"
    path.write_text(path.read_text().replace('"first"', '"abc"'))

    assert marks_of(course).notes == (
        "student02: the gradebook shows another attempt; run `pawgrade gradebook rebuild`",
    )


def test_nobody_graded_and_nobody_excused_are_refused(template: Course, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="nobody has been graded in toy yet"):
        marks_of(Course(toy_course(tmp_path)))
    hand_in(Course(tmp_path), "student01")
    with pytest.raises(SpecError, match="nobody has been graded in toy yet"):
        marks_of(Course(tmp_path))
    with pytest.raises(SpecError, match="--excused: expected the id of a student, found 'student77'"):
        marks_of(template, excused=["student77"])


@pytest.mark.parametrize(("points", "text"), [(0.1, "0.1"), (100.0, "100"), (3.3333, "3.3333"), (-0.0, "0")])
def test_numbers_are_written_as_people_write_them(points: float, text: str) -> None:
    assert number(exact(points)) == text


def test_one_student_whose_points_are_believed_is_one() -> None:
    assert "of 1 student are believed: tests in a notebook of" in believed_note(1)
    assert "of 2 students are believed: tests in notebooks of" in believed_note(2)
