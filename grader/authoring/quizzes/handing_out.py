"""A notebook for each student of the roster: the release with the student's own questions and letters."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import nbformat

from grader.assignment.course import Course
from grader.assignment.layout import CONFIG
from grader.assignment.quizzes.cells import ENTRY_POINT, filled
from grader.assignment.quizzes.quiz import HANDED_OUT, note_given, quiz_of
from grader.assignment.spec import load_assignment
from grader.errors import SpecError
from grader.files import fresh_folder
from grader.gradebook import roster
from grader.gradebook.conversion import read_source


def is_quiz(course: Course, assignment: str) -> bool:
    """Say whether an assignment has questions that are drawn for each student."""
    return quiz_of(course.folder, course.source(assignment), b"") is not None


def has_roster(course: Course) -> bool:
    """Say whether the course has a `roster.csv`: without one there is one drawing for all."""
    return (course.folder / roster.FILE).is_file()


def hand_out(course: Course, assignment: str, secret: bytes) -> list[Path]:
    """Write the release of a quiz for each student of `roster.csv`, and note for whom.

    Args:
        course: the course; the quiz is released.
        assignment: id of the quiz.
        secret: the course secret.

    Returns:
        The notebooks, `handed_out/<student>/<assignment>/<assignment>.ipynb`, by student; none without a roster. Each lies beside
        the other files of the release, so that it can be checked where it lies.

    Raises:
        SpecError: the roster or the bank has mistakes, the release is of another bank, or the course keeps something else in
            `handed_out/`; then nothing was written.
    """
    quiz = quiz_of(course.folder, course.source(assignment), secret)
    if quiz is None or not has_roster(course):
        return []
    _require_free(course)
    students = sorted(student.id for student in roster.read_roster(course.folder / roster.FILE).students)
    release = course.release(assignment)
    file = f"{load_assignment(release).notebook_of(ENTRY_POINT)}.ipynb"
    notebook = read_source(release / file)
    written = []
    for student in students:
        try:
            own = filled(notebook, quiz.own(student))
        except ValueError as exc:
            raise SpecError(
                f"{release / file} has no cell {exc}.", f"Run `pawgrade release {shlex.quote(assignment)}`."
            ) from exc
        target = course.folder / HANDED_OUT / student / assignment
        target.parent.mkdir(parents=True, exist_ok=True)
        with fresh_folder(target) as draft:
            shutil.copytree(release, draft, dirs_exist_ok=True)
            text = str(nbformat.writes(own)).rstrip("\n") + "\n"
            (draft / file).write_text(text, encoding="utf-8")
        written.append(target / file)
    # Last: whoever is noted is judged by an own drawing, so the notebook must be there.
    note_given(course.folder, assignment, students)
    return written


def _require_free(course: Course) -> None:
    """Raise SpecError where the course's own settings give the folder to something else: what lies there would be replaced."""
    layout = course.layout
    for kind in ("source", "release", "submitted", "autograded", "feedback"):
        if Path(getattr(layout, kind)).parts[:1] == (HANDED_OUT,):
            raise SpecError(
                f"{course.folder / CONFIG}: c.CourseDirectory.{kind}_directory is {getattr(layout, kind)!r}; "
                f"expected another folder than {HANDED_OUT}, where the notebooks of each student are written.",
                "Name another folder there, and move what lies in it.",
            )
