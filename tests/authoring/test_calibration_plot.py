"""The picture of a calibration: a PNG that grows with what it shows, whatever the runs measured."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from grader.assignment.calibrated import Calibration, Spread
from grader.assignment.spec import Levels
from grader.authoring import calibration_plot
from grader.calibration.statistics import Measured

RECIPES = ("source", "added", "shifted")


def picture(values: dict[str, list[float]], full_at: float = 0.8) -> Image.Image:
    """Draw runs of three recipes by measure."""
    spread = Spread(
        level="bright",
        mean=0.9,
        sd=0.01,
        quantiles=(0.9,) * 5,
        trials=210,
        weakest=0.9,
        seed_sd=0.0,
        split_sd=0.0,
        rate=0.0,
    )
    found = Calibration(
        date="",
        digest="",
        runs=6,
        lost=0,
        seeds=2,
        splits=1,
        recipes=RECIPES,
        machine="",
        rate=0.0,
        measures=dict.fromkeys(values, spread),
    )
    measured = {
        name: [Measured(RECIPES[number % 3], 0, number, value) for number, value in enumerate(row)]
        for name, row in values.items()
    }
    levels = {"bright": Levels(zero_at=0.2, full_at=full_at)}
    png = calibration_plot.calibration(found, measured, levels, "tiny on toy_pets")
    return Image.open(io.BytesIO(png))


def test_each_measure_has_room_of_its_own() -> None:
    one = picture({"a/bright": [0.9, 0.91, 0.92]})
    two = picture({"a/bright": [0.9, 0.91, 0.92], "b/bright": [0.9, 0.91, 0.92]})

    assert one.format == two.format == "PNG"
    assert two.width == one.width
    assert two.height > one.height


@pytest.mark.parametrize("values", [[0.9], [0.9] * 6, [0.0, 1.0], [1e9, 2e9]])
def test_runs_that_are_all_alike_or_far_apart_are_drawn(values: list[float]) -> None:
    assert picture({"a/bright": values}).width > 0


def upright_lines(drawn: Image.Image) -> int:
    """Count the upright lines that are as high as the rows of the recipes; the axis is one of them."""
    dark = (np.asarray(drawn.convert("L")) < 100).sum(axis=0) > 40
    return int(np.count_nonzero(np.diff(dark.astype(int)) == 1))


@pytest.mark.parametrize("full_at", [0.975, 0.969, 0.3])
def test_the_level_is_drawn_wherever_it_is(full_at: float) -> None:
    assert upright_lines(picture({"a/bright": [0.97, 0.98, 0.99]}, full_at=full_at)) == 2
