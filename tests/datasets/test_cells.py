"""Drawn cells: the seed decides the picture, and nothing but the nuclei's shape tells the class."""

from __future__ import annotations

import numpy as np
import pytest

from grader.datasets import cells


def test_the_seed_decides_the_picture() -> None:
    first, again, second = (cells.picture("round", np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert first.shape == (112, 112, 3)
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert (first != second).any()


def test_colour_does_not_tell_the_class() -> None:
    rng = np.random.default_rng(0)
    colours = np.array(
        [[cells.picture(name, rng).mean(axis=(0, 1)) for _ in range(12)] for name in cells.CLASSES]
    )

    gaps = np.ptp(colours.mean(axis=1), axis=0)

    assert (gaps < 1.2 * colours.std(axis=1).mean(axis=0)).all()


def test_a_class_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of round, spindle, uneven"):
        cells.picture("square", np.random.default_rng(0))
