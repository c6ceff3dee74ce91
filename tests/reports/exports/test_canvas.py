"""Canvas takes the file, and puts the marks where they belong."""

from __future__ import annotations

import csv
import io

import pytest

from grader.assignment.course import Course
from grader.errors import SpecError
from grader.reports.exports.canvas import column_name, export, parse
from grader.reports.exports.rows import Marks
from tests.support.marks import marks_of


@pytest.fixture(scope="module")
def marks(template: Course) -> Marks:
    return marks_of(template, excused=["student02"])


@pytest.mark.parametrize(
    ("column", "parsed"),
    [
        ("Pets (35 breeds) (12345)", ("Pets (35 breeds)", "12345")),
        ("Pets (35 breeds)", ("Pets (35 breeds)", "")),
        ("Pets(12345)", ("Pets(12345)", "")),
        ("Pets (12345) ", ("Pets (12345) ", "")),
    ],
)
def test_a_column_is_taken_apart_as_canvas_does(column: str, parsed: tuple[str, str]) -> None:
    assert parse(column) == parsed


def test_the_column_has_the_id_from_either_option() -> None:
    assert column_name("Pets (cats)", None, "12345") == "Pets (cats) (12345)"
    assert column_name("Pets", "Other (7)", None) == "Other (7)"
    assert column_name("Pets", None, None) == "Pets"


@pytest.mark.parametrize(
    ("title", "column", "canvas_id", "words"),
    [
        ("Pets", "Pets (1)", "1", "found both"),
        ("Pets", None, "12a", "expected a number"),
        ("Pets (2026)", None, None, "would take the end of the title"),
        ("My Current Score", None, "1", "skips columns with 'Current Score'"),
        ("Final Grade of pets", None, "1", "skips columns"),
        ("Unposted Final", None, "1", "skips columns"),
        ("Pets", "Override Status (3)", None, "skips columns"),
        ("=1+2", None, "1", "a spreadsheet shows"),
        ("two\nlines", None, "1", "a spreadsheet shows"),
    ],
)
def test_a_title_that_canvas_does_not_take_is_refused(
    title: str, column: str | None, canvas_id: str | None, words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        column_name(title, column, canvas_id)


def test_the_file_has_canvas_header_points_and_students(marks: Marks) -> None:
    made = export(marks, "Toy (5)")

    assert list(csv.reader(io.StringIO(made.files[""], newline=""))) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Toy (5)"],
        ["    Points Possible", "", "", "", "", "15"],
        ['Example, "Countess", Ada', "501", "S1", "ada", "Group 1", "11.83"],
        ["'=Müstermaß, Jürgen", "502", "S2", "juergen", "Group 1", "EX"],
        ["Sample, Kim", "503", "S3", "kim", "Group 2", ""],
        ["Specimen, Sam", "504", "S4", "sam", "Group 2", ""],
    ]
    assert made.exported == ("student01", "student02")
    assert made.left_out == {
        "student03": "not handed in; the cell is empty",
        "student04": "not decided: double; the cell is empty",
        "student05": "not in roster.csv",
    }
    assert made.notes == ("rounded to 2 decimals, Canvas takes no more: student01",)


def test_a_column_without_an_id_is_warned_about(marks: Marks) -> None:
    assert "no id in the column 'Toy'" in export(marks, "Toy").notes[0]


def test_who_has_neither_id_nor_a_name_of_their_own_is_left_out(course: Course) -> None:
    (course.folder / "roster.csv").write_text(
        "id,name,canvas id\nstudent01,Kim,\nstudent02,Kim,\nstudent04,,=4\n"
    )

    made = export(marks_of(course), "Toy (5)")

    assert made.exported == ()
    assert made.left_out["student01"].startswith("2 students in roster.csv have the name 'Kim'")
    assert made.left_out["student04"].startswith("the roster has no Canvas ID")
