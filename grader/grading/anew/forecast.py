"""Say what grading a class would do, and write nothing: who is judged anew, executed, unchanged, and whose points move."""

from __future__ import annotations

import dataclasses
import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.assignment.course import Course
from grader.gradebook import attempts
from grader.grading.anew import reporting
from grader.grading.anew.rejudging import judge_stored
from grader.grading.deciding import Decision, Group, Options, Outcome, decided, group_of, is_lost, outcome_of
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
    submission = decision.submission
    student = (group.course.folder, submission.assignment, submission.student)
    before = group.counting_of(list(decision.stored.values()), attempts.current(*student))
    now: dict[str, Grade] = {}
    for former in decision.anew:
        grade = judge_stored(group.course.folder, former, group.work)
        is_known = decision.known is not None and former.attempt == decision.known.attempt
        if grade is not None and not is_lost(former, grade):
            now[former.attempt] = grade
        elif grade is not None and is_known:
            decision = dataclasses.replace(decision, fault=grade.staff.log or "a check or the grader broke")
        elif is_known:
            decision = dataclasses.replace(decision, event="graded", reason="its stored answers are damaged")
        else:
            why = "its stored answers are damaged" if grade is None else "a check broke on its answers"
            decision = dataclasses.replace(decision, stale={**decision.stale, former.attempt: why})
    anew = tuple(former for former in decision.anew if former.attempt in now)
    notes = tuple(f"{problem} The attempt will be moved aside" for problem in decision.damaged.values())
    decision = dataclasses.replace(decision, anew=anew, notes=notes)
    stored = [now.get(grade.attempt, grade) for grade in decision.stored.values()]
    current = _current(decision, attempts.current(*student), stored)
    after = None if decision.event == "graded" else group.counting_of(stored, current)
    apart = after is not None and group.sets_apart(stored, current, after)
    return dataclasses.replace(outcome_of(decision, before, after, reporting.read(*student)), apart=apart)


def _current(decision: Decision, current: str, stored: Sequence[Grade]) -> str:
    """Return the id of the attempt that would be the one handed in."""
    if decision.event != "unscored":
        return decision.known.attempt if decision.known is not None else current
    # As in `coordinator`: what counted goes on counting, else the latest that could be judged.
    names = [grade.attempt for grade in decision.before]
    if current in names:
        return current
    errors = {grade.attempt for grade in stored if grade.status is Status.ERROR}
    return next(iter([*(name for name in reversed(names) if name not in errors), *reversed(names)]), current)
