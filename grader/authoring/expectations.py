"""Compare the grades of source, release and mutants with what is expected of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grader.assignment.calibrated import Calibration
from grader.authoring.variants import Variant
from grader.calibration.statistics import IMPLAUSIBLE, chance_below
from grader.messages import Message
from grader.records import Check, Grade, Requirement, Status

BROKEN = "the check itself broke, or does not fit assignment.toml"
# Exceptions that a mutant hardly means: its own code is broken, and it fails for that.
_SLIPS = frozenset(
    (
        "NameError",
        "UnboundLocalError",
        "SyntaxError",
        "IndentationError",
        "ImportError",
        "ModuleNotFoundError",
    )
)


def full_marks(grade: Grade) -> tuple[bool, str]:
    """Whether a grade has every point, and what it lacks."""
    lacking = [
        f"{check.id} {check.status} {check.points:g}/{check.max_points:g}: {_reason(check)}"
        for check in grade.checks
        if check.status is not Status.PASSED
    ]
    lacking += [f"cell {cell.number} raised {cell.error}: {cell.message}" for cell in grade.failed_cells]
    broken = any(check.status is Status.ERROR for check in grade.checks)  # that is told already
    # A check that no student sees can break, too.
    if grade.staff.log and "tries" not in grade.provenance and not broken:
        lacking.append("the checks left something in the log for staff")
    ok = grade.points == grade.max_points and not lacking
    measured = "; ".join(said(measure) for measure in measures(grade).values())
    points = f"{grade.points:g} of {grade.max_points:g}"
    return ok, "; ".join(lacking) or "; ".join(filter(None, [points, measured]))


def _reason(check: Check) -> str | Message:
    """Say to the author why a check did not pass; a broken one has only a word for students."""
    return BROKEN if check.status is Status.ERROR else check.found


def no_marks(grade: Grade) -> tuple[bool, str]:
    """Whether a grade has no point, no ERROR and no check that passes for nothing."""
    errors = [check.id for check in grade.checks if check.status is Status.ERROR]
    passed = [check.id for check in grade.checks if check.status is Status.PASSED]
    raised = [f"cell {cell.number} raised {cell.error}" for cell in grade.failed_cells]
    ok = grade.points == 0 and not errors and not passed and not raised and not grade.passed
    problems = [f"ERROR: {', '.join(errors)}"] if errors else []
    problems += [f"PASSED: {', '.join(passed)}"] if passed else []
    # With pass_points = 0 even an empty notebook passes.
    problems += ["no points are enough to pass: see pass_points"] if grade.passed else []
    return ok, "; ".join(
        [*problems, *raised]
    ) or f"{grade.points:g} of {grade.max_points:g}, every check FAILED or SKIPPED"


def measures(grade: Grade) -> dict[str, Requirement]:
    """Return what was held against a level, by check and level."""
    # One value a level: where a check holds two measures against the same level, the last one is compared.
    return {
        f"{check.id}/{requirement.level}": requirement
        for check in grade.checks
        for requirement in check.requirements
        if requirement.level
    }


def said(one: Requirement) -> str:
    """Say a measure for people."""
    counted = f" ({one.successes} of {one.trials})" if one.trials is not None else ""
    return f"{one.what} {one.value:.3g}{counted}"


def exchanged(content: dict[str, Any]) -> Iterator[str]:
    """Name pairs of classes that are rather taken for each other than for themselves, and classes that nobody asks about."""
    matrix, names = content["matrix"], content["names"]
    for i, row in enumerate(matrix):
        if not sum(row):
            yield f"{names[i]}: no photo is labelled so"
        for j in range(i):
            correct, swapped = row[i] + matrix[j][j], row[j] + matrix[j][i]
            if swapped > correct and swapped >= sum(row) / 2:
                yield f"{names[j]} and {names[i]}: {swapped} taken for the other, {correct} for themselves"


def unlikely(name: str, one: Requirement, found: Calibration) -> Iterator[str]:
    """Say why a measure of the source is not what honest work gives, if so."""
    spread = found.measures.get(name)
    if spread is None:
        yield f"{name} was not calibrated"
    elif (
        spread.trials is not None and one.trials is not None and not 0.8 <= one.trials / spread.trials <= 1.25
    ):
        yield f"{name}: calibrated on {spread.trials} photos, counted on {one.trials}: calibrate again"
    elif (chance := chance_below(spread, one.value, one.trials)) < IMPLAUSIBLE:
        yield f"{name}: {said(one)}, where honest runs have a mean of {spread.mean:.3f}: as little as this has a chance of {chance:.1g}"


def wrong_losses(variant: Variant, grade: Grade) -> Iterator[str]:
    """Say how the exercises that lost points differ from those that the header names."""
    # Which exercises lose points is compared, not how many (ADR 9).
    expected = set(variant.loses or ())
    if not expected:
        yield "its header names no exercise that it loses"
    for exercise in grade.exercises:
        if exercise.id in expected and exercise.points >= exercise.max_points:
            yield f"expected to lose {exercise.id}, has all {exercise.max_points:g} points of it"
        elif exercise.id not in expected and exercise.points < exercise.max_points:
            reasons = "; ".join(
                f"{check.id}: {_reason(check)}"
                for check in grade.checks
                if check.exercise == exercise.id and check.status is not Status.PASSED
            )
            yield f"lost {exercise.max_points - exercise.points:g} points of {exercise.id}, which its header does not name ({reasons})"
    unknown = sorted(expected - {exercise.id for exercise in grade.exercises})
    if unknown:
        yield f"its header names {unknown[0]}, which is no exercise"
    yield from (f"ERROR in {check.id}" for check in grade.checks if check.status is Status.ERROR)


def slips(variant: Variant, grade: Grade) -> Iterator[str]:
    """Say what a mutant raises that looks like a slip of whoever wrote it: it would fail whatever the checks demand.

    Only what is raised first: names that a cell did not get to define are missing afterwards.
    """
    if grade.failed_cells:
        first = grade.failed_cells[0]
        locations = {first.raised: f"cell {first.number}"} if first.raised in _SLIPS else {}
    else:
        # No cell raised, but a function may have when it was asked: its checks know.
        failed = (check for check in grade.checks if check.status is Status.FAILED)
        locations = {check.raised: check.id for check in failed if check.raised in _SLIPS}
    for name, location in locations.items():
        if name not in variant.raises:
            yield f'{name} in {location}: it may fail for a slip of its own; if it is about that, its header says so: raises = ["{name}"]'


def wrong_failures(variant: Variant, grade: Grade) -> Iterator[str]:
    """Say how the checks that failed differ from those that the header names."""
    if variant.fails is None:
        yield "its header names no checks that it fails (`fails`)"
        return
    checks = {check.id: check for check in grade.checks}
    for name in variant.fails:
        if name not in checks:
            yield f"its header names the check {name}, which there is not"
        elif checks[name].status is not Status.FAILED:
            measured = _reason(checks[name]) or "nothing measured"
            yield f"the check {name} was expected to fail and is {checks[name].status}: {measured}"
    for name, check in checks.items():
        if check.status is Status.FAILED and name not in variant.fails:
            yield f"the check {name} failed, which its header does not name: {check.found}"
    # In both directions: a check that was tried after all is a finding, too.
    skipped = {name for name, check in checks.items() if check.status is Status.SKIPPED}
    for name in sorted(skipped ^ set(variant.skips)):
        difference = "was skipped, which its header does not name" if name in skipped else "was not skipped"
        yield f"the check {name} {difference} (`skips`)"
