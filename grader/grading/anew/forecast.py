"""Say what grading a class would do, and write nothing: who is judged anew, executed, unchanged, and whose points move."""

from __future__ import annotations

import dataclasses
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.assignment.course import Course
from grader.gradebook import attempts
from grader.grading.anew.rejudging import judge_stored
from grader.grading.deciding import Decision, Group, Options, Outcome, decided, group_of, outcome_of
from grader.records import Grade, Status
from grader.settings import SECRET_FILE, Settings, course_secret


def forecast(
    course: Course,
    assignment: str,
    settings: Settings,
    options: Options,
    *,
    tell: Callable[[str, str, None], object],
) -> list[Outcome]:
    """Return what `grade_class` would do with each submission, by the stored attempts as they are.

    Stored answers are judged, so that the points are those that would count; nothing is executed, and nothing of the course
    is written: neither attempts nor gradebook, and no secret is drawn.

    Args:
        course: the course.
        assignment: id of the assignment.
        settings: kernel, seed, data.
        options: what would be graded.
        tell: called with `started` and `known` for each submission, as `grade_class` does.

    Returns:
        One outcome a submission, in the order of students. Points of what would be executed are not known.

    Raises:
        GraderError: grading would refuse the course.
    """
    submissions = course.submissions(assignment, options.students)
    has_secret = settings.secret is not None or (course.folder / SECRET_FILE).is_file()
    # Without a secret nothing was graded yet, and any one shows as much.
    secret = course_secret(course.folder, settings) if has_secret else secrets.token_bytes(16)
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="pawgrade-forecast-") as name:
        group = group_of(course, assignment, settings, options, desk=Path(name), secret=secret)
        for submission in submissions:
            tell("started", submission.student, None)
            outcomes.append(_outcome(group, decided(group, submission)))
            tell("known", submission.student, None)
    return outcomes


def _outcome(group: Group, decision: Decision) -> Outcome:
    """Judge what would be judged anew, and return what would become of a submission."""
    before = group.counting(decision.submission)
    now: dict[str, Grade] = {}
    for former in decision.anew:
        grade = judge_stored(group.course.folder, former, group.work)
        if grade is not None:
            now[former.attempt] = grade
        elif decision.known is not None and former.attempt == decision.known.attempt:
            decision = dataclasses.replace(decision, event="graded", reason="its stored answers are damaged")
        else:
            stale = {**decision.stale, former.attempt: "its stored answers are damaged"}
            decision = dataclasses.replace(decision, stale=stale)
    anew = tuple(former for former in decision.anew if former.attempt in now)
    decision = dataclasses.replace(decision, anew=anew)
    after = None if decision.event == "graded" else _counting(group, decision, now)
    return outcome_of(decision, before, after)


def _counting(group: Group, decision: Decision, now: dict[str, Grade]) -> Grade | None:
    """Return the grade that would count: of the stored ones, those judged anew in their places."""
    submission = decision.submission
    student = (group.course.folder, submission.assignment, submission.student)
    if group.settings.counts == "best":
        grades: Sequence[Grade] = [now.get(grade.attempt, grade) for grade in attempts.stored(*student)]
        return attempts.best(grades)
    if decision.event != "unscored":
        return decision.known and now.get(decision.known.attempt, decision.known)
    # As in `coordinator`: what counted goes on counting, else the latest that could be judged.
    name = attempts.current(*student)
    before = [now.get(grade.attempt, grade) for grade in decision.before]
    decidable = [grade for grade in before if grade.status is not Status.ERROR]
    current = [grade for grade in before if grade.attempt == name]
    return next(iter([*current, *reversed(decidable), *reversed(before)]), None)
