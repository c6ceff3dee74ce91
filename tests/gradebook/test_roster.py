"""Who is in the course, by the names that other systems have for them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from grader.errors import SpecError
from grader.gradebook.roster import Column, Student, course_roster, read_roster
from tests.support.gradebooks import worked_course

MOODLE = """\
id,First name,Surname,Email address,Username,ID number,Moodle participant,GitHub
student01,Ada,"Example, Countess",ada@example.org,ada,1001,Participant 17,@ada
student02,Jürgen,Müstermaß,juergen@example.org,juergen,1002,18,juergen
"""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "roster.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def errors_of(folder: Path, content: str | bytes) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read_roster(written(folder, content))
    return [line.strip() for line in str(caught.value.message).splitlines()[1:]]


def test_every_column_of_moodle_is_read(tmp_path: Path) -> None:
    ada, juergen = read_roster(written(tmp_path, MOODLE)).students

    assert ada == Student(
        "student01",
        first_name="Ada",
        surname="Example, Countess",
        email="ada@example.org",
        username="ada",
        id_number="1001",
        github="ada",
        participant="17",
    )
    assert ada.full_name == "Ada Example, Countess"
    assert juergen.participant == "18"


def test_beside_canvas_own_columns_id_in_capitals_is_canvas(tmp_path: Path) -> None:
    canvas = "Student,ID,SIS User ID,SIS Login ID,Section,Student ID\n    Points Possible,,,,,\n"
    canvas += '"Example, Ada",4711,S-1,ada,Group 1,student01\n'

    (ada,) = read_roster(written(tmp_path, canvas)).students

    expected = Student("student01", name="Example, Ada", canvas_id="4711", sis_user_id="S-1")
    assert ada == Student(**{**vars(expected), "sis_login_id": "ada", "section": "Group 1"})


@pytest.mark.parametrize("header", ["ID,Name", "Id,NAME", "\ufeffid,name", "id;name", "id\tname"])
def test_case_byte_order_mark_and_delimiter_do_not_matter(tmp_path: Path, header: str) -> None:
    delimiter = next(mark for mark in ",;\t" if mark in header)

    roster = read_roster(written(tmp_path, f'{header}\r\nstudent01{delimiter}"Ada, L."\r\n\r\n'))

    assert roster.students == (Student("student01", name="Ada, L."),)


def test_nbgraders_own_columns_are_known(tmp_path: Path) -> None:
    roster = read_roster(
        written(tmp_path, "id,first_name,last_name,email,lms_user_id\nstudent01,Ada,L,a@example.org,7\n")
    )

    assert roster.students == (
        Student("student01", first_name="Ada", surname="L", email="a@example.org", canvas_id="7"),
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "student02"),
        ("name", "Jürgen Müstermaß"),
        ("name", "ju\u0308rgen MU\u0308STERMASS"),
        ("name", "Müstermaß, Jürgen"),
        ("email", "Juergen@Example.org"),
        ("username", "juergen"),
        ("id_number", "1002"),
        ("participant", "Participant 18"),
        ("participant", "Teilnehmer/in18"),
        ("github", "@Juergen"),
    ],
)
def test_a_student_is_found_by_each_name(tmp_path: Path, column: Column, value: str) -> None:
    lookup = read_roster(written(tmp_path, MOODLE)).find(column, value)

    assert lookup.reason == ""
    assert lookup.student is not None
    assert lookup.student.id == "student02"


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("id", "Student02", "nobody in roster.csv has the id 'Student02'"),
        ("id", "", "nobody"),
        ("name", "Jurgen Mustermas", "nobody"),
        ("participant", "Participant", "nobody"),
        ("name", "Kim Sample", "2 students in roster.csv have the name 'Kim Sample': student03, student04"),
        ("email", "kim@example.org", "2 students"),
    ],
)
def test_who_is_not_there_or_not_the_only_one_is_not_guessed(
    tmp_path: Path, column: Column, value: str, reason: str
) -> None:
    same = "student03,Kim,Sample,kim@example.org\nstudent04,Kim,Sample,kim@example.org\n"

    lookup = read_roster(written(tmp_path, MOODLE + same)).find(column, value)

    assert lookup.student is None
    assert lookup.reason.startswith(reason)


def test_all_errors_are_told_at_once_with_their_rows(tmp_path: Path) -> None:
    rows = [
        "id,name,username,moodle participant",
        "student01,Ada,ada,17",
        ",Nobody,,",
        "Student01,Other,other,18",
        "student03,Sample, Kim,kim,19",
        "../student04,Up,up,20",
        "stud\u200bent05,Zero,zero,21",
        "student06,\u202eadA,ADA,six",
    ]

    assert errors_of(tmp_path, "\n".join(rows)) == [
        "row 3: the id is empty",
        "row 4: the id 'Student01' stands in row 2, too",
        "row 5: expected 4 cells, found 5; a cell with a delimiter in it stands in quotes",
        "row 5: expected `Participant 123`, found 'kim'",
        "row 6: the id '../student04' is no name of a folder",
        "row 7: the id 'stud\ufffdent05' has the invisible character U+200B",
        "row 8: the name '\ufffdadA' has the invisible character U+202E",
        "row 8: expected `Participant 123`, found 'six'",
        "row 8: the username 'ADA' stands in row 2, too",
    ]


def test_a_joiner_is_the_spelling_of_a_name_and_no_part_of_an_id(tmp_path: Path) -> None:
    assert read_roster(written(tmp_path, "id,name\nstudent01,علی\u200cرضا\n")).students[0].name
    assert errors_of(tmp_path, "id\nstudent\u200c01\n")


def test_ids_are_composed_and_a_second_spelling_is_a_duplicate(tmp_path: Path) -> None:
    assert read_roster(written(tmp_path, "id\njo\u0308rg\n")).students[0].id == "jörg"
    assert errors_of(tmp_path, "id\njörg\njo\u0308rg\n") == ["row 3: the id 'jörg' stands in row 2, too"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name,mail\nAda,a\n", "expected a column `id`, the folder under submitted/, found name, mail"),
        ("", "found nothing"),
        ("id,surname,Last name\n", "the columns 'surname' and 'Last name' mean the same"),
        (b"id,name\nstudent01,J\xfcrgen\n", "line 2 is no UTF-8"),
        ('id,name\nstudent01,"Ada\nstudent02,Bob\n', "no CSV"),
        (None, "there is no such roster"),
    ],
)
def test_a_file_that_is_no_roster_is_refused(tmp_path: Path, content: str | bytes | None, words: str) -> None:
    path = tmp_path / "absent.csv" if content is None else written(tmp_path, content)

    with pytest.raises(SpecError, match=words):
        read_roster(path)


def test_a_course_has_its_file_or_nbgraders_students(tmp_path: Path) -> None:
    course = worked_course(tmp_path / "course")
    db_url = f"sqlite:///{course}/gradebook.db"

    of_nbgrader = course_roster(course, db_url)
    other = tmp_path / "other.csv"
    other.write_text("id\nstudent08\n")
    (course / "roster.csv").write_text("id\nstudent09\n")

    assert of_nbgrader.students == (
        Student("student01", first_name="Ada", email="ada@example.org", canvas_id="7"),
        Student("student02"),
    )
    assert [student.id for student in course_roster(course, db_url).students] == ["student09"]
    assert [student.id for student in course_roster(course, db_url, other).students] == ["student08"]


def test_without_a_gradebook_there_is_nobody_and_none_is_made(tmp_path: Path) -> None:
    assert course_roster(tmp_path, f"sqlite:///{tmp_path}/gradebook.db").students == ()
    assert not list(tmp_path.iterdir())


def test_a_row_fills_every_field(tmp_path: Path) -> None:
    header = "id,name,first name,surname,email,username,idnumber,canvas id,SIS User ID,SIS Login ID,Section,github,participant"

    (student,) = read_roster(written(tmp_path, f"{header}\n{','.join('1' * 13)}\n")).students

    assert {getattr(student, field.name) for field in fields(Student)} == {"1"}
