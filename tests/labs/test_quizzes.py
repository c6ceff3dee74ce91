"""The two quizzes of the unit: each student gets a question of every topic, and nothing but knowledge tells the right option."""

from __future__ import annotations

import pytest

from grader.assignment.course import packaged_course
from grader.assignment.quizzes.bank import Bank, bank_of
from grader.assignment.quizzes.drawing import draw, student_key
from grader.authoring.variants import read_variants

QUIZZES = ("quiz_after", "quiz_before")
STUDENTS = [f"student{number:02}" for number in range(1, 41)]


def bank(name: str) -> Bank:
    found = bank_of(packaged_course().source(name))
    assert found is not None
    return found


@pytest.mark.parametrize("name", QUIZZES)
def test_each_student_gets_six_questions_one_of_each_topic(name: str) -> None:
    questions = bank(name)
    drawings = [draw(questions, student_key(b"secret", name, student)) for student in STUDENTS]

    assert questions.count == 6
    for drawing in drawings:
        assert len({drawn.question.topic for drawn in drawing.questions}) == 6
    seen = {drawn.question.id for drawing in drawings for drawn in drawing.questions}
    assert seen == {question.id for question in questions.questions}


@pytest.mark.parametrize("name", QUIZZES)
def test_the_longest_or_shortest_option_is_right_no_more_often_than_the_others(name: str) -> None:
    lengths = [[(len(option.text), option.right) for option in one.options] for one in bank(name).questions]

    # Four options: a quarter by chance; of twelve, eight or more would be a hint to whoever knows nothing.
    assert sum(max(options)[1] for options in lengths) < 8
    assert sum(min(options)[1] for options in lengths) < 8


@pytest.mark.parametrize("name", QUIZZES)
def test_options_stand_in_any_order_and_every_one_is_explained(name: str) -> None:
    options = [option for question in bank(name).questions for option in question.options]

    assert all(option.explanation.endswith((".", "?")) for option in options)
    assert not [option.text for option in options if "above" in option.text or "below" in option.text]
    assert len(read_variants(packaged_course().source(name), "mutants")) >= 8
