"""What staff may want to look at after grading: flags, cells that students share, attempts that were used."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.assignment import spec
from grader.assignment.course import Course
from grader.gradebook import attempts, versions
from grader.records import Grade
from grader.reports import shared_cells
from grader.settings import Settings

NOTE = (
    "This is no verdict. Equal code can have innocent reasons: one obvious way, code from the lecture, work in pairs that "
    "was allowed; equal outputs too, such as seeded training on computers of one kind. Look at the notebooks, and ask."
)


@dataclass(frozen=True)
class Row:
    """One student's row of the review.

    Attributes:
        student: nbgrader's student id.
        points: of the attempt that counts.
        max_points: what could be earned.
        scored: how many versions were scored against the same hidden photos.
        flags: what about the grade honest work explains badly.
        own: cells of the student's own that are long enough to be compared.
        shared: how many of the cells listed are the student's.
    """

    student: str
    points: float
    max_points: float
    scored: int
    flags: tuple[str, ...]
    own: int
    shared: int


@dataclass(frozen=True)
class Review:
    """The review of a class.

    Attributes:
        assignment: id of the assignment.
        limit: how many versions are scored; 0: all.
        rows: by student.
        report: what they share.
        unread: students whose notebook takes more memory or time to look at than any honest one: nothing of it is listed.
    """

    assignment: str
    limit: int
    rows: tuple[Row, ...]
    report: shared_cells.Report
    unread: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "assignment": self.assignment,
            "note": NOTE,
            "attempts": self.limit,
            "students": [dataclasses.asdict(row) for row in self.rows],
            "shared": [dataclasses.asdict(group) for group in self.report.shared],
            "pairs": [dataclasses.asdict(pair) for pair in self.report.pairs],
            "unread": list(self.unread),
        }


def review(course: Course, assignment: str, settings: Settings) -> Review:
    """Look at the stored attempts of a class; nothing is run.

    Args:
        course: the course.
        assignment: id of the assignment.
        settings: which attempt counts, and how many are scored.

    Raises:
        SpecError: there is no such assignment, or nobody has been graded.
    """
    source, release = course.source(assignment), course.release(assignment)
    grades = [
        grade
        for student in attempts.students(course.folder, assignment)
        if (grade := versions.counting(course.folder, assignment, student, settings.counts)) is not None
    ]
    if not grades:
        raise attempts.nobody_graded(assignment)
    names = spec.notebook_names(source)
    works = {grade.student: _work(course, grade) for grade in grades}
    # Who could not be read stays in the table with no cells, and is named in `unread`.
    report = shared_cells.compare(
        [work or shared_cells.Work(student, ()) for student, work in works.items()],
        *(_cells([folder / f"{name}.ipynb" for name in names]) or () for folder in (release, source)),
    )
    return Review(
        assignment,
        settings.attempts,
        tuple(_row(course, grade, report) for grade in grades),
        report,
        tuple(student for student, work in works.items() if work is None),
    )


def _work(course: Course, grade: Grade) -> shared_cells.Work | None:
    """Return what a student handed in and what ran; None where either cannot be looked at."""
    folder = attempts.root(course.folder, grade.assignment, grade.student) / grade.attempt
    submitted, executed = (
        _cells([attempts.notebook_path(folder, grade, kind, name) for name in grade.notebook_names])
        for kind in ("submitted", "executed")
    )
    if submitted is None or executed is None:
        return None
    return shared_cells.Work(grade.student, submitted, executed)


def _cells(paths: Sequence[Path]) -> tuple[shared_cells.Cell, ...] | None:
    """Return the cells of an assignment's notebooks, one after the other; None where one cannot be looked at."""
    cells = [shared_cells.read_cells(path) for path in paths]
    return None if None in cells else tuple(itertools.chain.from_iterable(filter(None, cells)))


def _row(course: Course, grade: Grade, report: shared_cells.Report) -> Row:
    scored = versions.judged(course.folder, grade.assignment, grade.student, versions.against(grade))
    # A set: the same cell may be listed by its code and by its output.
    theirs = {
        cell
        for group in report.shared
        for student, cell in zip(group.students, group.cells, strict=True)
        if student == grade.student
    }
    own_cells = report.own.get(grade.student, 0)
    return Row(
        grade.student, grade.points, grade.max_points, len(scored), grade.staff.flags, own_cells, len(theirs)
    )
