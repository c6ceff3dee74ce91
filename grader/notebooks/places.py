"""Where a cell is: the number that Jupyter shows beside it once it has run, and words by which its author finds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from nbformat import NotebookNode

from grader.messages import NOTHING, Message
from grader.notebooks.sanitise_text import printable

HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
CHARS = 80  # of a heading or a line
INJECTED = "injected-parameters"  # papermill's tag of the cell that it puts in: no cell of the student's


def is_counted(kind: object, source: str, tags: object) -> bool:
    """Say whether Jupyter gives a cell of the student's file a number when it runs: empty ones are never run."""
    injected = isinstance(tags, list) and INJECTED in tags
    return kind == "code" and bool(source.strip()) and not injected


def jupyter_numbers(cells: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return for each cell the number that Jupyter shows after Restart and Run All.

    Everything that names a cell by a number takes it from here: verdicts, notices, tables, JSON and pages.

    Args:
        cells: of a valid notebook, executed or not.

    Returns:
        As many numbers as cells. A cell without one, such as text or the injected parameters, has that of the last
        one above it, 0 at the top.
    """
    numbers, count = list[int](), 0
    for cell in cells:
        count += is_counted(cell["cell_type"], cell["source"], cell.get("metadata", {}).get("tags"))
        numbers.append(count)
    return numbers


def place_of(notebook: NotebookNode, index: int) -> Message:
    """Name a cell by the heading that it stands under and by its first line; `NOTHING` where there is no such cell.

    Args:
        notebook: the notebook, executed or not.
        index: position among all its cells, from 0.
    """
    if not 0 <= index < len(notebook.cells):
        return NOTHING
    line = next((text for text in notebook.cells[index].source.splitlines() if text.strip()), "")
    headings = [
        heading
        for cell in notebook.cells[:index]
        if cell.cell_type == "markdown"
        for heading in HEADING.findall(cell.source)
    ]
    words = Message("the cell that begins with `{line}`", line=printable(line.strip(), CHARS))
    if not headings:
        return words
    return Message(
        'under "{heading}", {cell}',
        heading=printable(headings[-1], CHARS),
        cell=words,
    )
