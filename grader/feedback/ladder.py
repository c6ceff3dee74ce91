"""The Ladder: feedback that shows a score on hidden photos only when it improves by more than a step.

After Blum and Hardt, "The Ladder: a reliable leaderboard for machine learning competitions" (ICML 2015): of many
versions the best looks better than it is, because luck is kept and bad luck is not. A score is shown when it is larger
than the last one shown by more than the step, and rounded to the step. Only the page that a student reads changes:
grades, gradebook and JSON keep what `disclosure` lets through.

Scores are the accuracies that checks demand with `require_count`. What goes with them on the page goes by the same
rule: points, verdicts, totals, and the pictures that the check attached.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader import disclosure
from grader.assignment.spec import Levels
from grader.checks import scoring
from grader.checks.requirements import as_required
from grader.messages import NOTHING, Message, joined
from grader.records import Check, Grade, Picture, Status

TOLERANCE = 1e-9  # sums of binary fractions: 0.7 + 0.1 is a little less than 0.8
FINEST = 0.02  # a step, in accuracy: as fine as pages without a Ladder are


@dataclass(frozen=True)
class Release:
    """The score of one check that was shown last.

    Attributes:
        turn: which of the attempts it is of, from 1.
        grade: that attempt.
        check: the check's verdict there.
        scores: the check's accuracies, rounded to the step, by the place that demands them.
    """

    turn: int
    grade: Grade
    check: Check
    scores: Mapping[str, float]


def rounded(value: float, step: float) -> float:
    """Return the multiple of `step` that is nearest to an accuracy, at most 1."""
    # Rounded once more: 3 * 0.1 is not 0.3. The multiple next to 1 may lie above it.
    return min(1.0, round(round(value / step) * step, 9))


def improves(value: float, last: float | None, step: float) -> bool:
    """Say whether an accuracy is larger than the one shown last by more than `step`; the first one always is."""
    return last is None or value > last + step + TOLERANCE


def releases(history: Sequence[Grade], step: float) -> dict[str, Release]:
    """Return what was shown last of each check that has an accuracy.

    Args:
        history: attempts against the same hidden photos, in order.
        step: in accuracy, above 0.
    """
    last: dict[str, Release] = {}
    for turn, grade in enumerate(history, start=1):
        for check in grade.checks:
            scores, release = _accuracies(check), last.get(check.id)
            before = release.scores if release else {}
            # One improvement shows all accuracies of the check: points and verdict depend on all of them.
            if any(improves(value, before.get(site), step) for site, value in scores.items()):
                # Compared next time is what was shown, not the exact value, which nobody has seen.
                steps = {site: rounded(value, step) for site, value in scores.items()}
                last[check.id] = Release(turn, grade, check, steps)
    return last


def held_back(grade: Grade, history: Sequence[Grade], levels: Mapping[str, Levels], step: float) -> Grade:
    """Return a grade as its student may read it. Status and `passed` are left: they follow from the points.

    Args:
        grade: the attempt that the page is about.
        history: all attempts against the same hidden photos, in order, this one included.
        levels: credit levels on the grade's card, secret ones included.
        step: in accuracy, above 0; below `FINEST` it counts as that.
    """
    step = max(step, FINEST)  # a setting near 0 would show every score
    last = releases(history, step)
    scored = {check.id: last[check.id] for check in grade.checks if _accuracies(check)}
    checks = tuple(
        _stepped(scored[check.id], grade, levels, step) if check.id in scored else _unknown(check)
        for check in grade.checks
    )
    # Summed up anew from what is shown: the sums of the grade would tell the points that are held back.
    exercises = tuple(
        scoring.exercise_grade(exercise.id, exercise.title, exercise.max_points, checks)
        for exercise in grade.exercises
    )
    return replace(
        grade,
        checks=checks,
        exercises=exercises,
        points=round(sum(exercise.points for exercise in exercises), 2),
        pictures=_pictures(grade, scored),
        notices=(_explained(step), *grade.notices),
    )


def _explained(step: float) -> Message:
    return Message(
        "Accuracies on hidden photos are shown in steps of {step:g}, and only when they are better than the one shown last "
        "by more than that; points and total on this page are the least that they can be worth. Your grade does not depend on this: "
        "it is decided by the exact numbers.",
        step=step,
    )


def _accuracies(check: Check) -> dict[str, float]:
    return {
        requirement.site: requirement.value
        for requirement in check.requirements
        if requirement.trials is not None
    }


def _unknown(check: Check) -> Check:
    """Hide the accuracy of an attempt that did not note its requirements; leave any other check as it is."""
    if check.requirements or check.measured != disclosure.OLD:
        return check
    hint = Message("This accuracy is shown when your work is graded again.")
    return replace(check, status=Status.SKIPPED, points=0.0, measured=NOTHING, hint=hint)


def _stepped(release: Release, grade: Grade, levels: Mapping[str, Levels], step: float) -> Check:
    """Return the check that was shown last, with rounded accuracies and the least points that these earn."""
    check = release.check
    failing = next((requirement for requirement in check.requirements if not requirement.met), None)
    if check.status is Status.ERROR or (failing is None and check.status is Status.FAILED):
        return check  # what ended the check says nothing of its accuracies
    exact = check.points / check.max_points if check.max_points else float(check.status is Status.PASSED)
    # Where a demand that is no accuracy failed first, the exact share of the points bounds what is shown.
    share = 1.0 if failing is None or failing.trials is not None else exact
    statements: list[Message] = []
    for requirement in check.requirements:
        if requirement.trials is None:
            statements.append(as_required(requirement.what, met=requirement.met))
            continue
        level, score = levels.get(requirement.level), release.scores[requirement.site]
        # Half a step lower: the least accuracy that is rounded to the one shown.
        share = min(share, _least(score - step / 2, exact, level))
        words = Message(
            "{what} {value} (in steps of {step:g})",
            what=Message.of(requirement.what),
            value=_said(score, level),
            step=step,
        )
        statements.append(words)
    if release.grade.attempt != grade.attempt:
        # Part of the last measure: as one more it would stand in a row of its own.
        last = joined(statements[-1:])
        statements[-1:] = [
            Message("{words}; shown since scored attempt {number}", words=last, number=release.turn)
        ]
    if share >= 1.0:
        return replace(check, measured=joined(statements))
    steps = disclosure.steps(check.max_points)
    # Rounded down, while the grade goes to the nearest step: the page must never promise more.
    points = round(math.floor(share * steps + TOLERANCE) / steps * check.max_points, 2)
    hint = check.hint or Message("It may be worth all points: what is shown is the least.")
    return replace(check, status=Status.FAILED, points=points, measured=joined(statements), hint=hint)


def _said(score: float, level: Levels | None) -> Message:
    """Say an accuracy, cut off at the ends of the range in which its level gives credit."""
    if level is not None and not level.zero_at < score < level.full_at:
        if score >= level.full_at:
            return Message("{value:.3g} or more", value=disclosure.cut(level.full_at, 3))
        return Message("{value:.3g} or less", value=disclosure.cut(level.zero_at, 3))
    return Message("about {value:.3g}", value=score)


def _least(accuracy: float, exact: float, levels: Levels | None) -> float:
    """Return the share of the points that an accuracy earns; where levels are unknown, the exact one in tenths."""
    if levels is None:
        return math.floor(exact * 10 + TOLERANCE) / 10
    share = (accuracy - levels.zero_at) / (levels.full_at - levels.zero_at)
    return min(1.0, max(0.0, share + TOLERANCE))


def _pictures(grade: Grade, scored: Mapping[str, Release]) -> tuple[Picture, ...]:
    """Return each check's pictures from the attempt whose score is shown; those that name no check are left out."""
    pictures: list[Picture] = []
    for check in grade.checks:
        source = scored[check.id].grade if check.id in scored else grade
        pictures += [picture for picture in source.pictures if picture.check == check.id]
    return tuple(pictures)
