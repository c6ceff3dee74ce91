"""Kinds of pictures at growing distance from what a network has met: photos of a card, textures, drawn cells.

Of a card's photos the groups are told apart, at half their size; textures and cells are drawn by `textures` and `cells`. All pictures
are 112 x 112 pixels: a network needs a quarter of the time that a whole photo takes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from grader.datasets import cells, textures
from grader.datasets.photos import Photos
from grader.datasets.textures import SIDE_PX, Split
from grader.errors import SpecError

# Kinds that are drawn, and their classes; a label is a position in them.
DRAWN: dict[str, tuple[str, ...]] = {"textures": textures.CLASSES, "cells": cells.CLASSES}
# Public pictures of each class, where there are so many, and the seeds of the drawn ones: everybody has the same.
PER_CLASS = {"train": 20, "test": 15}
SEEDS = {"train": 11, "test": 12}


def draw_kind(kind: str, counts: Sequence[int], rng: np.random.Generator, split: Split = "hidden") -> Photos:
    """Draw pictures of a kind, in no order.

    Args:
        kind: `textures` (brick, grass, gravel) or `cells` (round, spindle, uneven).
        counts: how many of each class.
        rng: draws everything about them.
        split: `train`, `test` or `hidden`: crops of textures for one come from no place that serves another.

    Returns:
        images uint8 `[n, 112, 112, 3]`, labels int64 `[n]`.

    Raises:
        SpecError: pictures of that kind are not drawn, or the number of counts is not that of its classes.
    """
    if kind not in DRAWN or len(counts) != len(DRAWN[kind]):
        raise SpecError(
            f"drawn pictures: expected {' or '.join(DRAWN)} and a count for each class, found {kind!r} and {list(counts)}."
        )
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
    names = [DRAWN[kind][label] for label in labels]
    images = np.empty((len(labels), SIDE_PX, SIDE_PX, 3), np.uint8)
    for row, name in enumerate(names):
        images[row] = textures.crop(name, split, rng) if kind == "textures" else cells.picture(name, rng)
    return Photos(images, labels)


def of_groups(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    groups: Sequence[str],
    per_group: int,
    rng: np.random.Generator,
) -> Photos:
    """Choose photos of a card by group, equally many of each and in no order, at half their size.

    Args:
        images: uint8 `[n, 224, 224, 3]`, the card's photos.
        labels: int64 `[n]`, their classes.
        groups: name of the group of each of the card's classes.
        per_group: how many of each, at most.
        rng: draws them.

    Returns:
        images uint8 `[n, 112, 112, 3]`; labels int64 `[n]`, positions in the sorted names of the groups.
    """
    group_of = np.unique(np.array(groups), return_inverse=True)[1][labels]
    each = min(per_group, *np.bincount(group_of, minlength=len(set(groups))).tolist())
    chosen = [rng.permutation(np.flatnonzero(group_of == group))[:each] for group in range(len(set(groups)))]
    rows = rng.permutation(np.concatenate(chosen)).astype(np.int64)
    return Photos(half_size(np.asarray(images)[rows]), group_of[rows].astype(np.int64))


def half_size(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Average each square of 2 x 2 pixels: uint8 `[n, h, w, 3]` with even h and w becomes `[n, h / 2, w / 2, 3]`."""
    count, height, width, channels = images.shape
    squares = images.reshape(count, height // 2, 2, width // 2, 2, channels).astype(np.uint16)
    means: npt.NDArray[np.uint8] = ((squares.sum(axis=(2, 4)) + 2) // 4).astype(np.uint8)
    return means


def public_rng(kind: str, split: str) -> np.random.Generator:
    """Return the generator of the public pictures of a kind: everybody has the same ones."""
    return np.random.default_rng([SEEDS[split], *kind.encode()])
