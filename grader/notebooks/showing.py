"""What people see of a notebook that ran: made safe and rendered in a process with a memory limit and a clock.

A cell that takes longer than its share is shown as it was typed, or not at all. A notebook that cannot be shown at all
costs the page its notebook and nothing else.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import nbformat
from markupsafe import Markup
from nbformat import NotebookNode

from grader import confined
from grader.confined import Bounds, Broken
from grader.errors import SubmissionError
from grader.messages import Message
from grader.notebooks.notebook_html import CellView, OutputView, cell_views, markdown
from grader.notebooks.page_budget import fit_cells, fit_pictures
from grader.notebooks.patience import Patience
from grader.notebooks.raw_json import parse
from grader.notebooks.sanitise import sanitise_notebook

PRELOAD = (  # what cells import when they need it: once for all notebooks
    *("nbconvert.filters.ansi", "nbconvert.filters.markdown_mistune", "mistune.plugins", "nh3", "PIL.Image"),
    *(
        "PIL.PngImagePlugin",
        "PIL.JpegImagePlugin",
        "pygments.lexers",
        "pygments.formatters",
        "pygments.token",
    ),
)
BOUNDS = Bounds(cpu_s=5, memory_mb=400, answer_mb=64)
NOTEBOOK_CHARS = 800_000  # of the notebook on a page: with words, photos and style a page stays under 2 MB
SANITISING, RENDERING, PICTURES = (0.5, 1.2), (0.7, 1.8), (0.4, 0.8)  # seconds: one cell or picture, all
TOO_MUCH = Message(
    "This notebook cannot be shown here: it takes too much time or memory. Print and plot less."
)


def page_cells(notebook: bytes) -> tuple[CellView, ...] | None:
    """Return the cells of an executed notebook, ready for a page with room for `NOTEBOOK_CHARS`; None: see `TOO_MUCH`.

    Args:
        notebook: the stored file: hostile bytes.
    """
    reply = confined.run(rendered, notebook, BOUNDS)
    return None if isinstance(reply, Broken) else tuple(_view(cell) for cell in json.loads(reply))


def safe_notebook(notebook: bytes) -> NotebookNode:
    """Return an executed notebook that is safe in any viewer; one cell that says so where it takes too much.

    Args:
        notebook: the stored file: hostile bytes.
    """
    reply = confined.run(sanitised, notebook, BOUNDS)
    if isinstance(reply, Broken):
        notice = {"cell_type": "markdown", "id": "pawgrade-left-out", "metadata": {}, "source": str(TOO_MUCH)}
        return sanitise_notebook({"cells": [notice]})
    return nbformat.from_dict(json.loads(reply))


def _sanitised(content: bytes) -> NotebookNode:
    raw = parse(content)
    if not isinstance(raw, dict):
        raise SubmissionError(Message("the stored notebook is no notebook."))
    return sanitise_notebook(raw, Patience(*SANITISING))


def sanitised(content: bytes) -> bytes:
    """Do the work of `safe_notebook`; what it returns is JSON."""
    return json.dumps(_sanitised(content), ensure_ascii=False).encode()


def rendered(content: bytes) -> bytes:
    """Do the work of `page_cells`; what it returns is JSON."""
    # Pictures are made smaller before rendering; what still has no room is left out after it, by the size of its HTML.
    clean = fit_pictures(_sanitised(content), NOTEBOOK_CHARS, Patience(*PICTURES))
    cells = fit_cells(cell_views(clean, Patience(*RENDERING)), NOTEBOOK_CHARS)
    listed = [{**vars(cell), "outputs": [vars(output) for output in cell.outputs]} for cell in cells]
    return json.dumps(listed, ensure_ascii=False).encode()


def _view(cell: dict[str, Any]) -> CellView:
    outputs = tuple(OutputView(output["kind"], _html(output["html"])) for output in cell["outputs"])
    return CellView(
        **{**cell, "html": _html(cell["html"]), "outputs": outputs, "defines": tuple(cell["defines"])}
    )


def page_words(texts: Sequence[str]) -> tuple[Markup, ...]:
    """Return Markdown texts of people as clean HTML, by the same renderer and within the same limits as cells.

    Args:
        texts: what staff wrote; a text that takes too long is shown as it was typed.
    """
    if not texts:
        return ()
    reply = confined.run(rendered_words, json.dumps(list(texts)).encode(), BOUNDS)
    if isinstance(reply, Broken):
        return tuple(Markup("<pre>{}</pre>").format(text) for text in texts)
    return tuple(_html(text) for text in json.loads(reply))


def rendered_words(content: bytes) -> bytes:
    """Do the work of `page_words`; what it returns is JSON."""
    patience = Patience(*RENDERING)
    html = [
        patience.grant(
            functools.partial(markdown, text), functools.partial(Markup("<pre>{}</pre>").format, text)
        )
        for text in json.loads(content)
    ]
    return json.dumps(html, ensure_ascii=False).encode()


def _html(text: str) -> Markup:
    return Markup(text)  # noqa: S704 - `rendered` cleaned it, and nothing of the notebook can run there
