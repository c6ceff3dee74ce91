"""The checks that know the key. What is in the folder `staff` is not released, and this file runs where no student's code does."""

import pytest

from grader.checks import Question, quiz_key, require, require_parts


def questions(material):
    # The drawing for all; when a student's answers are judged, that student's own key stands in its place.
    return {"answers": [Question("quiz", (), quiz_key(__file__))]}


@pytest.mark.exercise("quiz", asks="answers")
def test_the_questions_are_your_own(answers):
    """There are answers, and they are to the questions that were drawn for you."""
    (answer,) = answers("answers")
    given = int((answer.value[1:] > 0).sum())
    require(
        given,
        at_least=1,
        what="answered questions",
        hint="Write the letters of your answers into the lines below the questions.",
    )
    others = int(answer.value[0] != answer.key["drawing"][0])
    hint = "These questions were drawn for somebody else, or before the quiz changed: answers to them earn nothing. Answer those in the notebook that you were given."
    require(others, at_most=0, what="drawings that are not yours", hint=hint)


# Each right answer earns its part of the points. Feedback says how many, not which, until nobody can profit from it any more.
@pytest.mark.exercise("quiz", points=12, asks="answers", after="the_questions_are_your_own")
def test_the_answers_are_right(answers):
    """How many answers are right; which of them is told later."""
    (answer,) = answers("answers")
    right = int((answer.value[1:] == answer.key["right"]).sum())
    hint = "Every question is about a section of the three labs."
    require_parts(right, of=len(answer.key["right"]), what="right answers", hint=hint)
