"""The models of a calibration refuse numbers that no calibration gives."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from grader.assignment.calibrated import Calibration, Spread

SPREAD: dict[str, Any] = {
    "level": "breeds",
    "mean": 0.9,
    "sd": 0.01,
    "quantiles": (0.86, 0.87, 0.9, 0.92, 0.93),
    "weakest": 0.89,
    "seed_sd": 0.004,
    "split_sd": 0.002,
    "rate": 0.003,
}
FOUND: dict[str, Any] = {
    "date": "2026-01-15",
    "digest": "a1b2",
    "runs": 30,
    "lost": 0,
    "seeds": 10,
    "splits": 5,
    "recipes": ("source", "added", "shifted"),
    "machine": "a laptop",
    "rate": 0.003,
    "measures": {"top_1/recognition": SPREAD},
}


def test_a_measure_without_a_count_is_no_share() -> None:
    found = Calibration.model_validate(FOUND).measures["top_1/recognition"]

    assert (found.trials, found.holdout_sd) == (None, 0.0)


@pytest.mark.parametrize(
    "change", [{"sd": -0.1}, {"rate": 1.1}, {"rate": -0.1}, {"mean": float("nan")}, {"quantiles": (0.1, 0.2)}]
)
def test_a_spread_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        Spread.model_validate({**SPREAD, **change})


@pytest.mark.parametrize("change", [{"runs": 0}, {"lost": -1}, {"seeds": 0}, {"rate": 2}, {"digest": None}])
def test_a_calibration_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        Calibration.model_validate({**FOUND, **change})


def test_a_misspelt_key_is_named() -> None:
    with pytest.raises(ValidationError, match="unknown key 'seed'"):
        Calibration.model_validate({**FOUND, "seed": 10})
