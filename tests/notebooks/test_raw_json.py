"""The JSON of a notebook is counted before it is parsed, and cut to what grading looks at."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest

from grader.errors import SubmissionError
from grader.notebooks import raw_json
from grader.notebooks.cells import read_notebook
from grader.notebooks.raw_json import MAX_VALUES, parse, values


def code(source: str = "x = 1", **changes: Any) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []}
    return {**cell, "execution_count": None, **changes}


def book(*given: dict[str, Any], **metadata: Any) -> bytes:
    found = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(given)}
    return json.dumps(found).encode()


def test_two_million_empty_objects_are_refused_before_they_are_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(json, "loads", lambda _: pytest.fail("it was parsed"))

    with pytest.raises(SubmissionError, match=f"more than {MAX_VALUES} values. Clear its outputs"):
        parse(b'{"metadata": [' + b"{}," * 2_000_000 + b"{}]}")


@pytest.mark.parametrize(
    "text", ["a,b" * 600_000, "[{" * 300_000, '",' * 600_000, "\\" * 99_999 + '",[{' * 200_000]
)
def test_commas_and_brackets_in_texts_are_no_values(text: str) -> None:
    content = book(code(outputs=[{"output_type": "stream", "name": "stdout", "text": text}]))

    assert values(content) < 100
    assert len(read_notebook(content).cells) == 1


def test_only_what_grading_looks_at_is_copied() -> None:
    widgets: dict[str, Any] = {"state": {str(number): {"model": {}} for number in range(50)}}
    noisy = code(
        metadata={"tags": ["mine"], "collapsed": True, "vendor": {"a": [{}] * 50}, "long": "x" * 9999}
    )

    found = read_notebook(book(noisy, widgets=widgets, kernelspec={"name": "python3", "display_name": "a"}))

    assert found.cells[0].metadata == {"tags": ["mine"], "collapsed": True}
    assert found.metadata == {"kernelspec": {"name": "python3", "display_name": "a"}}


def test_pictures_beyond_what_a_page_shows_are_dropped_and_words_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(raw_json, "MAX_PICTURES_CHARS", 1000)
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "words"}
    given = [{**cell, "attachments": {"a.png": {"image/png": "A" * 600}}} for _ in range(2)]

    found = read_notebook(book(*given))

    assert [set(one.attachments) for one in found.cells] == [{"a.png"}, set()]
    assert [one.source for one in found.cells] == ["words", "words"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([code("x" * 5_000_000)], "one cell of the notebook has 5000000 characters"),
        ([code("x" * 4_000_000)] * 4, "the notebook's cells have 16000000 characters"),
        ([code(["x" * 3_000_000] * 2)], "one cell of the notebook has 6000000 characters"),  # type: ignore[arg-type]
    ],
)
def test_more_code_than_anybody_writes_is_refused(given: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(SubmissionError, match=words):
        read_notebook(book(*given))


def test_the_cells_of_a_format_3_are_counted_before_they_are_converted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nbformat, "convert", lambda *_: pytest.fail("it was converted"))
    sheet = {"cells": [{"cell_type": "code", "input": "x"}] * 1500}
    content = json.dumps(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [sheet] * 2}
    ).encode()

    with pytest.raises(SubmissionError, match="has 3000 cells, at most 2000"):
        read_notebook(content)


NOTEBOOK_LINES = book(code("x = 1")).replace(b", ", b",\n")


@pytest.mark.parametrize(
    ("content", "what", "advice"),
    [
        (b"", "it is empty \\(0 bytes\\)", "Save the notebook"),
        (b" \n", "it is empty \\(2 bytes\\)", "Save the notebook"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html>\n<html>Log in</html>", "it is a web page", "log in, download"),
        (b"<HTML><body>{}", "it is a web page", "log in, download"),
        (
            NOTEBOOK_LINES.replace(b"\n", b"\n<<<<<<< HEAD\r\n", 1),
            "line 2 is <<<<<<< HEAD\\.",
            "git checkout --ours",
        ),
        (b"\n\n<<<<<<< " + b"x" * 500, "line 3 is <<<<<<< x{32}\\.", "git checkout --ours"),
        (b"x <<<<<<< HEAD", "it is not valid JSON", "Open it in Jupyter"),
        (b"PK\x03\x04", "it is not valid JSON", "Open it in Jupyter"),
    ],
)
def test_what_is_no_notebook_is_told_by_what_it_is(content: bytes, what: str, advice: str) -> None:
    with pytest.raises(SubmissionError, match=what) as caught:
        parse(content)

    assert advice in str(caught.value.hint)


def test_a_notebook_that_speaks_of_merges_and_pages_is_read() -> None:
    source = "<!doctype html>\n<<<<<<< HEAD"

    assert read_notebook(book(code(source))).cells[0].source == source
