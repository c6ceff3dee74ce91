"""The two quizzes of the unit: each student gets a question of every topic, and nothing but knowledge tells the right option."""

from __future__ import annotations

import ast
import re
import zlib

import nbformat
import pytest

from grader.assignment.course import packaged_course
from grader.assignment.quizzes.bank import Bank, bank_of
from grader.assignment.quizzes.drawing import draw, student_key
from grader.authoring.variants import read_variants

QUIZZES = ("quiz_after", "quiz_before")
# What every quiz of the unit must hold to be right, in the order of the older two, and the question of the bank about it.
FACTS = {
    "start-from": "another, larger set",
    "made-up": "height normalisation",
    "small-batch": "many rough steps lead further",
    "remedy": "neighbour",
    "freeze-torch": "requires_grad_(False)",
    "over-what": "channel",
}
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


def cell(assignment: str, name: str) -> str:
    notebook = nbformat.read(packaged_course().source(assignment) / f"{assignment}.ipynb", 4)
    return next(str(cell.source) for cell in notebook.cells if cell.id == name)


def options(assignment: str) -> list[dict[str, str]]:
    """Return the options of each question of an older quiz by their number or letter."""
    lines = re.findall(r"^[1a]\) .*", cell(assignment, "quiz-text"), re.MULTILINE)
    return [dict(part.split(") ", 1) for part in line.split(" · ")) for line in lines]


def keyed(source: str) -> list[int]:
    """Return the numbers of the list or dictionary that is called KEY."""
    (text,) = re.findall(r"^KEY = (?:np\.array\()?([\[{].*?[\]}])", source, re.MULTILINE)
    key = ast.literal_eval(text)
    return list(key.values() if isinstance(key, dict) else key)


def test_the_keys_of_all_quizzes_hold_the_same_facts_to_be_right() -> None:
    source = packaged_course().source("transfer_learning")
    graded = [
        texts[str(number)]
        for texts, number in zip(
            options("transfer_learning"),
            keyed((source / "staff" / "check_hidden.py").read_text()),
            strict=True,
        )
    ]
    at_home = []
    scrambled = keyed(cell("oxford_pets", "quiz-answers"))
    for number, (texts, key) in enumerate(zip(options("oxford_pets"), scrambled, strict=True), 1):
        (letter,) = [letter for letter in texts if zlib.crc32(f"{number}{letter}".encode()) % 1000 == key]
        at_home.append(texts[letter])
    by_id = {question.id: question for question in bank("quiz_before").questions}
    drawn = [next(option.text for option in by_id[name].options if option.right) for name in FACTS]

    for right in (graded, at_home, drawn):
        assert [fact for fact, text in zip(FACTS.values(), right, strict=True) if fact not in text] == []
    # Each fact is said by the right option alone.
    wrong = [text for texts in options("transfer_learning") for text in texts.values() if text not in graded]
    wrong += [text for texts in options("oxford_pets") for text in texts.values() if text not in at_home]
    assert [text for text in wrong if any(fact in text for fact in list(FACTS.values())[:5])] == []
