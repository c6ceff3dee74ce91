"""Banks of questions for tests."""

from __future__ import annotations

from grader.assignment.quizzes.bank import Bank, parse_bank

SALT = "0123456789abcdef" * 2


def bank_text(questions: int = 6, options: int = 4, draw: int | None = None, topics: int = 1) -> str:
    """Return the TOML of a bank; the first option of each question is right."""
    lines = [f'salt = "{SALT}"', *([f"draw = {draw}"] if draw else [])]
    for number in range(questions):
        lines += ["[[questions]]", f'id = "question-{number}"', f'topic = "topic {number % topics}"']
        lines += [f'text = "What is number {number}?"']
        for option in range(options):
            lines += ["[[questions.options]]", f'text = "option {option} of {number}"']
            lines += [
                f'explanation = "Because {option} of {number}."',
                *(["right = true"] if not option else []),
            ]
    return "\n".join(lines) + "\n"


def bank(questions: int = 6, options: int = 4, draw: int | None = None, topics: int = 1) -> Bank:
    """Return such a bank, read."""
    return parse_bank(bank_text(questions, options, draw, topics), "bank.toml")
