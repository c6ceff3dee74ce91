"""Where things lie in files that people edit: the line of a notebook's cell, of a variant's cell, of a check.

A notebook is JSON, and a page that shows an annotation wants a line of that text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from grader.records import FailedCell

_SPACE = re.compile(r"[\s,:]*")
_DECODER = json.JSONDecoder()


def line_of_cell(text: str, cell: FailedCell) -> int:
    """Return the line, from 1, on which the source of a cell begins in a notebook's or a variant's text.

    Args:
        text: of the file: a notebook, or a Python file with `# %% [grade_id]` lines.
        cell: the cell that failed, as counted in the executed notebook.

    Returns:
        The line; 1 when the file has no such cell, or cannot be read.
    """
    if not text.lstrip().startswith("{"):
        return _line_in_variant(text, cell)
    try:
        cells = list(_cells(text))
    except (ValueError, IndexError, TypeError, AttributeError):  # not JSON, or no notebook
        return 1
    code = [one for one in cells if one[1].get("cell_type") == "code"]
    named = [place for place, one in code if cell.grade_id and _grade_id(one) == cell.grade_id]
    number = _number_in_file([one for _, one in code], cell.number)
    place = named[0] if named else code[number - 1][0] if 1 <= number <= len(code) else 0
    return text.count("\n", 0, place) + 1


def _line_in_variant(text: str, cell: FailedCell) -> int:
    header = f"# %% [{cell.grade_id}]"
    return next((number for number, line in enumerate(text.splitlines(), 1) if line.strip() == header), 1)


def _grade_id(cell: dict[str, Any]) -> str | None:
    found: str | None = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
    return found


def _number_in_file(code: list[dict[str, Any]], number: int) -> int:
    """Return a code cell's number in the file: the engine has put a cell after the one tagged `parameters`."""
    tags = [cell.get("metadata", {}).get("tags", []) for cell in code]
    at = next((place for place, names in enumerate(tags, 1) if "parameters" in names), None)
    injected = at is not None and not any("injected-parameters" in names for names in tags)
    return number - 1 if injected and at is not None and number > at else number


def _cells(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each cell with the offset of its source: of the first line's string, where it is a list of lines."""
    for key, begin in _members(text, _skip(text, 0)):
        if key == "cells":
            for place in _items(text, begin):
                cell, _ = _DECODER.raw_decode(text, place)
                sources = [at for name, at in _members(text, place) if name == "source"]
                at = sources[0] if sources else place
                first = _skip(text, at + 1) if text[at] == "[" else at
                yield (at if text[first] == "]" else first), cell


def _members(text: str, begin: int) -> Iterator[tuple[str, int]]:
    """Yield the keys of the object at an offset, with the offsets of their values."""
    place = _skip(text, begin + 1)
    while text[place] != "}":
        key, place = _DECODER.raw_decode(text, place)
        place = _skip(text, place)
        yield key, place
        _, place = _DECODER.raw_decode(text, place)
        place = _skip(text, place)


def _items(text: str, begin: int) -> Iterator[int]:
    """Yield the offsets of the values in the list at an offset."""
    place = _skip(text, begin + 1)
    while text[place] != "]":
        yield place
        _, place = _DECODER.raw_decode(text, place)
        place = _skip(text, place)


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place
