"""The JSON of a notebook that nobody vouches for: counted before it is parsed, and cut to what grading looks at.

Two million empty objects in a notebook's metadata are 6 MB, and gigabytes as Python objects. What is parsed here is bounded
in bytes, in values and in depth, and nothing but cells, their sources and small metadata is kept for the steps that copy.
"""

from __future__ import annotations

import json
import re
from typing import Any

from grader.errors import SubmissionError
from grader.messages import NOTHING, Message

MAX_NOTEBOOK_BYTES = 50 * 2**20
MAX_VALUES = 500_000  # numbers, texts, lists, objects; a lab's notebook with plots has some thousands
MAX_DEPTH = 100  # levels of JSON: what is copied later needs several frames a level
MAX_CELLS = 2000  # far above any honest notebook; naming and validating cells takes time
MAX_CELL_CHARS = 4 * 2**20  # of one source: pictures may lie in Markdown, as text
MAX_SOURCES_CHARS = 12 * 2**20
MAX_PICTURES_CHARS = 16 * 2**20  # attachments of all cells, in base64; pages have room for less
MAX_ENTRIES = 50  # of one cell's metadata or attachments
MAX_ENTRY_CHARS = 1000

# A string runs to its closing quote or to the end of the file: so nothing is looked at twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_MERGE = re.compile(rb"^<<<<<<< [^\r\n]*", re.MULTILINE)
_MARK_CHARS = 40  # of a mark's line: the rest is a branch's name
_PAGES, _PAGE_BYTES = (b"<!doctype html", b"<html", b"<head"), 1000
_SAVE = Message("Open it in Jupyter, save it and hand it in again.")
_CLEAR = Message("Clear its outputs (Kernel, Restart and Clear Outputs), save it and hand it in again.")


def parse(content: bytes) -> Any:  # noqa: ANN401 - JSON
    """Parse JSON of bounded size.

    Raises:
        SubmissionError: there are too many bytes, values or levels, or it is no JSON.
    """
    if len(content) > MAX_NOTEBOOK_BYTES:
        raise SubmissionError(
            Message(
                "the notebook has {found} MiB, at most {most} MiB are read.",
                found=len(content) // 2**20,
                most=MAX_NOTEBOOK_BYTES // 2**20,
            ),
            _CLEAR,
        )
    if values(content) > MAX_VALUES:
        raise SubmissionError(Message("the notebook holds more than {most} values.", most=MAX_VALUES), _CLEAR)
    problem = _no_json(content)
    try:
        text = content.decode("utf-8-sig")
        del content
        raw = json.loads(text)
    except (UnicodeDecodeError, ValueError, RecursionError) as exc:
        raise SubmissionError(*problem) from exc
    if _depth(raw) > MAX_DEPTH:
        raise SubmissionError(
            Message("the notebook is damaged: it is nested more than {most} levels deep.", most=MAX_DEPTH),
            Message("Open it in Jupyter, save it and hand it in again."),
        )
    return raw


def _no_json(content: bytes) -> tuple[Message, Message]:
    """Say why a file is no JSON, should it be none, and what to do; messages without others in them, so that they cross the process border."""
    if not content.strip():
        return (
            Message(
                "the file is not a notebook: it is empty ({size} bytes).",
                size=len(content),
            ),
            Message("Save the notebook in Jupyter, look at the file's size, and hand it in again."),
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Message("the file is not a notebook: it is UTF-16, and notebooks are UTF-8."), _SAVE
    if content[:_PAGE_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        return (
            Message("the file is not a notebook: it is a web page."),
            Message(
                "A page to log in was probably saved in its place: log in, download the notebook again, and look that it opens in Jupyter."
            ),
        )
    mark = _MERGE.search(content)
    if mark:
        return (
            Message(
                "the file is not a notebook: git could not finish a merge, line {line} is {mark}.",
                line=content.count(b"\n", 0, mark.start()) + 1,
                mark=mark.group().decode("utf-8", "replace").strip()[:_MARK_CHARS],
            ),
            Message(
                "Choose one of the two versions (`git checkout --ours` or `--theirs` and the file's name), look that it opens in Jupyter, and hand it in again."
            ),
        )
    return Message("the file is not a notebook: it is not valid JSON."), _SAVE


def values(content: bytes) -> int:
    """Return a bound on the number of JSON values, from above; it takes no memory but that of the bytes."""
    estimate = _marks(content)
    # Commas inside strings separate nothing; they are taken out only where they could change the answer.
    return estimate if estimate <= MAX_VALUES else _marks(_STRING.sub(b"", content))


def _marks(content: bytes) -> int:
    return 1 + sum(content.count(mark) for mark in (b",", b"[", b"{"))


def _depth(value: object) -> int:
    # Level by level, not by recursion: how deep it goes is what nobody knows yet.
    level, depth = [value], 0
    while level and depth <= MAX_DEPTH:
        depth += 1
        inner: list[object] = []
        for node in level:
            if isinstance(node, dict):
                inner.extend(node.values())
            elif isinstance(node, list):
                inner.extend(node)
        level = inner
    return depth


def trim(raw: dict[str, Any]) -> None:
    """Take out of a parsed notebook, in place, what grading does not look at; what is damaged stays for validation.

    Raises:
        SubmissionError: it has too many cells, or too much text in them.
    """
    if isinstance(raw.get("metadata"), dict):
        raw["metadata"] = {
            key: _scalars(raw["metadata"][key])
            for key in ("kernelspec", "language_info")
            if isinstance(raw["metadata"].get(key), dict)
        }
    cells = cells_of(raw)
    if len(cells) > MAX_CELLS:
        raise SubmissionError(
            Message(
                "the notebook has {found} cells, at most {most} are read.", found=len(cells), most=MAX_CELLS
            ),
            Message("Delete the cells that do not belong to the assignment and hand it in again."),
        )
    left_chars = MAX_PICTURES_CHARS
    for cell in cells:
        if isinstance(cell, dict):
            left_chars = _trim_cell(cell, left_chars)
    _hold_sources(cells)


def cells_of(raw: object) -> list[Any]:
    """Return the cells of a parsed notebook of format 3 or 4, whatever they are."""
    cells = raw.get("cells") if isinstance(raw, dict) else None
    if cells is None and isinstance(raw, dict):  # format 3
        sheets = raw.get("worksheets")
        cells_by_sheet = [sheet.get("cells") for sheet in _list(sheets) if isinstance(sheet, dict)]
        cells = [cell for sheet_cells in cells_by_sheet for cell in _list(sheet_cells)]
    return _list(cells)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _trim_cell(cell: dict[str, Any], left_chars: int) -> int:
    """Trim one cell in place; return how many characters of pictures are left for the others."""
    if "outputs" in cell:
        cell["outputs"] = []
    if cell.get("cell_type") != "code":  # other programs leave them there, and no notebook may have them
        cell.pop("outputs", None)
        cell.pop("execution_count", None)
    given = cell.get("metadata")
    if isinstance(given, dict):
        tags, nbgrader = given.get("tags"), given.get("nbgrader")
        metadata = {
            key: entry
            for key, entry in _scalars(given).items()
            if isinstance(entry, _OF_FORMAT.get(key, object)) and entry != ""
        }
        if isinstance(tags, list) and len(tags) <= MAX_ENTRIES:
            metadata["tags"] = [
                tag for tag in tags if isinstance(tag, str) and _is_small(tag) and tag and "," not in tag
            ]
        if "nbgrader" in given:
            metadata["nbgrader"] = _scalars(nbgrader) if isinstance(nbgrader, dict) else None
        cell["metadata"] = metadata
    if isinstance(cell.get("attachments"), dict):
        pictures = {}
        for name, bundle in list(cell["attachments"].items())[:MAX_ENTRIES]:
            encoded = (
                {mime: text for mime, text in bundle.items() if isinstance(text, str)}
                if isinstance(bundle, dict)
                else {}
            )
            chars = sum(map(len, encoded.values()))
            if chars <= left_chars and _is_small(name):
                pictures[name] = encoded
                left_chars -= chars
        cell["attachments"] = pictures
    return left_chars


# What nbformat demands of metadata that grading does not look at: of another kind, it is left out.
_OF_FORMAT: dict[str, type] = {
    "name": str,
    "format": str,
    "collapsed": bool,
    "scrolled": bool,
    "deletable": bool,
    "editable": bool,
    "tags": list,
    "jupyter": dict,
    "execution": dict,
}


def _scalars(given: dict[str, Any]) -> dict[str, Any]:
    return {
        key: entry for key, entry in list(given.items())[:MAX_ENTRIES] if _is_small(key) and _is_small(entry)
    }


def _is_small(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ENTRY_CHARS
    return value is None or isinstance(value, bool | int | float)


def _hold_sources(cells: list[Any]) -> None:
    sizes = [_chars(cell.get("source", cell.get("input"))) for cell in cells if isinstance(cell, dict)]
    largest, total = max(sizes, default=0), sum(sizes)
    message = NOTHING
    if largest > MAX_CELL_CHARS:
        message = Message(
            "one cell of the notebook has {found} characters, at most {most} are read.",
            found=largest,
            most=MAX_CELL_CHARS,
        )
    elif total > MAX_SOURCES_CHARS:
        message = Message(
            "the notebook's cells have {found} characters, at most {most} are read.",
            found=total,
            most=MAX_SOURCES_CHARS,
        )
    if message:
        hint = Message("Read large values from the assignment's files instead of writing them into cells.")
        raise SubmissionError(message, hint)


def _chars(source: object) -> int:
    return (
        len(source)
        if isinstance(source, str)
        else sum(len(line) for line in _list(source) if isinstance(line, str))
    )
