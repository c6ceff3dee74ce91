"""Turn the cells of a sanitised notebook into HTML for one of our own pages."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from markupsafe import Markup

from grader.notebooks.places import jupyter_numbers
from grader.notebooks.sanitise_text import clean_html, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nbconvert.filters.markdown_mistune import IPythonRenderer

    from grader.notebooks.patience import Patience

T = TypeVar("T")

HIGHLIGHT_CHARS = 100_000  # longer code is shown without colours
LINE_CHARS = 80  # of a line or a name by which a cell is found
MOST_NAMES = 100  # of a cell
DEFINED = re.compile(r"^(?:async )?(?:def|class) (\w+)|^(\w+) ?=(?!=)", re.MULTILINE)
_MARKDOWN_PLUGINS = ("strikethrough", "table", "url", "def_list")
# What mistune raises on input that its authors did not think of; the text is then shown as it was typed.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class OutputView:
    """One output, ready for the page.

    Attributes:
        kind: `text`, `stderr`, `error`, `rich` or `image`.
        html: its clean HTML.
    """

    kind: str
    html: Markup


@dataclass(frozen=True)
class CellView:
    """One cell, ready for the page.

    Attributes:
        index: position among all cells, from 0.
        kind: `code`, `markdown` or `raw`.
        number: the one that Jupyter shows after Restart and Run All; None for cells that have none.
        grade_id: nbgrader's id of the cell, or None.
        html: its source as clean HTML.
        outputs: what it displayed.
        line: its first line of code that is not empty, cut; "" for other cells.
        defines: names that its code gives a function, a class or a value, as far as they stand at the start of a line.
    """

    index: int
    kind: str
    number: int | None
    grade_id: str | None
    html: Markup
    outputs: tuple[OutputView, ...]
    line: str = ""
    defines: tuple[str, ...] = ()


def cell_views(notebook: Mapping[str, Any], patience: Patience | None = None) -> tuple[CellView, ...]:
    """Render every cell of a notebook that `sanitise_notebook` returned.

    Args:
        notebook: a notebook that is safe.
        patience: time for the cells and their outputs; what takes longer is shown as it was typed. None: as long as it takes.
    """
    views, before = [], 0
    for index, (cell, number) in enumerate(
        zip(notebook["cells"], jupyter_numbers(notebook["cells"]), strict=True)
    ):
        kind = cell["cell_type"]
        views.append(
            CellView(
                index=index,
                kind=kind,
                number=number if number > before else None,
                grade_id=cell["metadata"].get("nbgrader", {}).get("grade_id"),
                html=_granted(
                    patience, functools.partial(_SOURCES[kind], cell), _preformatted(cell["source"])
                ),
                # A share of time for each output: a slow one costs neither the source nor its neighbours.
                outputs=tuple(
                    view
                    for output in cell.get("outputs", ())
                    for view in _granted(patience, functools.partial(_all_views, output), _SLOW)
                ),
                line=_first_line(cell["source"]) if kind == "code" else "",
                defines=_defined(cell["source"]) if kind == "code" else (),
            )
        )
        before = number
    return tuple(views)


def _first_line(source: str) -> str:
    line = next((text for text in source.splitlines() if text.strip()), "")
    words = printable(line.strip(), LINE_CHARS + 1)
    return words if len(words) <= LINE_CHARS else f"{words[: LINE_CHARS - 1]}…"


def _defined(source: str) -> tuple[str, ...]:
    # By patterns: a cell may hold magics, or code that Python cannot read.
    names = [match[1] or match[2] for match in DEFINED.finditer(source)]
    return tuple(dict.fromkeys(name for name in names if len(name) <= LINE_CHARS))[:MOST_NAMES]


def _granted(patience: Patience | None, work: Callable[[], T], instead: T) -> T:
    return work() if patience is None else patience.grant(work, lambda: instead)


def _clean(html: str) -> Markup:
    return Markup(clean_html(html))  # noqa: S704 - the one door through which HTML becomes trusted here


def _preformatted(text: str) -> Markup:
    return Markup("<pre>{}</pre>").format(text)


def _code(cell: Mapping[str, Any]) -> Markup:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    source = cell["source"].rstrip()
    if len(source) > HIGHLIGHT_CHARS:
        return _preformatted(source)
    # Pygments is not trusted either: what it makes of hostile text goes through `_clean`.
    coloured = highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return _preformatted(_clean(coloured.rstrip("\n")))


def _markdown(cell: Mapping[str, Any]) -> Markup:
    return markdown(cell["source"], cell.get("attachments", {}))


_SOURCES: dict[str, Callable[[Mapping[str, Any]], Markup]] = {
    "code": _code,
    "markdown": _markdown,
    "raw": lambda cell: _preformatted(cell["source"]),
}


def markdown(source: str, attachments: Mapping[str, Mapping[str, str]] | None = None) -> Markup:
    """Render inert Markdown; formulas stay as they were typed, since the page runs no script."""
    from mistune.plugins import import_plugin
    from nbconvert.filters.markdown_mistune import InvalidNotebook, MarkdownWithMath

    # escape: raw HTML is shown as text. The result is cleaned all the same.
    renderer = _renderer()(escape=True, exclude_anchor_links=True, attachments=dict(attachments or {}))
    try:
        html = MarkdownWithMath(renderer, plugins=map(import_plugin, _MARKDOWN_PLUGINS)).render(source)
    except (*_UNREADABLE, InvalidNotebook):
        return _preformatted(source)
    return _clean(html)


@functools.cache
def _renderer() -> type[IPythonRenderer]:
    from nbconvert.filters.markdown_mistune import IPythonRenderer

    # Made on first use: importing nbconvert is left to the process that renders.
    class Renderer(IPythonRenderer):  # type: ignore[misc]
        """Render headings two levels lower than written, and formulas as code."""

        def heading(self, text: str, level: int, **attrs: Any) -> str:  # noqa: ANN401 - mistune's signature
            return str(super().heading(text, min(level + 2, 6), **attrs))

        def inline_math(self, body: str) -> str:
            return f"<code>{self.escape_html(body)}</code>"

        def block_math(self, body: str) -> str:
            return f"<pre>{self.escape_html(body.strip())}</pre>"

    return Renderer


_SLOW: tuple[OutputView, ...] = (
    OutputView("stderr", _preformatted("[this output takes too long to be shown]")),
)


def _all_views(output: Mapping[str, Any]) -> tuple[OutputView, ...]:
    return tuple(_views(output))


def _views(output: Mapping[str, Any]) -> Iterator[OutputView]:
    kind = output["output_type"]
    if kind == "stream":
        yield OutputView("stderr" if output["name"] == "stderr" else "text", _terminal(output["text"]))
    elif kind == "error":
        lines = output["traceback"] or [f"{output['ename']}: {output['evalue']}"]
        yield OutputView("error", _terminal("\n".join(lines)))
    else:
        yield from _richest(output["data"])


def _richest(bundle: Mapping[str, str]) -> Iterator[OutputView]:
    """Show the best form of a value, as Jupyter would."""
    for mime in ("image/png", "image/jpeg"):
        if mime in bundle:
            # For those who do not see the picture; matplotlib writes "<Figure size 640x480 with 1 Axes>".
            words = bundle.get("text/plain", "").splitlines()
            source = f"data:{mime};base64,{bundle[mime]}"
            alt = f"Picture made by this cell: {words[0][:120] if words else 'no description'}"
            yield OutputView("image", Markup('<img src="{}" alt="{}">').format(source, alt))
            return
    if "text/html" in bundle:
        yield OutputView("rich", _clean(bundle["text/html"]))
    elif "text/markdown" in bundle:
        yield OutputView("rich", markdown(bundle["text/markdown"]))
    elif text := bundle.get("text/latex") or bundle.get("text/plain"):
        yield OutputView("text", _terminal(text))


def _terminal(text: str) -> Markup:
    """Show text as a terminal would: colours kept, lines that a progress bar wrote over left out."""
    from nbconvert.filters.ansi import ansi2html

    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.rstrip("\n").split("\n")]
    return _preformatted(_clean(ansi2html("\n".join(lines))))
