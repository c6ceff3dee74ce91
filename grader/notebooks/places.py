"""Where a cell is, in words by which its author finds it in Jupyter, which shows no number of a cell."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from grader.messages import NOTHING, Message
from grader.notebooks.sanitise_text import printable

HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
CHARS = 80  # of a heading or a line


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
