"""Questions: calls of a student's entry point, planned on the trusted side.

A question's `arguments` cross the border into the sandbox; its `key` never does. `batched` asks one entry point
about many images in several batch sizes and orders, with some of them twice, so that answers that depend on the
batch, the order or a random draw (dropout, batch statistics, softmax over the batch) can be told from honest ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Argument = Array | int | float | str

PICTURE_AXES = 3
MANY_CLASSES = (3, 64)  # columns of a row that is a score for each class
SUM_IS_ONE = 1e-3
KEPT = 0.9  # of the numbers that a spread is taken from
DEAD, TINY = 1e-2, 1e-12  # of the middle column's spread: what a column without any counts for
PAIRS = 0.02  # of the pairs of classes that may change their order, for they are as good as equal
NEARER, BRIGHTER = (
    (0.93, 0.99),
    (0.94, 1.06),
)  # of a photo's side and of its pixels, when it is asked about anew
BATCH_SIZES = (32, 7, 19, 1, 27)  # a plan walks through these: large enough to be fast, unequal on purpose


def is_examples(argument: Argument) -> bool:
    """Whether an argument is a picture, a stack of them, or an array of texts."""
    if not isinstance(argument, np.ndarray):
        return False
    return argument.dtype.kind == "U" or (argument.dtype == np.uint8 and argument.ndim >= PICTURE_AXES)


@dataclass(frozen=True)
class Question:
    """One call of one entry point.

    Attributes:
        entry_point: name of the function to call.
        arguments: positional arguments; numbers, text, and arrays of either (`np.array(["a text", "another"])`).
        key: arrays that the checks need to judge the answer; they stay on the trusted side.
        shown: whether feedback may show a picture that the answer holds. Such questions are asked, and their answers
            fetched, before anything else is: no hidden photo can lie in them.
        partial: whether the answers to the other questions of the set count when this one did not come in time. Such an
            answer is NaN throughout.
    """

    entry_point: str
    arguments: tuple[Argument, ...]
    key: Mapping[str, Array] = field(default_factory=dict)
    shown: bool = False
    partial: bool = False

    @property
    def has_examples(self) -> bool:
        """Whether an argument holds pictures or texts: examples that nobody may learn before grades are decided, nor after."""
        return any(is_examples(argument) for argument in self.arguments)

    @property
    def has_photos(self) -> bool:
        """Whether an argument holds pictures."""
        return any(
            is_examples(argument) and isinstance(argument, np.ndarray) and argument.dtype == np.uint8
            for argument in self.arguments
        )


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
        classes: their names.
        groups: name of the group of each class, "" without one.
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
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    rng: np.random.Generator
    shown: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 224, 224, 3), np.uint8))
    counts: Mapping[str, int] = field(default_factory=dict)
    second_images: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 224, 224, 3), np.uint8))
    second_labels: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    shown_labels: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


def batched(
    entry_point: str,
    images: Array,
    rng: np.random.Generator,
    *,
    mirrored: bool = True,
    again: int = 24,
) -> list[Question]:
    """Plan questions about all `images`, shuffled, in unequal batches, some asked twice.

    Args:
        entry_point: function that takes such an array and returns `[n, ...]`.
        images: uint8 `[n, h, w, 3]`; with `mirrored=False` any array, one row an example: texts `[n]`, for instance.
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
    # Asked last, one by one or in small batches, beside other photos than the first time.
    repeats = rng.permutation(count)[:again]
    index = np.concatenate([index[order], repeats])
    flip = np.concatenate([flip[order], np.zeros(len(repeats), bool)])
    questions = []
    for start, stop in _batches(len(order), len(index)):
        rows, mirror = index[start:stop], flip[start:stop]
        # A copy, as of any selection by index, so mirroring leaves `images` alone.
        batch = images[rows]
        if mirrored:
            batch[mirror] = batch[mirror][:, :, ::-1]
        key: dict[str, Array] = {"index": rows, "flip": mirror}
        questions.append(Question(entry_point, (np.ascontiguousarray(batch),), key, partial=True))
    return questions


def varied(images: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return changed copies of photos: a little nearer, a little to the side, brighter or darker.

    For a set of questions whose photos are in another set, too: what a notebook noted about the one finds no equal in the other.

    Args:
        images: uint8 `[n, h, w, 3]`.
        rng: draws the changes, for each photo its own.

    Returns:
        uint8 `[n, h, w, 3]`.
    """
    from PIL import Image

    height, width = images.shape[1:3]
    changed = np.empty_like(images)
    for row, image in enumerate(images):
        share = rng.uniform(*NEARER)
        tall, wide = round(share * height), round(share * width)
        top, left = rng.integers(0, height - tall + 1), rng.integers(0, width - wide + 1)
        crop = Image.fromarray(image[top : top + tall, left : left + wide])
        resized = np.asarray(crop.resize((width, height), Image.Resampling.BICUBIC), np.float64)
        changed[row] = np.clip(resized * rng.uniform(*BRIGHTER), 0, 255).round()
    return changed


def _batches(first: int, total: int) -> list[tuple[int, int]]:
    """Cut `first` rows into batches of unequal sizes, and the rest into small ones."""
    spans, start, turn = [], 0, 0
    while start < total:
        size = BATCH_SIZES[turn % len(BATCH_SIZES)] if start < first else (1, 5, 11)[turn % 3]
        # No batch mixes first and second questions.
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
        disagreement: largest difference between two answers about one photo, as a share of what scores differ by; 0.0 when
            all agree.
    """

    plain: npt.NDArray[np.float64]
    mirrored: npt.NDArray[np.float64] | None
    disagreement: float


def gather(answers: Sequence[Answer]) -> Gathered:
    """Undo `batched`: answers by image, and how far second answers differ.

    How far is measured against what the scores of different photos differ by, column by column and row by row, in ways that no
    single column, photo or offset moves. So neither a constant column of 10^9 nor scores that are all divided by 10^6 hide
    what dropout or batch statistics do. Where a row is a score for each of some classes, their order must be the same, too.
    Answers that did not come, NaN throughout, agree with everything and are right for nobody.

    Returns:
        The answers; `disagreement` is relative: 1e-3 is a thousandth of the spread of the scores.
    """
    values = np.concatenate([np.asarray(answer.value, np.float64) for answer in answers])
    index = np.concatenate([answer.key["index"] for answer in answers]).astype(np.int64)
    flip = np.concatenate([answer.key["flip"] for answer in answers]).astype(bool)
    plain = _first(values[~flip], index[~flip])
    mirrored = _first(values[flip], index[flip]) if flip.any() else None
    # One row a photo, whatever the shape of an answer.
    rows = plain.reshape(len(plain), -1)
    again = values[~flip].reshape(-1, rows.shape[1])
    return Gathered(plain, mirrored, disagreement(rows, again, index[~flip]))


def disagreement(
    first: npt.NDArray[np.float64], again: npt.NDArray[np.float64], index: npt.NDArray[np.int64]
) -> float:
    """Return how far second answers differ from first ones, as a share of what answers about different photos differ by.

    Args:
        first: float64 `[n, columns]`, the first answer about each photo.
        again: float64 `[m, columns]`, all answers.
        index: int64 `[m]`, which photo each of them is about.

    Returns:
        0.0 when all agree; infinity when nothing can be compared.
    """
    reference, repeated = first[index], again
    # NaN throughout: did not come. NaN in part came, and is refused below.
    there = ~(np.isnan(reference).all(axis=1) | np.isnan(repeated).all(axis=1))
    # What cannot be compared must not pass for agreement.
    if not there.any():
        return float("inf")
    reference, repeated, seen = reference[there], repeated[there], first[np.isfinite(first).all(axis=1)]
    if not len(seen) or not np.isfinite(reference).all() or not np.isfinite(repeated).all():
        return float("inf")
    with np.errstate(over="ignore", invalid="ignore"):
        # Scores near the largest float overflow here; infinity is caught at the end.
        gap = np.abs(repeated - reference)
        share = np.where(gap > 0, gap / np.maximum(_measure(seen, reference), TINY), 0.0)
        worst = float(share.max())
        if MANY_CLASSES[0] <= reference.shape[1] <= MANY_CLASSES[1]:
            worst = max(worst, float(np.max(_exchanged(reference, repeated))))
    return worst if np.isfinite(worst) else float("inf")


def _measure(seen: npt.NDArray[np.float64], reference: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the scale that each difference is divided by, float64 `[m, columns]`.

    Probabilities of classes count as they are, if they add up to 1: the order is looked at as well. Anything else counts against
    the smaller of what its column and its row spread, or against its own distance from the column's middle.
    """
    fewest, most = MANY_CLASSES
    if seen.shape[1] >= fewest:
        if seen.shape[1] <= most and (seen >= 0).all() and (np.abs(seen.sum(axis=1) - 1) <= SUM_IS_ONE).all():
            return np.ones_like(reference)
        # What is added to all scores of a photo changes no ranking, so it is taken away first.
        seen, reference = (rows - np.median(rows, axis=1, keepdims=True) for rows in (seen, reference))
    deviation = reference - np.median(seen, axis=0)
    columns = _spread(seen)
    spread = np.broadcast_to(columns, reference.shape)
    if seen.shape[1] >= fewest:
        # The smaller of the two, so that no blown-up column or row hides a difference.
        spread = np.minimum(spread, _spread(deviation.T)[:, None])
    floor = DEAD * float(np.median(columns))  # of columns in which there is nothing but the noise of float32
    return np.maximum(np.maximum(spread, floor), np.abs(deviation))


def _spread(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return for each column how far its numbers lie from their middle, the largest tenth left out."""
    away = np.sort(np.abs(rows - np.median(rows, axis=0)), axis=0)
    trimmed = away[: max(1, math.ceil(KEPT * len(away)))]
    return np.asarray(np.maximum(np.median(away, axis=0), trimmed.mean(axis=0)), np.float64)


def _exchanged(
    reference: npt.NDArray[np.float64], repeated: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return for each row the share of pairs of classes that changed their order; 0 for `PAIRS` of them at most."""
    # Ordered pairs, as the signs below have each pair twice.
    pairs = reference.shape[1] * (reference.shape[1] - 1)
    before, after = (np.sign(rows[:, :, None] - rows[:, None, :]) for rows in (reference, repeated))
    share = (before * after < 0).sum(axis=(1, 2)) / pairs
    return np.where(share > PAIRS, share, 0.0)


def _first(values: npt.NDArray[np.float64], index: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return for each image the first answer about it that came."""
    rows = np.full(int(index.max()) + 1, -1)
    missing = np.isnan(values.reshape(len(values), -1)).all(axis=1)
    # Later assignments win: answers that came over those that did not, early ones over late ones.
    for group in (missing, ~missing):
        places = np.flatnonzero(group)[::-1]
        rows[index[places]] = places
    return np.asarray(values[rows], np.float64)
