"""Errors cross process borders with everything they say."""

from __future__ import annotations

import copy
import pickle

import pytest

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
