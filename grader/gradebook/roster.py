"""The roster: who is in the course, and what other systems call them.

A course keeps it in `roster.csv`: a header, then one row a student. Columns have the names that learning platforms use, in any
order and in any case; columns of other names are passed over. Only `id` must be there: the folder under `submitted/`.
Without a file, the students of nbgrader's gradebook are the roster.
"""

from __future__ import annotations

import csv
import functools
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.errors import SpecError
from grader.gradebook.manual_work import sqlite_path
from grader.gradebook.nbgrader import Gradebook, has_nbgrader, nbgrader_api, open_gradebook
from grader.notebooks.sanitise_text import visible

FILE = "roster.csv"  # in the course's folder
DELIMITERS = ",;\t"

Column = Literal[
    "id", "name", "email", "username", "id_number", "canvas_id", "sis_user_id", "sis_login_id", "github", "participant"
]  # fmt: skip


@dataclass(frozen=True)
class Student:
    """One student, by the names that the course and other systems have for them; "" where there is none.

    Attributes:
        id: nbgrader's student id, the folder under `submitted/`; NFC.
        name: the whole name, where the roster has it in one column.
        first_name: given names.
        surname: family name.
        email: address.
        username: Moodle's name for logging in.
        id_number: Moodle's `ID number`.
        canvas_id: Canvas' `ID`, or nbgrader's `lms_user_id`.
        sis_user_id: Canvas' `SIS User ID`.
        sis_login_id: Canvas' `SIS Login ID`.
        section: Canvas' `Section`.
        github: name on GitHub, without `@`.
        participant: digits of Moodle's `Participant 123`, which blind marking shows.
    """

    id: str
    name: str = ""
    first_name: str = ""
    surname: str = ""
    email: str = ""
    username: str = ""
    id_number: str = ""
    canvas_id: str = ""
    sis_user_id: str = ""
    sis_login_id: str = ""
    section: str = ""
    github: str = ""
    participant: str = ""

    @property
    def full_name(self) -> str:
        """The name as people write it: `Ada Example`; "" where the roster has none."""
        return self.name or " ".join(filter(None, (self.first_name, self.surname)))

    @property
    def names(self) -> set[str]:
        """Every way in which systems write the name: whole, and with the surname first."""
        turned = f"{self.surname}, {self.first_name}" if self.surname and self.first_name else ""
        joined = " ".join(filter(None, (self.first_name, self.surname)))
        return {self.name, joined, turned} - {""}


@dataclass(frozen=True)
class Lookup:
    """What a search of the roster gave.

    Attributes:
        student: the only student who fits; None when nobody or more than one does.
        reason: why there is none, for people; "" when there is one.
    """

    student: Student | None
    reason: str = ""


@dataclass(frozen=True)
class Roster:
    """The students of a course.

    Attributes:
        students: in the order of the file, or by id.
        source: where they come from, for messages.
    """

    students: tuple[Student, ...]
    source: str

    def find(self, column: Column, value: str) -> Lookup:
        """Look a student up by what one system calls them.

        Names, addresses and user names are compared without regard to case; everything else as it is. All are NFC-normalised first.

        Args:
            column: field of `Student`; `name` also finds `Surname, First name` and `First name Surname`.
            value: what to look for; a participant may be given as `Participant 123`.
        """
        key = _key(column, value)
        matches = self._by_column[column].get(key, ()) if key else ()
        if len(matches) == 1:
            return Lookup(matches[0])
        what = f"{_LABELS[column]} {visible(value.strip())!r}"
        if not matches:
            return Lookup(None, f"nobody in {self.source} has the {what}")
        ids = ", ".join(visible(student.id) for student in matches)
        return Lookup(None, f"{len(matches)} students in {self.source} have the {what}: {ids}")

    @functools.cached_property
    def _by_column(self) -> Mapping[str, Mapping[str, tuple[Student, ...]]]:
        tables: dict[str, dict[str, tuple[Student, ...]]] = {column: {} for column in _LABELS}
        for student in self.students:
            for column, table in tables.items():
                values = student.names if column == "name" else {str(getattr(student, column))}
                for key in {_key(column, value) for value in values} - {""}:
                    table[key] = (*table.get(key, ()), student)
        return tables


_LABELS: dict[str, str] = {
    "id": "id",
    "name": "name",
    "email": "email address",
    "username": "username",
    "id_number": "ID number",
    "canvas_id": "Canvas ID",
    "sis_user_id": "SIS User ID",
    "sis_login_id": "SIS Login ID",
    "github": "GitHub name",
    "participant": "Moodle participant",
}
# Systems give these to one person only. Not the address: some let two accounts share one.
_UNIQUE = ("username", "id_number", "canvas_id", "sis_user_id", "sis_login_id", "github", "participant")
# Of the compared header, for each field; see `_word`. Moodle, Canvas, GitHub Classroom and nbgrader write them so.
_HEADERS: dict[str, tuple[str, ...]] = {
    "id": ("id", "student id", "folder"),
    "name": ("name", "full name", "student", "student name"),
    "first_name": ("first name", "given name"),
    "surname": ("surname", "last name", "family name"),
    "email": ("email", "e mail", "email address"),
    "username": ("username", "user name"),
    "id_number": ("idnumber", "id number"),
    "canvas_id": ("canvas id", "lms user id"),
    "sis_user_id": ("sis user id",),
    "sis_login_id": ("sis login id",),
    "section": ("section",),
    "github": ("github", "github username"),
    "participant": ("moodle participant", "participant", "identifier"),
}
_FIELD_OF = {word: field for field, words in _HEADERS.items() for word in words}
_CANVAS = {"sis user id", "sis login id"}  # beside them `ID` is Canvas' own
_FOLDED = {"name", "email", "username", "github"}
_JOINERS = "\u200c\u200d"  # spelling of names in several languages needs them
_PARTICIPANT = re.compile(
    r"(?:[^\W\d_][^\d]*)?(\d+)"
)  # the word before the number is Moodle's, in its language


def _key(column: str, value: str) -> str:
    """Return a value as it is compared."""
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if column == "participant":
        match = _PARTICIPANT.fullmatch(text)
        return match.group(1).lstrip("0") if match else ""
    if column == "github":
        text = text.removeprefix("@")
    # Normalised again: to fold case may take a letter and its accent apart.
    return unicodedata.normalize("NFC", text.casefold()) if column in _FOLDED else text


def read_roster(path: Path) -> Roster:
    """Read a roster file.

    Args:
        path: CSV in UTF-8, with or without a byte order mark; `,`, `;` or tab between the cells.

    Raises:
        SpecError: the file cannot be read or has errors; all of them are named, with the numbers of their rows (the header is row 1).
    """
    rows = _rows(path)
    header = rows[0] if rows else []
    columns, errors = _columns(header)
    if errors:
        raise _wrong(path, errors)
    students: dict[int, Student] = {}
    for number, row in enumerate(rows[1:], 2):
        # Canvas' own export has the points below its header.
        if not any(cell.strip() for cell in row) or "points possible" in row[0].casefold():
            continue
        student, faults = _student(row, columns, len(header))
        errors += [f"row {number}: {fault}" for fault in faults]
        if student.id:
            students[number] = student
    errors += _duplicates(students)
    if errors:
        raise _wrong(path, sorted(errors, key=_row_number))
    return Roster(tuple(students.values()), path.name)


def course_roster(course: Path, db_url: str, file: Path | None = None) -> Roster:
    """Return the roster of a course: the file named, else `roster.csv` there, else the students of nbgrader's gradebook.

    Args:
        course: the course's folder.
        db_url: URL of the gradebook.
        file: a roster file, or None.

    Raises:
        SpecError: a file was named that is not there, or the one that is there has errors.
    """
    if file is not None or (course / FILE).is_file():
        return read_roster(file or course / FILE)
    if not has_nbgrader():
        return Roster((), "the gradebook")
    # Opening would create an empty gradebook.
    path = sqlite_path(db_url)
    if path is not None and not path.is_file():
        return Roster((), "the gradebook")
    with open_gradebook(db_url) as gradebook:
        return gradebook_roster(gradebook)


def gradebook_roster(gradebook: Gradebook) -> Roster:
    """Return the students of nbgrader's gradebook, by id."""
    api = nbgrader_api()
    gradebook.db.rollback()  # what was read before may be old
    rows = gradebook.db.query(api.Student).order_by(api.Student.id)
    return Roster(
        tuple(
            Student(
                unicodedata.normalize("NFC", row.id),
                first_name=row.first_name or "",
                surname=row.last_name or "",
                email=row.email or "",
                canvas_id=row.lms_user_id or "",
            )
            for row in rows
        ),
        "the gradebook",
    )


def _rows(path: Path) -> list[list[str]]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as exc:
        raise SpecError(f"{path}: there is no such roster.", "Name another with --roster.") from exc
    except OSError as exc:
        raise SpecError(f"{path}: the roster cannot be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise SpecError(
            f"{path}: line {line} is no UTF-8.", "Save it as `CSV UTF-8` in the spreadsheet program."
        ) from exc
    # The delimiter by which most columns are known; the first of equals, which is the comma.
    delimiter = max(
        DELIMITERS, key=lambda mark: len(_FIELD_OF.keys() & set(map(_word, _first_row(text, mark))))
    )
    # Strict: a quote that is never closed would otherwise swallow the rest of the class.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return list(reader)
    except csv.Error as exc:
        raise SpecError(f"{path}: line {reader.line_num} is no CSV: {exc}.") from exc


def _first_row(text: str, delimiter: str) -> list[str]:
    first_line = next(iter(text.splitlines()), "")
    return next(csv.reader([first_line], delimiter=delimiter), [])


def _word(cell: str) -> str:
    """Return the name of a column as it is compared: small letters, one blank between words."""
    return " ".join(re.sub(r"[\s_-]+", " ", unicodedata.normalize("NFC", cell)).casefold().split())


def _columns(header: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Return the position of each field's column, and what is wrong with the header."""
    words = [_word(cell) for cell in header]
    named = [_FIELD_OF.get(word, "") for word in words]
    # `ID` means the folder, as `id` does, unless something beside it says that it is Canvas'.
    exactly = [cell.strip() for cell in header]
    if "ID" in exactly and (_CANVAS & set(words) or "id" in exactly or named.count("id") > 1):
        named[exactly.index("ID")] = "canvas_id"
    columns: dict[str, int] = {}
    errors = []
    for position, field in enumerate(named):
        if field and columns.setdefault(field, position) != position:
            pair = f"{header[columns[field]]!r} and {header[position]!r}"
            errors.append(f"row 1: the columns {visible(pair)} mean the same")
    if "id" not in columns:
        header_cells = ", ".join(visible(cell) for cell in header) or "nothing"
        errors.append(f"row 1: expected a column `id`, the folder under submitted/, found {header_cells}")
    return columns, errors


def _student(row: Sequence[str], columns: Mapping[str, int], width: int) -> tuple[Student, list[str]]:
    """Return the student of a row, and what is wrong with it."""
    values = {
        field: unicodedata.normalize("NFC", row[position]).strip()
        for field, position in columns.items()
        if position < len(row)
    }
    faults = []
    if any(cell.strip() for cell in row[width:]):
        faults.append(
            f"expected {width} cells, found {len(row)}; a cell with a delimiter in it stands in quotes"
        )
    for field, value in values.items():
        if character := hidden_character(
            value, joiners=field in {"name", "first_name", "surname", "section"}
        ):
            faults.append(f"{_heading(field)} {visible(value)!r} has the invisible character {character}")
    student_id = values.get("id", "")
    if not student_id:
        faults.append("the id is empty")
    elif student_id in {".", ".."} or set("/\\\0") & set(student_id):
        faults.append(f"the id {visible(student_id)!r} is no name of a folder")
    if values.get("participant") and not _key("participant", values["participant"]):
        faults.append(f"expected `Participant 123`, found {visible(values['participant'])!r}")
    for field in {"participant", "github"} & values.keys():
        values[field] = values[field].removeprefix("@") if field == "github" else _key(field, values[field])
    return Student(**{"id": "", **values}), faults


def hidden_character(text: str, *, joiners: bool = False) -> str:
    """Return the first control, bidi or zero-width character as `U+202E`; "" where there is none.

    Args:
        text: an id, or a name.
        joiners: whether the zero-width joiners may be in it, as in names of several languages.
    """
    allowed = _JOINERS if joiners else ""
    hidden = (
        character
        for character in text
        if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} and character not in allowed
    )
    return next((f"U+{ord(character):04X}" for character in hidden), "")


def _duplicates(students: Mapping[int, Student]) -> list[str]:
    """Name ids, and names that systems give only once, that stand in two rows."""
    errors = []
    first_row: dict[tuple[str, str], int] = {}
    for number, student in students.items():
        for field in ("id", *_UNIQUE):
            value = str(getattr(student, field))
            # Ids wider than the others: on many disks two that differ in case are the same folder.
            key = unicodedata.normalize("NFKC", value).casefold() if field == "id" else _key(field, value)
            if key and (first := first_row.setdefault((field, key), number)) != number:
                errors.append(
                    f"row {number}: {_heading(field)} {visible(value)!r} stands in row {first}, too"
                )
    return errors


def _heading(field: str) -> str:
    return f"the {_LABELS.get(field, field.replace('_', ' '))}"


def _row_number(error: str) -> int:
    return int(error.split(":", maxsplit=1)[0].removeprefix("row "))


def _wrong(path: Path, errors: Sequence[str]) -> SpecError:
    count = f"{len(errors)} error{'s' * (len(errors) > 1)}"
    lines = "".join(f"\n  {error}" for error in errors)
    return SpecError(f"{path}: {count} in the roster.{lines}", "Mend them and run the command again.")
