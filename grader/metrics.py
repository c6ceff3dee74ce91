"""Accuracy in integer counts, and agreement. Numpy in, numbers out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]


def correct_top_k(scores: Floats, labels: Ints, k: int) -> int:
    """Count the rows whose true class is among the k highest scores.

    A class that ties with the true one counts as ranked before it, so that constant scores earn nothing.

    Args:
        scores: float `[n, classes]`, finite.
        labels: int `[n]`, 0 to classes - 1.
        k: 1 to classes.
    """
    rows = np.arange(len(labels))
    own = scores[rows, labels][:, None]
    return int(((scores >= own).sum(axis=1) <= k).sum())


def predictions(scores: Floats) -> Ints:
    """Return int64 `[n]`, the class with the highest score of each row (the first of equals)."""
    return np.asarray(scores.argmax(axis=1), np.int64)


def confusion(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """Return int64 `[classes, classes]`: photos of class [row] taken for class [column]."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts
