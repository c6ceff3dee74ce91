"""Tell whose work lies handed in and was not graded yet: marks without it, or of an earlier version, must say so."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.assignment.course import Course
from grader.errors import GraderError
from grader.gradebook import attempts, versions
from grader.gradebook.roster import hidden_character
from grader.records import Grade, Submission

LISTED = 10  # names in a sentence
Read = Callable[[Path, str, str, str], Grade | None]


@dataclass(frozen=True)
class Ungraded:
    """Students with work under `submitted/` that no grade is of.

    Attributes:
        first: ids of those of whom no attempt is stored; nbgrader may have graded them all the same.
        newer: ids of those whose stored attempt is of other files.
        notes: sentences for staff about what could not be looked at.
    """

    first: frozenset[str] = frozenset()
    newer: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


NOBODY = Ungraded()


def read_ungraded(course: Course, assignment: str, *, read: Read = attempts.read) -> Ungraded:
    """Compare what lies handed in with the stored attempts; nothing is run.

    Args:
        course: the course.
        assignment: id of the assignment.
        read: what reads a stored attempt.
    """
    try:
        submissions = course.submissions(assignment)
    except GraderError as exc:  # two folders of one name stop `grade`, and no export
        return Ungraded(notes=(f"whether all that was handed in is graded is not known: {exc}",))
    return ungraded(course, assignment, submissions, read=read)


def ungraded(
    course: Course, assignment: str, submissions: Iterable[Submission], *, read: Read = attempts.read
) -> Ungraded:
    """Return what `read_ungraded` does, of submissions that were looked for before."""
    first, newer = list[str](), list[str]()
    for submission in submissions:
        student = unicodedata.normalize("NFC", submission.student)
        if hidden_character(student):  # is in no mark, which is told elsewhere
            continue
        try:
            name = attempts.current(course.folder, assignment, submission.student)
            grade = read(course.folder, assignment, submission.student, name) if name else None
            if grade is None:
                first.append(student)
            elif _is_newer(course.folder, submission, grade):
                newer.append(student)
        except (GraderError, OSError):  # a damaged attempt is told elsewhere
            continue
    return Ungraded(frozenset(first), frozenset(newer))


def _is_newer(course: Path, submission: Submission, grade: Grade) -> bool:
    """Say whether other files lie handed in than those that `grade` looked at last, scored or not."""
    if versions.VERSION not in grade.provenance:  # an attempt from before versions were noted
        return False
    looked_at = {
        versions.version_of(grade),
        versions.unscored(course, submission.assignment, submission.student),
    }
    return versions.version(submission) not in looked_at


def notes(assignment: str, first: Collection[str], newer: Collection[str]) -> Iterator[str]:
    """Yield a sentence for staff about each kind of work that is not graded, with the command to type.

    Args:
        assignment: id of the assignment.
        first: ids of students without any grade.
        newer: ids of those whose grade is of an earlier version.
    """
    command = f"`pawgrade grade {shlex.quote(assignment)}`"
    if first:
        yield f"handed in, not graded yet: {_listed(first)}. Run {command}."
    if newer:
        yield f"a newer hand-in is not graded yet, the points are of an earlier one: {_listed(newer)}. Run {command}."


def _listed(students: Collection[str]) -> str:
    more = f" and {len(students) - LISTED} more" if len(students) > LISTED else ""
    return ", ".join(sorted(students)[:LISTED]) + more
