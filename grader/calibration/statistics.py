"""What honest solutions reach, and what follows for the levels: the statistics of `pawgrade calibrate`.

Model. The accuracy of an honest recipe is p, drawn anew for each training seed and each split of the photos around the
recipe's mean; counted on n hidden photos it is binomial. With p beta-distributed that is a beta-binomial, whose
variance has three parts: the training seed's, the split's, and what counting on n photos does by itself. The mean has
the half success and half failure of Jeffreys' prior, so that a measure that never failed is not taken for sure. Numbers
that are no counts are held against Student's t of each recipe's own runs. The weakest honest recipe decides.
"""

from __future__ import annotations

import ast
import hashlib
import json
import math
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from grader.assignment.calibrated import Calibration, Spread
from grader.assignment.spec import CALIBRATED, Levels
from grader.checks.scoring import SPREAD_OF_CREDIT, required_count

TARGET = 0.01  # chance that honest work loses a point by luck, all levels together: more is unfair
LEAST_SEEDS = 4  # training seeds that tell of their spread
LOOSE = 0.3  # so far below what honest work supports, a level asks for something else
SURPRISE = 0.01  # chance of so many lost runs, below which they contradict the model
IMPLAUSIBLE = 1e-3  # of a measure of the source: something is wrong with its key
MOST_TRIALS = 20_000  # photos; beyond that more do not help
STEP = 0.01  # of suggested levels


@dataclass(frozen=True)
class Measured:
    """One measure of one honest run.

    Attributes:
        recipe: name of the recipe.
        split: number of the split.
        seed: training seed.
        value: what was measured.
        trials: photos it was counted on, or None.
    """

    recipe: str
    split: int
    seed: int
    value: float
    trials: int | None = None

    def reaches(self, level: float) -> bool:
        """Whether it is at least a level; a share is decided on its count."""
        if self.trials is None:
            return self.value >= level
        return round(self.value * self.trials) >= required_count(self.trials, level)


def summarise(level: str, found: Sequence[Measured], full_at: float) -> Spread:
    """Describe how a measure is spread over honest runs.

    Args:
        level: name of the level that it is held against.
        found: at least one run of at least one recipe; variances need two seeds a split, and two splits.
        full_at: the level in force.
    """
    by_recipe: dict[str, list[Measured]] = defaultdict(list)
    for run in found:
        by_recipe[run.recipe].append(run)
    counted = [run.trials for run in found if run.trials is not None]
    values = np.array([run.value for run in found])
    facts: dict[str, Any] = {
        "level": level,
        "mean": round(float(values.mean()), 5),
        "sd": round(float(values.std(ddof=1)) if len(values) > 1 else 0.0, 5),
        "quantiles": tuple(
            round(float(quantile), 5) for quantile in np.quantile(values, (0, 0.05, 0.5, 0.95, 1))
        ),
    }
    if counted:
        spread = Spread(**facts, **_counted(by_recipe, round(float(np.median(counted)))), rate=0.0)
        return spread.model_copy(update={"rate": _rounded(chance_of_loss(spread, full_at))})
    spreads = [Spread(**facts, **_number(runs, by_recipe), rate=0.0) for runs in by_recipe.values()]
    # Of equal chances the recipe with the lowest mean.
    worst = max(spreads, key=lambda candidate: (chance_of_loss(candidate, full_at), -candidate.weakest))
    return worst.model_copy(update={"rate": _rounded(chance_of_loss(worst, full_at))})


def _counted(by_recipe: Mapping[str, Sequence[Measured]], trials: int) -> dict[str, Any]:
    """Describe shares: the weakest recipe's mean, and the noise of all recipes together."""
    means = {name: float(np.mean([run.value for run in runs])) for name, runs in by_recipe.items()}
    name = min(means, key=means.__getitem__)
    runs = len(by_recipe[name])
    if means[name] == 1.0:  # none ever failed: all of them are evidence
        runs = sum(map(len, by_recipe.values()))
    seed_variance = _pooled([_within(recipe_runs) for recipe_runs in by_recipe.values()])
    between = [_between(recipe_runs, seed_variance) for recipe_runs in by_recipe.values()]
    split_variance = float(np.mean([variance for variance in between if variance is not None] or [0.0]))
    # Contained in the variance between splits, and taken out of it below.
    holdout = means[name] * (1 - means[name]) / trials
    return {
        "trials": trials,
        "runs": runs,
        "weakest": round(_shrunk(means[name], trials, runs), 5),
        "seed_sd": round(math.sqrt(seed_variance), 5),
        "split_sd": round(math.sqrt(max(0.0, split_variance - holdout)), 5),
        "holdout_sd": round(math.sqrt(holdout), 5),
    }


def _number(runs: Sequence[Measured], by_recipe: Mapping[str, Sequence[Measured]]) -> dict[str, Any]:
    """Describe numbers that are no shares, of one recipe: kinds of solution differ in spread, too."""
    squares, free = _within(runs)
    seed_variance = (
        squares / free if free else _pooled([_within(recipe_runs) for recipe_runs in by_recipe.values()])
    )
    return {
        "runs": len(runs),
        "weakest": round(float(np.mean([run.value for run in runs])), 5),
        "seed_sd": round(math.sqrt(seed_variance), 5),
        "split_sd": round(math.sqrt(_between(runs, seed_variance) or 0.0), 5),
    }


def _shrunk(mean: float, trials: int, runs: int) -> float:
    """Return a share with Jeffreys' half success and half failure; the runs' photos count once each."""
    return (mean * trials * runs + 0.5) / (trials * runs + 1)


def _within(runs: Sequence[Measured]) -> tuple[float, int]:
    """Return the sum of squares between seeds on the same split, and its degrees of freedom."""
    by_split: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        by_split[run.split].append(run.value)
    squares = sum(float(np.var(values)) * len(values) for values in by_split.values())
    return squares, sum(len(values) - 1 for values in by_split.values())


def _pooled(parts: Sequence[tuple[float, int]]) -> float:
    free = sum(number for _, number in parts)
    return sum(squares for squares, _ in parts) / free if free else 0.0


def _between(runs: Sequence[Measured], seed_variance: float) -> float | None:
    """Return the variance between splits, without what the seeds add to it; None with fewer than two splits."""
    by_split: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        by_split[run.split].append(run.value)
    if len(by_split) < 2:
        return None
    means = [float(np.mean(values)) for values in by_split.values()]
    # The mean of k seeds keeps 1/k of their variance.
    each = float(np.mean([1 / len(values) for values in by_split.values()]))
    return max(0.0, float(np.var(means, ddof=1)) - seed_variance * each)


def chance_of_loss(spread: Spread, full_at: float, trials: int | None = None) -> float:
    """Return the modelled chance that the weakest honest recipe gets less than full credit.

    Args:
        spread: of the measure.
        full_at: level of full credit.
        trials: photos that it is counted on; None: as many as were calibrated on.
    """
    trials = trials or spread.trials
    if trials is None:
        return _below(spread, full_at, strictly=True)
    return _counted_below(spread, trials, required_count(trials, full_at) - 1)


def chance_below(spread: Spread, value: float, trials: int | None) -> float:
    """Return the modelled chance that an honest run measures `value` or less."""
    if trials is None or spread.trials is None:
        return _below(spread, value, strictly=False)
    return _counted_below(spread, trials, round(value * trials))


def chance_above(spread: Spread, value: float, trials: int | None) -> float:
    """Return the modelled chance that an honest run of average strength measures `value` or more."""
    average = spread.model_copy(update={"weakest": spread.mean})
    if trials is None or spread.trials is None:
        return 1.0 - _below(average, value, strictly=True)
    # "At least k" is what "at most k - 1" leaves.
    return 1.0 - _counted_below(average, trials, round(value * trials) - 1)


def _counted_below(spread: Spread, trials: int, most: int) -> float:
    """Return the chance of at most `most` successes in `trials`: beta-binomial, or binomial without other noise."""
    from scipy import stats

    mean, variance = spread.weakest, spread.seed_sd**2 + spread.split_sd**2
    room = mean * (1 - mean)
    if variance <= 1e-12 or room <= 1e-12:
        return float(stats.binom.cdf(most, trials, mean))
    # The sum of the two parameters of the beta distribution, whose variance lies below p (1 - p).
    total = room / min(variance, 0.99 * room) - 1
    return float(stats.betabinom.cdf(most, trials, mean * total, (1 - mean) * total))


def _below(spread: Spread, value: float, *, strictly: bool) -> float:
    """Return the chance that a further run of the weakest recipe is below `value` (or as low), by Student's t."""
    from scipy import stats

    # Of one further run: its own spread, and how uncertain the mean of the runs is.
    sd = math.hypot(spread.seed_sd, spread.split_sd) * math.sqrt(1 + 1 / max(1, spread.runs))
    if sd == 0:
        return float(spread.weakest < value if strictly else spread.weakest <= value)
    return float(stats.t.cdf((value - spread.weakest) / sd, df=max(1, spread.runs - 1)))


def suggest(spread: Spread, target: float) -> Levels:
    """Suggest levels: the highest `full_at` that honest work misses with a chance of at most `target`.

    `zero_at` lies ten standard deviations of the holdout's luck below it, so that one of them moves a partial score by
    a tenth of the points at most.
    """
    full = STEP
    # Rounded at each step, or the steps would add up to 0.8200000000000001 and the like.
    while full + STEP <= 1 and chance_of_loss(spread, round(full + STEP, 2)) <= target:
        full = round(full + STEP, 2)
    sd = math.sqrt(full * (1 - full) / spread.trials) if spread.trials else full / 25
    zero = max(0.0, min(full - STEP, round(full - SPREAD_OF_CREDIT * sd, 2)))
    return Levels(zero_at=round(zero, 2), full_at=full)


def trials_needed(spread: Spread, full_at: float, target: float) -> int | None:
    """Return how many holdout photos keep the chance of a loss at `target`, or None when no number does.

    More photos take away the luck of counting, not that of the training seed and of the split.
    """
    if spread.trials is None:
        return None
    low, high = 0, 8
    # Doubled until it suffices; then the interval is halved.
    while chance_of_loss(spread, full_at, high) > target:
        low, high = high, 2 * high
        if high > MOST_TRIALS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if chance_of_loss(spread, full_at, middle) <= target else (middle, high)
    return high


def bound(lost: int, runs: int, confidence: float = 0.95) -> float:
    """Return the upper end of Clopper and Pearson's one-sided interval: what the runs alone support, with no model."""
    from scipy import stats

    return 1.0 if lost >= runs else float(stats.beta.ppf(confidence, lost + 1, runs - lost))


def together(rates: Sequence[float]) -> float:
    """Return a bound on the chance of any loss: the sum of the single ones, 1 at most."""
    return _rounded(min(1.0, sum(rates)))


def support(
    found: Calibration | None, levels: Mapping[str, Levels], digest: str, photos: str = ""
) -> Iterator[tuple[str, bool, str]]:
    """Hold an assignment's levels against its calibration.

    Args:
        found: the calibration on this data card, or None.
        levels: those in force.
        digest: what the assignment is now, `measured_version`.
        photos: which hidden photos of the course's own judge, `Split.contents`; "": the card's.

    Yields:
        What must be true, whether it is, and what was found.
    """
    if not levels:
        return
    if found is None:
        yield "levels are calibrated", False, "no calibration on this data card; run `pawgrade calibrate`"
        return
    current = (found.digest, found.photos) == (digest, photos)
    finding = f"{found.runs} honest runs on {found.date}"
    if found.digest != digest:
        finding += ", and the assignment has changed since; run `pawgrade calibrate`"
    elif not current:
        finding += ", and other hidden photos judge now; run `pawgrade calibrate`"
    yield "the calibration is as young as the assignment", current, finding
    unknown = sorted({spread.level for spread in found.measures.values()} - set(levels))
    if unknown:
        yield "calibrated levels exist", False, f"{', '.join(unknown)}: no such level in assignment.toml"
    rates = {
        name: chance_of_loss(spread, levels[spread.level].full_at)
        for name, spread in found.measures.items()
        if spread.level in levels
    }
    yield _tightness(found, levels, rates)
    yield _looseness(found, levels, rates)


def _tightness(
    found: Calibration, levels: Mapping[str, Levels], rates: Mapping[str, float]
) -> tuple[str, bool, str]:
    """Say whether any level is tighter than its calibration supports; `rates`: chances of a loss, by measure."""
    from scipy import stats

    total = together(list(rates.values()))
    worst = sorted(rates, key=lambda name: -rates[name])
    tight = [
        f"{name}: full_at {levels[found.measures[name].level].full_at:g} has a chance of {rates[name]:.2g}, supported is {suggest(found.measures[name], TARGET / len(rates)).full_at:g}"
        for name in worst
        if rates[name] > TARGET / len(rates)
    ]
    few = found.seeds < LEAST_SEEDS
    # So many losses would be a rare accident, were the model right.
    contradicted = float(stats.binom.sf(found.lost - 1, found.runs, TARGET)) < SURPRISE
    fair = total <= TARGET and not contradicted and not few
    finding = f"chance that honest work loses a point by luck: {total:.2g}, allowed {TARGET:g}"
    finding += f"; {found.lost} of {found.runs} runs did (bound at 95 %: {bound(found.lost, found.runs):.2g})"
    return (
        "no level is tighter than its calibration supports",
        fair,
        finding
        + (f". {'; '.join(tight)}" if total > TARGET else "")
        + (". That is more than the model allows: look at the runs that lost" if contradicted else "")
        + (
            f". {found.seeds} training seeds say nothing of their spread: take {LEAST_SEEDS} at least"
            if few
            else ""
        ),
    )


def _looseness(
    found: Calibration, levels: Mapping[str, Levels], rates: Mapping[str, float]
) -> tuple[str, bool, str]:
    """Say whether any level is far looser than its calibration supports; `rates`: chances of a loss, by measure."""
    supported = {name: suggest(found.measures[name], TARGET / len(rates)).full_at for name in rates}
    loose = [
        f"{name}: full_at {levels[found.measures[name].level].full_at:g}, supported is {full:g}"
        for name, full in supported.items()
        if full - levels[found.measures[name].level].full_at >= LOOSE
    ]
    unmeasured = sorted(set(levels) - {spread.level for spread in found.measures.values()})
    finding = "; ".join(loose) or f"none is {LOOSE:g} or more below what honest work supports"
    finding += f"; not measured: {', '.join(unmeasured)}" if unmeasured else ""
    return "no level is far looser than its calibration supports", not loose, finding


def measured_version(folder: Path, card: str) -> str:
    """Return a digest (16 hex digits) of what decides the measures of an assignment, not of the levels they are held against.

    That are code cells, checks without their comments, and the two TOML files without levels and calibration, and
    without what `assignment.toml` says about other data cards.
    """
    digest = hashlib.sha256()
    public = tomllib.loads((folder / "assignment.toml").read_text(encoding="utf-8"))
    public.pop("levels", None)  # of an assignment without a data card
    public["data"] = {card: public.get("data", {}).get(card, {})}
    public["data"][card].pop("levels", None)
    for name in ("title", "points", "pass_points"):
        public.pop(name, None)
    _add(digest, "assignment", json.dumps(public, sort_keys=True))
    hidden = folder / "staff" / "hidden.toml"
    # A file that is not there says as much as one without a holdout: the first calibration creates it.
    text = hidden.read_bytes().partition(CALIBRATED)[0].decode() if hidden.is_file() else ""
    _add(digest, "hidden", json.dumps(tomllib.loads(text).get("holdout", {}), sort_keys=True))
    names = public.get("notebooks") or [public.get("id", folder.name)]
    # Those of the assignment alone: what an author tries out beside them is no part of it.
    for path in (path for path in sorted(folder.glob("*.ipynb")) if path.stem in names):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                _add(digest, "cell", cell.source)
    for path in (folder / "check_public.py", folder / "staff" / "check_hidden.py"):
        if path.is_file():
            # The syntax tree has no comments and no layout.
            _add(digest, path.name, ast.dump(ast.parse(path.read_text(encoding="utf-8"))))
    return digest.hexdigest()[:16]


def _add(digest: hashlib._Hash, name: str, text: str) -> None:
    digest.update(f"{name}\0{len(text)}\0{text}".encode())


def _rounded(rate: float) -> float:
    return float(f"{rate:.3g}")
