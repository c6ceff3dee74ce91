"""Corner cases of the edges: small pictures, and a change that is exactly the threshold."""

import numpy as np
import pytest

from grader.checks import Question, largest_gap, require


def questions(material):
    small = [material.rng.integers(0, 256, shape, np.uint8) for shape in ((1, 7), (6, 1), (3, 3))]
    steps = np.tile((10 + 6 * np.arange(12)).astype(np.uint8), (9, 1))
    return {
        "small": [Question("sobel", (one,), {"image": one}) for one in small],
        "exact": [Question("edges", (steps, 6.0))],
    }


@pytest.mark.exercise("sobel", points=2, asks="small")
def test_small_pictures(answers):
    """A picture may be a single row or column."""
    gap = max(largest_gap(one.value, by_hand(one.key["image"])) for one in answers("small"))
    require(gap, at_most=1e-6, what="largest error", hint="The border is repeated, whatever the size is.")


def by_hand(image):
    height, width = image.shape
    found = np.zeros((height, width, 2))
    for y in range(height):
        for x in range(width):
            for place, weight in ((-1, 1), (0, 2), (1, 1)):
                row, column = np.clip(y + place, 0, height - 1), np.clip(x + place, 0, width - 1)
                right, left = min(x + 1, width - 1), max(x - 1, 0)
                below, above = min(y + 1, height - 1), max(y - 1, 0)
                found[y, x, 0] += weight * (float(image[row, right]) - float(image[row, left])) / 8
                found[y, x, 1] += weight * (float(image[below, column]) - float(image[above, column])) / 8
    return found


@pytest.mark.exercise("edges", points=2, asks="exact")
def test_exactly_the_threshold_is_an_edge(answers):
    """A change that is exactly the threshold is an edge."""
    (answer,) = answers("exact")
    wrong = int((~answer.value[:, 1:-1]).sum())
    require(wrong, at_most=0, what="pixels that are no edge", hint="At least the threshold: >=.")
