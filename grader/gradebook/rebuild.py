"""Rebuild the gradebook from a course's attempts, or set aside what nbgrader graded of an assignment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from grader.assignment.course import Course
from grader.gradebook import attempts, conversion, versions
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
    # Converted before the lock is taken: this writes no record.
    sources = {name: conversion.gradebook_notebooks(course.folder, name) for name in names}
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

    # Raises when there is no such assignment.
    course.source(assignment)
    source = conversion.gradebook_notebooks(course.folder, assignment)
    with attempts.sole_writer(course.folder):
        entries = _entries(course, settings, (assignment,))
        url = course.db_url(settings.db_url)
        return projection.set_aside(url, course.folder, assignment, source=source, entries=entries)


def _entries(course: Course, settings: Settings, assignments: Sequence[str]) -> Iterator[Entry]:
    from grader.gradebook.formgrader import handed_in_at
    from grader.gradebook.nbgrader import Entry

    # A generator: an executed notebook takes megabytes, and a class may have hundreds.
    for assignment in assignments:
        times = {
            submission.student: handed_in_at(submission) for submission in course.submissions(assignment)
        }
        # By attempts, not by what is handed in: a student whose folder is gone keeps the grade.
        for student in attempts.students(course.folder, assignment):
            grade = versions.counting(course.folder, assignment, student, settings.counts)
            if grade is not None:
                yield Entry(grade, sanitised(course, grade), times.get(student))
