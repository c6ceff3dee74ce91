"""What `pawgrade release` tells of a quiz: a notebook for each student, or why there is one for all."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from grader.cli import output

if TYPE_CHECKING:
    from grader.assignment.course import Course
    from grader.settings import Settings


def hand_out_and_tell(course: Course, assignment: str, settings: Settings) -> None:
    """Write a quiz's notebooks for the students of the roster, and say where they are; of other assignments nothing.

    Args:
        course: the course; the assignment is released.
        assignment: its id.
        settings: the course secret, where the environment has it.

    Raises:
        SpecError: the roster or the bank has mistakes.
    """
    from grader.assignment.quizzes.quiz import HANDED_OUT
    from grader.authoring.quizzes import handing_out
    from grader.gradebook.roster import FILE
    from grader.settings import course_secret

    if not handing_out.is_quiz(course, assignment):
        return
    written = handing_out.hand_out(course, assignment, course_secret(course.folder, settings))
    if written:
        where = f"{HANDED_OUT}/<student>/{assignment}/"
        output.note(
            f"drew the questions of {len(written)} students of roster.csv, each in {course.folder / where}; "
            f"what lies in {course.layout.release} is a sample, which earns them nothing"
        )
        return
    output.note(
        f"one drawing for all: the course has no {FILE}. With one, `pawgrade release {shlex.quote(assignment)}` draws "
        "questions and letters for each student"
    )
