"""A cell is named by what its author sees in Jupyter: the heading above it, and its first line."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.messages import NOTHING
from grader.notebooks.places import jupyter_numbers, place_of

NOTEBOOK = new_notebook(
    cells=[
        new_code_cell("import x"),
        new_markdown_cell("# Lab\n\ntext\n\n## 1. Split ##\n\n#no heading"),
        new_code_cell("\n\n  def split(labels):\x1b[2J\n    return 1"),
        new_code_cell("# " + "x" * 500),
        new_code_cell(""),
    ]
)


@pytest.mark.parametrize(
    ("index", "words"),
    [
        (0, "the cell that begins with `import x`"),
        (2, 'under "1. Split", the cell that begins with `def split(labels): [2J`'),
        (3, 'under "1. Split", the cell that begins with `# ' + "x" * 78 + "`"),
        (4, 'under "1. Split", the cell that begins with ``'),
    ],
)
def test_a_cell_has_a_heading_and_a_first_line(index: int, words: str) -> None:
    assert str(place_of(NOTEBOOK, index)) == words


@pytest.mark.parametrize("index", [-1, 5])
def test_a_cell_that_is_not_there_has_no_place(index: int) -> None:
    assert place_of(NOTEBOOK, index) == NOTHING


def test_cells_are_counted_as_jupyter_counts_what_it_runs() -> None:
    injected = new_code_cell("# Parameters", metadata={"tags": ["injected-parameters"]})
    cells = [
        new_markdown_cell("text"),
        injected,
        new_code_cell("a"),
        new_code_cell(" \n"),
        new_code_cell("b"),
    ]

    assert jupyter_numbers(cells) == [0, 0, 1, 1, 2]
