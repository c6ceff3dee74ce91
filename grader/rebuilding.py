"""The gradebook written again from the attempts of a course."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from grader import attempts
from grader.course import Course
from grader.grading import sanitised
from grader.settings import Settings

if TYPE_CHECKING:
    from grader.gradebook import Entry
    from grader.manual_work import Rebuilt


def rebuild_gradebook(course: Course, settings: Settings) -> Rebuilt:
    """Write the gradebook from the attempts that count; the staff's work is saved first and put back.

    Raises:
        GraderError: it cannot be written; then nothing was changed.
    """
    from grader import manual_work, release

    sources = {name: release.gradebook_notebook(course.folder, name) for name in course.assignments()}
    with attempts.sole_writer(course.folder):
        url = course.db_url(settings.db_url)
        return manual_work.rebuild(url, course.folder, sources=sources, entries=_entries(course, settings))


def _entries(course: Course, settings: Settings) -> Iterator[Entry]:
    from grader.gradebook import Entry
    from grader.grading import handed_in_at

    for assignment in course.assignments():
        times = {one.student: handed_in_at(one) for one in course.submissions(assignment)}
        for student in attempts.students(course.folder, assignment):
            grade = attempts.counting(course.folder, assignment, student, settings.counts)
            if grade is not None:
                yield Entry(grade, sanitised(course, grade), times.get(student))
