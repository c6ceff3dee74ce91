"""The check that students can read and run: is every question answered? Which answers are right it does not know."""

import pytest

from grader.checks import Material, Question, require

QUESTIONS, CHOICES = 4, 4


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked: sets of calls by name. `quiz` takes no arguments."""
    return {"quiz": [Question("quiz", ())]}


@pytest.mark.exercise("quiz", asks="quiz")
def test_every_question_has_an_answer(answers):
    """Each of the four numbers names one of the four answers."""
    (answer,) = answers("quiz")
    missing = int(((answer.value < 1) | (answer.value > CHOICES)).sum())
    hint = "Write the number of the answer that you choose, 1 to 4, in the order of the questions. Which are right you learn with your grade."
    require(missing, at_most=0, what="questions without an answer from 1 to 4", hint=hint)
