"""Grade a whole class: submissions go through a runner, records through one coordinator.

An attempt is stored before anything else learns of it; gradebook and `autograded/` follow from it. Whoever runs the
same command again after a crash grades what is missing and writes the same records.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.assignment.calibrated import Calibration
from grader.assignment.course import Course
from grader.calibration import flags as suspicion
from grader.checks.scoring import with_manual
from grader.errors import GraderError, SpecError
from grader.gradebook import attempts, conversion, versions
from grader.gradebook.attempts import sanitised
from grader.gradebook.formgrader import handed_in_at, with_notice, write_for_formgrader
from grader.gradebook.nbgrader import has_nbgrader
from grader.grading import assemble, preparation
from grader.grading.preparation import Order, Work
from grader.grading.runners import Call, in_order
from grader.grading.submission import Graded, grade_as_ordered
from grader.messages import Message, sentences
from grader.records import Grade, Status, Submission
from grader.settings import Settings, course_secret

Event = Literal["started", "graded", "known", "unscored"]


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
class _Class:
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
    def judge(self) -> versions.Against:
        """What work is judged against."""
        context = self.work.context
        return versions.Against(context.version, context.split, context.card)


@dataclass(frozen=True)
class _Decision:
    """What is done about one submission, by what is stored of its student.

    Attributes:
        submission: what was handed in, its folder looked at.
        event: what is told of it in the end.
        before: the student's attempts that were judged against the same.
        known: the stored grade of these very files; None where there is none that counts.
        fault: traceback of a fault of ours on the way here.
    """

    submission: Submission
    event: Event
    before: Sequence[Grade] = ()
    known: Grade | None = None
    fault: str = ""


def grade_class(
    course: Course,
    assignment: str,
    settings: Settings,
    options: Options,
    *,
    runner: Executor,
    tell: Callable[[Event, str, Grade | None], None],
    jobs: int = 1,
) -> list[Grade]:
    """Grade what is handed in for an assignment, and record it.

    Submissions are handed to the runner ahead, and recorded in their order as results come.

    Args:
        course: the course.
        assignment: id of the assignment.
        settings: kernel, seed, data, database.
        options: what to grade.
        runner: where submissions are graded.
        tell: called when a submission is started, and when it is graded, known from an earlier run, or not scored
            because the student's scored attempts are used up.
        jobs: how many submissions the runner grades at a time.

    Returns:
        Grades by student, manual points included.

    Raises:
        GraderError: nothing could be graded, or records could not be written; what is graded stays stored.
    """
    if options.extra_attempt and not options.students:
        raise SpecError("an extra attempt is for somebody.", "Name the student with --student.")
    # The lock comes before `desk`, which deletes what other runs have there.
    with attempts.sole_writer(course.folder), desk(course) as folder:
        submissions = course.submissions(assignment, options.students)
        secret = course_secret(course.folder, settings)
        order = Order(course, assignment, settings, folder, secret, options.card)
        # Here, too: a course that cannot be graded fails before the first submission is handed over.
        work = preparation.prepared(order)
        calibration = suspicion.calibration_in_force(work.context.folder, work.context.card, work.own_photos)
        group = _Class(course, settings, options, order, work, calibration)

        # A generator: `in_order` asks for a submission no earlier than it can hand it over.
        def calls() -> Iterator[tuple[_Decision, Call[Graded | None]]]:
            for submission in submissions:
                tell("started", submission.student, None)
                decision = _decided(group, submission)
                yield decision, functools.partial(_hand_over, group, decision, runner)

        grades = list[Grade]()
        with _records(course, work, settings) as record:
            for decision, future in in_order(calls(), jobs):
                # Stored first, then recorded and told: after a crash the gradebook follows from what is
                # stored (ADR 6).
                grade = record(_stored(group, decision, future), decision.submission)
                tell(decision.event, grade.student, grade)
                grades.append(grade)
        return grades


# Policy: what is done about a submission


def _decided(group: _Class, submission: Submission) -> _Decision:
    """Find out whether a submission is graded, known, or one more than are scored; its files are read once, here."""
    try:
        submission = dataclasses.replace(submission, contents=attempts.contents(submission))
        before = versions.judged(group.course.folder, submission.assignment, submission.student, group.judge)
        stored_grade = None if group.options.force else _usable(group, submission)
        if stored_grade is not None:
            return _Decision(submission, "known", before, stored_grade)
        event: Event = "unscored" if _beyond(group, submission, before) else "graded"
    except GraderError:
        raise
    except Exception:  # of one submission: the others are graded all the same
        return _Decision(submission, "graded", fault=traceback.format_exc())
    return _Decision(submission, event, before)


def _usable(group: _Class, submission: Submission) -> Grade | None:
    """Return the stored grade of these very files, unless it was our own error: that is worth another try."""
    attempt = group.work.attempt(submission)
    grade = attempts.read(group.course.folder, submission.assignment, submission.student, attempt)
    return None if grade is None or grade.status is Status.ERROR else grade


def _beyond(group: _Class, submission: Submission, before: Sequence[Grade]) -> bool:
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


def _hand_over(group: _Class, decision: _Decision, runner: Executor) -> Future[Graded | None]:
    """Hand a submission to the runner, if it is to be graded."""
    if decision.event == "graded" and not decision.fault:
        return runner.submit(grade_as_ordered, decision.submission, group.order, time.time())
    # A future all the same, so that `in_order` keeps the order of submissions.
    nothing: Future[Graded | None] = Future()
    nothing.set_result(None)
    return nothing


# Storing


def _stored(group: _Class, decision: _Decision, future: Future[Graded | None]) -> Grade:
    """Store what became of a submission, and say so where it is the one handed in now; return the grade that counts."""
    folder, submission = group.course.folder, decision.submission
    try:
        if decision.event == "unscored":
            return _unscored(group, decision)
        graded = future.result()
        grade = decision.known
        if graded is not None:
            grade = _numbered(group, decision, graded)
            attempts.write(
                folder,
                grade,
                submitted=graded.submitted,
                executed=graded.executed,
                answers=graded.answers,
            )
    # Records that cannot be written concern the whole class.
    except GraderError:
        raise
    except Exception:  # of one submission: the others are graded all the same
        decision, grade = dataclasses.replace(decision, fault=traceback.format_exc()), None
    if grade is None:
        grade = assemble.undecided(submission, group.work, decision.fault)
        attempts.write(folder, grade, submitted={}, executed={}, answers={})
    # Only after `write`: a pointer must not name an attempt that is not there.
    attempts.set_current(folder, grade)
    versions.settle(folder, submission)
    # By policy an older attempt may count more than the one just graded.
    counts = attempts.counting(folder, submission.assignment, submission.student, group.settings.counts)
    return counts or grade


def _numbered(group: _Class, decision: _Decision, graded: Graded) -> Grade:
    """Return a new grade with the number of its scored attempt, and with what somebody may want to look at."""
    grade = graded.grade
    if not graded.executed and versions.RAN not in grade.provenance:
        return grade  # nothing ran: no attempt
    version = versions.version(decision.submission)
    grade = versions.numbered(grade, version, decision.before)
    flags = suspicion.flags(grade, group.calibration, own_photos=group.work.own_photos)
    return dataclasses.replace(grade, staff=dataclasses.replace(grade.staff, flags=flags))


def _unscored(group: _Class, decision: _Decision) -> Grade:
    """Keep a version without running it; return the grade that goes on counting, with a notice."""
    folder, submission, before = group.course.folder, decision.submission, decision.before
    student = (folder, submission.assignment, submission.student)
    # An ERROR has no score; it stands in only where nothing else is left.
    last = next((grade for grade in reversed(before) if grade.status is not Status.ERROR), before[-1])
    if attempts.current(*student) not in {grade.attempt for grade in before}:
        attempts.set_current(folder, last)
    grade = attempts.counting(*student, group.settings.counts) or last
    turn = grade.provenance.get(versions.TURN, "")
    if group.settings.counts == "best":
        counts = Message("The grade is that of your best version.")
    elif turn:
        counts = Message("The grade is that of scored attempt {number}.", number=turn)
    else:
        counts = Message("The grade is that of the version that was scored last.")
    files = {file.name: file.max_kb * 1024 for file in group.work.context.assignment.files}
    notice = versions.keep(
        folder, submission, group.judge, files, limit=group.settings.attempts, counts=counts
    )
    return dataclasses.replace(grade, notices=(notice, *grade.notices))


@contextlib.contextmanager
def desk(course: Course) -> Iterator[Path]:
    """Make a folder for working copies, and remove it afterwards; what a killed run left is removed first."""
    folder = course.folder / ".pawgrade" / "work"
    shutil.rmtree(folder, ignore_errors=True)
    desk_folder = folder / uuid.uuid4().hex[:8]
    desk_folder.mkdir(parents=True)
    try:
        yield desk_folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _records(
    course: Course, work: Work, settings: Settings
) -> Iterator[Callable[[Grade, Submission], Grade]]:
    """Open the gradebook once; yield what records one grade and returns it with its manual points."""
    if not has_nbgrader():
        yield lambda grade, _: grade
        return
    from grader.gradebook.manual_work import refuse_to_begin_anew, save_snapshot, snapshot
    from grader.gradebook.nbgrader import manual_points, open_gradebook, record, refuse_nbgraders_scores

    url = course.db_url(settings.db_url)
    refuse_to_begin_anew(course.folder, url)
    conversion.record_source(course.folder, work.context.assignment.id, url)
    with open_gradebook(url) as gradebook:
        refuse_nbgraders_scores(gradebook, work.context.assignment.id)
        save_snapshot(course.folder, snapshot(gradebook))  # should the database be damaged one day

        def write(grade: Grade, submission: Submission) -> Grade:
            executed = sanitised(course, grade)
            record(gradebook, grade, executed, timestamp=handed_in_at(submission))
            words = versions.waiting(course.folder, grade.assignment, grade.student)
            not_run = words or sentences(grade.notices) or Message("Nothing was run.")
            annotated = {
                name: with_notice(executed[name], words)
                if name in executed
                else with_notice(released, not_run)
                for name, released in work.releases.items()
            }
            write_for_formgrader(course, grade, annotated, submission)
            return with_manual(
                grade,
                manual_points(gradebook, grade.assignment, grade.student),
                work.context.assignment.pass_points,
            )

        yield write
