"""Quizzes in check files: the key of the drawing that a submission is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from grader.assignment.quizzes.bank import bank_of
from grader.assignment.quizzes.drawing import Drawing, common_key, draw
from grader.checks.questions import Array
from grader.errors import SpecError

DRAWING, RIGHT = "drawing", "right"  # the names in such a key


def quiz_key(check_file: str) -> dict[str, Array]:
    """Return the key of a question to `quiz()`: of the drawing for all, for which grading puts the student's own.

    Args:
        check_file: `__file__` of `staff/check_hidden.py`; the bank lies beside it.

    Returns:
        `drawing` int64 `[1]`, the drawing's number; `right` int64 `[n]`, the number of the right option of each question, from 1.

    Raises:
        SpecError: the bank has mistakes, or there is none.
    """
    source = Path(check_file).resolve().parent.parent
    bank = bank_of(source)
    if bank is None:
        raise SpecError(f"{source}: no staff/bank.toml.", "quiz_key is for a quiz that is made of a bank.")
    return key_of(draw(bank, common_key(bank, source.name)))


def key_of(drawing: Drawing) -> dict[str, Array]:
    """Return a drawing as the key of a question to `quiz()`, as `quiz_key` does."""
    return {
        DRAWING: np.array([drawing.number], np.int64),
        RIGHT: np.array([drawn.right for drawn in drawing.questions], np.int64),
    }


def is_quiz_key(key: Mapping[str, Array]) -> bool:
    """Say whether a question's key is that of a drawing."""
    return set(key) == {DRAWING, RIGHT}
