"""The check that students can read and run: has every question a letter? Which letters are right it does not know."""

import numpy as np
import pytest

from grader.checks import Material, Question, require


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what is asked: sets of calls by name. `quiz` takes no arguments."""
    return {"quiz": [Question("quiz", ())]}


@pytest.mark.exercise("quiz", asks="quiz")
def test_every_question_has_a_letter(answers):
    """Each answer is a letter of its question."""
    (answer,) = answers("quiz")
    # The first number names the drawing; 0 stands for what is no letter of that question.
    open_questions = [f"q{number}" for number in np.flatnonzero(answer.value[1:] < 1) + 1]
    names = ", ".join(open_questions) or "none"
    hint = f"No letter of their question yet: {names}. Which letters are right you learn with your grade."
    require(len(open_questions), at_most=0, what="questions without a letter", hint=hint)
