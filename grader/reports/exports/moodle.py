"""Moodle's CSV import, of which one bad row stops the whole: what Moodle would refuse is left out."""

from __future__ import annotations

from typing import Literal

from grader.errors import SpecError
from grader.reports.exports.rows import Export, Marks, Row, number
from grader.reports.exports.table import Cell, csv_text, is_formula, numeral, rounded

Identifier = Literal["username", "idnumber", "email"]
FIELDS: dict[Identifier, Literal["username", "id_number", "email"]] = {
    "username": "username",
    "idnumber": "id_number",
    "email": "email",
}
DECIMALS = 5  # as Moodle keeps them


def export(marks: Marks, *, comma: bool = False, identifier: Identifier | None = None) -> Export:
    """Return the marks for `Import > CSV file`; only students whom Moodle can take are in it.

    Args:
        marks: of the class.
        comma: whether the site writes decimals with a comma.
        identifier: the column by which Moodle is to find students; None: the first that anybody has.

    Raises:
        SpecError: nobody in the roster has anything that Moodle finds students by.
    """
    column = identifier or next(
        (name for name, field in FIELDS.items() if any(getattr(row.student, field) for row in marks.rows)),
        None,
    )
    if column is None:
        raise SpecError(
            f"nobody in {marks.roster.source} has a username, an ID number or an email address.",
            "Moodle finds students by one of these: add the column to roster.csv.",
        )
    title = marks.assignment.id
    lines: list[list[Cell]] = [[*FIELDS, f"{title} (points)", f"{title} (feedback)"]]
    exported, left_out = [], dict[str, str]()
    for row in marks.rows:
        value = getattr(row.student, FIELDS[column])
        reason = refusal(marks, row) or ("" if value else f"the roster has no {column}")
        if not reason and is_formula(value):
            reason = f"a spreadsheet would run the {column}"
        if not reason:
            reason = marks.roster.find(FIELDS[column], value).reason
        if reason or row.points is None:
            left_out[row.student.id] = reason
            continue
        exported.append(row.student.id)
        ids = [getattr(row.student, field) for field in FIELDS.values()]
        points = numeral(rounded(row.points, DECIMALS), comma=comma)
        lines.append([*("" if is_formula(text) else text for text in ids), points, feedback(marks, row)])
    return Export({"": csv_text(lines)}, tuple(exported), left_out, (f"in Moodle, map the user by {column}",))


def refusal(marks: Marks, row: Row) -> str:
    """Say why a student's points are not to go to Moodle; "" where they are."""
    if not row.in_roster:
        return f"not in {marks.roster.source}"
    if row.points is None:
        return row.without_points
    if row.points > marks.max_points:
        return f"{number(row.points)} points are more than {number(marks.max_points)}, where Moodle stops the import"
    return ""


def feedback(marks: Marks, row: Row) -> str:
    """Return a line for the student: the points, exercise by exercise, and what is still open."""
    if row.points is None:
        return ""
    parts = [
        f"{entry.id} {'open' if entry.points is None else number(entry.points)}/{number(entry.max_points)}"
        for entry in row.parts
    ]
    more = [
        f"{word} {number(points)}"
        for word, points in (("extra credit", row.extra), ("late", -row.penalty))
        if points
    ]
    total = f"Points: {number(row.points)} of {number(marks.max_points)} ({', '.join([*parts, *more])})."
    return total + (f" Still to be graded by hand: {', '.join(row.waiting)}." if row.waiting else "")
