"""Checks that students never see: corner cases. What is in the folder `staff` is not released.

They are written as those in check_public.py. The checks of an exercise, public and hidden, add up to its points.
"""

from pathlib import Path

import numpy as np
import pytest

from grader.checks import Question, largest_gap, load_checks, require

# A module for staff computes the expected values. Nothing of it is released, so that it may be the solution itself.
expected = load_checks(Path(__file__).parent / "expected.py")


def questions(material):
    far = np.array([[800.0], [-800.0], [900.0], [-900.0], [1000.0], [0.0]])
    large = material.rng.normal(0, 2, (6, 4)) + far
    return {"large": [Question("softmax", (large,), {"expected": expected.softmax(large)})]}


@pytest.mark.exercise("softmax", points=3, asks="large")
def test_large_scores(answers):
    """Scores far from 0 have probabilities, too."""
    (answer,) = answers("large")
    gap = largest_gap(answer.value, answer.key["expected"])
    hint = "np.exp(800) is too large for a float. What may you subtract from all scores of a row?"
    require(gap, at_most=1e-6, what="largest error", hint=hint)
