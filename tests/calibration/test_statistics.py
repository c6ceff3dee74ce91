"""The statistics of calibration: parts of the noise, chances, levels, bounds."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from grader.assignment.calibrated import Calibration, Spread
from grader.assignment.spec import CALIBRATED, Levels
from grader.calibration.statistics import (
    TARGET,
    Measured,
    bound,
    chance_above,
    chance_below,
    chance_of_loss,
    measured_version,
    suggest,
    summarise,
    support,
    together,
    trials_needed,
)
from tests.support.tiny import tiny_course

PHOTOS = 210


def simulated(
    rng: np.random.Generator,
    mean: float,
    seed_sd: float,
    split_sd: float,
    splits: int,
    seeds: int = 2,
    name: str = "r",
) -> list[Measured]:
    """Draw runs from the model: each split has a holdout of its own, on which seeds differ a little."""
    found = []
    for split in range(splits):
        here = rng.binomial(PHOTOS, np.clip(rng.normal(mean, split_sd), 0, 1)) / PHOTOS
        for seed in range(seeds):
            value = round(float(np.clip(here + rng.normal(0, seed_sd), 0, 1)) * PHOTOS) / PHOTOS
            found.append(Measured(name, split, 2 * split + seed, value, PHOTOS))
    return found


def spread(**changes: float) -> Spread:
    values = {
        "level": "breeds", "mean": 0.88, "sd": 0.02, "quantiles": (0.84, 0.85, 0.88, 0.9, 0.91), "trials": PHOTOS,
        "runs": 10,
        "weakest": 0.88, "seed_sd": 0.0, "split_sd": 0.0, "holdout_sd": 0.022, "rate": 0.0,
    }  # fmt: skip
    return Spread.model_validate({**values, **changes})


def test_the_parts_of_the_noise_are_told_apart() -> None:
    rng = np.random.default_rng(7)

    found = summarise("breeds", simulated(rng, 0.88, 0.01, 0.03, splits=400), 0.8)

    assert found.seed_sd == pytest.approx(0.01, abs=0.0015)
    assert found.split_sd == pytest.approx(0.03, abs=0.004)
    assert found.holdout_sd == pytest.approx(np.sqrt(0.88 * 0.12 / PHOTOS), abs=0.001)
    assert found.mean == pytest.approx(0.88, abs=0.005)


def test_luck_of_the_holdout_alone_is_not_taken_for_noise_of_the_split() -> None:
    rng = np.random.default_rng(8)

    found = summarise("breeds", simulated(rng, 0.88, 0.0, 0.0, splits=400), 0.8)

    assert found.seed_sd == 0
    assert found.split_sd < 0.008


@pytest.mark.parametrize(
    ("mean", "seed_sd", "split_sd", "level"), [(0.88, 0.01, 0.02, 0.82), (0.97, 0.005, 0.01, 0.95)]
)
def test_the_modelled_chance_is_how_often_it_happens(
    mean: float, seed_sd: float, split_sd: float, level: float
) -> None:
    rng = np.random.default_rng(9)
    runs = simulated(rng, mean, seed_sd, split_sd, splits=4000, seeds=1)
    often = np.mean([not one.reaches(level) for one in runs])

    modelled = chance_of_loss(spread(weakest=mean, seed_sd=seed_sd, split_sd=split_sd), level)

    assert 0.8 * often <= modelled <= 1.4 * often  # rather too careful than not


def test_without_other_noise_it_is_the_binomial_on_whole_counts() -> None:
    # at least 0.82 of 210 is 173 photos: 172.2 rounded up
    assert chance_of_loss(spread(), 0.82) == pytest.approx(stats.binom.cdf(172, PHOTOS, 0.88))
    assert chance_below(spread(), 172 / PHOTOS, PHOTOS) == pytest.approx(stats.binom.cdf(172, PHOTOS, 0.88))
    assert chance_above(spread(), 1.0, PHOTOS) == pytest.approx(0.88**PHOTOS)


def test_more_noise_makes_a_loss_more_likely_and_more_photos_less() -> None:
    calm, restless = spread(), spread(split_sd=0.03)

    assert chance_of_loss(restless, 0.82) > chance_of_loss(calm, 0.82)
    assert chance_of_loss(calm, 0.82, 1000) < chance_of_loss(calm, 0.82, 200)


def test_a_measure_that_never_failed_is_not_taken_for_sure() -> None:
    never = summarise("attack", [Measured("r", 0, seed, 1.0, 20) for seed in range(3)], 0.9)

    assert 0.99 < never.weakest < 1
    assert 0 < never.rate < 0.01


def test_the_weakest_recipe_decides() -> None:
    good = [Measured("good", split, split, 0.95, PHOTOS) for split in range(4)]
    weak = [Measured("weak", split, split, 0.85, PHOTOS) for split in range(4)]

    assert summarise("breeds", [*good, *weak], 0.8).weakest == pytest.approx(0.85, abs=0.001)
    assert summarise("breeds", [*good, *weak], 0.8).rate > summarise("breeds", good, 0.8).rate


def test_numbers_that_are_no_counts_follow_the_runs() -> None:
    calm = [Measured("r", seed // 2, seed, 0.95 + 0.001 * (seed % 3), None) for seed in range(8)]

    found = summarise("ideal", calm, 0.9)

    assert found.trials is None
    assert found.rate < 1e-3
    assert chance_of_loss(found, 0.951) > 0.2
    assert trials_needed(found, 0.9, 0.01) is None


@pytest.mark.parametrize("changes", [{}, {"split_sd": 0.02}, {"weakest": 0.97, "seed_sd": 0.004}])
def test_suggested_levels_are_the_highest_that_are_fair(changes: dict[str, float]) -> None:
    one = spread(**changes)

    found = suggest(one, 0.005)

    assert chance_of_loss(one, found.full_at) <= 0.005 < chance_of_loss(one, round(found.full_at + 0.01, 2))
    assert 0 <= found.zero_at < found.full_at


def test_photos_needed_are_just_enough() -> None:
    needed = trials_needed(spread(), 0.84, 0.01)

    assert needed is not None
    assert chance_of_loss(spread(), 0.84, needed) <= 0.01
    assert all(chance_of_loss(spread(), 0.84, fewer) > 0.01 for fewer in range(needed - 30, needed, 7))
    assert trials_needed(spread(split_sd=0.05), 0.84, 0.01) is None  # no number of photos takes that away


@pytest.mark.parametrize(
    ("lost", "runs", "expected"), [(0, 60, 0.0487), (0, 10, 0.2589), (1, 60, 0.0766), (5, 5, 1.0)]
)
def test_the_bound_is_clopper_and_pearsons(lost: int, runs: int, expected: float) -> None:
    assert bound(lost, runs) == pytest.approx(expected, abs=2e-4)


def test_chances_are_added_up() -> None:
    assert together([0.004, 0.003]) == pytest.approx(0.007)
    assert together([0.7, 0.7]) == 1.0


def calibration(**changes: float) -> Calibration:
    return Calibration(
        date="2026-01-15", digest="same", runs=30, lost=0, seeds=10, splits=5, recipes=("source",), machine="x",
        rate=0.0, measures={"top_1/breeds": spread(**changes)},
    )  # fmt: skip


def verdicts(
    found: Calibration | None, full_at: float = 0.8, digest: str = "same"
) -> dict[str, tuple[bool, str]]:
    levels = {"breeds": Levels(zero_at=0.1, full_at=full_at)}
    return {what: (ok, detail) for what, ok, detail in support(found, levels, digest)}


def test_supported_levels_pass() -> None:
    assert all(ok for ok, _ in verdicts(calibration()).values())


def test_a_level_that_is_tighter_is_named_with_what_is_supported() -> None:
    ok, detail = verdicts(calibration(), full_at=0.87)["no level is tighter than its calibration supports"]

    assert not ok
    assert "top_1/breeds: full_at 0.87" in detail
    assert f"supported is {suggest(spread(), TARGET).full_at:g}" in detail


def test_more_lost_runs_than_the_model_allows_are_named() -> None:
    found = calibration()
    few, many = (found.model_copy(update={"lost": lost}) for lost in (1, 4))

    ok, detail = verdicts(many)["no level is tighter than its calibration supports"]
    assert not ok
    assert "4 of 30 runs did" in detail
    assert "more than the model allows" in detail
    assert verdicts(few)["no level is tighter than its calibration supports"][0]


def test_levels_far_below_what_honest_work_supports_are_named() -> None:
    supported = suggest(spread(), TARGET).full_at
    what = "no level is far looser than its calibration supports"

    ok, detail = verdicts(calibration(), full_at=supported - 0.31)[what]
    assert not ok
    assert f"supported is {supported:g}" in detail
    assert verdicts(calibration(), full_at=supported - 0.2)[what][0]


def test_a_level_that_honest_runs_never_measured_is_named() -> None:
    levels = {name: Levels(zero_at=0.1, full_at=0.8) for name in ("breeds", "unseen")}

    found = {what: detail for what, _, detail in support(calibration(), levels, "same")}

    assert "not measured: unseen" in found["no level is far looser than its calibration supports"]


def test_a_calibration_of_few_seeds_supports_nothing() -> None:
    found = calibration().model_copy(update={"seeds": 3})

    ok, detail = verdicts(found)["no level is tighter than its calibration supports"]

    assert not ok
    assert "3 training seeds" in detail


def test_a_calibration_with_other_hidden_photos_is_refused() -> None:
    levels = {"breeds": Levels(zero_at=0.1, full_at=0.8)}

    found = {what: (ok, detail) for what, ok, detail in support(calibration(), levels, "same", "of our own")}

    ok, detail = found["the calibration is as young as the assignment"]
    assert not ok
    assert "other hidden photos judge now" in detail


def test_an_old_calibration_is_refused() -> None:
    ok, detail = verdicts(calibration(), digest="other")["the calibration is as young as the assignment"]

    assert not ok
    assert "pawgrade calibrate" in detail


def test_levels_without_a_calibration_are_named() -> None:
    assert verdicts(None) == {
        "levels are calibrated": (False, "no calibration on this data card; run `pawgrade calibrate`")
    }
    assert list(support(None, {}, "same")) == []


def test_a_notebook_beside_those_of_the_assignment_is_not_measured(tmp_path: Path) -> None:
    folder = tiny_course(tmp_path).source("tiny")
    before = measured_version(folder, "toy_pets")

    shutil.copyfile(folder / "tiny.ipynb", folder / "Untitled.ipynb")

    assert measured_version(folder, "toy_pets") == before


def test_what_is_measured_has_a_digest_of_its_own(tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder = tiny_course(tmp_path).source("tiny")
    before = measured_version(folder, "toy_pets")

    def after(name: str, old: str, new: str) -> str:
        path, text = folder / name, (folder / name).read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        found = measured_version(folder, "toy_pets")
        path.write_text(text)
        return found

    assert after("assignment.toml", "pass_points = 9", "pass_points = 8") == before
    assert (
        after(
            "assignment.toml",
            "[data.toy_pets]",
            "[data.toy_pets.levels]\na = { zero_at = 0.1, full_at = 0.2 }",
        )
        == before
    )
    assert after("check_public.py", "import numpy as np\n", "import numpy as np  # arrays\n") == before
    assert after("tiny.ipynb", "# Tiny", "# A tiny one") == before
    (folder / "pictures.py").write_text("x = 1")
    shutil.copyfile(folder / "tiny.ipynb", folder / "tried out.ipynb")
    assert measured_version(folder, "toy_pets") == before
    assert after("check_public.py", "size=5", "size=6") != before
    assert after("tiny.ipynb", "numbers * 2", "numbers + numbers") != before
    assert after("assignment.toml", "cell_s = 12", "cell_s = 13") != before


def test_the_file_that_a_calibration_is_written_into_is_no_change_of_the_assignment(tmp_path: Path) -> None:
    folder = tiny_course(tmp_path / "course").source("tiny")
    shutil.rmtree(folder / "staff")
    before = measured_version(folder, "toy_pets")

    (folder / "staff").mkdir()
    (folder / "staff" / "hidden.toml").write_bytes(CALIBRATED + b"\n")

    assert measured_version(folder, "toy_pets") == before
