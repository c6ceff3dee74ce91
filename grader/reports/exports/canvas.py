"""Canvas' gradebook CSV: one column, which `Title (12345)` binds to an assignment there."""

from __future__ import annotations

import re

from grader.errors import SpecError
from grader.reports.exports.rows import EXCUSED, Export, Marks, Row
from grader.reports.exports.table import Cell, csv_text, is_formula, rounded

DECIMALS = 2  # Canvas takes no more
_WITH_ID = re.compile(r"(.*)\s\(([0-9]+)\)")  # as Canvas itself takes a column's name apart
# Canvas takes such columns for totals of its own, and skips them.
_RESERVED = re.compile(
    r"(current|final) (score|points|grade)|unposted (current|final)|override (score|grade|status)",
    re.IGNORECASE,
)


def parse(column: str) -> tuple[str, str]:
    """Return the title and the id of a column, the id "" where it has none; a title may have parentheses itself."""
    match = _WITH_ID.fullmatch(column)
    return (match[1], match[2]) if match else (column, "")


def column_name(title: str, column: str | None, canvas_id: str | None) -> str:
    """Return the name of the assignment's column.

    Args:
        title: of the assignment, used where no column is given.
        column: `Title (12345)` as Canvas exports it, or None.
        canvas_id: the number in the assignment's address in Canvas, or None.

    Raises:
        SpecError: both are given, the id is no number, or Canvas would not take the title.
    """
    if column is not None and canvas_id is not None:
        raise SpecError(
            "expected --canvas-column or --canvas-id, found both.", "The column has the id in it."
        )
    if canvas_id is not None and not re.fullmatch("[0-9]+", canvas_id):
        raise SpecError(
            f"--canvas-id: expected a number, found {canvas_id!r}.",
            "It stands at the end of the assignment's address in Canvas: .../assignments/12345",
        )
    if column is None and canvas_id is None and parse(title)[1]:
        raise SpecError(
            f"Canvas would take the end of the title {title!r} for an assignment's id.",
            "Give it with --canvas-id.",
        )
    name = column if column is not None else title if canvas_id is None else f"{title} ({canvas_id})"
    words = parse(name)[0]
    if reserved := _RESERVED.search(words):
        raise SpecError(
            f"Canvas skips columns with {reserved.group()!r} in their title, found {words!r}.",
            "Rename the assignment in Canvas, then name its column with --canvas-column.",
        )
    if not words.strip() or is_formula(name) or not name.isprintable():
        raise SpecError(
            f"expected a title that a spreadsheet shows as it is, found {name!r}.",
            "Rename the assignment in Canvas, then name its column with --canvas-column.",
        )
    return name


def export(marks: Marks, column: str) -> Export:
    """Return the marks as Canvas imports them.

    Excused students get `EX`; who has no points gets an empty cell, which Canvas leaves as it is.

    Args:
        marks: of the class.
        column: from `column_name`.
    """
    lines: list[list[Cell]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", column],
        ["    Points Possible", None, None, None, None, rounded(marks.max_points, DECIMALS)],
    ]
    exported, left_out = [], dict[str, str]()
    cut = []
    for row in marks.rows:
        ids = [_identifier(value) for value in _ids(row)]
        if reason := _unknown(marks, row, any(ids)):
            left_out[row.student.id] = reason
            continue
        score: Cell = None
        if row.status == EXCUSED:
            score = "EX"
        elif row.points is not None:
            score = rounded(row.points, DECIMALS)
            cut += [row.student.id] if score != row.points else []
        if score is None:
            left_out[row.student.id] = f"{row.without_points}; the cell is empty"
        else:
            exported.append(row.student.id)
        lines.append([_name(row), *ids, row.student.section, score])
    notes = []
    if not parse(column)[1]:
        notes.append(
            f"no id in the column {column!r}: Canvas looks for an assignment of exactly that title, and offers to make "
            "one where there is none. Give --canvas-id, or --canvas-column as Canvas exports it."
        )
    if cut:
        notes.append(f"rounded to {DECIMALS} decimals, Canvas takes no more: {', '.join(cut)}")
    return Export({"": csv_text(lines)}, tuple(exported), left_out, tuple(notes))


def _ids(row: Row) -> tuple[str, str, str]:
    return row.student.canvas_id, row.student.sis_user_id, row.student.sis_login_id


def _identifier(value: str) -> Cell:
    # With an apostrophe Canvas would not know it, and without one a spreadsheet would run it.
    return None if is_formula(value) else value


def _name(row: Row) -> str:
    student = row.student
    return (
        f"{student.surname}, {student.first_name}"
        if student.surname and student.first_name
        else student.full_name
    )


def _unknown(marks: Marks, row: Row, has_id: bool) -> str:
    """Say why Canvas could not know a student; "" where it can."""
    if not row.in_roster:
        return f"not in {marks.roster.source}"
    if has_id:
        return ""
    if not row.student.full_name:
        return "the roster has no Canvas ID, SIS User ID, SIS Login ID or name"
    # Without an id Canvas goes by the name.
    return marks.roster.find("name", row.student.full_name).reason
