"""Errors cross process borders with everything they say."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import grader
from grader.errors import (
    GraderError,
    InfrastructureError,
    KernelDied,
    NoGpuSlot,
    SpecError,
    SubmissionError,
    TimedOut,
    WorldEnded,
)


def tree(error: type[GraderError]) -> list[type[GraderError]]:
    return [error, *(leaf for child in error.__subclasses__() for leaf in tree(child))]


EXIT_CODES: list[tuple[type[GraderError], int]] = [
    (GraderError, 3),
    (SubmissionError, 1),
    (WorldEnded, 1),
    (SpecError, 2),
    (InfrastructureError, 3),
    (KernelDied, 3),
    (NoGpuSlot, 3),
    (TimedOut, 3),
]


def test_the_tree_has_exactly_the_errors_of_the_contract() -> None:
    assert {error.__name__ for error in tree(GraderError)} == {error.__name__ for error, _ in EXIT_CODES}


@pytest.mark.parametrize("error", tree(GraderError))
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_survives_pickling_with_its_fields(error: type[GraderError], protocol: int) -> None:
    before = error("expected scores, found none.", "Return something.")

    after = pickle.loads(pickle.dumps(before, protocol))

    assert type(after) is error
    assert (str(after.message), str(after.hint)) == ("expected scores, found none.", "Return something.")
    assert str(after) == str(before)


@pytest.mark.parametrize("error", tree(GraderError))
def test_every_error_can_be_copied(error: type[GraderError]) -> None:
    assert str(copy.copy(error("what", "hint")).hint) == "hint"


@pytest.mark.parametrize(("error", "code"), EXIT_CODES)
def test_every_error_has_the_exit_code_of_its_owner(error: type[GraderError], code: int) -> None:
    assert error.exit_code == code


def test_an_error_without_a_hint_is_its_message_alone() -> None:
    assert str(SpecError("no such card.")) == "no such card."


def test_nothing_is_lost_when_a_message_holds_format_characters() -> None:
    text = "found 100 % {of} \\n \N{CAT FACE}"

    assert str(pickle.loads(pickle.dumps(SubmissionError(text, text)))) == f"{text} {text}"


def unquoted_in_commands(tree: ast.AST) -> Iterator[int]:
    """Yield the line of each value that an f-string puts between backquotes into a command of ours without quoting it."""
    for text in ast.walk(tree):
        if not isinstance(text, ast.JoinedStr):
            continue
        command = ""
        for piece in text.values:
            if isinstance(piece, ast.Constant):
                command += str(piece.value)
                # An odd number of backquotes: the last one opens what is to be typed.
                command = command.rpartition("`")[2] if command.count("`") % 2 else ""
                command = f"`{command}" if command else ""
            elif command.startswith("`pawgrade ") and "shlex." not in ast.unparse(piece):
                yield piece.lineno


def test_what_stands_in_a_command_of_a_hint_can_be_pasted() -> None:
    package = Path(grader.__file__).parent
    unquoted = [
        f"{path.relative_to(package)}:{line}"
        for path in package.rglob("*.py")
        for line in unquoted_in_commands(ast.parse(path.read_text()))
    ]

    assert list(unquoted_in_commands(ast.parse('f"run `pawgrade grade {name}` first"'))) == [1]
    assert list(unquoted_in_commands(ast.parse('f"`pawgrade`, {name}: `ls {name}`"'))) == []
    assert unquoted == []
