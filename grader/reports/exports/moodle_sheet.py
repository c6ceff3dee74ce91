"""Moodle's offline grading worksheet, filled in place: two columns change, every other byte stays."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from grader.errors import SpecError
from grader.gradebook.roster import Column
from grader.notebooks.sanitise_text import visible
from grader.reports.exports.moodle import DECIMALS, feedback, refusal
from grader.reports.exports.rows import Export, Marks, Row, number
from grader.reports.exports.table import rounded, safe

BOM = codecs.BOM_UTF8.decode()
# Moodle's names of the columns, in English and German; others are named by options.
GRADE = ("grade", "bewertung")
FEEDBACK = ("feedback comments", "feedback als kommentar")
MAXIMUM = ("maximum grade", "bestwertung")
CHANGEABLE = ("grade can be changed", "bewertung kann geändert werden")
NO = frozenset({"no", "nein"})  # in that column, of a grade that is locked in Moodle
IDENTIFIERS: dict[Column, tuple[str, ...]] = {
    "id_number": ("id number", "id-nummer"),
    "email": ("email address", "e-mail-adresse"),
    "username": ("username", "anmeldename"),
    "participant": ("identifier", "id"),
}


@dataclass
class _Line:
    """A row of the sheet: cells as they are written, quotes and all, and what ends the row."""

    cells: list[str]
    end: str

    def value(self, position: int) -> str:
        raw = self.cells[position] if position < len(self.cells) else ""
        return raw[1:-1].replace('""', '"') if raw.startswith('"') else raw


@dataclass(frozen=True)
class Options:
    """How a sheet is to be read.

    Attributes:
        comma: whether the site writes decimals with a comma.
        grade: name of the column for points; None: found by its name.
        feedback: name of the column for feedback; None: found by its name, and left alone where there is none.
        identifier: the only thing to match by; None: ID number, address, user name and participant, as far as they are there.
    """

    comma: bool = False
    grade: str | None = None
    feedback: str | None = None
    identifier: Column | None = None


def export(marks: Marks, sheet: Path, options: Options) -> Export:
    """Return the sheet with points and feedback filled in.

    Rows of students who are not known or have no points, and rows that are locked in Moodle, stay as they are.

    Args:
        marks: of the class.
        sheet: the file as Moodle gave it, in UTF-8.
        options: how to read it.

    Raises:
        SpecError: it cannot be read, a column is missing, or Moodle's maximum is not the assignment's.
    """
    mark, delimiter, lines = _read(sheet)
    head = [lines[0].value(position) for position in range(len(lines[0].cells))]
    grade = _position(sheet, head, options.grade, GRADE, "--grade-column")
    comments = _optional(sheet, head, options.feedback)
    maximum, changeable = _column(head, MAXIMUM), _column(head, CHANGEABLE)
    if maximum is not None:
        _require_maximum(sheet, lines, maximum, marks)
    ways = _ways(sheet, head, options.identifier)
    rows = {row.student.id: row for row in marks.rows}
    exported, left_out, met = list[str](), dict[str, str](), set[str]()
    for row_number, line in enumerate(lines[1:], 2):
        if line.cells == [""]:
            continue
        row, reason = _match(marks, rows, line, ways)
        if row is None:
            left_out[f"row {row_number}"] = reason
            continue
        student = row.student.id
        if student in met:
            raise SpecError(f"{sheet}: row {row_number} is a second row of {student}.", "Download it again.")
        met.add(student)
        reason = refusal(marks, row) or _ragged(line, head) or _locked(line, changeable)
        if reason or row.points is None:
            left_out[student] = reason
            continue
        exported.append(student)
        points = number(rounded(row.points, DECIMALS))
        line.cells[grade] = _raw(points.replace(".", ",") if options.comma else points, delimiter)
        if comments is not None:
            line.cells[comments] = _raw(safe(feedback(marks, row)), delimiter)
    graded = [row.student.id for row in marks.rows if row.points is not None]
    left_out |= {student: "has no row in the sheet" for student in graded if student not in met}
    notes = []
    if comments is None:
        notes.append("no known column for feedback: name it with --feedback-column")
    if maximum is None:
        most = number(marks.max_points)
        notes.append(f"no known column for the maximum: make sure that it is {most} in Moodle, too")
    content = mark + "".join(delimiter.join(line.cells) + line.end for line in lines)
    return Export({"": content}, tuple(exported), left_out, tuple(notes))


def _column(head: Sequence[str], names: Sequence[str]) -> int | None:
    """Return where the first column of one of these names is, or None."""
    words = [cell.strip().casefold() for cell in head]
    return next((position for position, word in enumerate(words) if word in names), None)


def _require_maximum(sheet: Path, lines: Sequence[_Line], position: int, marks: Marks) -> None:
    """Raise SpecError where full marks are another number in Moodle: it would take 10 of 10 points for 10 of 100."""
    for row_number, line in enumerate(lines[1:], 2):
        text = line.value(position).strip()
        if text in {"", "-"}:
            continue
        # With a comma or a point, and as many decimals as the site shows.
        digits = re.fullmatch(r"([0-9]+)(?:[.,]([0-9]+))?", text)
        decimals = digits[2] or "" if digits else ""
        most = Decimal(f"{digits[1]}.{decimals}") if digits else None
        if most != rounded(marks.max_points, len(decimals)):
            points = number(marks.max_points)
            raise SpecError(
                f"{sheet}: row {row_number}: expected the maximum {points}, as {marks.assignment.id} has, found {visible(text)[:40]!r}.",
                f"In the assignment's settings in Moodle, set the maximum grade to {points} points and download the sheet again.",
            )


def _locked(line: _Line, position: int | None) -> str:
    """Say that a row's grade is locked in Moodle; "" where it is not."""
    if position is not None and line.value(position).strip().casefold() in NO:
        return "locked in Moodle (its row says that the grade cannot be changed)"
    return ""


def _ragged(line: _Line, head: Sequence[str]) -> str:
    count = len(line.cells)
    return "" if count == len(head) else f"its row has {count} cells, the header {len(head)}"


def _read(sheet: Path) -> tuple[str, str, list[_Line]]:
    """Return the byte order mark, the delimiter and the rows of a sheet."""
    try:
        text = sheet.read_bytes().decode("utf-8")
    except OSError as exc:
        raise SpecError(f"{sheet}: the sheet cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise SpecError(
            f"{sheet}: the sheet is no UTF-8.",
            "Use the file as Moodle gave it, not one saved by a spreadsheet program.",
        ) from exc
    mark = BOM if text.startswith(BOM) else ""
    body = text[len(mark) :]
    first_line = body.split("\n", 1)[0]
    delimiter = max(",;\t", key=first_line.count)
    return mark, delimiter, _lines(sheet, body, delimiter)


def _lines(sheet: Path, text: str, delimiter: str) -> list[_Line]:
    """Take CSV apart so that its pieces, put together, are the text again; Python's own reader forgets the quotes."""
    piece = re.compile(
        rf'("(?:[^"]|"")*"|[^"{delimiter}\r\n][^{delimiter}\r\n]*|)({delimiter}|\r\n|\n|\r|\Z)'
    )
    lines, cells, position = list[_Line](), list[str](), 0
    while position < len(text) or cells:
        match = piece.match(text, position)
        if match is None:
            number_of_line = text.count("\n", 0, position) + 1
            raise SpecError(f"{sheet}: line {number_of_line} is no CSV: a quote stands in the wrong place.")
        cells.append(match[1])
        position = match.end()
        if match[2] != delimiter:
            lines.append(_Line(cells, match[2]))
            cells = []
    if not lines:
        raise SpecError(f"{sheet}: the sheet is empty.", "Download it from Moodle again.")
    return lines


def _position(sheet: Path, head: Sequence[str], named: str | None, usual: Sequence[str], option: str) -> int:
    """Return where a column is; raises SpecError where there is none, or more than one."""
    words = [cell.strip().casefold() for cell in head]
    names = usual if named is None else [named.strip().casefold()]
    positions = [position for position, word in enumerate(words) if word in names]
    if len(positions) != 1:
        what = f"{'no' if not positions else 'more than one'} column {' or '.join(map(repr, names))}"
        raise SpecError(
            f"{sheet}: {what}; the sheet has {visible(', '.join(head))}.", f"Name the column with {option}."
        )
    return positions[0]


def _optional(sheet: Path, head: Sequence[str], named: str | None) -> int | None:
    words = {cell.strip().casefold() for cell in head}
    if named is None and not words & set(FEEDBACK):
        return None
    return _position(sheet, head, named, FEEDBACK, "--feedback-column")


def _ways(sheet: Path, head: Sequence[str], identifier: Column | None) -> list[tuple[Column, int]]:
    """Return what students can be matched by, with the column's position."""
    words = [cell.strip().casefold() for cell in head]
    ways = [
        (column, words.index(name))
        for column, names in IDENTIFIERS.items()
        for name in names
        if name in words and identifier in {None, column}
    ]
    # Moodle puts `Participant 123` first, whatever it calls the column.
    if not any(column == "participant" for column, _ in ways) and identifier in {None, "participant"}:
        ways.append(("participant", 0))
    if not ways:
        raise SpecError(
            f"{sheet}: no column to match students by; the sheet has {visible(', '.join(head))}.",
            "Match by something else with --identifier.",
        )
    return ways


def _match(
    marks: Marks, rows: dict[str, Row], line: _Line, ways: Sequence[tuple[Column, int]]
) -> tuple[Row | None, str]:
    """Return the row of marks for a row of the sheet, or why there is none; two ways that disagree are none."""
    lookups = [marks.roster.find(column, value) for column, at in ways if (value := line.value(at).strip())]
    students = {lookup.student.id: lookup.student for lookup in lookups if lookup.student is not None}
    if len(students) > 1:
        return None, f"the sheet's columns name different students: {', '.join(students)}"
    if not students:
        return None, "; ".join(lookup.reason for lookup in lookups) or "nothing to match by"
    (student,) = students
    return rows[student], ""


def _raw(text: str, delimiter: str) -> str:
    """Write a cell, in quotes where it needs them."""
    return '"' + text.replace('"', '""') + '"' if {delimiter, '"', "\r", "\n", " "} & set(text) else text
