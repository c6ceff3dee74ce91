"""The gradebook written again from the attempts of a course, or parts of it put aside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from grader.assignment.course import Course
from grader.gradebook import attempts, conversion
from grader.gradebook.attempts import sanitised
from grader.settings import Settings

if TYPE_CHECKING:
    from grader.gradebook.nbgrader import Entry
    from grader.gradebook.projection import Rebuilt


def rebuild_gradebook(course: Course, settings: Settings) -> Rebuilt:
    """Write the gradebook from the attempts that count; the staff's work is saved first and put back.

    Raises:
        GraderError: it cannot be written; then nothing was changed.
    """
    from grader.gradebook import projection

    names = course.chosen(())
    sources = {name: conversion.gradebook_notebook(course.folder, name) for name in names}
    with attempts.sole_writer(course.folder):
        url = course.db_url(settings.db_url)
        entries = _entries(course, settings, names)
        return projection.rebuild(url, course.folder, sources=sources, entries=entries)


def set_aside(course: Course, settings: Settings, assignment: str) -> tuple[str, Rebuilt]:
    """Give what nbgrader graded of an assignment another name in the gradebook; return it, and what was written.

    Raises:
        GraderError: there is no such assignment or nothing of it to set aside; then nothing was changed.
    """
    from grader.gradebook import projection

    course.source(assignment)
    source = conversion.gradebook_notebook(course.folder, assignment)
    with attempts.sole_writer(course.folder):
        entries = _entries(course, settings, (assignment,))
        url = course.db_url(settings.db_url)
        return projection.set_aside(url, course.folder, assignment, source=source, entries=entries)


def _entries(course: Course, settings: Settings, assignments: Sequence[str]) -> Iterator[Entry]:
    from grader.gradebook.formgrader import handed_in_at
    from grader.gradebook.nbgrader import Entry

    for assignment in assignments:
        times = {one.student: handed_in_at(one) for one in course.submissions(assignment)}
        for student in attempts.students(course.folder, assignment):
            grade = attempts.counting(course.folder, assignment, student, settings.counts)
            if grade is not None:
                yield Entry(grade, sanitised(course, grade), times.get(student))
