"""Too good to be true? Words for staff, with the chance that honest work gives; never a verdict.

A grade is held against what honest solutions reached when the assignment was calibrated, and its accuracy on the
photos that judge it against that on the second holdout, whose results nobody ever sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.assignment import spec
from grader.assignment.calibrated import Calibration
from grader.calibration.statistics import chance_above, measured_version
from grader.records import Grade, Requirement

UNLIKELY = 1e-4  # of one measure: in a class of 100 with ten measures, one honest flag in ten classes at most


def calibration_in_force(source: Path, card: str, own_photos: str = "") -> Calibration | None:
    """Return an assignment's calibration on a data card, or None when there is none or something has changed since.

    Args:
        source: the assignment's source folder.
        card: id of the data card.
        own_photos: digest of the course's own hidden photos that judge; "": the card's do.
    """
    found = spec.load_hidden(source).calibration.get(card)
    if found is None or (found.digest, found.photos) != (measured_version(source, card), own_photos):
        return None
    return found


def flags(grade: Grade, calibration: Calibration | None, *, own_photos: str = "") -> tuple[str, ...]:
    """Say what about a grade honest work explains badly.

    Args:
        grade: the grade: its checks with their requirements, and what was measured on the second holdout.
        calibration: what honest solutions reached, or None: then nothing is said about it.
        own_photos: digest of the course's own hidden photos that judge. They may be easier than those of the second
            holdout: the two are not compared then.

    Returns:
        A sentence for each finding; empty for nearly all honest work.
    """
    far = () if calibration is None else tuple(_far_above(grade, calibration))
    return (*far, *(() if own_photos else _gaps(grade)))


def _far_above(grade: Grade, calibration: Calibration) -> Iterator[str]:
    for check in grade.checks:
        for one in check.requirements:
            spread = calibration.measures.get(f"{check.id}/{one.level}")
            if spread is None or not one.value > spread.quantiles[-1]:  # written so that NaN says nothing
                continue
            chance = chance_above(spread, one.value, one.trials)
            if chance < UNLIKELY:
                yield (
                    f"{check.exercise}: {one.what} {_measured(one)} is above all {calibration.runs} honest runs of the "
                    f"calibration (mean {spread.mean:.3f}, best {spread.quantiles[-1]:.3f}); an honest run does as well "
                    f"with a chance of {_power(chance)}"
                )


def _gaps(grade: Grade) -> Iterator[str]:
    """Compare accuracies of the same demand on both holdouts, by Fisher's exact test."""
    for check in grade.checks:
        for one in check.requirements:
            other = _counterpart(one, grade.staff.second)
            if other is None:
                continue
            chance = _chance_of_gap(one, other)
            if chance is not None and chance < UNLIKELY:
                yield (
                    f"{check.exercise}: {one.what} {_measured(one)} on the photos that judge, but {_measured(other)} on "
                    f"the second holdout; by luck alone with a chance of {_power(chance)} (Fisher's exact test)"
                )


def _counterpart(one: Requirement, second: Sequence[Requirement]) -> Requirement | None:
    """Return what was measured like it on the second holdout: of the same name, or the only one for its level."""
    same = [other for other in second if other.level == one.level]
    named = [other for other in same if other.what == one.what]
    alone = same if one.level and len(same) == 1 else []
    return next(iter([*named, *alone]), None)


def _chance_of_gap(one: Requirement, other: Requirement) -> float | None:
    """Return the chance of so much more on the first holdout, were both as hard; None where nothing was counted."""
    from scipy import stats

    if one.successes is None or other.successes is None or not one.trials or not other.trials:
        return None
    table = [[found.successes, found.trials - found.successes] for found in (one, other)]  # type: ignore[operator] # seen above
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def _measured(one: Requirement) -> str:
    counted = "" if one.successes is None else f" ({one.successes} of {one.trials})"
    return f"{one.value:.3f}{counted}"


def _power(chance: float) -> str:
    return "less than 1e-12" if chance < 1e-12 else f"{chance:.0e}"
