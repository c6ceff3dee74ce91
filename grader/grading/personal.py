"""What grading a quiz takes for one student: the notebook and the key of the drawing that the student was given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from grader.assignment.quizzes.cells import filled
from grader.assignment.quizzes.drawing import Drawing
from grader.assignment.quizzes.quiz import Quiz
from grader.checks.questions import Array, Question
from grader.checks.quiz import is_quiz_key, key_of
from grader.errors import SpecError
from grader.grading.preparation import Work
from grader.judging.evaluate import Context

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
    own = student in quiz.students if not drawn else drawn == OWN
    drawing = quiz.own(student) if own else quiz.common
    releases = dict(work.releases)
    for name, release in releases.items():
        try:
            releases[name] = filled(release, drawing)
        except ValueError as exc:
            raise SpecError(
                f"{work.context.folder.name}: the release has no cell {exc}.",
                f"Run `pawgrade release {work.context.folder.name}`.",
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


def flags(quiz: Quiz | None, student: str, answers: Mapping[str, Array]) -> tuple[str, ...]:
    """Say for staff whose drawing was answered, where it was not the student's.

    Args:
        quiz: the quiz; None: no other drawing can have been.
        student: who handed in.
        answers: by question set and number; of each the first number names the drawing.
    """
    if quiz is None or not answers:
        return ()
    number = int(next(iter(answers.values())).reshape(-1)[0])
    if number == quiz.drawing(student).number:
        return ()
    owner = "the drawing for all" if number == quiz.common.number else quiz.whose(number)
    words = f"answers to {owner if owner.startswith('the ') else f'the drawing of {owner}'}" if owner else ""
    return (f"quiz: {words or 'answers to a drawing that nobody was given'}, not to the student's own: 0 points",)
