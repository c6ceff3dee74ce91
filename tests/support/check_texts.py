"""A check file in a few lines: one question, two exercises."""

GOOD = '''
import numpy as np
import pytest
from grader.checks import require, show
from grader.checks.questions import Question


def questions(material):
    return {"numbers": [Question("double", (int(material.rng.integers(1000)),), {"n": np.array(3)})]}


@pytest.mark.exercise("double", points=6, asks="numbers")
def test_double(answers):
    """Twice."""
    (answer,) = answers("numbers")
    require(float(answer.value), at_least=6, at_most=6, what="value", hint="Twice.")


@pytest.mark.exercise("square", points=4)
def test_square():
    """Square."""
    require(1, at_least=1, hint="?")
'''
