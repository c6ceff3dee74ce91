"""A bank of questions: a TOML file that is read whole, with every mistake told by the id of its question.

```toml
draw = 6                     # questions that each student gets; without it all of them

[[questions]]
id = "frozen"                # never shown; what is drawn hangs on it, so it stays when words are mended
topic = "transfer learning"  # each student gets questions of as many topics as there are
text = "Which weights change while a **head** is trained on a frozen network?"

[[questions.options]]
text = "those of the head alone"
right = true
explanation = "The frozen part only computes features."
```
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StrictBool, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from grader.errors import SpecError
from grader.schema import Strict, mistakes, refuse, told

FILE = "staff/bank.toml"  # in the assignment's source folder: in `staff`, so that no release has it
LETTERS = "ABCDEFGH"
SALT = re.compile(r"^salt\s*=", re.MULTILINE)
ADVICE = "docs/instructors.md shows a bank under “Quizzes”."
_STEP = re.compile(r"^questions\.(\d+)")


def _words(text: str) -> str:
    if not text.strip():
        raise ValueError("expected words")
    return text.strip()


def _line(text: str) -> str:
    if "\n" in text.strip():
        raise ValueError("expected one line: an option is an entry of a list")
    return _words(text)


Words = Annotated[str, AfterValidator(_words)]


class Option(Strict):
    """One option of a question.

    Attributes:
        text: what students read, in Markdown; one line.
        explanation: why it is right or wrong, in Markdown; shown when nobody can profit from it any more.
        right: whether it is the right one.
    """

    text: Annotated[str, AfterValidator(_line)]
    explanation: Words
    right: StrictBool = False


class BankQuestion(Strict):
    """One question of a bank.

    Attributes:
        id: names it in messages and decides, with the secret, who gets it; small letters, digits and hyphens.
        text: the question, in Markdown.
        topic: what it is about.
        options: two to eight, one of them right, in any order: each student gets another one.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)
    text: Words
    topic: Words
    options: tuple[Option, ...]  # how many is looked at below: pydantic counts those that are right alone

    # Of the field and not of the model: it is told beside what is wrong with the others.
    @field_validator("options")
    @classmethod
    def _one_is_right(cls, options: tuple[Option, ...]) -> tuple[Option, ...]:
        count, right = len(options), sum(option.right for option in options)
        problems = [] if 2 <= count <= len(LETTERS) else [f"2 to {len(LETTERS)} options, found {count}"]
        problems += [] if right == 1 else [f"one option with right = true, found {right}"]
        twice = [text for text, number in Counter(option.text for option in options).items() if number > 1]
        problems += [f"options that differ, found two that read {text!r}" for text in twice]
        if problems:
            text = f"expected {'; expected '.join(problems)}"
            raise PydanticCustomError("inconsistent", "{text}", {"text": text})
        return options


class Bank(Strict):
    """A bank of questions.

    Attributes:
        draw: how many questions a student gets; None: all.
        salt: what the drawing for all is drawn from, where students have none of their own; `pawgrade new` writes it.
        questions: in any order.
    """

    draw: int | None = Field(None, gt=0)
    salt: str = Field("", pattern=r"^([0-9a-f]{32,})?$")
    questions: tuple[BankQuestion, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = _repeated(question.id for question in self.questions)
        if not self.questions:
            problems.append("expected at least one [[questions]], found none")
        refuse(type(self), [*problems, *_too_many(self.draw, len(self.questions))])
        return self

    @property
    def count(self) -> int:
        """How many questions a student gets."""
        return self.draw or len(self.questions)


def parse_bank(text: str, where: str) -> Bank:
    """Read a bank.

    Args:
        text: TOML.
        where: the file's name, for messages.

    Raises:
        SpecError: with every mistake: in TOML itself by its line, in a question by its id.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise SpecError(f"{where} is not valid TOML: {exc}.", ADVICE) from exc
    try:
        return Bank.model_validate(values)
    except ValidationError as exc:
        problems = [_with_id(problem, values) for problem in mistakes(exc)]
        # A bank is looked at as a whole only when each of its questions is right.
        tables = values.get("questions")
        tables = tables if isinstance(tables, list) else []
        ids = [
            table["id"] for table in tables if isinstance(table, dict) and isinstance(table.get("id"), str)
        ]
        whole = [*_repeated(ids), *_too_many(values.get("draw"), len(tables))]
        problems += [problem for problem in whole if f"the file: {problem}" not in problems]
        raise SpecError(told(where, problems), ADVICE) from exc


def read_bank(path: Path) -> Bank:
    """Read a bank's file; raises SpecError as `parse_bank` does, or because there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as exc:
        raise SpecError(f"{path} does not exist.", ADVICE) from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise SpecError(f"{path} cannot be read as text: {exc}.", ADVICE) from exc
    return parse_bank(text, str(path))


def bank_of(source: Path) -> Bank | None:
    """Return the bank of an assignment's source folder; None where the assignment is no quiz of this kind.

    Raises:
        SpecError: it has mistakes, or no salt.
    """
    path = source / FILE
    if not path.is_file():
        return None
    bank = read_bank(path)
    if not bank.salt:
        raise SpecError(
            f'{path}: expected a line salt = "...", found none.',
            "Any 32 hexadecimal digits of chance will do: python -c 'import secrets; print(secrets.token_hex())'.",
        )
    return bank


def _repeated(ids: Iterable[str]) -> list[str]:
    return [f"{count} questions have the id {name!r}" for name, count in Counter(ids).items() if count > 1]


def _too_many(draw: object, count: int) -> list[str]:
    if isinstance(draw, int) and draw > count:
        return [f"draw is {draw}, but there are {count} questions"]
    return []


def _with_id(problem: str, values: dict[str, Any]) -> str:
    """Name a question by its id in a message that names it by its position."""
    step = _STEP.match(problem)
    if step is None:
        return problem
    number = int(step[1])
    table = values["questions"][number]
    name = table.get("id") if isinstance(table, dict) else None
    words = f"question {name!r}" if isinstance(name, str) and name.isprintable() else f"question {number + 1}"
    rest = re.sub(
        r"^\.options\.(\d+)", lambda option: f", option {int(option[1]) + 1}", problem[step.end() :]
    )
    return f"{words}{rest}"
