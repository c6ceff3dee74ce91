"""A quiz in a course: who has an own drawing, and whose a drawing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment.quizzes.bank import FILE
from grader.assignment.quizzes.quiz import given, note_given, quiz_of
from grader.errors import SpecError
from tests.support.quizzes import bank_text


def test_who_was_given_a_notebook_has_an_own_drawing_and_keeps_it(tmp_path: Path) -> None:
    source = tmp_path / "solutions" / "week1"
    (source / "staff").mkdir(parents=True)
    assert quiz_of(tmp_path, source, b"secret") is None
    (source / FILE).write_text(bank_text())

    note_given(tmp_path, "week1", ["student01"])
    note_given(tmp_path, "week1", ["student02"])
    quiz = quiz_of(tmp_path, source, b"secret")

    assert quiz is not None
    assert quiz.students == {"student01", "student02"}
    assert quiz.drawing("student01") == quiz.own("student01") != quiz.common
    assert quiz.drawing("student03") == quiz.common
    assert quiz.whose(quiz.own("student02").number) == "student02"
    assert quiz.whose(quiz.common.number) == ""


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[" * 10])
def test_a_damaged_note_is_told_and_not_begun_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".pawgrade" / "drawn" / "week1.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)

    with pytest.raises(SpecError, match=r"week1.json: expected a JSON list"):
        given(tmp_path, "week1")
    with pytest.raises(SpecError):
        note_given(tmp_path, "week1", ["student01"])
    assert path.read_text() == text
