"""Find the line of a cell in the text of a notebook or of a variant.

A notebook is JSON, and a page that shows an annotation wants a line of that text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from grader.notebooks.places import is_counted
from grader.records import FailedCell

_SPACE = re.compile(r"[\s,:]*")  # blanks and the marks between values; whether they stand right is not asked
_DECODER = json.JSONDecoder()


def line_of_cell(text: str, cell: FailedCell) -> int:
    """Return the line, from 1, on which the source of a cell begins in a notebook's or a variant's text.

    Args:
        text: of the file: a notebook, or a Python file with `# %% [grade_id]` lines.
        cell: the cell that failed.

    Returns:
        The line; 1 when the file has no such cell, or cannot be read.
    """
    # A variant is Python; the JSON of a notebook begins with a brace.
    if not text.lstrip().startswith("{"):
        return _line_in_variant(text, cell)
    try:
        cells = list(_cells(text))
    except (ValueError, IndexError, TypeError, AttributeError):  # not JSON, or no notebook
        return 1
    code = [(offset, content) for offset, content in cells if _field(content, "cell_type") == "code"]
    # An id is the surer mark: numbers shift with each code cell that is added.
    named = [offset for offset, content in code if cell.grade_id and _grade_id(content) == cell.grade_id]
    numbered = [offset for offset, content in code if is_counted("code", _source(content), _tags(content))]
    offset = named[0] if named else numbered[cell.number - 1] if 1 <= cell.number <= len(numbered) else 0
    return text.count("\n", 0, offset) + 1


def _line_in_variant(text: str, cell: FailedCell) -> int:
    header = f"# %% [{cell.grade_id}]"
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.strip() == header), 1)


def _grade_id(cell: dict[str, Any]) -> str | None:
    grade_id = _field(_field(_field(cell, "metadata"), "nbgrader"), "grade_id")
    return grade_id if isinstance(grade_id, str) else None


def _field(value: object, name: str) -> object:
    """Return a member of a JSON object; None where there is none, or no object."""
    return value.get(name) if isinstance(value, dict) else None


def _tags(cell: object) -> list[Any]:
    tags = _field(_field(cell, "metadata"), "tags")
    return tags if isinstance(tags, list) else []


def _source(cell: object) -> str:
    """Return the source of a cell, as one text or a list of lines; "" where it is neither."""
    source = _field(cell, "source")
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str))


def _cells(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each cell with the offset of its source: of the first line's string, where it is a list of lines."""
    # `json.loads` tells no offsets; `raw_decode` says where each value ends, so the text is walked value by value.
    for key, begin in _members(text, _skip(text, 0)):
        if key == "cells":
            for offset in _items(text, begin):
                cell, _ = _DECODER.raw_decode(text, offset)
                sources = [at for name, at in _members(text, offset) if name == "source"]
                at = sources[0] if sources else offset
                first = _skip(text, at + 1) if text[at] == "[" else at
                # An empty list has no first line: then its own offset is taken.
                yield (at if text[first] == "]" else first), cell


def _members(text: str, begin: int) -> Iterator[tuple[str, int]]:
    """Yield the keys of the object at an offset, with the offsets of their values."""
    offset = _skip(text, begin + 1)
    while text[offset] != "}":
        key, offset = _DECODER.raw_decode(text, offset)
        offset = _skip(text, offset)
        yield key, offset
        _, offset = _DECODER.raw_decode(text, offset)
        offset = _skip(text, offset)


def _items(text: str, begin: int) -> Iterator[int]:
    """Yield the offsets of the values in the list at an offset."""
    offset = _skip(text, begin + 1)
    while text[offset] != "]":
        yield offset
        _, offset = _DECODER.raw_decode(text, offset)
        offset = _skip(text, offset)


def _skip(text: str, offset: int) -> int:
    match = _SPACE.match(text, offset)
    return match.end() if match else offset
