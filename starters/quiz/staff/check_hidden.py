"""The key. What is in the folder `staff` is not released, and this file runs where no student's code does."""

import numpy as np
import pytest

from grader.checks import Question, require_parts

KEY = np.array([2, 1, 4, 3])


def questions(material):
    return {"answers": [Question("quiz", ())]}


# Each right answer earns its part of the points. Feedback says how many points, not which answers were right.
@pytest.mark.exercise("quiz", points=8, asks="answers")
def test_the_answers_are_right(answers):
    """The answers to the four questions; which of them are right is not told."""
    (answer,) = answers("answers")
    right = int((answer.value == KEY).sum())
    hint = "Every question has its place in the notebook of the week."
    require_parts(right, of=len(KEY), what="right answers", hint=hint)
