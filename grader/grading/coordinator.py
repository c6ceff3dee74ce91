"""A whole class: submissions through a runner, records through one coordinator.

An attempt is stored before anything else learns of it; gradebook and `autograded/` follow from it. Whoever runs the
same command again after a crash grades what is missing and writes the same records.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grader.assignment.course import Course
from grader.calibration import flags as suspicion
from grader.checks.scoring import with_manual
from grader.errors import GraderError, SpecError
from grader.gradebook import attempts, conversion, versions
from grader.gradebook.attempts import sanitised
from grader.gradebook.formgrader import handed_in_at, with_notice, write_for_formgrader
from grader.gradebook.nbgrader import has_nbgrader
from grader.grading import assemble, preparation
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


def grade_class(
    course: Course,
    assignment: str,
    settings: Settings,
    options: Options,
    *,
    runner: Executor,
    tell: Callable[[Event, str, Grade | None], None],
) -> list[Grade]:
    """Grade what is handed in for an assignment, and record it.

    Args:
        course: the course.
        assignment: id of the assignment.
        settings: kernel, seed, data, database.
        options: what to grade.
        runner: where submissions are graded.
        tell: called when a submission is started, and when it is graded, known from an earlier run, or not scored
            because the student's scored attempts are used up.

    Returns:
        Grades by student, manual points included.

    Raises:
        GraderError: nothing could be graded, or records could not be written; what is graded stays stored.
    """
    if options.extra_attempt and not options.students:
        raise SpecError("an extra attempt is for somebody.", "Name the student with --student.")
    with attempts.sole_writer(course.folder), desk(course) as place:
        submissions = course.submissions(assignment, options.students)
        secret = course_secret(course.folder, settings)
        work = preparation.prepare(course, assignment, settings, card=options.card, secret=secret, desk=place)
        grades = []
        with _records(course, work, settings) as record:
            for submission in submissions:
                tell("started", submission.student, None)
                try:
                    event, grade = _decided(course, submission, work, runner, options, settings)
                except GraderError:
                    raise
                except Exception:  # of one submission: the others are graded all the same
                    event, grade = "graded", assemble.undecided(submission, work, traceback.format_exc())
                    attempts.write(course.folder, grade, submitted=None, executed=None, answers={})
                    attempts.set_current(course.folder, grade)
                grade = record(grade, submission)
                tell(event, submission.student, grade)
                grades.append(grade)
        return grades


def _decided(
    course: Course,
    submission: Submission,
    work: preparation.Work,
    runner: Executor,
    options: Options,
    settings: Settings,
) -> tuple[Event, Grade]:
    """Grade a submission, or find out that it is known or one more than are scored; return the grade that counts."""
    known = None if options.force else _usable(course, submission, work)
    if known is None and _beyond(course, submission, work, options, settings):
        return "unscored", _unscored(course, submission, work, settings)
    grade = known or _graded(course, submission, work, runner)
    attempts.set_current(course.folder, grade)
    versions.settle(course.folder, submission)
    counts = attempts.counting(course.folder, submission.assignment, submission.student, settings.counts)
    return "graded" if known is None else "known", counts or grade


def _against(work: preparation.Work) -> versions.Against:
    return versions.Against(work.context.version, work.context.split, work.context.card)


def _beyond(
    course: Course, submission: Submission, work: preparation.Work, options: Options, settings: Settings
) -> bool:
    """Say whether a version would be one more than are scored; what was let in once is not."""
    if options.extra_attempt or not settings.attempts:
        return False
    who, attempt = (course.folder, submission.assignment, submission.student), work.attempt(submission)
    before = versions.judged(*who, _against(work))
    again = versions.version(submission) in {versions.version_of(one) for one in before}
    again |= attempt in {attempts.current(*who), *(one.attempt for one in before)}
    return len(before) >= settings.attempts and not again


def _unscored(course: Course, submission: Submission, work: preparation.Work, settings: Settings) -> Grade:
    """Keep a version without running it; return the grade that goes on counting, with a notice."""
    who = (course.folder, submission.assignment, submission.student)
    before = versions.judged(*who, _against(work))
    last = next((one for one in reversed(before) if one.status is not Status.ERROR), before[-1])
    if attempts.current(*who) not in {one.attempt for one in before}:
        attempts.set_current(course.folder, last)
    grade = attempts.counting(*who, settings.counts) or last
    turn = grade.provenance.get(versions.TURN, "")
    if settings.counts == "best":
        counts = Message("The grade is that of your best version.")
    elif turn:
        counts = Message("The grade is that of scored attempt {number}.", number=turn)
    else:
        counts = Message("The grade is that of the version that was scored last.")
    files = {file.name: file.max_kb * 1024 for file in work.context.assignment.files}
    notice = versions.keep(
        course.folder,
        submission,
        _against(work),
        files,
        limit=settings.attempts,
        counts=counts,
    )
    return dataclasses.replace(grade, notices=(notice, *grade.notices))


def _graded(course: Course, submission: Submission, work: preparation.Work, runner: Executor) -> Grade:
    """Grade what was handed in, and store it as an attempt."""
    who = (course.folder, submission.assignment, submission.student)
    version, before = versions.version(submission), versions.judged(*who, _against(work))
    queued = time.monotonic()
    graded = runner.submit(assemble.grade, submission, work).result()
    waited = max(0.0, time.monotonic() - queued - graded.grade.seconds.total)
    seconds = dataclasses.replace(graded.grade.seconds, queue=round(waited, 3))
    grade = dataclasses.replace(graded.grade, seconds=seconds)
    if graded.executed is not None or versions.RAN in grade.provenance:
        grade = versions.numbered(grade, version, before)
        known = suspicion.calibration_in_force(work.context.folder, work.context.card, work.own_photos)
        flags = suspicion.flags(grade, known, own_photos=work.own_photos)
        grade = dataclasses.replace(grade, flags=flags)
    attempts.write(
        course.folder, grade, submitted=graded.submitted, executed=graded.executed, answers=graded.answers
    )
    return grade


def _usable(course: Course, submission: Submission, work: preparation.Work) -> Grade | None:
    """A stored grade counts unless it was our own error: that is worth another try."""
    grade = attempts.read(
        course.folder, work.context.assignment.id, submission.student, work.attempt(submission)
    )
    return None if grade is None or grade.status is Status.ERROR else grade


@contextlib.contextmanager
def desk(course: Course) -> Iterator[Path]:
    """A folder for working copies; what a killed run left in it is removed first."""
    folder = course.folder / ".pawgrade" / "work"
    shutil.rmtree(folder, ignore_errors=True)
    place = folder / uuid.uuid4().hex[:8]
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _records(
    course: Course, work: preparation.Work, settings: Settings
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
            notebook = sanitised(course, grade)
            record(gradebook, grade, notebook, timestamp=handed_in_at(submission))
            words = versions.waiting(course.folder, grade.assignment, grade.student)
            if notebook is None:
                words = words or sentences(grade.notices) or Message("Nothing was run.")
            shown = with_notice(work.release if notebook is None else notebook, words)
            write_for_formgrader(course, grade, shown, submission)
            return with_manual(
                grade,
                manual_points(gradebook, grade.assignment, grade.student),
                work.context.assignment.pass_points,
            )

        yield write
