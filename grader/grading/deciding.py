"""Decide what is done about each submission of a class, by what is stored: nothing, judge anew, execute, or keep unscored."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.assignment import contents, identity
from grader.assignment.calibrated import Calibration
from grader.assignment.course import Course
from grader.calibration import flags as suspicion
from grader.errors import GraderError, SpecError
from grader.gradebook import attempts, versions
from grader.grading import preparation
from grader.grading.anew.reporting import Unreported
from grader.grading.preparation import Order, Work
from grader.judging import stored_answers
from grader.records import Grade, Status, Submission
from grader.settings import Settings

Event = Literal["started", "graded", "judged", "known", "unscored"]


@dataclass(frozen=True)
class Options:
    """What `pawgrade grade` was asked.

    Attributes:
        card: data card, or None for the default.
        students: only these; empty: everybody.
        force: grade again although nothing changed.
        extra_attempt: score these students' versions although their scored attempts are used up.
    """

    card: str | None = None
    students: tuple[str, ...] = ()
    force: bool = False
    extra_attempt: bool = False


@dataclass(frozen=True)
class Group:
    """What all submissions of a class share, on the side that keeps the records.

    Attributes:
        course: the course.
        settings: which attempt counts, how many are scored.
        options: what was asked.
        order: what workers prepare themselves for.
        work: the same, prepared here.
        calibration: what honest work reaches on this card, where that is known.
    """

    course: Course
    settings: Settings
    options: Options
    order: Order
    work: Work
    calibration: Calibration | None

    @property
    def against(self) -> versions.Against:
        """What work is judged against."""
        context = self.work.context
        return versions.Against(context.version, context.split, context.card)

    def counting(self, submission: Submission) -> Grade | None:
        """Return the stored grade that counts for a student, or None; attempts that cannot be read do not count."""
        student = (self.course.folder, submission.assignment, submission.student)
        stored, _ = attempts.readable(*student)
        return self.counting_of(stored, attempts.current(*student))

    def sets_apart(self, stored: Sequence[Grade], current: str, counting: Grade) -> bool:
        """Say whether a version with more points than the one that counts is not compared with it, by the rule `best`.

        Args:
            stored: the grades of a student's attempts, as far as they can be read.
            current: id of the attempt that is handed in now.
            counting: the grade that counts.
        """
        if self.settings.counts != "best":
            return False
        comparable = {g.attempt for g in versions.comparable(stored, current, self.work.context.judged)}
        return any(grade.points > counting.points for grade in stored if grade.attempt not in comparable)

    def counting_of(self, stored: Sequence[Grade], current: str) -> Grade | None:
        """Return the grade that counts by the course's rule.

        Args:
            stored: the grades of a student's attempts, as far as they can be read.
            current: id of the attempt that is handed in now.
        """
        if self.settings.counts == "best":
            return versions.best(versions.comparable(stored, current, self.work.context.judged))
        return next((grade for grade in stored if grade.attempt == current), None)


@dataclass(frozen=True)
class Decision:
    """What is done about one submission, by what is stored of its student.

    Attributes:
        submission: what was handed in, its folder looked at.
        event: what is told of it in the end.
        before: the student's attempts that were judged against the same.
        known: the stored grade of these very files; None where there is none that counts.
        anew: stored grades whose answers are judged again, by other levels or checks than before: of these files and of
            earlier versions.
        reason: why these files are executed although they were before; "" where they are new.
        stale: earlier versions that keep the grade of other levels or checks, by attempt, with the reason.
        fault: traceback of a fault of ours on the way here.
        stored: the grades of all of the student's attempts that can be read, by id.
        damaged: why others cannot, by attempt.
        notes: sentences about what became of it, for staff.
    """

    submission: Submission
    event: Event
    before: Sequence[Grade] = ()
    known: Grade | None = None
    anew: tuple[Grade, ...] = ()
    reason: str = ""
    stale: Mapping[str, str] = dataclasses.field(default_factory=dict)
    fault: str = ""
    stored: Mapping[str, Grade] = dataclasses.field(default_factory=dict)
    damaged: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of one submission, or would become of it.

    Attributes:
        student: nbgrader's student id.
        what: `new` and `executed anew` for what runs, `judged anew`, `unchanged`, `not scored`, or `not judged anew`
            or `not decided anew` where judging or executing failed and the former grade stays.
        reason: why it is executed anew, or could not be judged or executed anew; "" otherwise.
        before: the grade that counted, or None.
        after: the grade that counts now; None where that is not known.
        earlier: how many earlier versions are judged anew beside it.
        stale: reasons of earlier versions that keep the grade of other levels or checks.
        notes: sentences about it, for staff.
        apart: whether a version with more points is not compared, since they measure something else.
    """

    student: str
    what: str
    reason: str = ""
    before: Grade | None = None
    after: Grade | None = None
    earlier: int = 0
    stale: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    apart: bool = False

    @property
    def changed(self) -> bool:
        """Whether another grade counts: other points, or another status."""
        if self.before is None or self.after is None:
            return False
        return (self.before.points, self.before.status) != (self.after.points, self.after.status)

    def to_json(self) -> dict[str, object]:
        """Return JSON-able values: points without what is given by hand, None where they are not known."""
        points = [None if grade is None else grade.points for grade in (self.before, self.after)]
        return {
            "student": self.student,
            "what": self.what,
            "reason": self.reason,
            "points_before": points[0],
            "points": points[1],
            "changed": self.changed,
            "earlier_judged_anew": self.earlier,
            "earlier_not_judged_anew": list(self.stale),
            "not_compared": self.apart,
            "notes": list(self.notes),
        }


def outcome_of(
    decision: Decision, before: Grade | None, after: Grade | None, unreported: Unreported | None = None
) -> Outcome:
    """Return what became of a submission by what was decided about it.

    Args:
        decision: what was decided.
        before: the grade that counted before.
        after: the grade that counts now; None where that is not known.
        unreported: what an earlier run did, which ended before its report.
    """
    notes = decision.notes
    if unreported is not None:
        before = unreported.before
        notes = (*notes, "what moved includes an earlier run that ended before its report")
    executed = "executed anew" if decision.reason else "new"
    student = decision.submission.student
    if decision.fault and decision.known is not None:
        what = "not judged anew" if decision.event == "judged" else "not decided anew"
        return Outcome(student, what, _last_line(decision.fault), before, after, notes=notes)
    what = {"known": "unchanged", "judged": "judged anew", "unscored": "not scored"}.get(
        decision.event, executed
    )
    earlier = len(decision.anew) - (decision.event == "judged")
    if earlier and what == "unchanged":
        what = "judged anew"  # of what counts, an earlier version may be the one
    reason = decision.reason if what == "executed anew" else ""
    if what == "unchanged" and unreported is not None:
        what, reason = unreported.what, unreported.reason
    stale = tuple(dict.fromkeys(decision.stale.values()))
    return Outcome(student, what, reason, before, after, earlier, stale, notes)


def is_lost(former: Grade | None, grade: Grade) -> bool:
    """Say whether a grade would put a fault of ours in the place of one that was decided."""
    return former is not None and former.status is not Status.ERROR and grade.status is Status.ERROR


def _last_line(fault: str) -> str:
    return next(iter(reversed(fault.strip().splitlines())), "a check or the grader broke")


def group_of(
    course: Course, assignment: str, settings: Settings, options: Options, *, desk: Path, secret: bytes
) -> Group:
    """Prepare what the submissions of a class share; it writes nothing into the course.

    Raises:
        SpecError: the course cannot be graded, or an extra attempt is for nobody.
    """
    if options.extra_attempt and not options.students:
        raise SpecError("an extra attempt is for somebody.", "Name the student with --student.")
    drawn = identity.drawn_from(course.folder, assignment, course.source(assignment))
    order = Order(course, assignment, settings, desk, secret, options.card, drawn=drawn)
    # Here, too: a course that cannot be graded fails before the first submission is handed over.
    work = preparation.prepared(order)
    calibration = suspicion.calibration_in_force(work.context.folder, work.context.card, work.own_photos)
    return Group(course, settings, options, order, work, calibration)


def decided(group: Group, submission: Submission) -> Decision:
    """Find out whether a submission is known, judged anew, executed, or one more than are scored; its files are read once, here."""
    try:
        submission = dataclasses.replace(submission, contents=contents.contents(submission))
        return _decided(group, submission)
    except GraderError:
        raise
    except Exception:  # of one submission: the others are graded all the same
        return Decision(submission, "graded", fault=traceback.format_exc())


def _decided(group: Group, submission: Submission) -> Decision:
    attempt, course = group.work.attempt(submission), group.course.folder
    readable, damaged = attempts.readable(course, submission.assignment, submission.student)
    stored_grades = {stored.attempt: stored for stored in readable}
    before = versions.judged_of(course, readable, group.against)
    grade = stored_grades.get(attempt)
    earlier = [stored for stored in before if stored.attempt != attempt and _is_outdated(group, stored)]
    reasons = {stored.attempt: unfit(group, stored) for stored in earlier}
    anew = tuple(stored for stored in earlier if not reasons[stored.attempt])
    stale = {attempt: reason for attempt, reason in reasons.items() if reason}
    decision = Decision(
        submission, "known", before, grade, anew, stale=stale, stored=stored_grades, damaged=damaged
    )
    if attempt in damaged:
        reason = "its stored attempt is damaged"
    elif grade is None or group.options.force:
        reason = "--force" if grade is not None else _what_changed(group, submission, stored_grades)
    elif _is_outdated(group, grade):
        reason = unfit(group, grade)
        if not reason:
            # Last: where it is the one that counts, nothing that counts less is missing when it has changed.
            return dataclasses.replace(decision, event="judged", anew=(*anew, grade))
    elif grade.status is Status.ERROR:
        reason = "it could not be decided before"  # our own error: that is worth another try
    else:
        return decision
    event: Event = "unscored" if _beyond(group, submission, before) else "graded"
    return dataclasses.replace(decision, event=event, known=None, reason=reason)


def _is_outdated(group: Group, grade: Grade) -> bool:
    """Say whether a stored grade was given by other levels or checks than those of now."""
    return versions.judged_by(grade) != group.work.context.judged


def unfit(group: Group, grade: Grade) -> str:
    """Say why the answers of a stored attempt cannot be judged again; "" where they can."""
    if group.work.context.assignment.in_the_notebook:
        return "tests in its own cells give the points, and they have to run"
    record = stored_answers.read_record(attempts.folder_of(group.course.folder, grade))
    if record is None:
        if attempts.JUDGED not in grade.provenance:
            return "graded by an earlier version of Pawgrade, which did not note what was asked"
        return (
            "its answers are not stored"
            if attempts.has_run(group.course.folder, grade)
            else "its notebook did not run"
        )
    if record["run"] != dict(group.work.context.parts):
        return _changed_parts(record["run"], group.work.context.parts)
    different = stored_answers.differences(record, group.work.context.asked)
    return f"other questions: {', '.join(different)}" if different else ""


def _what_changed(group: Group, submission: Submission, stored: Mapping[str, Grade]) -> str:
    """Say why files that are graded already make another attempt; "" where they are new."""
    grade = stored.get(attempts.current(group.course.folder, submission.assignment, submission.student))
    if grade is None or versions.version_of(grade) != versions.version(submission):
        return ""
    return "; ".join(_differences(group, grade)) or "another course secret"


def _differences(group: Group, grade: Grade) -> Iterator[str]:
    work, context = group.work, group.work.context
    if grade.data != context.card:
        yield f"data card {context.card} instead of {grade.data}"
    elif grade.provenance.get("split") != context.split:
        yield "another split of the photos"
    if grade.seed != work.seed:
        yield f"seed {work.seed} instead of {grade.seed}"
    if grade.device != work.device:
        yield f"device {work.device} instead of {grade.device}"
    if grade.provenance.get("assignment") != context.version:
        record = stored_answers.read_record(attempts.folder_of(group.course.folder, grade))
        if record is not None and record["run"] != dict(context.parts):
            yield _changed_parts(record["run"], context.parts)
        elif record is None:
            yield "the assignment has changed"


def _changed_parts(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    names = [name for name in {**now, **before} if before.get(name) != now.get(name)]
    return f"changed: {', '.join(names)}"


def _beyond(group: Group, submission: Submission, before: Sequence[Grade]) -> bool:
    """Say whether a version would be one more than are scored; what was let in once is not."""
    limit = group.settings.attempts
    if group.options.extra_attempt or not limit:
        return False
    attempt = group.work.attempt(submission)
    current = attempts.current(group.course.folder, submission.assignment, submission.student)
    # By files and by attempt: attempts from before versions were noted have the latter alone.
    again = versions.version(submission) in {versions.version_of(grade) for grade in before}
    again |= attempt in {current, *(grade.attempt for grade in before)}
    return len(before) >= limit and not again
