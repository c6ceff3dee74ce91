"""The key of a quiz, as its check file asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment.quizzes.bank import FILE
from grader.assignment.quizzes.drawing import common_key, draw
from grader.checks import quiz_key
from grader.checks.quiz import is_quiz_key
from grader.errors import SpecError
from tests.support.quizzes import bank, bank_text


def test_the_key_is_that_of_the_drawing_for_all(tmp_path: Path) -> None:
    file = tmp_path / "week1" / "staff" / "check_hidden.py"
    file.parent.mkdir(parents=True)
    with pytest.raises(SpecError, match=r"no staff/bank.toml"):
        quiz_key(str(file))
    (tmp_path / "week1" / FILE).write_text(bank_text())

    key = quiz_key(str(file))
    drawing = draw(bank(), common_key(bank(), "week1"))

    assert is_quiz_key(key)
    assert not is_quiz_key({"right": key["right"]})
    assert key["drawing"].tolist() == [drawing.number]
    assert key["right"].tolist() == [drawn.right for drawn in drawing.questions]
