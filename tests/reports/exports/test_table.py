"""CSV in which text stays text and numbers stay numbers."""

from __future__ import annotations

import csv
import dataclasses
import io
from decimal import Decimal

import pytest

from grader.assignment.course import Course
from grader.reports.exports.table import COLUMNS, csv_text, export, rounded
from tests.support.marks import marks_of


@pytest.mark.parametrize("text", ["=1+2", "+1", "-1+2", "@SUM(A1)", "\tx", "\rx"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_and_quotes(text: str) -> None:
    assert csv_text([[text]]) == f'"\'{text}"\r\n'


@pytest.mark.parametrize(
    ("cell", "written"),
    [(Decimal("-2.5"), "-2.5"), (Decimal("1E+2"), "100"), ("-2,5", '"-2,5"'), (None, '""'), ("a=b", '"a=b"')],
)
def test_numbers_stay_numbers_negative_ones_too(cell: Decimal | str | None, written: str) -> None:
    assert csv_text([[cell]]) == f"{written}\r\n"


@pytest.mark.parametrize("name", ['Example, "Countess"', "two\nlines", "Jürgen Müstermaß", "a;b"])
def test_a_name_stays_in_its_cell(name: str) -> None:
    assert next(csv.reader(io.StringIO(csv_text([[name, Decimal(1)]]), newline=""))) == [name, "1"]


def test_halves_are_rounded_up() -> None:
    assert [rounded(Decimal(text), 2) for text in ("0.125", "0.135")] == [Decimal("0.13"), Decimal("0.14")]


def test_a_class_has_all_columns_and_nothing_is_made_0(template: Course) -> None:
    marks = marks_of(template)

    table = list(csv.DictReader(io.StringIO(export(marks), newline="")))
    comma = list(csv.DictReader(io.StringIO(export(marks, comma=True), newline="")))

    assert tuple(table[0]) == COLUMNS
    assert [(row["student"], row["status"], row["points"], row["open_by_hand"]) for row in table] == [
        ("student01", "PASSED", "11.8333", ""),
        ("student02", "FAILED", "4", "reflection"),
        ("student03", "not handed in", "", ""),
        ("student04", "ERROR", "", ""),
        ("student05", "PASSED", "10", "reflection"),
    ]
    assert table[3]["not_decided"] == "double"
    assert table[0]["handed_in"] == "2026-01-31 12:00:00 UTC"
    assert table[0]["name"] == 'Ada Example, "Countess"'
    assert comma[0]["points"] == "11,8333"


def test_points_of_an_earlier_version_say_so_in_the_status(template: Course) -> None:
    marks = marks_of(template)
    newer = dataclasses.replace(marks, rows=(dataclasses.replace(marks.rows[0], newer=True),))

    (row,) = csv.DictReader(io.StringIO(export(newer), newline=""))

    assert row["status"] == "PASSED; a newer hand-in is not graded yet"
