"""A quiz in a course: its bank, the course secret, and for whom a notebook of their own was made."""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader.assignment.quizzes.bank import Bank, bank_of
from grader.assignment.quizzes.drawing import Drawing, common_key, draw, student_key
from grader.errors import SpecError
from grader.files import write_whole

HANDED_OUT = "handed_out"  # folder of a course with each student's notebooks: `<student>/<assignment>/`, as `submitted` has them


@dataclass(frozen=True)
class Quiz:
    """Whoever draws questions, for students and for judging what they answered.

    Attributes:
        assignment: its id.
        bank: its questions.
        secret: the course secret.
        students: who has a notebook of their own; everybody else has the drawing for all.
    """

    assignment: str
    bank: Bank
    secret: bytes
    students: frozenset[str] = frozenset()

    @functools.cached_property
    def common(self) -> Drawing:
        """The drawing for all, which the release and the source notebook show."""
        return draw(self.bank, common_key(self.bank, self.assignment))

    def own(self, student: str) -> Drawing:
        """Return a student's own drawing, whether or not it was handed out."""
        return draw(self.bank, student_key(self.secret, self.assignment, student))

    def has_own(self, student: str) -> bool:
        """Say whether a student was given a drawing of their own, however the letters of the name are written."""
        return unicodedata.normalize("NFC", student) in self.students

    def drawing(self, student: str) -> Drawing:
        """Return the drawing that a student was given."""
        return self.own(student) if self.has_own(student) else self.common

    def whose(self, number: int) -> str:
        """Return the student who was given the drawing of a number; "" where nobody was, and for the drawing for all."""
        return next((name for name in sorted(self.students) if self.own(name).number == number), "")


def quiz_of(course: Path, source: Path, secret: bytes) -> Quiz | None:
    """Return the quiz of an assignment, or None where it is none.

    Args:
        course: the course's folder.
        source: the assignment's source folder.
        secret: the course secret.

    Raises:
        SpecError: its bank has mistakes, or the note of who has a notebook is damaged.
    """
    bank = bank_of(source)
    return None if bank is None else Quiz(source.name, bank, secret, given(course, source.name))


def given(course: Path, assignment: str) -> frozenset[str]:
    """Return the students for whom a notebook of their own was made; raises SpecError where the note is damaged."""
    path = _note(course, assignment)
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError) as exc:
        raise _damaged(path) from exc
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _damaged(path)
    return frozenset(names)


def note_given(course: Path, assignment: str, students: Iterable[str]) -> None:
    """Note that students have a notebook of their own; who has one keeps it, also when the roster loses the name."""
    path = _note(course, assignment)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(sorted(given(course, assignment) | set(students)), indent=1) + "\n")


def _note(course: Path, assignment: str) -> Path:
    return course / ".pawgrade" / "drawn" / f"{assignment}.json"


def _damaged(path: Path) -> SpecError:
    # Not begun anew: everybody's answers would be judged by the drawing for all.
    return SpecError(
        f"{path}: expected a JSON list of student ids, found something else.",
        "Delete it and run `pawgrade release` with the same roster.csv and secret: the drawings stay the same.",
    )
