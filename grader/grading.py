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
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import nbformat
from nbformat import NotebookNode

from grader import attempts, pipeline, preparation
from grader.course import Course
from grader.errors import SpecError
from grader.records import Grade, Status, Submission
from grader.settings import Settings, course_secret

Event = Literal["started", "graded", "known"]


@dataclass(frozen=True)
class Options:
    """What `pawgrade grade` was asked.

    Attributes:
        card: data card, or None for the default.
        students: only these; empty: everybody.
        force: grade again although nothing changed.
    """

    card: str | None = None
    students: tuple[str, ...] = ()
    force: bool = False


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
        tell: called when a submission is started, graded, or known from an earlier run.

    Returns:
        Grades by student, manual points included.

    Raises:
        GraderError: nothing could be graded, or records could not be written; what is graded stays stored.
    """
    with attempts.sole_writer(course.folder), desk(course) as place:
        submissions = course.submissions(assignment, options.students)
        secret = course_secret(course.folder, settings)
        work = preparation.prepare(course, assignment, settings, card=options.card, secret=secret, desk=place)
        grades = []
        with _records(course, work, settings) as record:
            for submission in submissions:
                tell("started", submission.student, None)
                grade, known = _graded(course, submission, work, options, runner)
                attempts.set_current(course.folder, grade)
                counts = attempts.counting(course.folder, assignment, submission.student, settings.counts)
                grade = record(counts or grade, submission)
                tell("known" if known else "graded", submission.student, grade)
                grades.append(grade)
        return grades


def _graded(
    course: Course, submission: Submission, work: preparation.Work, options: Options, runner: Executor
) -> tuple[Grade, bool]:
    """Return the stored attempt of these very files, or grade them and store it."""
    known = None if options.force else _usable(course, submission, work)
    if known is not None:
        return known, True
    queued = time.monotonic()
    graded = runner.submit(pipeline.grade, submission, work).result()
    waited = max(0.0, time.monotonic() - queued - graded.grade.seconds.total)
    seconds = dataclasses.replace(graded.grade.seconds, queue=round(waited, 3))
    grade = dataclasses.replace(graded.grade, seconds=seconds)
    attempts.write(
        course.folder, grade, submitted=graded.submitted, executed=graded.executed, answers=graded.answers
    )
    return grade, False


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
    from grader.gradebook import manual_points, open_gradebook, record
    from grader.manual_work import save_snapshot, snapshot

    url = course.db_url(settings.db_url)
    release.record_source(course.folder, work.context.assignment.id, url)
    with open_gradebook(url) as gradebook:
        save_snapshot(course.folder, snapshot(gradebook))  # should the database be damaged one day

        def write(grade: Grade, submission: Submission) -> Grade:
            notebook = sanitised(course, grade)
            record(gradebook, grade, notebook, timestamp=handed_in_at(submission))
            shown = _placeholder(work.release, grade) if notebook is None else notebook
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


def _placeholder(release: NotebookNode, grade: Grade) -> NotebookNode:
    """Return what the formgrader shows where nothing ran: the release, with the reason on top."""
    notebook = copy.deepcopy(release)
    words = " ".join(grade.notices) or "Nothing was run."
    notebook.cells.insert(0, nbformat.v4.new_markdown_cell(words, id="pawgrade-notice"))
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
    from grader.sanitise import sanitise_notebook

    executed = attempts.read_executed(course.folder, grade)
    return None if executed is None else sanitise_notebook(executed)


def with_manual(grade: Grade, manual: float | None, pass_points: float) -> Grade:
    """Return the grade with the points given by hand."""
    passed = grade.points + (manual or 0.0) >= pass_points
    status = grade.status
    if status is not Status.ERROR:
        status = Status.PASSED if passed else Status.FAILED
    return dataclasses.replace(grade, manual_points=manual, passed=passed, status=status)
