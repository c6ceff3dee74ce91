"""What is said of an answer that did not come: enough to mend it, and nothing of what was hidden."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.assignment.spec import EntryPoint, Value
from grader.errors import SubmissionError
from grader.judging.answer_notes import Sources, explain_note

SIZES = {"n": 2}


CLASSIFY = EntryPoint(name="classify", budget_s=1, output=Value(dtype="float", shape=(2, 3)))


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ({"kind": "raised", "text": "ValueError: no"}, "classify raised ValueError: no"),
        ({"kind": "missing"}, "no such function is defined"),
        ({"kind": "none"}, "found None.*return"),
        ({"kind": "object", "text": "list"}, r"found Python objects \(list\)"),
        ({"kind": "large", "text": "float64 of shape (9,)"}, "too large"),
        ({}, "found no answer"),
        ({"kind": "surprise"}, "found no answer"),
        ({"kind": ["raised"], "text": {"a": 1}}, "found no answer"),
    ],
)
def test_a_note_becomes_an_error_that_helps(note: dict[str, Any], words: str) -> None:
    error = explain_note(note, CLASSIFY, SIZES, Sources(), told=True)

    assert error.hint
    with pytest.raises(SubmissionError, match=words):
        raise error


def test_a_note_cannot_speak_to_the_terminal_or_at_length() -> None:
    text = "\x1b]0;all points\x07\r\n\u202e\ud800" + "x" * 5000

    message = explain_note({"kind": "raised", "text": text}, CLASSIFY, SIZES, Sources(), told=True).message

    assert str(message).isprintable()
    assert len(str(message)) < 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["kind", "text", "other"]), json_values))
def test_any_note_becomes_an_error(note: dict[str, Any]) -> None:
    assert str(explain_note(note, CLASSIFY, SIZES, Sources(), told=True).message).isprintable()
