"""A drawing is made again from its key, and the letters of two students have no more in common than chance gives."""

from __future__ import annotations

import itertools
import math

import pytest

from grader.assignment.quizzes.bank import Bank, parse_bank
from grader.assignment.quizzes.drawing import NUMBERS, Drawing, common_key, draw, student_key
from tests.support.quizzes import SALT, bank, bank_text

SECRETS = [f"secret {number}".encode() for number in range(50)]
CLASS = [f"student{number:02}" for number in range(1, 11)]


def own(bank_: Bank, secret: bytes, student: str) -> Drawing:
    return draw(bank_, student_key(secret, "week1", student))


def test_a_drawing_has_each_question_once_and_is_the_same_each_time() -> None:
    questions = bank(questions=9, draw=6)
    first, second = (own(questions, b"secret", "student01") for _ in range(2))

    assert first == second
    assert len({drawn.question.id for drawn in first.questions}) == 6
    assert all(
        sorted(drawn.options, key=str) == sorted(drawn.question.options, key=str) for drawn in first.questions
    )
    assert all(drawn.options[drawn.right - 1].right for drawn in first.questions)


@pytest.mark.parametrize("same_place", [True, False], ids=["by place", "by question"])
def test_letters_of_one_student_carry_nothing_about_those_of_another(same_place: bool) -> None:
    questions, agreed, compared = bank(questions=6), 0, 0
    for secret in SECRETS:
        drawings = [own(questions, secret, student) for student in CLASS]
        for one, two in itertools.combinations(drawings, 2):
            pairs = zip(one.questions, two.questions, strict=True)
            if not same_place:
                pairs = zip(
                    *(sorted(of.questions, key=lambda drawn: drawn.question.id) for of in (one, two)),
                    strict=True,
                )
            agreed += sum(first.right == second.right for first, second in pairs)
            compared += 6

    # Four options. Pairs of ten students are not independent as trials; three times the deviation of independent ones is wide enough.
    deviation = math.sqrt(0.25 * 0.75 / compared)
    assert abs(agreed / compared - 0.25) < 3 * deviation, agreed / compared


def test_a_letter_is_right_as_often_as_any_other() -> None:
    drawn = [question.right for secret in SECRETS for question in own(bank(), secret, "student01").questions]

    assert all(
        abs(drawn.count(number) / len(drawn) - 0.25) < 4 * math.sqrt(0.25 * 0.75 / len(drawn))
        for number in (1, 2, 3, 4)
    )


def test_numbers_name_drawings_apart() -> None:
    numbers = {own(bank(), secret, student).number for secret in SECRETS for student in CLASS}

    assert len(numbers) == len(SECRETS) * len(CLASS)
    assert min(numbers) > 0
    assert max(numbers) < NUMBERS


def test_everybody_gets_all_topics_before_a_second_question_of_one() -> None:
    questions = bank(questions=8, draw=4, topics=4)

    for secret in SECRETS:
        topics = [drawn.question.topic for drawn in own(questions, secret, "student01").questions]
        assert len(set(topics)) == 4


def test_words_may_be_mended_after_a_release_and_options_may_not_be_moved() -> None:
    text = bank_text()
    lines = text.splitlines(keepends=True)
    before = own(parse_bank(text, ""), b"secret", "student01")
    mended = own(parse_bank(text.replace("What is", "Which is"), ""), b"secret", "student01")
    first = own(parse_bank("".join([*lines[:1], "draw = 5\n", *lines[1:]]), ""), b"secret", "student01")

    assert mended.number == before.number
    assert first.number != before.number


def test_the_drawing_for_all_hangs_on_the_salt_and_on_the_assignment() -> None:
    questions = bank()
    other = parse_bank(bank_text().replace(SALT, SALT[::-1]), "")

    assert common_key(questions, "week1") != common_key(questions, "week2")
    assert common_key(questions, "week1") != common_key(other, "week1")
    assert student_key(b"a", "week1", "b") != student_key(b"a", "week", "1b")
