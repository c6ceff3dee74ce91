"""A course with a quiz of three questions, and what students hand in to it."""

from __future__ import annotations

from pathlib import Path

import nbformat

from grader.assignment.course import Course
from grader.assignment.quizzes.quiz import HANDED_OUT, Quiz, quiz_of
from grader.authoring.starters import new
from tests.support.quizzes import bank_text

SECRET = b"a secret of the tests"


def quiz_course(folder: Path, roster: str = "id\nstudent01\nstudent02\n") -> Course:
    """Make a course with the quiz `week1`; its roster is that text."""
    new.new_course(folder)
    bank = folder.with_name("questions.toml")
    bank.write_text(bank_text(questions=5, draw=3))
    new.new_assignment(Course(folder), "week1", "quiz", bank=bank)
    if roster:
        (folder / "roster.csv").write_text(roster)
    return Course(folder)


def quiz_in(course: Course) -> Quiz:
    """Return the quiz as it is drawn now."""
    quiz = quiz_of(course.folder, course.source("week1"), SECRET)
    assert quiz is not None
    return quiz


def hand_in(
    course: Course, student: str, *, notebook_of: str = "", when: str = "2026-03-01 10:00:00 UTC"
) -> None:
    """Hand in a notebook with all answers right for whom it was drawn; `notebook_of` nobody: the released sample."""
    given = course.folder / HANDED_OUT / notebook_of / "week1" if notebook_of else course.release("week1")
    notebook = nbformat.read(given / "week1.ipynb", 4)
    quiz = quiz_in(course)
    drawing = quiz.own(notebook_of) if notebook_of else quiz.common
    letters = {
        name: drawn.letters[drawn.right - 1]
        for name, drawn in zip(drawing.names, drawing.questions, strict=True)
    }
    for cell in notebook.cells:
        if cell.id in letters:
            cell.source = f'answer["{cell.id}"] = "{letters[cell.id]}"'
    target = course.submitted / student / "week1"
    target.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target / "week1.ipynb")
    (target / "timestamp.txt").write_text(when)
