"""CSV that spreadsheets take for what it is: text stays text, numbers stay numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from grader.reports.exports.rows import NEWER, Marks, Row, number

Cell = str | Decimal | None
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins so
COLUMNS = (
    "student", "name", "email", "assignment", "status", "points", "max_points", "automatic", "by_hand", "extra_credit",
    "late_penalty", "open_by_hand", "not_decided", "attempt", "handed_in", "believed",
)  # fmt: skip


def is_formula(text: str) -> bool:
    """Say whether a spreadsheet would run a text instead of showing it."""
    return text.startswith(FORMULA)


def safe(text: str) -> str:
    """Return a text that no spreadsheet runs: with an apostrophe before one that begins as a formula does."""
    return f"'{text}" if is_formula(text) else text


def rounded(points: Decimal, decimals: int) -> Decimal:
    """Return points with so many decimals at most, halves up."""
    return points.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def numeral(points: Decimal | None, *, comma: bool) -> Cell:
    """Return points as a cell: a number, or a text with a decimal comma."""
    return points if points is None or not comma else number(points).replace(".", ",")


def csv_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows as CSV (RFC 4180): text and empty cells quoted and safe, numbers bare.

    A text that is a number with a decimal comma counts as a number: a sign before it is no formula.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    for row in rows:
        writer.writerow([_cell(cell) for cell in row])
    return file.getvalue()


def _cell(cell: Cell) -> str | Decimal:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return Decimal(number(cell))  # no exponent: 1E+2 is 100
    return cell if cell.replace(",", "", 1).removeprefix("-").isdecimal() else safe(cell)


def export(marks: Marks, *, comma: bool = False) -> str:
    """Return everything that is known of a class's marks as CSV, one row a student."""
    return csv_text([COLUMNS, *(_row(marks, row, comma=comma) for row in marks.rows)])


def _row(marks: Marks, row: Row, *, comma: bool) -> list[Cell]:
    graded = row.parts != ()
    numbers = (
        row.points,
        marks.max_points,
        row.automatic,
        row.manual,
        row.extra if graded else None,
        row.penalty if graded else None,
    )
    return [
        row.student.id,
        row.student.full_name,
        row.student.email,
        marks.assignment.id,
        f"{row.status}; {NEWER}" if row.newer else row.status,
        *(numeral(points, comma=comma) for points in numbers),
        " ".join(row.waiting),
        " ".join(row.undecided),
        row.attempt,
        f"{row.handed_in:%Y-%m-%d %H:%M:%S UTC}" if row.handed_in else "",
        "yes" if row.grade and row.grade.believed else "",
    ]
