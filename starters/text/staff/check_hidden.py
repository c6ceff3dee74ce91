"""Checks that students never see: corner cases. What is in the folder `staff` is not released.

They are written as those in check_public.py. The checks of an exercise, public and hidden, add up to its points.
"""

import numpy as np
import pytest

from grader.checks import Question, largest_gap, require

SENTENCES = ["the film was not good", "the ending was really dull"]


def questions(material):
    sentences = np.array(SENTENCES)
    return {
        "quiet": [Question("liked", (sentences,))],
        "loud": [Question("liked", (np.char.upper(sentences),))],
    }


@pytest.mark.exercise("liked", points=1, asks=("quiet", "loud"))
def test_capitals_do_not_matter(answers):
    """A sentence in capitals gets the same answer."""
    (quiet,), (loud,) = answers("quiet"), answers("loud")
    gap = largest_gap(loud.value, quiet.value)
    require(gap, at_most=1e-6, what="largest difference", hint="lower() before you split a sentence.")
