"""Notebooks that nobody vouches for cost a verdict at most: counted before they are parsed, read within limits."""

from __future__ import annotations

import difflib
import json
from typing import Any

import nbformat
import pytest

from grader.confined import Bounds
from grader.errors import InfrastructureError, SubmissionError
from grader.notebooks import cells, reading
from grader.notebooks.cells import grade_id, read_notebook, restore
from tests.support.notebooks import solution_cell


def code(source: str = "x = 1", **changes: Any) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []}
    return {**cell, "execution_count": None, **changes}


def book(*given: dict[str, Any], **metadata: Any) -> bytes:
    found = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": list(given)}
    return json.dumps(found).encode()


def release() -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[solution_cell("double", "def double(x):\n    return None")])


@pytest.mark.parametrize("content", [b'"' + b'\\",' * 700_000, b'"a" "' + b"," * 700_000])
def test_a_text_without_end_is_told_as_no_json_within_the_limits_of_reading(content: bytes) -> None:
    with pytest.raises(
        SubmissionError, match="not valid JSON"
    ):  # by the square it were hours, and told as too long
        reading.read_restored(content, release())


def test_of_many_nameless_look_alikes_few_are_compared_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = list[str]()

    class Counting(difflib.SequenceMatcher):  # type: ignore[type-arg]
        def ratio(self) -> float:
            compared.append("")
            return super().ratio()

    monkeypatch.setattr(difflib, "SequenceMatcher", Counting)
    stub = release().cells[0].source
    given = read_notebook(book(*(code(f"{stub}\n# {number}") for number in range(500)), code(f"{stub} + 1")))

    restored, repairs = restore(given, release())

    assert len(compared) <= cells.CANDIDATES
    (found,) = (one for one in restored.cells if grade_id(one) == "double")
    assert found.source == f"{stub} + 1" or "#" in found.source
    assert [one.cell for one in repairs] == ["double"]


def test_a_long_solution_that_lost_its_name_is_recognised_by_its_lines() -> None:
    stub = "\n".join(f"def step_{number}(x):\n    return x + {number}" for number in range(300))
    original = nbformat.v4.new_notebook(cells=[solution_cell("double", stub)])

    restored, _ = restore(read_notebook(book(code("import numpy"), code(stub + "\nprint(1)"))), original)

    assert grade_id(restored.cells[1]) == "double"


def test_a_notebook_is_read_and_put_right_in_the_limited_process_as_in_this_one() -> None:
    content = book(
        code("def double(x):\n    return 2 * x", metadata={"nbgrader": {"grade_id": "double"}}), code("ü")
    )

    assert reading.read_restored(content, release()) == restore(read_notebook(content), release())


def test_what_is_no_notebook_is_refused_with_the_same_words() -> None:
    with pytest.raises(SubmissionError) as here:
        read_notebook(b"[1]")
    with pytest.raises(SubmissionError) as there:
        reading.read_restored(b"[1]", release())

    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Bounds(memory_mb=4), "more than 4 MiB of memory to be read.*Clear its outputs"),
        (Bounds(wall_s=0.001), "more than 5 s to be read"),
        (Bounds(answer_mb=0), "more than 0 MiB to be read"),
    ],
)
def test_a_notebook_that_meets_a_limit_is_the_students_to_mend(
    monkeypatch: pytest.MonkeyPatch, bounds: Bounds, words: str
) -> None:
    monkeypatch.setattr(reading, "BOUNDS", bounds)

    with pytest.raises(SubmissionError, match=words):
        reading.read_restored(book(*[code("y" * 200_000)] * 40), release())


def test_a_mistake_of_ours_in_reading_is_no_mistake_of_the_student(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbformat, "writes", lambda _: "{}")  # a release that is none

    with pytest.raises(InfrastructureError, match="Traceback"):
        reading.read_restored(book(code()), release())


def test_of_a_cell_its_imports_and_definitions_are_found_and_what_is_no_python_has_none() -> None:
    source = "import numpy as np\nx = 1\ndef double(x):\n    return 2 * x\nprint(x)"

    assert reading.definitions_of(source) == "import numpy as np\n\ndef double(x):\n    return 2 * x"
    assert reading.definitions_of("%matplotlib inline\nimport numpy") == ""


@pytest.mark.parametrize(
    "source", ["-" * 200_000 + "1", "(" * 200_000, "import a;" * 20_000, "x" + ".a" * 200_000]
)
def test_a_cell_that_breaks_the_parser_has_no_definitions_and_breaks_nothing_else(source: str) -> None:
    assert reading.definitions_of(source) == ""
    assert reading.definitions_of("import a") == "import a"
