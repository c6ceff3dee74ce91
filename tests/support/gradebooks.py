"""Courses whose gradebook holds something; a test copies one, since a new database costs seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from grader.gradebook.conversion import gradebook_notebooks, record_source
from grader.gradebook.nbgrader import open_gradebook, record
from tests.support.notebooks import answered, toy_course, toy_grade

WHEN = datetime(2026, 1, 31, 12)


def known_course(folder: Path) -> Path:
    """A course whose gradebook knows the toy assignment."""
    course = toy_course(folder)
    record_source(course, "toy", f"sqlite:///{course}/gradebook.db")
    return course


def worked_course(folder: Path) -> Path:
    """A course with two submissions and manual work on the first."""
    course = toy_course(folder)
    db_url = f"sqlite:///{course}/gradebook.db"
    record_source(course, "toy", db_url)
    submission = answered(gradebook_notebooks(course, "toy")["toy"])
    with open_gradebook(db_url) as gradebook:
        record(gradebook, toy_grade("student01"), {"toy": submission}, timestamp=WHEN)
        record(gradebook, toy_grade("student02", double=0.0), {"toy": submission})
        work_by_hand(gradebook)
    return course


def work_by_hand(gradebook: Any) -> None:
    reflection = gradebook.find_grade("reflection", "toy", "toy", "student01")
    reflection.manual_score, reflection.extra_credit, reflection.needs_manual_grade = 4.0, 0.5, False
    gradebook.find_comment("reflection", "toy", "toy", "student01").manual_comment = "Thoughtful."
    gradebook.find_submission_notebook("toy", "toy", "student01").flagged = True
    gradebook.find_submission("toy", "student01").extension = timedelta(days=2)
    gradebook.find_assignment("toy").duedate = datetime(2026, 1, 30, 23, 59)
    student = gradebook.find_student("student01")
    student.first_name, student.email, student.lms_user_id = "Ada", "ada@example.org", "7"
    gradebook.db.commit()


def row(gradebook: Any, cell: str, student: str = "student01") -> Any:
    return gradebook.find_grade(cell, "toy", "toy", student)
