"""Models of a calibration, as `[calibration.<card>]` of `staff/hidden.toml` holds it."""

from __future__ import annotations

from pydantic import Field

from grader.schema import Strict


class Spread(Strict):
    """How one measure of honest solutions is spread over training seeds and splits.

    Attributes:
        level: name of the level that it is held against.
        mean: over all runs; an accuracy in [0, 1], or what else is measured.
        sd: over all runs.
        quantiles: lowest value, 5 %, median, 95 % and highest value of the runs.
        trials: photos it was counted on; None: it is no share.
        weakest: mean of the honest recipe that does worst.
        runs: how many runs that mean comes from.
        seed_sd: from one training seed to another, on the same photos.
        split_sd: from one split to another, beyond what so few photos explain.
        holdout_sd: what counting on `trials` photos does by itself.
        rate: modelled chance that the weakest recipe gets less than full credit, at the level of that day.
    """

    level: str
    mean: float
    sd: float = Field(ge=0)
    quantiles: tuple[float, float, float, float, float]
    # Shares are held against counts, other numbers against Student's t: `calibration.statistics`.
    trials: int | None = None
    weakest: float
    runs: int = 1
    seed_sd: float = Field(ge=0)
    split_sd: float = Field(ge=0)
    holdout_sd: float = Field(0.0, ge=0)
    rate: float = Field(ge=0, le=1)


class Calibration(Strict):
    """What `pawgrade calibrate` found on one data card.

    Attributes:
        date: when, in UTC.
        digest: what of the assignment decides the measures, `measured_version`.
        runs: honest runs in all.
        lost: how many of them got less than full marks.
        seeds: training seeds.
        splits: splits of the photos, each with its own salt.
        recipes: names of the honest recipes; `source` is the reference solution.
        machine: what they ran on.
        rate: modelled chance that an honest solution loses a point by luck, all levels together.
        photos: digest of the course's own hidden photos (`Split.contents`); "": the data card's judged.
        measures: by check and level, `top_1/recognition`.
    """

    date: str
    # A calibration whose digest is no longer the assignment's counts for nothing (`flags.calibration_in_force`).
    digest: str
    runs: int = Field(gt=0)
    lost: int = Field(ge=0)
    seeds: int = Field(gt=0)
    splits: int = Field(gt=0)
    recipes: tuple[str, ...]
    machine: str
    rate: float = Field(ge=0, le=1)
    photos: str = ""
    measures: dict[str, Spread]
