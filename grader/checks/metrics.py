"""Accuracy in integer counts, and agreement. Numpy in, numbers out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.integer]


def correct_top_k(scores: Floats, labels: Ints, k: int) -> int:
    """Count the rows whose true class is among the k highest scores.

    A class that ties with the true one counts as ranked before it, so that constant scores earn nothing; a row of NaN, an
    answer that did not come, is right for no k.

    Args:
        scores: float `[n, classes]`, finite but for rows of NaN.
        labels: int `[n]`, 0 to classes - 1.
        k: 1 to classes.
    """
    rows = np.arange(len(labels))
    true_scores = scores[rows, labels][:, None]
    # `>=` counts the true class itself and every class that ties with it.
    return int((((scores >= true_scores).sum(axis=1) <= k) & np.isfinite(true_scores[:, 0])).sum())


def predictions(scores: Floats) -> Ints:
    """Return int64 `[n]`, the class with the highest score of each row (the first of equals); -1 for a row of NaN."""
    # `argmax` takes NaN for the highest score, so such rows are marked apart.
    return np.where(np.isnan(scores).any(axis=1), -1, scores.argmax(axis=1)).astype(np.int64)


def confusion(labels: Ints, predicted: Ints, classes: int) -> Ints:
    """Return int64 `[classes, classes]`: photos of class [row] taken for class [column]; -1 is taken for none."""
    counts = np.zeros((classes, classes), np.int64)
    told = predicted >= 0
    # Unlike `counts[...] += 1`, it counts a pair as often as it occurs.
    np.add.at(counts, (labels[told], predicted[told]), 1)
    return counts


def different(answer: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> int:
    """Count the numbers of an answer that are not the expected ones.

    Differences that are added up can wrap to 0; comparisons cannot.

    Args:
        answer: any numbers; NaN is different from everything.
        expected: numbers of the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    if answer.shape != expected.shape:
        raise ValueError(f"expected two arrays of one shape, found {answer.shape} and {expected.shape}")
    return int((answer != expected).sum())


def largest_gap(answer: npt.NDArray[np.generic], expected: npt.NDArray[np.generic]) -> float:
    """Return the largest distance of a number from the expected one, in float64; infinity where there is none to tell.

    Args:
        answer: any numbers; one that is not finite is infinitely far away.
        expected: finite numbers of the same shape.

    Raises:
        ValueError: the shapes differ.
    """
    if answer.shape != expected.shape:
        raise ValueError(f"expected two arrays of one shape, found {answer.shape} and {expected.shape}")
    if answer.size == 0:
        return 0.0
    # An infinite number of the answer gives infinity or NaN here; below, both are infinitely far.
    with np.errstate(over="ignore", invalid="ignore"):
        gap = np.abs(answer.astype(np.float64) - expected.astype(np.float64))
    return float(gap.max()) if np.isfinite(gap).all() else float("inf")
