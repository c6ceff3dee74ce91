"""Questions: calls of a student's entry point, planned on the trusted side.

A question's `arguments` cross the border into the sandbox; its `key` never does. `batched` asks one entry point
about many images in several batch sizes and orders, with some of them twice, so that answers that depend on the
batch, the order or a random draw (dropout, batch statistics, softmax over the batch) can be told from honest ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Argument = Array | int | float | str

BATCH_SIZES = (32, 7, 19, 1, 27)  # a plan walks through these: large enough to be fast, unequal on purpose


@dataclass(frozen=True)
class Question:
    """One call of one entry point.

    Attributes:
        entry_point: name of the function to call.
        arguments: positional arguments; arrays, numbers or text.
        key: arrays that the checks need to judge the answer; they stay on the trusted side.
        shown: whether feedback may show a picture that the answer holds. Such questions are asked, and their answers
            fetched, before anything else is: no hidden photo can lie in them.
    """

    entry_point: str
    arguments: tuple[Argument, ...]
    key: Mapping[str, Array] = field(default_factory=dict)
    shown: bool = False


@dataclass(frozen=True)
class Answer:
    """What came back for one question: a validated array, beside the question's key."""

    value: Array
    key: Mapping[str, Array]


@dataclass(frozen=True)
class Material:
    """What a check module's `questions(material)` may ask about.

    Attributes:
        images: uint8 `[n, 224, 224, 3]`: the validation photos for public checks, the holdout for hidden ones.
        labels: int64 `[n]`, their classes.
        breeds: names of the classes.
        species: True for a cat, by class.
        rng: seeded; public checks get the same draws every time, hidden ones draws that depend on the course secret.
        shown: uint8 `[m, 224, 224, 3]`: public validation photos, the only ones that feedback may show.
        counts: how much of something to ask about on this data card, by name (`[data.<card>.counts]`).
        second_images: uint8 `[k, 224, 224, 3]`: photos of the second holdout, for checks that no report shows; none for
            public checks and on cards without one. The sets of an entry point are asked in the order of their names:
            give this one a name that comes last, so that it takes no time from the others, and that says nothing.
        second_labels: int64 `[k]`, their classes.
        shown_labels: int64 `[m]`, the classes of `shown`.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    breeds: tuple[str, ...]
    species: tuple[bool, ...]
    rng: np.random.Generator
    shown: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 224, 224, 3), np.uint8))
    counts: Mapping[str, int] = field(default_factory=dict)
    second_images: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 224, 224, 3), np.uint8))
    second_labels: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    shown_labels: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


def batched(
    entry_point: str,
    images: npt.NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    mirrored: bool = True,
    again: int = 24,
) -> list[Question]:
    """Plan questions about all `images`, shuffled, in unequal batches, some asked twice.

    Args:
        entry_point: function that takes uint8 images `[n, h, w, 3]` and returns `[n, ...]`.
        images: uint8 `[n, h, w, 3]`.
        rng: decides the order.
        mirrored: whether each image is asked about left-right mirrored too.
        again: how many images are asked about a second time, one by one and in other company.

    Returns:
        Questions whose key has `index` int64 `[batch]`, the image's position in `images`, and `flip` bool
        `[batch]`, whether it was mirrored. `gather` puts the answers back together.
    """
    count = len(images)
    index = np.tile(np.arange(count), 2 if mirrored else 1)
    flip = np.repeat([False, True], count) if mirrored else np.zeros(count, bool)
    order = rng.permutation(len(index))
    repeats = rng.permutation(count)[:again]
    index = np.concatenate([index[order], repeats])
    flip = np.concatenate([flip[order], np.zeros(len(repeats), bool)])
    questions = []
    for start, stop in _batches(len(order), len(index)):
        rows, mirror = index[start:stop], flip[start:stop]
        batch = images[rows]
        batch[mirror] = batch[mirror][:, :, ::-1]
        key: dict[str, Array] = {"index": rows, "flip": mirror}
        questions.append(Question(entry_point, (np.ascontiguousarray(batch),), key))
    return questions


def _batches(first: int, total: int) -> list[tuple[int, int]]:
    """Cut `first` rows into batches of unequal sizes, and the rest into small ones."""
    spans, start, turn = [], 0, 0
    while start < total:
        size = BATCH_SIZES[turn % len(BATCH_SIZES)] if start < first else (1, 5, 11)[turn % 3]
        stop = min(start + size, first if start < first else total)
        spans.append((start, stop))
        start, turn = stop, turn + 1
    return spans


@dataclass(frozen=True)
class Gathered:
    """Answers to a batched plan, put back in the order of the images.

    Attributes:
        plain: float64 `[n, ...]`, the answer for each image.
        mirrored: float64 `[n, ...]` for the mirrored images, or None when they were not asked about.
        disagreement: largest excess of a second answer over the tolerance; 0.0 when all agree.
    """

    plain: npt.NDArray[np.float64]
    mirrored: npt.NDArray[np.float64] | None
    disagreement: float


def gather(answers: Sequence[Answer], tolerance: float = 1e-3) -> Gathered:
    """Undo `batched`: answers by image, and how far second answers differ.

    Two answers agree when they differ by at most `tolerance`, absolutely or relative to the answer's largest number:
    large scores carry float noise into the small ones beside them.
    """
    values = np.concatenate([np.asarray(answer.value, np.float64) for answer in answers])
    index = np.concatenate([answer.key["index"] for answer in answers]).astype(np.int64)
    flip = np.concatenate([answer.key["flip"] for answer in answers]).astype(bool)
    plain = _first(values[~flip], index[~flip])
    mirrored = _first(values[flip], index[flip]) if flip.any() else None
    first = plain[index[~flip]].reshape(len(index[~flip]), -1)
    gap = np.abs(values[~flip].reshape(first.shape) - first)
    allowed = tolerance * np.maximum(1.0, np.abs(first).max(axis=1, keepdims=True))
    worst = 0.0 if (gap <= allowed).all() else float(gap.max())  # NaN agrees with nothing
    return Gathered(plain, mirrored, worst)


def _first(values: npt.NDArray[np.float64], index: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return for each image the first answer about it."""
    rows = np.full(int(index.max()) + 1, -1)
    rows[index[::-1]] = np.arange(len(index))[::-1]
    return np.asarray(values[rows], np.float64)
