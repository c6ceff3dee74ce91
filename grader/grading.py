"""A whole class: submissions through a runner, records through one coordinator.

An attempt is stored before anything else learns of it; gradebook and `autograded/` follow from it. Whoever runs the
same command again after a crash grades what is missing and writes the same records.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import importlib.util
import shutil
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nbformat
from nbformat import NotebookNode

from grader import attempts, pipeline, preparation, suspicion, tally
from grader.course import Course
from grader.errors import GraderError, SpecError
from grader.inert import inert_markdown, visible
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
                    event, grade = "graded", pipeline.undecided(submission, work, traceback.format_exc())
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
    tally.settle(course.folder, submission)
    counts = attempts.counting(course.folder, submission.assignment, submission.student, settings.counts)
    return "graded" if known is None else "known", counts or grade


def _against(work: preparation.Work) -> tally.Against:
    return tally.Against(work.context.version, work.context.split, work.context.card)


def _beyond(
    course: Course, submission: Submission, work: preparation.Work, options: Options, settings: Settings
) -> bool:
    """Say whether a version would be one more than are scored; what was let in once is not."""
    if options.extra_attempt or not settings.attempts:
        return False
    who, attempt = (course.folder, submission.assignment, submission.student), work.attempt(submission)
    before = tally.judged(*who, _against(work))
    again = tally.version(submission) in {tally.version_of(one) for one in before}
    again |= attempt in {attempts.current(*who), *(one.attempt for one in before)}
    return len(before) >= settings.attempts and not again


def _unscored(course: Course, submission: Submission, work: preparation.Work, settings: Settings) -> Grade:
    """Keep a version without running it; return the grade that goes on counting, with a notice."""
    who = (course.folder, submission.assignment, submission.student)
    before = tally.judged(*who, _against(work))
    last = next((one for one in reversed(before) if one.status is not Status.ERROR), before[-1])
    if attempts.current(*who) not in {one.attempt for one in before}:
        attempts.set_current(course.folder, last)
    grade = attempts.counting(*who, settings.counts) or last
    turn = grade.provenance.get(tally.TURN, "")
    scored = f"scored attempt {turn}" if turn else "the version that was scored last"
    named = "your best version" if settings.counts == "best" else scored
    files = {file.name: file.max_kb * 1024 for file in work.context.assignment.files}
    notice = tally.keep(
        course.folder,
        submission,
        _against(work),
        files,
        limit=settings.attempts,
        counts=f"The grade is that of {named}.",
    )
    return dataclasses.replace(grade, notices=(notice, *grade.notices))


def _graded(course: Course, submission: Submission, work: preparation.Work, runner: Executor) -> Grade:
    """Grade what was handed in, and store it as an attempt."""
    who = (course.folder, submission.assignment, submission.student)
    version, before = tally.version(submission), tally.judged(*who, _against(work))
    queued = time.monotonic()
    graded = runner.submit(pipeline.grade, submission, work).result()
    waited = max(0.0, time.monotonic() - queued - graded.grade.seconds.total)
    seconds = dataclasses.replace(graded.grade.seconds, queue=round(waited, 3))
    grade = dataclasses.replace(graded.grade, seconds=seconds)
    if graded.executed is not None or tally.RAN in grade.provenance:
        grade = tally.numbered(grade, version, before)
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


def has_nbgrader() -> bool:
    """Whether the staff extra is installed."""
    return importlib.util.find_spec("nbgrader") is not None


@contextlib.contextmanager
def _records(
    course: Course, work: preparation.Work, settings: Settings
) -> Iterator[Callable[[Grade, Submission], Grade]]:
    """Open the gradebook once; yield what records one grade and returns it with its manual points."""
    if not has_nbgrader():
        yield lambda grade, _: grade
        return
    from grader import release
    from grader.gradebook import manual_points, open_gradebook, record, refuse_nbgraders_scores
    from grader.manual_work import refuse_to_begin_anew, save_snapshot, snapshot

    url = course.db_url(settings.db_url)
    refuse_to_begin_anew(course.folder, url)
    release.record_source(course.folder, work.context.assignment.id, url)
    with open_gradebook(url) as gradebook:
        refuse_nbgraders_scores(gradebook, work.context.assignment.id)
        save_snapshot(course.folder, snapshot(gradebook))  # should the database be damaged one day

        def write(grade: Grade, submission: Submission) -> Grade:
            notebook = sanitised(course, grade)
            record(gradebook, grade, notebook, timestamp=handed_in_at(submission))
            words = tally.waiting(course.folder, grade.assignment, grade.student)
            if notebook is None:
                words = words or " ".join(grade.notices) or "Nothing was run."
            shown = _headed(work.release if notebook is None else notebook, words)
            _write_autograded(course, grade, shown, submission)
            return with_manual(
                grade,
                manual_points(gradebook, grade.assignment, grade.student),
                work.context.assignment.pass_points,
            )

        yield write


def _write_autograded(course: Course, grade: Grade, notebook: NotebookNode, submission: Submission) -> None:
    from grader.autograded import write_autograded

    text = submission.timestamp if handed_in_at(submission) is not None else None
    write_autograded(course.folder, grade, notebook, text)


def _headed(notebook: NotebookNode, words: str) -> NotebookNode:
    """Return a notebook with a notice on top, for the formgrader; without words the notebook itself."""
    if not words:
        return notebook
    notebook = copy.deepcopy(notebook)
    cell = nbformat.v4.new_markdown_cell(inert_markdown(visible(words)), id="pawgrade-notice")
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        del cell["id"]
    notebook.cells.insert(0, cell)
    return notebook


def handed_in_at(submission: Submission) -> datetime.datetime | None:
    """Return when a submission was handed in; None when its `timestamp.txt` is missing or is no time."""
    from grader.autograded import parse_timestamp

    try:
        return parse_timestamp(submission.timestamp)
    except SpecError:  # the file came with the submission: a damaged one must not stop the class
        return None


def sanitised(course: Course, grade: Grade) -> NotebookNode | None:
    """Return the executed notebook of a grade's attempt, safe to look at, or None when nothing ran."""
    from grader.showing import safe_notebook

    executed = attempts.executed_bytes(course.folder, grade)
    return None if executed is None else safe_notebook(executed)


def with_manual(grade: Grade, manual: float | None, pass_points: float) -> Grade:
    """Return the grade with the points given by hand."""
    passed = grade.points + (manual or 0.0) >= pass_points
    status = grade.status
    if status is not Status.ERROR:
        status = Status.PASSED if passed else Status.FAILED
    return dataclasses.replace(grade, manual_points=manual, passed=passed, status=status)
