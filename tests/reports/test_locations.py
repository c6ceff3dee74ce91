"""Where a failed cell lies in the text of a notebook."""

from __future__ import annotations

import json

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.messages import Message
from grader.records import FailedCell
from grader.reports.locations import line_of_cell
from tests.support.tiny import source_notebook


def failed(number: int, name: str | None = None) -> FailedCell:
    return FailedCell(0, number, name, "ValueError", Message("no"))


def line(text: str, number: int) -> str:
    return text.splitlines()[number - 1]


@pytest.mark.parametrize("name", ["double-code", "double", "classify-code", "brightness"])
def test_a_named_cell_is_found_where_its_source_begins(name: str) -> None:
    notebook = source_notebook()
    cell = next(one for one in notebook.cells if one.metadata.get("nbgrader", {}).get("grade_id") == name)
    text = nbformat.writes(notebook)

    found = line(text, line_of_cell(text, failed(0, name)))

    assert json.loads(found.strip().rstrip(",")) == cell.source.splitlines(keepends=True)[0]


def test_a_cell_without_a_name_is_counted_as_jupyter_does() -> None:
    notebook = source_notebook()
    notebook.cells.append(nbformat.v4.new_code_cell("what_a_student_added = 1"))
    text = nbformat.writes(notebook)
    code = sum(cell.cell_type == "code" for cell in notebook.cells)

    assert "what_a_student_added" in line(text, line_of_cell(text, failed(code)))
    assert "data_dir" in line(text, line_of_cell(text, failed(1)))


def test_an_empty_cell_has_no_number_and_shifts_none() -> None:
    sources = ["a = 1", " \n", "b = 2"]
    text = nbformat.writes(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    )

    assert "b = 2" in line(text, line_of_cell(text, failed(2)))


def test_without_parameters_nothing_was_put_in() -> None:
    text = nbformat.writes(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"x = {n}") for n in range(4)])
    )

    assert [line(text, line_of_cell(text, failed(n)))[-6:-1] for n in (1, 2, 3, 4)] == [
        "x = 0",
        "x = 1",
        "x = 2",
        "x = 3",
    ]


def test_a_cell_of_a_variant_is_found_at_its_header() -> None:
    text = '# /// pawgrade\n# title = "x"\n# ///\n# %% [double-code]\nx = 1\n# %% [classify-code]\ny = 2\n'

    assert line_of_cell(text, failed(3, "classify-code")) == 6
    assert line_of_cell(text, failed(3, "another")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        '{"cells": 3}',
        '{"cells": [3]}',
        '{"cells": [{"cell_type": "code"',
        "[1, 2]",
        '{"cells": null}',
        '{"cells": ["}"]}',
        '{"cells": [{"cell_type": "code", "metadata": []}]}',
        '{"cells": [{"cell_type": "code", "metadata": {"tags": null, "nbgrader": 3}}]}',
    ],
)
def test_what_is_no_notebook_has_its_first_line(text: str) -> None:
    assert line_of_cell(text, failed(1, "double")) == 1


@given(
    sources=st.lists(st.text(max_size=30), min_size=1, max_size=6),
    indent=st.sampled_from([None, 0, 1, 4]),
    other=st.dictionaries(st.sampled_from(["cells", "source", "a"]), st.integers(), max_size=3),
)
def test_any_json_of_a_notebook_has_the_line_of_its_cells(
    sources: list[str], indent: int | None, other: dict[str, int]
) -> None:
    cells = [
        {
            "cell_type": "code",
            "metadata": {**other, "nbgrader": {"grade_id": f"n{n}"}},
            "source": [f"mark{n}", source],
        }
        for n, source in enumerate(sources)
    ]
    text = json.dumps({"metadata": other, "cells": cells, "nbformat": 4}, indent=indent)

    for n in range(len(sources)):
        assert f'"mark{n}"' in text.split("\n")[line_of_cell(text, failed(99, f"n{n}")) - 1]
