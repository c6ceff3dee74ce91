"""Drawings: which questions of a bank a student gets, in which order, and which letter each option has.

A drawing is a function of a key and the bank alone: questions and options are sorted by keyed digests of their names. So it can be
made again when answers are judged, a question more changes as little of it as can be, and without the key nothing of
one drawing follows from another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from grader.assignment.quizzes.bank import LETTERS, Bank, BankQuestion, Option

NUMBERS = 2**31  # of drawings: whole numbers that every kernel can hold


@dataclass(frozen=True)
class DrawnQuestion:
    """A question as one student gets it.

    Attributes:
        question: of the bank.
        options: its options in the student's order.
    """

    question: BankQuestion
    options: tuple[Option, ...]

    @property
    def letters(self) -> str:
        """The letters of its options, such as `ABCD`."""
        return LETTERS[: len(self.options)]

    @property
    def right(self) -> int:
        """The number of the right option, from 1."""
        return next(number for number, option in enumerate(self.options, 1) if option.right)


@dataclass(frozen=True)
class Drawing:
    """What one student gets of a bank.

    Attributes:
        number: names the drawing in a notebook, from 1 to `NUMBERS`; it tells nothing of the answers.
        questions: in the student's order.
    """

    number: int
    questions: tuple[DrawnQuestion, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What the questions are called in the notebook: `q1`, `q2` and so on."""
        return tuple(f"q{number}" for number in range(1, len(self.questions) + 1))


def common_key(bank: Bank, assignment: str) -> bytes:
    """Return the key of the drawing that everybody gets where students have none of their own."""
    return _digest(bank.salt.encode(), "for all", assignment)


def student_key(secret: bytes, assignment: str, student: str) -> bytes:
    """Return the key of a student's own drawing, which nobody can make without the course secret."""
    # A roster has composed letters; a folder that a Mac wrote has them in parts, and is the same student's.
    return _digest(secret, "for a student", assignment, unicodedata.normalize("NFC", student))


def draw(bank: Bank, key: bytes) -> Drawing:
    """Draw questions, their order and the order of their options.

    Topics are drawn before questions: of two students none gets all questions of one topic while others are left.
    """
    by_topic: dict[str, list[BankQuestion]] = defaultdict(list)
    for question in sorted(bank.questions, key=lambda question: _digest(key, "question", question.id)):
        by_topic[question.topic].append(question)
    rounds = [
        (turn, _digest(key, "topic", topic), question)
        for topic, questions in by_topic.items()
        for turn, question in enumerate(questions)
    ]
    chosen = [question for *_, question in sorted(rounds, key=lambda entry: entry[:2])][: bank.count]
    chosen.sort(key=lambda question: _digest(key, "order", question.id))
    orders = [_order(key, question) for question in chosen]
    # Of what was drawn, too: a bank that changed since gives a notebook that is told apart from the one that was handed out.
    facts = [(question.id, order) for question, order in zip(chosen, orders, strict=True)]
    number = int.from_bytes(_digest(key, "number", json.dumps(facts))[:8], "big") % (NUMBERS - 1) + 1
    return Drawing(
        number,
        tuple(
            DrawnQuestion(question, tuple(question.options[k] for k in order))
            for question, order in zip(chosen, orders, strict=True)
        ),
    )


def _order(key: bytes, question: BankQuestion) -> list[int]:
    """Return the numbers of a question's options, from 0, in the order of a key."""
    numbers = range(len(question.options))
    return sorted(numbers, key=lambda number: _digest(key, "option", question.id, number))


def _digest(key: bytes, *words: object) -> bytes:
    # As JSON, so that no two lists of words give the same text.
    return hmac.new(key, json.dumps([str(word) for word in words]).encode(), hashlib.sha256).digest()
