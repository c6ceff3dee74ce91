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

TOLERANCE = 1e-9
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
            scores, shown = _accuracies(check), last.get(check.id)
            before = shown.scores if shown else {}
            if any(improves(value, before.get(site), step) for site, value in scores.items()):
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
    step = max(step, FINEST)
    last = releases(history, step)
    scored = {check.id: last[check.id] for check in grade.checks if _accuracies(check)}
    checks = tuple(
        _stepped(scored[check.id], grade, levels, step) if check.id in scored else _unknown(check)
        for check in grade.checks
    )
    exercises = tuple(
        scoring.exercise_grade(one.id, one.title, one.max_points, checks) for one in grade.exercises
    )
    return replace(
        grade,
        checks=checks,
        exercises=exercises,
        points=round(sum(one.points for one in exercises), 2),
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
    return {one.site: one.value for one in check.requirements if one.trials is not None}


def _unknown(check: Check) -> Check:
    """Hide the accuracy of an attempt that did not note its requirements; leave any other check as it is."""
    if check.requirements or check.measured != disclosure.OLD:
        return check
    hint = Message("This accuracy is shown when your work is graded again.")
    return replace(check, status=Status.SKIPPED, points=0.0, measured=NOTHING, hint=hint)


def _stepped(release: Release, grade: Grade, levels: Mapping[str, Levels], step: float) -> Check:
    """Return the check that was shown last, with rounded accuracies and the least points that these earn."""
    check = release.check
    failing = next((one for one in check.requirements if not one.met), None)
    if check.status is Status.ERROR or (failing is None and check.status is Status.FAILED):
        return check  # what ended the check says nothing of its accuracies
    exact = check.points / check.max_points if check.max_points else float(check.status is Status.PASSED)
    share = 1.0 if failing is None or failing.trials is not None else exact
    said: list[Message] = []
    for one in check.requirements:
        if one.trials is None:
            said.append(as_required(one.what, met=one.met))
            continue
        level, score = levels.get(one.level), release.scores[one.site]
        share = min(share, _least(score - step / 2, exact, level))
        words = Message(
            "{what} {value} (in steps of {step:g})",
            what=Message.of(one.what),
            value=_said(score, level),
            step=step,
        )
        said.append(words)
    if release.grade.attempt != grade.attempt:
        said.append(Message("shown since scored attempt {number}", number=release.turn))
    if share >= 1.0:
        return replace(check, measured=joined(said))
    steps = disclosure.steps(check.max_points)
    points = round(math.floor(share * steps + TOLERANCE) / steps * check.max_points, 2)
    hint = check.hint or Message("It may be worth all points: what is shown is the least.")
    return replace(check, status=Status.FAILED, points=points, measured=joined(said), hint=hint)


def _said(score: float, level: Levels | None) -> Message:
    """Say an accuracy no further than its level gives credit for."""
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
    """Return the pictures of each check from the attempt whose score is shown; those of nobody knows whom are left out."""
    shown: list[Picture] = []
    for check in grade.checks:
        source = scored[check.id].grade if check.id in scored else grade
        shown += [picture for picture in source.pictures if picture.check == check.id]
    return tuple(shown)
