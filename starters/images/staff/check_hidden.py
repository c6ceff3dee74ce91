"""Checks that students never see. What is in the folder `staff` is not released.

They are written as those in check_public.py, and may ask about the same answers. The checks of an exercise, public and
hidden, add up to its points.
"""

import numpy as np
import pytest

from grader.checks import gather, require


def questions(material):
    return {}  # what it asks about is planned in check_public.py


@pytest.mark.exercise("classify", points=2, asks="photos")
def test_every_class_has_a_score(answers):
    """Each class has a score of its own, not only the best one."""
    scores = gather(answers("photos")).plain
    fewest = min(len(np.unique(row)) for row in scores)
    hint = "Return what the head returns: a 1 for the best class and 0 for the others says nothing of the second best."
    require(fewest, at_least=10, what="different scores of a photo", hint=hint)
