"""Checks that students do not see: corner cases of the total variation. Never released."""

import numpy as np
import pytest

from grader.checks import Material, Question, require, total_variation

EXACT = 1e-5  # what float32 sums may be off


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng = material.rng
    rows, columns = (int(side) for side in rng.integers(5, 40, 2))
    stripes = np.tile(rng.random((1, 31, 3)), (12, 1, 1))
    one_channel = np.zeros((9, 14, 3))
    one_channel[..., 2] = rng.random((9, 14))
    images = {
        "shapes": [rng.random((2, 2, 3)), rng.random((2, 9, 3)), rng.random((rows, columns + rows, 3))],
        "patterns": [np.full((16, 11, 3), rng.random()), stripes, stripes.transpose(1, 0, 2), one_channel],
    }
    return {
        name: [
            Question(
                "total_variation", (np.ascontiguousarray(one),), {"expected": np.array(total_variation(one))}
            )
            for one in some
        ]
        for name, some in images.items()
    }


def _largest_error(found) -> float:
    return max(abs(float(answer.value) - float(answer.key["expected"])) for answer in found)


@pytest.mark.exercise("variation", points=2, asks="shapes")
def test_small_and_long_images(answers):
    """It works for every height and width from two pixels on."""
    require(
        _largest_error(answers("shapes")),
        at_most=EXACT,
        what="largest error of the total variation",
        hint="Take height and width from the image; each direction has a mean of its own, since they have different numbers of neighbours.",
    )


@pytest.mark.exercise("variation", points=2, asks="patterns")
def test_stripes_and_plain_colours(answers):
    """Stripes vary in one direction only, and one colour everywhere does not vary at all."""
    require(
        _largest_error(answers("patterns")),
        at_most=EXACT,
        what="largest error of the total variation",
        hint="Stripes across and stripes down must count alike, a plain colour 0, and all three channels belong to the mean.",
    )
