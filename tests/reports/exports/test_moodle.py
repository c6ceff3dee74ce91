"""Moodle's CSV import: one unknown row would stop it, so there is none."""

from __future__ import annotations

import csv
import dataclasses
import io
from decimal import Decimal

import pytest

from grader.assignment.course import Course
from grader.errors import SpecError
from grader.reports.exports.moodle import export
from tests.support.marks import marks_of


def test_who_has_points_and_is_known_is_in_it_and_the_others_are_listed(course: Course) -> None:
    made = export(marks_of(course, excused=["student03"]))

    feedback = "Points: 11.8333 of 15 (double 3.3333/6, square 4/4, reflection 4/5, extra credit 0.5)."
    opened = (
        "Points: 4 of 15 (double 0/6, square 4/4, reflection open/5). Still to be graded by hand: reflection."
    )
    assert list(csv.reader(io.StringIO(made.files[""], newline=""))) == [
        ["username", "idnumber", "email", "toy (points)", "toy (feedback)"],
        ["ada", "1001", "ada@example.org", "11.8333", feedback],
        ["juergen", "1002", "juergen@example.org", "4", opened],
    ]
    assert made.left_out == {
        "student03": "excused",
        "student04": "not decided: double",
        "student05": "not in roster.csv",
    }
    assert made.notes == ("in Moodle, map the user by username",)


def test_a_site_may_write_decimals_with_a_comma(course: Course) -> None:
    assert '"11,8333"' in export(marks_of(course), comma=True).files[""]


def test_more_than_the_maximum_would_stop_the_import_and_is_left_out(course: Course) -> None:
    marks = marks_of(course)
    first = dataclasses.replace(marks.rows[0], points=Decimal("15.5"))

    made = export(dataclasses.replace(marks, rows=(first, *marks.rows[1:])))

    assert made.left_out["student01"] == "15.5 points are more than 15, where Moodle stops the import"
    assert "ada" not in made.files[""]


def test_an_identifier_that_is_missing_shared_or_a_formula_leaves_out(course: Course) -> None:
    roster = course.folder / "roster.csv"
    roster.write_text("id,username,email\nstudent01,=ada,same@example.org\nstudent02,,same@example.org\n")

    by_username, by_email = export(marks_of(course)), export(marks_of(course), identifier="email")

    assert by_username.left_out["student01"] == "a spreadsheet would run the username"
    assert by_username.left_out["student02"] == "the roster has no username"
    assert by_email.left_out["student01"].startswith("2 students in roster.csv have the email address")
    roster.write_text("id\nstudent01\n")
    with pytest.raises(SpecError, match="nobody in roster.csv has a username, an ID number or an email"):
        export(marks_of(course))
