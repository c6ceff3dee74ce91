"""Moodle's worksheet comes back byte for byte, but for two columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.errors import SpecError
from grader.reports.exports.moodle_sheet import Options, export
from grader.reports.exports.rows import Marks
from tests.support.marks import marks_of

HEAD = 'Identifier,"Full name","ID number","Email address",Status,Grade,"Maximum grade","Feedback comments",Extra\r\n'
ROW = '"Participant 17","Example, ""Countess"" Ada",{},{},"Submitted\r\nfor grading",{},15.00,{},"=kept, ""as it is"""\r\n'
SHEET = (
    "\ufeff"
    + HEAD
    + ROW.format("1001", "ada@example.org", "-", '""')
    + "Participant 99,Nobody,,,No,3,15.00,,\r\n"
)
SHEET += "Participant 19,Kim Sample,1003,kim@example.org,No,,15.00,,x"  # no line break at the end
FEEDBACK = '"Points: 11.8333 of 15 (double 3.3333/6, square 4/4, reflection 4/5, extra credit 0.5)."'


@pytest.fixture(scope="module")
def marks(template: Course) -> Marks:
    return marks_of(template)


def sheet_of(folder: Path, text: str) -> Path:
    path = folder / "sheet.csv"
    path.write_bytes(text.encode())
    return path


def test_nothing_but_two_columns_changes(marks: Marks, tmp_path: Path) -> None:
    made = export(marks, sheet_of(tmp_path, SHEET), Options())

    before = ROW.format("1001", "ada@example.org", "-", '""')
    assert made.files[""] == SHEET.replace(before, ROW.format("1001", "ada@example.org", "11.8333", FEEDBACK))
    assert made.exported == ("student01",)
    assert made.left_out == {
        "row 3": "nobody in roster.csv has the Moodle participant 'Participant 99'",
        "student03": "not handed in",
        "student02": "has no row in the sheet",
        "student05": "has no row in the sheet",
    }


def test_columns_of_another_language_are_named(marks: Marks, tmp_path: Path) -> None:
    text = "Identifiant;Note;Commentaires\nParticipant 18;;\n"
    sheet = sheet_of(tmp_path, text)

    with pytest.raises(
        SpecError, match=r"no column 'grade'.*Identifiant, Note, Commentaires.*--grade-column"
    ):
        export(marks, sheet, Options())
    without = export(marks, sheet, Options(grade="note"))
    made = export(marks, sheet, Options(comma=True, grade="Note", feedback="Commentaires"))

    assert without.files[""] == "Identifiant;Note;Commentaires\nParticipant 18;4;\n"
    assert "--feedback-column" in without.notes[0]
    assert made.files[""].startswith('Identifiant;Note;Commentaires\nParticipant 18;4;"Points: 4 of 15')


def test_columns_that_name_two_students_are_not_guessed(marks: Marks, tmp_path: Path) -> None:
    text = HEAD + "Participant 17,Ada,1002,ada@example.org,,,15,,\r\n"
    sheet = sheet_of(tmp_path, text)

    both, by_number = export(marks, sheet, Options()), export(marks, sheet, Options(identifier="id_number"))

    assert both.files[""] == text
    assert both.left_out["row 2"] == "the sheet's columns name different students: student02, student01"
    assert by_number.exported == ("student02",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"Identifier,Grade\r\nParticipant 17,\xff\r\n", "no UTF-8"),
        (b'Identifier,Grade\r\n"Participant 17,\r\n', "line 2 is no CSV"),
        (b"", "empty"),
        (b"Identifier,Grade,Grade\r\n", "more than one column"),
        (b"Identifier,Grade\r\nParticipant 17,\r\nParticipant 17,\r\n", "row 3 is a second row of student01"),
    ],
)
def test_a_sheet_that_is_none_is_refused(marks: Marks, tmp_path: Path, content: bytes, words: str) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_bytes(content)

    with pytest.raises(SpecError, match=words):
        export(marks, sheet, Options())
    with pytest.raises(SpecError, match="cannot be read"):
        export(marks, tmp_path / "absent.csv", Options())


def test_a_row_of_another_width_is_left_as_it_is(marks: Marks, tmp_path: Path) -> None:
    text = "Identifier,Grade,Feedback comments\nParticipant 17,\n"

    made = export(marks, sheet_of(tmp_path, text), Options())

    assert made.files[""] == text
    assert made.left_out["student01"] == "its row has 2 cells, the header 3"


@pytest.mark.parametrize("head", ["Maximum Grade", "Bestwertung"])
@pytest.mark.parametrize("most", ["100,00", "100.00", "15.50", "1", "gut"])
def test_another_maximum_than_the_assignments_is_refused_with_both(
    marks: Marks, tmp_path: Path, head: str, most: str
) -> None:
    sheet = sheet_of(tmp_path, f'Identifier,Grade,{head}\nParticipant 17,,-\nParticipant 18,,"{most}"\n')

    with pytest.raises(
        SpecError, match=rf"row 3: expected the maximum 15, as toy has, found '{most}'.*to 15 points"
    ):
        export(marks, sheet, Options())


@pytest.mark.parametrize("most", ["15", "15.00", "15,00000", "", "-"])
def test_the_same_maximum_is_known_however_the_site_writes_it(
    marks: Marks, tmp_path: Path, most: str
) -> None:
    sheet = sheet_of(tmp_path, f'Identifier,Grade,Maximum grade\nParticipant 17,,"{most}"\n')

    made = export(marks, sheet, Options())

    assert made.exported == ("student01",)
    assert not any("maximum" in note for note in made.notes)


def test_without_a_known_column_the_maximum_is_for_people_to_compare(marks: Marks, tmp_path: Path) -> None:
    made = export(marks, sheet_of(tmp_path, "Identifier,Grade\nParticipant 17,\n"), Options())

    assert made.notes[-1] == "no known column for the maximum: make sure that it is 15 in Moodle, too"


@pytest.mark.parametrize(
    ("head", "word"), [("Grade can be changed", "No"), ("Bewertung kann geändert werden", "Nein")]
)
def test_a_row_that_is_locked_in_moodle_stays_as_it_is(
    marks: Marks, tmp_path: Path, head: str, word: str
) -> None:
    text = f"Identifier,Grade,{head},Feedback comments\nParticipant 17,55,{word},old\nParticipant 18,,Yes,\n"

    made = export(marks, sheet_of(tmp_path, text), Options())

    assert made.files[""].startswith(text.split("Participant 18", maxsplit=1)[0])
    assert made.exported == ("student02",)
    assert made.left_out["student01"].startswith("locked in Moodle")
