"""From verdicts to points: linear credit on integer counts, exercises, the grade's status."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from fractions import Fraction

from grader.assignment.spec import Levels
from grader.records import Check, ExerciseGrade, Grade, Status

SPREAD_OF_CREDIT = (
    10  # standard deviations of the holdout's luck between zero_at and full_at, where `calibrate` sets them
)
LUCK = 2  # of these standard deviations: what two equally good pieces of work may differ by


def credit(successes: int, trials: int, *, zero_at: float, full_at: float) -> float:
    """Return the share of the points, 0 to 1, that `successes` of `trials` earn: linear between two accuracies.

    Decided on integers: full credit from `required_count(full_at)` successes on, none up to `zero_at`.

    Args:
        successes: 0 to `trials`.
        trials: at least 1.
        zero_at: accuracy in [0, 1] at which credit starts.
        full_at: accuracy in [0, 1] that earns everything; more than `zero_at`.
    """
    if successes >= required_count(trials, full_at):
        return 1.0
    # Exact, so that no rounding gives or takes a point at either end.
    share = (Fraction(successes, trials) - _exact(zero_at)) / (_exact(full_at) - _exact(zero_at))
    return float(min(max(share, Fraction(0)), Fraction(1)))


def required_count(trials: int, level: float) -> int:
    """Return how many of `trials` must succeed for an accuracy of at least `level`."""
    return math.ceil(_exact(level) * trials)


def near_from(levels: Levels) -> float:
    """Return the measure from which a small change may bring points: an accuracy below `zero_at` by as much as luck alone decides.

    That is `LUCK` standard deviations of counting on the hidden photos. Levels of a calibration lie `SPREAD_OF_CREDIT` of them apart,
    so the levels tell it, also on a student's machine, which has no calibration.
    """
    # Below 0 where the levels say so: what `require_level` takes need be no share.
    return levels.zero_at - (levels.full_at - levels.zero_at) * LUCK / SPREAD_OF_CREDIT


def exercise_grade(exercise: str, title: str, points: float, checks: Sequence[Check]) -> ExerciseGrade:
    """Sum up the checks of one exercise.

    ERROR when any check is, or when there is none: nobody looked at it. PASSED with full points, else FAILED.
    """
    exercise_checks = [check for check in checks if check.exercise == exercise]
    # Rounded on both sides of the comparison: three thirds of the points are all of them.
    earned = round(min(sum(check.points for check in exercise_checks), points), 4)
    statuses = {check.status for check in exercise_checks}
    if not exercise_checks or Status.ERROR in statuses:
        status = Status.ERROR
    else:
        status = Status.PASSED if earned >= round(points, 4) else Status.FAILED
    return ExerciseGrade(exercise, status, earned, points, title)


def overall_status(checks: Sequence[Check], exercises: Sequence[ExerciseGrade], *, passed: bool) -> Status:
    """Return ERROR when anything could not be decided, otherwise PASSED or FAILED."""
    # Before all else: what could not be decided waits for staff, whatever the points (ADR 4).
    if Status.ERROR in {*(check.status for check in checks), *(exercise.status for exercise in exercises)}:
        return Status.ERROR
    return Status.PASSED if passed else Status.FAILED


def _exact(level: float) -> Fraction:
    """Read a level as the decimal that stands in the file: 0.82 is 82/100, not its nearest binary fraction."""
    return Fraction(str(level))


def with_manual(grade: Grade, manual: float | None, pass_points: float) -> Grade:
    """Return the grade with the points given by hand."""
    passed = grade.points + (manual or 0.0) >= pass_points
    status = grade.status
    # Points given by hand decide nothing that the grader could not.
    if status is not Status.ERROR:
        status = Status.PASSED if passed else Status.FAILED
    return dataclasses.replace(grade, manual_points=manual, passed=passed, status=status)
