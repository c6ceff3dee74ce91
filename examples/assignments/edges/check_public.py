"""The checks of the edges. They are no secret: only the pictures that they are run on are.

The pictures are drawn here, from a seed: public ones in the notebook, others when a submission is graded.
"""

import numpy as np
import pytest

from grader.checks import Material, Question, largest_gap, require, show

NEAR = 1e-6  # what rounding may cost


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked."""
    pictures = [drawn(material.rng) for _ in range(material.counts["pictures"])]
    public = drawn(np.random.default_rng(7))
    thresholds = material.rng.uniform(4, 20, len(pictures))
    return {
        "picture": [Question("sobel", (public,), {"image": public}, shown=True)],
        "ramps": [ramp(material.rng, down) for down in (False, True)],
        "pictures": [Question("sobel", (one,), {"image": one}) for one in pictures],
        "masks": [
            Question("edges", (one, float(t)), {"image": one, "threshold": np.array(t)})
            for one, t in zip(pictures, thresholds, strict=True)
        ],
    }


def drawn(rng: np.random.Generator, height: int = 48, width: int = 64) -> np.ndarray:
    """Draw a picture, uint8 `[height, width]`: a background that grows brighter, discs, bars and a little noise."""
    y, x = np.mgrid[:height, :width]
    picture = 60 + rng.uniform(-0.8, 0.8) * x + rng.uniform(-0.8, 0.8) * y
    for _ in range(3):
        top, left, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(4, 12)
        picture[(y - top) ** 2 + (x - left) ** 2 < radius**2] = rng.uniform(0, 255)
        row, column = rng.integers(0, height - 6), rng.integers(0, width - 20)
        picture[row : row + 6, column : column + 20] = rng.uniform(0, 255)
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def ramp(rng: np.random.Generator, down: bool) -> Question:
    """Ask about a picture that grows brighter by the same number at each pixel, to the right or downwards."""
    slope = int(rng.integers(3, 9))
    image = np.tile((20 + slope * np.arange(24)).astype(np.uint8), (16, 1))
    image = np.ascontiguousarray(image.T) if down else image
    return Question("sobel", (image,), {"slope": np.array([0, slope] if down else [slope, 0])})


def filtered(image: np.ndarray) -> np.ndarray:
    """Return the answer: a sum over nine shifted pictures, another way than the notebook's."""
    height, width = image.shape
    padded = np.pad(image.astype(np.float64), 1, mode="edge")
    found = np.zeros((height, width, 2))
    for row in range(3):
        for column in range(3):
            part = padded[row : row + height, column : column + width]
            found[..., 0] += (column - 1) * (1, 2, 1)[row] * part / 8
            found[..., 1] += (row - 1) * (1, 2, 1)[column] * part / 8
    return found


def grey(values: np.ndarray) -> np.ndarray:
    """Turn numbers into a picture for the feedback: 0 is middle grey, and 40 levels a pixel are white."""
    level = np.clip(128 + np.nan_to_num(values) * 3.2, 0, 255).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=-1)


@pytest.mark.exercise("sobel", points=4, asks=("picture", "ramps"))
def test_a_ramp_has_its_slope(answers):
    """Where a picture grows brighter by 5 at each pixel, the slope is 5, in the right direction."""
    (answer,) = answers("picture")
    image, found = answer.key["image"], answer.value
    rows = [
        {"name": name, "yours": grey(found[..., axis]), "expected": grey(filtered(image)[..., axis])}
        for axis, name in enumerate(("to the right", "downwards"))
    ]
    show(
        "slopes",
        "What your sobel makes of a picture",
        photo=np.repeat(image[..., None], 3, axis=-1),
        rows=rows,
    )
    gap, hint = 0.0, ""
    for one in answers("ramps"):
        inside = one.value[1:-1, 1:-1]
        here = largest_gap(inside, np.broadcast_to(one.key["slope"], inside.shape))
        if here > gap:
            gap, hint = here, ramp_hint(inside, one.key["slope"])
    require(gap, at_most=NEAR, what="largest error of a slope", hint=hint)


def ramp_hint(inside, slope):
    others = {
        "The two axes are exchanged: rows run downwards, and the first number is the change to the right.": slope[
            ::-1
        ],
        "Divide by 8: the weights 1, 2, 1 add up to 4, and the neighbours are 2 pixels apart.": 8 * slope,
        "The signs are turned round: growing brighter is a positive change.": -slope,
    }
    for hint, mistake in others.items():
        if largest_gap(inside, np.broadcast_to(mistake, inside.shape)) <= NEAR:
            return hint
    return "Try a picture of 3 x 3 pixels by hand."


@pytest.mark.exercise("sobel", points=4, asks="pictures", after="a_ramp_has_its_slope")
def test_inside_every_slope_is_right(answers):
    """In pictures with discs and bars the slopes are right at each pixel that has eight neighbours."""
    gap = max(
        largest_gap(one.value[1:-1, 1:-1], filtered(one.key["image"])[1:-1, 1:-1])
        for one in answers("pictures")
    )
    hint = "Convert to float before you subtract: a uint8 has no negative numbers. And weight the middle row twice."
    require(gap, at_most=NEAR, what="largest error inside", hint=hint)


@pytest.mark.exercise("sobel", points=2, asks="pictures", after="a_ramp_has_its_slope")
def test_the_border_repeats_its_pixel(answers):
    """Beyond the border the picture goes on with its last pixel."""
    gap = max(largest_gap(rim(one.value), rim(filtered(one.key["image"]))) for one in answers("pictures"))
    hint = 'np.pad(image, 1, mode="edge") repeats the last pixel; zeros would make a dark frame, and an edge around it.'
    require(gap, at_most=NEAR, what="largest error at the border", hint=hint)


def rim(values):
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


@pytest.mark.exercise("edges", points=6, asks="masks")
def test_edges_are_where_the_change_is_large(answers):
    """An edge is where the change in the steepest direction is at least the threshold."""
    wrong = 0
    for one in answers("masks"):
        length = np.hypot(*np.moveaxis(filtered(one.key["image"]), -1, 0))
        clear = np.abs(length - one.key["threshold"]) > NEAR
        wrong += int((one.value != (length >= one.key["threshold"]))[clear].sum())
    hint = "Take the root of the sum of both squares, not one direction alone nor the sum of both."
    require(wrong, at_most=0, what="pixels judged wrongly", hint=hint)
