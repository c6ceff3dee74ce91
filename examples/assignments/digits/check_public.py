"""The checks of the digits. They are no secret: only the digits that they are run on are.

In the notebook they ask about the validation digits; when a submission is graded, about digits that nobody has seen.
"""

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    confusion,
    correct_top_k,
    gather,
    largest_gap,
    predictions,
    require,
    require_count,
    show,
)

SIDE = 28  # pixels of the square behind a small pixel


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked."""
    rng, counts = material.rng, material.counts
    few = rng.permutation(len(material.images))[: counts["shrunk"]]
    coloured = rng.integers(0, 256, (2, 224, 224, 3), np.uint8)
    asked = batched("classify", material.images, rng, mirrored=False, again=counts["again"])
    key = {"labels": material.labels, "odd": np.array([group == "odd" for group in material.groups])}
    return {
        "pictured": [
            Question("classify", (material.shown,), {"labels": material.shown_labels}, shown=True),
        ],
        "shrunk": [
            Question("shrink", (images,), {"images": images}) for images in (material.images[few], coloured)
        ],
        "digits": [
            Question(one.entry_point, one.arguments, {**one.key, **key}, partial=True) for one in asked
        ],
    }


def means(images):
    """Return the mean of each square, one by one."""
    found = np.zeros((len(images), 8, 8))
    for row in range(8):
        for column in range(8):
            part = images[:, SIDE * row : SIDE * (row + 1), SIDE * column : SIDE * (column + 1)]
            found[:, row, column] = part.reshape(len(images), -1).mean(axis=1) / 255
    return found


@pytest.mark.exercise("shrink", points=6, asks="shrunk")
def test_a_small_pixel_is_the_mean_of_its_square(answers):
    """Each pixel of the small picture is the mean of its square in all colours, from 0 to 1."""
    gap = max(largest_gap(one.value, means(one.key["images"])) for one in answers("shrunk"))
    hint = "reshape(n, 8, 28, 8, 28, 3) puts each square's pixels on axes of their own: take the mean over those."
    require(gap, at_most=1e-4, what="largest error", hint=hint)


@pytest.mark.exercise("classify", points=2, asks=("pictured", "digits"))
def test_answers_agree(answers, classes):
    """A digit gets the same scores again, alone or in company."""
    (public,) = answers("pictured")
    matrix = confusion(public.key["labels"], predictions(public.value), len(classes))
    show("confusion", "Who was taken for whom", matrix=matrix, names=list(classes), things="digits")
    hint = (
        "No dropout while answering, and nothing that depends on the other digits of a batch: model.eval()?"
    )
    require(gather(answers("digits")).disagreement, at_most=1e-3, what="largest difference", hint=hint)


@pytest.mark.exercise("classify", points=9, asks="digits", after="answers_agree")
def test_digits_are_recognised(answers, classes, levels):
    """Your network names digits that it has not seen."""
    found, labels = gather(answers("digits")).plain, answers("digits")[0].key["labels"]
    matrix = confusion(labels, predictions(found), len(classes))
    show("confusion", "Hidden digits", matrix=matrix, names=list(classes), things="digits")
    hint = (
        "Columns are in the order of lab.classes(), which is sorted by name. Does it learn moved digits, too?"
    )
    right = correct_top_k(found, labels, 1)
    require_count(right, of=len(labels), levels=levels["digits"], what="accuracy", hint=hint)


@pytest.mark.exercise("classify", points=3, asks="digits", after="answers_agree")
def test_even_or_odd(answers, levels):
    """From the scores it can be told whether a digit is even."""
    (first, *_), found = answers("digits"), gather(answers("digits")).plain
    said, there = predictions(found), np.isfinite(found).all(axis=1)
    right = int((first.key["odd"][said] == first.key["odd"][first.key["labels"]])[there].sum())
    hint = "Look at which digits are taken for which: 3 and 8, 4 and 9?"
    require_count(right, of=len(found), levels=levels["parity"], what="accuracy", hint=hint)
