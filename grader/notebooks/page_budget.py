"""Keep a notebook small enough for a page: pictures are made smaller first, and what still has no room says so.

Words come before pictures: a page without a plot can be read, a page without the code cannot.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from grader.notebooks.notebook_html import CellView, OutputView
from grader.notebooks.patience import Patience

SIDE_PX = 900  # of a picture that was made smaller; a page is about as wide
LIGHT_CHARS = 20_000  # a picture in base64 that is not worth making smaller
PIXELS = 4_000_000  # a picture with more is not opened here: a small file may unpack into gigabytes
MIMES = ("image/png", "image/jpeg")
CELLS = 400  # on a page
FRAME_CHARS = 300  # what a cell or an output takes beside its own HTML
_LEFT_OUT = Markup(
    "<pre>[{} left out here: the page would be too large. Print and plot less, or smaller.]</pre>"
)
# What Pillow raises over broken files; its own classes are OSErrors.
_UNREADABLE = (
    *(OSError, EOFError, SyntaxError, ValueError, TypeError, IndexError, KeyError, OverflowError),
    *(struct.error, zlib.error),
)

Notebook = Mapping[str, Any]


def fit_pictures(notebook: Notebook, room_chars: int, patience: Patience | None = None) -> Notebook:
    """Return the notebook as it is, or with smaller pictures when all of them together have no room.

    Args:
        notebook: what `sanitise_notebook` returned; it is not changed.
        room_chars: for all pictures, in base64.
        patience: time for the pictures; one that takes longer stays as it is. None: as long as it takes.
    """
    sizes = [len(data[mime]) for data in _bundles(notebook) for mime in MIMES if mime in data]
    if sum(sizes) <= room_chars:
        return notebook
    cells = [
        {**cell, "outputs": [_granted(output, patience) for output in cell["outputs"]]}
        if "outputs" in cell
        else cell
        for cell in notebook["cells"]
    ]
    return {**notebook, "cells": cells}


def _bundles(notebook: Notebook) -> list[Mapping[str, str]]:
    return [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", ())]


def _granted(output: Mapping[str, Any], patience: Patience | None) -> Mapping[str, Any]:
    if patience is None:
        return _smaller(output)
    return patience.grant(functools.partial(_smaller, output), lambda: output)


def _smaller(output: Mapping[str, Any]) -> Mapping[str, Any]:
    """Store the picture that would be shown as a JPEG of at most `SIDE_PX`, when that is smaller."""
    data = output.get("data", {})
    mime = next((mime for mime in MIMES if mime in data), None)
    if mime is None or len(data[mime]) <= LIGHT_CHARS:
        return output
    content = _as_jpeg(base64.b64decode(data[mime]))
    # In base64 three bytes take four characters: this compares bytes with bytes.
    if content is None or len(content) >= 0.75 * len(data[mime]):
        return output
    others = {name: text for name, text in data.items() if name not in MIMES}
    text = base64.b64encode(content).decode("ascii")
    return {**output, "data": {**others, "image/jpeg": text}}


def _as_jpeg(content: bytes) -> bytes | None:
    from PIL import Image

    buffer = io.BytesIO()
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > PIXELS:
                return None
            image = picture.convert("RGBA")
    except _UNREADABLE:
        return None
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    paper = Image.new("RGBA", image.size, "white")  # plots without a background are black otherwise
    paper.alpha_composite(image)
    paper.convert("RGB").save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


def fit_cells(cells: Sequence[CellView], room_chars: int) -> tuple[CellView, ...]:
    """Return the cells with a notice in the place of every source and output that has no room.

    Args:
        cells: in the notebook's order; no more than `CELLS` of them are kept.
        room_chars: for the HTML of all of them; sources first, then words, then pictures, each in their order.
    """
    room, first_cells = _Room(room_chars), cells[:CELLS]
    sources = [room.take(cell.html) for cell in first_cells]
    admitted: dict[tuple[int, int], OutputView] = {}
    # Twice through all cells: every word of the page comes before its first picture.
    for pictures in (False, True):
        for at, cell in enumerate(first_cells):
            for output_index, output in enumerate(cell.outputs):
                if (output.kind == "image") is pictures and room.take(output.html) is not None:
                    admitted[at, output_index] = output
    fitted = []
    for at, (cell, source) in enumerate(zip(first_cells, sources, strict=True)):
        outputs = [
            admitted[at, output_index]
            for output_index in range(len(cell.outputs))
            if (at, output_index) in admitted
        ]
        if len(outputs) < len(cell.outputs):
            outputs.append(
                OutputView("stderr", _LEFT_OUT.format(_count(len(cell.outputs) - len(outputs), "output")))
            )
        html = _LEFT_OUT.format("The source") if source is None else source
        fitted.append(dataclasses.replace(cell, html=html, outputs=tuple(outputs)))
    if len(cells) > CELLS:
        words = _LEFT_OUT.format(_count(len(cells) - CELLS, "cell"))
        fitted.append(CellView(CELLS, "raw", None, None, words, ()))
    return tuple(fitted)


def _count(number: int, what: str) -> str:
    return f"{number} more {what}{'s' if number > 1 else ''}"


class _Room:
    """How many characters a page may still take."""

    def __init__(self, left_chars: int) -> None:
        self.left_chars = left_chars

    def take(self, html: Markup) -> Markup | None:
        """Return `html`, or None when it has no room."""
        if len(html) + FRAME_CHARS > self.left_chars:
            return None
        self.left_chars -= len(html) + FRAME_CHARS
        return html
