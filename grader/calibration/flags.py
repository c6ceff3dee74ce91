"""Flags for grades that honest work hardly explains: sentences for staff, each with its chance, never a verdict.

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
    calibration = spec.load_hidden(source).calibration.get(card)
    if calibration is None or (calibration.digest, calibration.photos) != (
        measured_version(source, card),
        own_photos,
    ):
        return None
    return calibration


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
        for requirement in check.requirements:
            spread = calibration.measures.get(f"{check.id}/{requirement.level}")
            # `not >` and no `<=`: so a measure that is NaN raises no flag.
            if spread is None or not requirement.value > spread.quantiles[-1]:
                continue
            chance = chance_above(spread, requirement.value, requirement.trials)
            if chance < UNLIKELY:
                yield (
                    f"{check.exercise}: {requirement.what} {_measured(requirement)} is above all {calibration.runs} honest runs of the "
                    f"calibration (mean {spread.mean:.3f}, best {spread.quantiles[-1]:.3f}); an honest run does as well "
                    f"with a chance of {_power(chance)}"
                )


def _gaps(grade: Grade) -> Iterator[str]:
    """Compare accuracies of the same demand on both holdouts, by Fisher's exact test."""
    for check in grade.checks:
        for requirement in check.requirements:
            counterpart = _counterpart(requirement, grade.staff.second)
            if counterpart is None:
                continue
            chance = _chance_of_gap(requirement, counterpart)
            if chance is not None and chance < UNLIKELY:
                yield (
                    f"{check.exercise}: {requirement.what} {_measured(requirement)} on the photos that judge, but {_measured(counterpart)} on "
                    f"the second holdout; by luck alone with a chance of {_power(chance)} (Fisher's exact test)"
                )


def _counterpart(requirement: Requirement, second: Sequence[Requirement]) -> Requirement | None:
    """Return what was measured like it on the second holdout: of the same name, or the only one for its level."""
    same = [candidate for candidate in second if candidate.level == requirement.level]
    named = [candidate for candidate in same if candidate.what == requirement.what]
    # Fixed bounds have no level: they are compared by their name alone.
    alone = same if requirement.level and len(same) == 1 else []
    return next(iter([*named, *alone]), None)


def _chance_of_gap(requirement: Requirement, counterpart: Requirement) -> float | None:
    """Return the chance of so much more on the first holdout, were both as hard; None where nothing was counted."""
    from scipy import stats

    if (
        requirement.successes is None
        or counterpart.successes is None
        or not requirement.trials
        or not counterpart.trials
    ):
        return None
    table = [[demand.successes, demand.trials - demand.successes] for demand in (requirement, counterpart)]  # type: ignore[operator] # seen above
    # One-sided: fewer right on the photos that judge is nothing to look into.
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def _measured(requirement: Requirement) -> str:
    counted = "" if requirement.successes is None else f" ({requirement.successes} of {requirement.trials})"
    return f"{requirement.value:.3f}{counted}"


def _power(chance: float) -> str:
    return "less than 1e-12" if chance < 1e-12 else f"{chance:.0e}"
