"""What is said of an answer that did not come: enough to mend it, and nothing of what was hidden."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment.spec import EntryPoint, Value
from grader.errors import SubmissionError
from grader.judging.answer_notes import Sources, call_of, explain_note, retraced
from grader.judging.in_kernel import Unusable, call

SIZES = {"n": 2}


CLASSIFY = EntryPoint(name="classify", budget_s=1, output=Value(dtype="float", shape=(2, 3)))


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ({"kind": "raised", "text": "ValueError: no"}, "classify raised ValueError: no"),
        (
            {"kind": "raised", "text": "ValueError: (20,5) (20,) "},
            r"classify raised ValueError: \(20,5\) \(20,\)\. ",
        ),
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


async def awaited() -> int:
    return 1


@pytest.mark.parametrize(
    ("make", "name"),
    [(lambda: (n for n in (1, 2)), "generator"), (awaited, "coroutine")],
    ids=["generator", "coroutine"],
)
def test_what_only_promises_a_value_is_told_as_that(make: Callable[[], Any], name: str) -> None:
    with contextlib.closing(make()) as promise, pytest.raises(Unusable) as caught:
        call(lambda: promise, ())
    note = caught.value.to_note()

    error, unseen = (explain_note(note, CLASSIFY, SIZES, Sources(), told=told) for told in (True, False))

    assert str(error.message).endswith(f"found Python objects ({name}).")
    assert str(error.hint).startswith(f"That is a {name}: ")
    assert "`return`" in str(error.hint)
    assert "torch.stack" not in str(error.hint)
    assert name not in str(unseen)  # which one it is could be an answer about a hidden photo


@given(st.dictionaries(st.sampled_from(["kind", "text", "other"]), json_values))
def test_any_note_becomes_an_error(note: dict[str, Any]) -> None:
    assert str(explain_note(note, CLASSIFY, SIZES, Sources(), told=True).message).isprintable()


CELLS = Sources(
    [(1, "import x"), (3, "def helper():\n    return 1 / 0"), (4, "def classify(n):\n    return helper()")]
)


def raised(**note: Any) -> SubmissionError:
    """Return what is told of a public question at which a function raised."""
    note = {"kind": "raised", "text": "ZeroDivisionError: no", "class": "ZeroDivisionError", **note}
    return retraced(explain_note(note, CLASSIFY, SIZES, CELLS, told=True), note, "classify", 2, CELLS)


def test_a_public_question_is_told_with_every_line_on_the_way_and_a_call_to_paste() -> None:
    error = raised(cell=2, line=2, frames=[[3, 2], [2, 2]])

    assert str(error.message) == (
        "classify raised ZeroDivisionError: no (cell 3, line 2: return 1 / 0; called in cell 4, line 2: return helper())."
    )
    assert str(error.hint).endswith('classify(*lab.call("classify", 2))')
    assert (error.raised, error.said) == ("ZeroDivisionError", "ZeroDivisionError: no")


def test_a_function_that_calls_itself_is_told_in_few_words() -> None:
    deep = raised(frames=[[3, 2]] + [[2, 2]] * 500)

    assert str(deep.message).count("cell 3") == 1


@pytest.mark.parametrize("frames", [None, "text", [1], [[1]], [["a", "b"]], [[9, 9]], [[True, 1]], {"a": 1}])
def test_a_kernels_word_on_lines_is_not_believed(frames: object) -> None:
    assert str(raised(frames=frames).message) == "classify raised ZeroDivisionError: no."


def test_the_first_question_needs_no_number() -> None:
    assert call_of("classify", 0) == 'classify(*lab.call("classify"))'


def test_other_notes_are_told_as_they_are() -> None:
    note = {"kind": "none"}
    words = explain_note(note, CLASSIFY, SIZES, CELLS, told=True)

    assert retraced(words, note, "classify", 2, CELLS) is words


def test_far_lines_are_named_only_where_all_is_public() -> None:
    source = "\n".join(["x = 1"] * 600)
    notebook = new_notebook(cells=[new_code_cell(source)])

    assert not Sources.of(notebook).line(1, 590)
    assert str(Sources.of(notebook, public=True).line(1, 590)) == "cell 1, line 590: x = 1"


def test_a_line_has_the_number_of_its_cell_in_jupyter_and_is_read_by_the_count_of_the_kernel() -> None:
    parameters = new_code_cell("seed = 0", metadata={"tags": ["parameters"]})
    injected = new_code_cell("# Parameters\nseed = 7", metadata={"tags": ["injected-parameters"]})
    cells = [parameters, injected, new_code_cell("\n"), new_code_cell("def f(): pass")]

    # The kernel ran three cells; the student's Jupyter runs two.
    assert str(Sources.of(new_notebook(cells=cells)).line(3, 1)) == "cell 2, line 1: def f(): pass"
