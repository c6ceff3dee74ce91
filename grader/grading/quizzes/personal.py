"""What grading a quiz takes for one student: the notebook and the key of the drawing that the student was given."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
from collections.abc import Mapping, Sequence

from grader.assignment.quizzes.cells import ENTRY_POINT, filled
from grader.assignment.quizzes.drawing import Drawing
from grader.assignment.quizzes.quiz import Quiz
from grader.checks.questions import Array, Question
from grader.checks.quiz import is_quiz_key, key_of
from grader.errors import SpecError
from grader.gradebook.formgrader import handed_in_at
from grader.grading.preparation import Work
from grader.judging.evaluate import Context
from grader.records import Submission

DRAWING, COMMON, OWN = "drawing", "for all", "own"  # in a grade's provenance


def of_student(work: Work, student: str, drawn: str = "") -> Work:
    """Return the work of a quiz for one student; that of any other assignment as it is.

    Args:
        work: what the class is graded with.
        student: who handed in.
        drawn: what a stored grade says of the drawing that it was judged by; "": the student's drawing of now.

    Raises:
        SpecError: the release lacks a cell of the quiz.
    """
    quiz = work.context.quiz
    if quiz is None:
        return work
    own = quiz.has_own(student) if not drawn else drawn == OWN
    drawing = quiz.own(student) if own else quiz.common
    name = work.context.assignment.notebook_of(ENTRY_POINT)
    try:
        releases = {**work.releases, name: filled(work.releases[name], drawing)}
    except ValueError as exc:
        raise SpecError(
            f"{work.context.folder.name}: the release has no cell {exc}.",
            f"Run `pawgrade release {shlex.quote(work.context.folder.name)}`.",
        ) from exc
    context = dataclasses.replace(
        work.context, plan=_keyed(work.context, drawing), drawing=OWN if own else COMMON
    )
    return dataclasses.replace(work, context=context, releases=releases)


def _keyed(context: Context, drawing: Drawing) -> Mapping[str, Sequence[Question]]:
    """Return the plan with the keys of a drawing: what is asked stays the same, byte by byte."""
    key = key_of(drawing)
    return {
        name: [
            dataclasses.replace(question, key=key) if is_quiz_key(question.key) else question
            for question in questions
        ]
        for name, questions in context.plan.items()
    }


def flags(context: Context, submission: Submission, answers: Mapping[str, Array]) -> tuple[str, ...]:
    """Say for staff what is odd about the answers to a quiz: another student's drawing, or a hand-in when the answers were public.

    Args:
        context: what the class is graded with.
        submission: what was handed in.
        answers: by question set and number; of each the first number names the drawing.
    """
    quiz = context.quiz
    if quiz is None or not answers:
        return ()
    return (*_of_others(quiz, submission.student, answers), *_late(context.assignment.deadline, submission))


def _late(deadline: datetime.datetime | None, submission: Submission) -> tuple[str, ...]:
    when = handed_in_at(submission)
    if deadline is None or when is None:
        return ()
    # nbgrader's times are UTC without saying so.
    when = when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
    if when < deadline:
        return ()
    return ("quiz: handed in after the deadline, from which on the answers are explained to everybody",)


def _of_others(quiz: Quiz, student: str, answers: Mapping[str, Array]) -> tuple[str, ...]:
    number = int(next(iter(answers.values())).reshape(-1)[0])
    if number == quiz.drawing(student).number:
        return ()
    owner = "the drawing for all" if number == quiz.common.number else quiz.whose(number)
    words = f"answers to {owner if owner.startswith('the ') else f'the drawing of {owner}'}" if owner else ""
    return (
        f"quiz: {words or 'answers to a drawing that nobody was given'}, not to the student's own: 0 points",
    )
