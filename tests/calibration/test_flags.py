"""What honest work explains badly is said to staff, with its chance; what it explains is not mentioned."""

from __future__ import annotations

import dataclasses

import pytest

from grader.assignment.calibrated import Calibration, Spread
from grader.calibration.flags import UNLIKELY, calibration_in_force, flags
from grader.records import Check, Grade, Requirement, StaffNotes, Status
from tests.support.notebooks import REPOSITORY, toy_grade


def spread(**changes: float) -> Spread:
    """Return honest accuracies around 0.70 on 200 photos, from 0.62 to 0.78."""
    values = {"mean": 0.70, "weakest": 0.69, "sd": 0.035, "seed_sd": 0.01, "split_sd": 0.01, "rate": 0.001}
    return Spread(level="breeds", quantiles=(0.62, 0.64, 0.70, 0.76, 0.78), trials=200, **(values | changes))


def calibration(found: Spread) -> Calibration:
    return Calibration(
        date="2026-01-15",
        digest="d",
        runs=30,
        lost=0,
        seeds=10,
        splits=5,
        recipes=("source",),
        machine="2 cores",
        rate=0.001,
        measures={"top_1/breeds": found},
    )


def accuracy(successes: int, trials: int = 200) -> Requirement:
    return Requirement("check.py:9", "top-1 accuracy", True, successes / trials, "breeds", successes, trials)


def graded(*requirements: Requirement) -> Grade:
    check = Check("top_1", "breeds", Status.PASSED, 6.0, 6.0, requirements=requirements)
    return dataclasses.replace(toy_grade(), checks=(check,))


def twice(first: Requirement, *second: Requirement) -> Grade:
    return dataclasses.replace(graded(first), staff=StaffNotes(second=second))


def test_a_result_far_above_all_honest_runs_is_flagged_with_its_chance() -> None:
    (flag,) = flags(graded(accuracy(196)), calibration(spread()))

    assert "breeds: top-1 accuracy 0.980 (196 of 200) is above all 30 honest runs" in flag
    assert "mean 0.700, best 0.780" in flag
    assert "chance of" in flag


@pytest.mark.parametrize("successes", [100, 140, 156, 160])
def test_what_honest_runs_reach_is_not_mentioned(successes: int) -> None:
    assert flags(graded(accuracy(successes)), calibration(spread())) == ()


def test_noise_between_seeds_makes_the_same_result_likely() -> None:
    wide = spread(seed_sd=0.09, split_sd=0.05)

    assert flags(graded(accuracy(172)), calibration(spread())) != ()
    assert flags(graded(accuracy(172)), calibration(wide)) == ()


@pytest.mark.parametrize(
    "requirement",
    [
        Requirement("check.py:9", "largest error", True, float("nan"), "breeds"),
        dataclasses.replace(accuracy(200), level=""),
        dataclasses.replace(accuracy(200), level="species"),
    ],
)
def test_what_was_not_calibrated_or_measured_is_not_mentioned(requirement: Requirement) -> None:
    assert flags(graded(requirement), calibration(spread())) == ()


def test_without_a_calibration_nothing_is_said() -> None:
    assert flags(graded(accuracy(200)), None) == ()
    assert flags(twice(accuracy(190), accuracy(140)), None, own_photos="of our own") == ()
    assert calibration_in_force(REPOSITORY / "solutions" / "no_such_assignment", "toy_pets") is None


def test_a_gap_between_the_holdouts_is_flagged() -> None:
    (flag,) = flags(twice(accuracy(190), accuracy(140)), None)

    assert "0.950 (190 of 200) on the photos that judge, but 0.700 (140 of 200) on the second holdout" in flag
    assert "Fisher" in flag


@pytest.mark.parametrize("second", [accuracy(165), accuracy(195), accuracy(10, 12)])
def test_luck_between_the_holdouts_is_not_mentioned(second: Requirement) -> None:
    assert flags(twice(accuracy(180), second), None) == ()


def test_a_measure_is_compared_with_the_one_of_its_name_or_the_only_one_of_its_level() -> None:
    low, other_name = accuracy(20), dataclasses.replace(accuracy(20), what="accuracy, once more")
    other_level = dataclasses.replace(low, level="species")

    assert flags(twice(accuracy(190), other_level), None) == ()
    assert len(flags(twice(accuracy(190), other_name), None)) == 1
    assert flags(twice(accuracy(190), other_name, accuracy(190)), None) == ()


def test_the_chance_that_is_unlikely_is_one_in_ten_thousand() -> None:
    assert pytest.approx(1e-4) == UNLIKELY
