"""Each student of the roster gets a folder that can be worked in, with questions of their own and nothing of the key."""

from __future__ import annotations

import json
import shutil
import unicodedata
import zipfile
from pathlib import Path

import nbformat
import pytest

from grader.assignment.quizzes.bank import bank_of
from grader.assignment.quizzes.cells import drawing_number
from grader.authoring.quizzes.handing_out import hand_out, has_roster, is_quiz
from grader.authoring.release import build_release
from grader.authoring.starters import new
from grader.collecting.collect import Order, collect
from grader.errors import SpecError
from tests.support.quiz_course import SECRET, quiz_course, quiz_in


def test_each_student_gets_the_release_with_an_own_drawing(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course")
    assert is_quiz(course, "week1")
    assert not is_quiz(course, new.SAMPLE)

    paths = hand_out(course, "week1", SECRET)

    assert [path.relative_to(course.folder).as_posix() for path in paths] == [
        f"handed_out/{student}/week1/week1.ipynb" for student in ("student01", "student02")
    ]
    notebooks = [nbformat.read(path, 4) for path in paths]
    quiz = quiz_in(course)
    assert quiz.students == {"student01", "student02"}
    assert [drawing_number(notebook) for notebook in notebooks] == [
        quiz.own("student01").number,
        quiz.own("student02").number,
    ]
    for path, notebook in zip(paths, notebooks, strict=True):
        nbformat.validate(notebook)
        release = course.release("week1")
        assert {file.name for file in path.parent.iterdir()} == {file.name for file in release.iterdir()}
        text = json.dumps(notebook)
        assert "SOLUTION" not in text
        bank = bank_of(course.source("week1"))
        assert bank is not None
        assert not [option for one in bank.questions for option in one.options if option.explanation in text]


def test_without_a_roster_nobody_has_an_own_drawing(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course", roster="")

    assert not has_roster(course)
    assert hand_out(course, "week1", SECRET) == []
    assert quiz_in(course).students == frozenset()
    assert not (course.folder / "handed_out").exists()


def test_a_roster_with_mistakes_changes_nothing(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course", roster="id\n../student01\n")

    with pytest.raises(SpecError, match="no name of a folder"):
        hand_out(course, "week1", SECRET)
    assert not (course.folder / "handed_out").exists()
    assert not (course.folder / ".pawgrade" / "drawn").exists()


def test_who_joins_later_changes_nothing_for_the_others(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course")
    first = {path.parent.parent.name: path.read_bytes() for path in hand_out(course, "week1", SECRET)}
    (course.folder / "roster.csv").write_text("id\nstudent02\nstudent03\n")

    second = {path.parent.parent.name: path.read_bytes() for path in hand_out(course, "week1", SECRET)}

    assert second["student02"] == first["student02"]
    assert second["student03"] != second["student02"]
    assert quiz_in(course).students == {"student01", "student02", "student03"}


def test_the_folders_are_as_collect_reads_them(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course")
    hand_out(course, "week1", SECRET)
    shutil.copytree(course.folder / "handed_out", tmp_path / "received")

    collected = collect(course, Order(tmp_path / "received", "week1"), course.db_url(None))

    assert {row.student: row.action for row in collected.rows} == {"student01": "new", "student02": "new"}
    with pytest.raises(SpecError):  # what nobody has worked on is no hand-in
        collect(course, Order(course.folder / "handed_out", "week1"), course.db_url(None))


def test_ids_with_spaces_and_accents_are_students_like_others(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course", roster="id\nAda Example\nJos\u00e9\n")

    ada, jose = hand_out(course, "week1", SECRET)

    assert ada.relative_to(course.folder).parts[1] == "Ada Example"
    quiz, in_parts = quiz_in(course), unicodedata.normalize("NFD", "Jos\u00e9")
    assert in_parts not in quiz.students  # as the folder of a Mac is called
    assert quiz.drawing(in_parts).number == drawing_number(nbformat.read(jose, 4)) != quiz.common.number


@pytest.mark.parametrize(
    ("folder", "column"),
    [("Ada Example_12_assignsubmission_file_/{}.ipynb", "name"), ("exampleada_12_345_{}.ipynb", "canvas_id")],
)
def test_learning_platforms_bring_the_drawn_notebook_back_to_its_student(
    tmp_path: Path, folder: str, column: str
) -> None:
    course = quiz_course(
        tmp_path / "course",
        roster=f"id,{column.replace('_', ' ')}\nstudent01,{'Ada Example' if column == 'name' else 12}\n",
    )
    (own,) = hand_out(course, "week1", SECRET)
    with zipfile.ZipFile(tmp_path / "hand-ins.zip", "w") as archive:
        archive.write(own, folder.format("week1"))

    (row,) = collect(course, Order(tmp_path / "hand-ins.zip", "week1"), course.db_url(None)).rows

    assert (row.student, row.action) == ("student01", "new")
    placed = nbformat.read(course.submitted / "student01" / "week1" / "week1.ipynb", 4)
    assert drawing_number(placed) == quiz_in(course).own("student01").number


def test_what_a_course_hands_in_where_quizzes_are_handed_out_is_not_replaced(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course")
    work = course.folder / "handed_out" / "student01" / "week1" / "week1.ipynb"
    work.parent.mkdir(parents=True)
    work.write_text("a term's work")
    config = course.folder / "nbgrader_config.py"
    config.write_text(config.read_text() + '\nc.CourseDirectory.submitted_directory = "handed_out"\n')

    with pytest.raises(SpecError, match="submitted_directory is 'handed_out'"):
        hand_out(course, "week1", SECRET)
    assert work.read_text() == "a term's work"


def test_of_several_notebooks_that_of_the_function_has_the_questions(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course")
    source = course.source("week1")
    spec = source / "assignment.toml"
    text = spec.read_text().replace("[limits]", 'notebooks = ["notes", "week1"]\n\n[limits]', 1)
    spec.write_text(text.replace("budget_s = 5", 'budget_s = 5\nnotebook = "week1"'))
    notes = nbformat.read(source / "week1.ipynb", 4)
    notes.cells = [nbformat.v4.new_markdown_cell("Notes.", id="notes")]
    nbformat.write(notes, source / "notes.ipynb")
    build_release(course.folder, "week1", course.folder / "assignments")

    own, _ = hand_out(course, "week1", SECRET)

    assert drawing_number(nbformat.read(own, 4)) == quiz_in(course).own("student01").number
    assert nbformat.read(own.with_name("notes.ipynb"), 4).cells[0].source == "Notes."
