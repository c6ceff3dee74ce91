"""The checks that students can read and run: `lab.check("softmax")` in the notebook, or `pawgrade check`.

When a submission is graded they run once more, on numbers that nobody has seen. Two patterns of expected values are here:
values that are stored, and properties that only the right answer has. The third, a module for staff, is in `staff/`.
"""

import numpy as np
import pytest

from grader.checks import Material, Question, largest_gap, require

NEAR = 1e-6  # what rounding may cost

# Stored values: worked out by hand, small enough that a student can follow them.
SCORES = np.log([[1.0, 3.0], [2.0, 2.0]])
EXPECTED = np.array([[0.25, 0.75], [0.5, 0.5]])


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked: sets of calls by name. What stands in a question's key never reaches the notebook."""
    drawn = material.rng.normal(0, 3, (material.counts["rows"], 5))
    return {
        "stored": [Question("softmax", (SCORES,), {"expected": EXPECTED})],
        "drawn": [Question("softmax", (drawn,), {"scores": drawn})],
    }


@pytest.mark.exercise("softmax", points=2, asks="stored")
def test_a_small_example_is_right(answers):
    """The example from the notebook has the probabilities that it has by hand."""
    (answer,) = answers("stored")
    gap = largest_gap(answer.value, answer.key["expected"])
    hint = "exp(log 1) is 1 and exp(log 3) is 3: what is each of them divided by?"
    require(gap, at_most=NEAR, what="largest error", hint=hint)


@pytest.mark.exercise("softmax", points=3, asks="drawn")
def test_every_row_adds_up_to_1(answers):
    """Each row of the answer adds up to 1."""
    (answer,) = answers("drawn")
    gap = float(np.abs(answer.value.sum(axis=1) - 1).max())
    hint = "Sum over axis=1, with keepdims=True, so that each row is divided by its own sum."
    require(gap, at_most=NEAR, what="largest distance of a sum from 1", hint=hint)


@pytest.mark.exercise("softmax", points=2, asks="drawn")
def test_differences_of_scores_stay(answers):
    """A score that is larger by d makes a probability that is exp(d) times as large."""
    (answer,) = answers("drawn")
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of 0 or less meets no bound
        rest = np.log(answer.value) - answer.key["scores"]
        spread = float(np.ptp(rest, axis=1).max())
    hint = "Take np.exp of the scores: not a power of 2, and not the scores themselves."
    require(spread, at_most=NEAR, what="largest error of a difference", hint=hint)
