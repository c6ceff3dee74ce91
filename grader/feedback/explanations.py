"""What feedback tells of a quiz beside the number of right answers: each question explained, once nobody can profit from it.

An explanation is the key of a student's own drawing, and in words that of everybody's. So it is not told to whoever has used up all
attempts while others have some left: it is told to all at once, from the deadline in `assignment.toml` on, or, where there is none, when
everybody in the course has used up the scored attempts.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from grader.assignment.course import Course
from grader.assignment.quizzes.drawing import Drawing, DrawnQuestion
from grader.assignment.quizzes.quiz import Quiz, given, quiz_of
from grader.assignment.spec import Assignment
from grader.gradebook import attempts, versions
from grader.gradebook.roster import FILE, read_roster
from grader.records import Grade
from grader.settings import Settings, course_secret


def explained_quiz(course: Course, assignment: Assignment, settings: Settings) -> Quiz | None:
    """Return the quiz that an assignment is, if its questions may be explained now; else None.

    Args:
        course: the course.
        assignment: what its `assignment.toml` says.
        settings: how many attempts are scored, and the secret.

    Raises:
        SpecError: bank or roster have mistakes.
    """
    source = course.source(assignment.id)
    if quiz_of(course.folder, source, b"") is None or not may_explain(course, assignment, settings):
        return None
    return quiz_of(course.folder, source, course_secret(course.folder, settings))


def may_explain(course: Course, assignment: Assignment, settings: Settings) -> bool:
    """Say whether nobody can profit any more from reading why answers are right.

    Args:
        course: the course.
        assignment: with its deadline, if it has one.
        settings: how many attempts are scored; 0: without end, so that only a deadline ends them.
    """
    if assignment.deadline is not None:
        return datetime.datetime.now(datetime.UTC) >= assignment.deadline
    graded = set(attempts.students(course.folder, assignment.id))
    everybody = graded | given(course.folder, assignment.id) | _listed(course.folder)
    everybody |= {submission.student for submission in course.submissions(assignment.id)}
    if not settings.attempts or not graded or everybody - graded:
        return False
    return all(_used(course.folder, assignment.id, student) >= settings.attempts for student in graded)


def explanations(quiz: Quiz, grade: Grade) -> dict[str, str]:
    """Return the explanation of each question that a student was given, in Markdown, by the id of its code cell.

    Args:
        quiz: the quiz.
        grade: the student's; it says which drawing it was judged by.
    """
    drawing: Drawing = (
        quiz.common if grade.provenance.get("drawing") == "for all" else quiz.own(grade.student)
    )
    return {name: _explained(drawn) for name, drawn in zip(drawing.names, drawing.questions, strict=True)}


def _explained(drawn: DrawnQuestion) -> str:
    lines = [f"**{drawn.letters[drawn.right - 1]} is right.**", ""]
    for letter, option in zip(drawn.letters, drawn.options, strict=True):
        # On one line: what begins a new block of Markdown would end the list.
        lines.append(f"- **{letter}.** {option.text}: {' '.join(option.explanation.split())}")
    return "\n".join(lines)


def _used(course: Path, assignment: str, student: str) -> int:
    """Return how many scored attempts a student has used against what is judged now."""
    grade = versions.counting(course, assignment, student)
    if grade is None:
        return 0
    return len(versions.judged(course, assignment, student, versions.against(grade)))


def _listed(course: Path) -> set[str]:
    path = course / FILE
    return {student.id for student in read_roster(path).students} if path.is_file() else set()
