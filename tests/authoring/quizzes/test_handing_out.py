"""Each student of the roster gets a folder that can be worked in, with questions of their own and nothing of the key."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest

from grader.assignment.quizzes.bank import bank_of
from grader.assignment.quizzes.cells import drawing_number
from grader.authoring.quizzes.handing_out import hand_out, has_roster, is_quiz
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
