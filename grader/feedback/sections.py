"""The notebook on a page: cells under their headings, folded where nothing has to be looked at, and where a student's own code is.

Folding is HTML's own `details`, without a script. Headings of a notebook may leave out levels, and those in outputs may
have any: on the page each is at most one level below the one before it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from grader.notebooks.notebook_html import CellView, OutputView
from grader.records import Check, Status

SECTION_LEVEL = 3  # of the headings that sections have on the page
LAST_LEVEL = 6
FIRST_HEADING = re.compile(r"\s*<h([1-5])>(.*?)</h\1>", re.DOTALL)
TAG = re.compile(r"<(/?)h([1-6])\b")
EMPTY_HEADER = re.compile(r'<th((?: (?:colspan|rowspan)="\d+")*)>\s*</th>')
ROW = re.compile(r"<tr\b")
LONG_LINES = 20  # of an output that is folded
NAMED = re.compile(r"(\w+)(?: raised |: )")


@dataclass(frozen=True)
class Output:
    """One output on the page.

    Attributes:
        view: what it shows.
        lines: how many lines of text or rows of a table it has.
    """

    view: OutputView
    lines: int

    @property
    def is_long(self) -> bool:
        """Whether it is folded; an error never is."""
        return self.lines > LONG_LINES and self.view.kind not in ("error", "image")

    @property
    def is_tall(self) -> bool:
        """Whether it has a height of its own and scrolls: a long traceback, of which the first lines matter most."""
        return self.lines > LONG_LINES and self.view.kind == "error"


@dataclass(frozen=True)
class Cell:
    """One cell on the page.

    Attributes:
        view: the cell, with headings that fit the page.
        outputs: what it displayed.
    """

    view: CellView
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Section:
    """Cells under one heading.

    Attributes:
        title: the heading as text; "" for cells above the first one.
        cells: in the notebook's order.
        is_open: whether somebody should look at one of them.
        broken: how many of them failed.
    """

    title: str
    cells: tuple[Cell, ...]
    is_open: bool
    broken: int


def sections(
    cells: Sequence[CellView], *, failed: Collection[int] = (), look_at: Collection[int] = ()
) -> list[Section]:
    """Divide the cells of a notebook by its headings.

    Args:
        cells: in the notebook's order.
        failed: indices of cells that failed.
        look_at: indices of other cells that are not to be folded.
    """
    groups: list[tuple[str, list[Cell]]] = []
    for cell in cells:
        heading = FIRST_HEADING.match(cell.html) if cell.kind == "markdown" else None
        title = Markup(heading[2]).striptags() if heading else ""  # noqa: S704 - a part of clean HTML, made text here
        if title and heading:
            groups.append((title, []))
            # The heading becomes that of the section: it stands there once.
            cell = dataclasses.replace(cell, html=Markup(cell.html[heading.end() :]))  # noqa: PLW2901, S704 - a part of clean HTML
        if not groups:
            groups.append(("", []))
        outputs = tuple(Output(output, _lines(output)) for output in cell.outputs)
        groups[-1][1].append(Cell(cell, outputs))
    return [_section(title, members, failed, look_at) for title, members in groups]


def _section(title: str, cells: list[Cell], failed: Collection[int], look_at: Collection[int]) -> Section:
    indices = [cell.view.index for cell in cells]
    # A section has a heading of its own; cells above the first one stand below that of the notebook.
    last, fitted = (SECTION_LEVEL if title else SECTION_LEVEL - 1), []
    for cell in cells:
        source, last = _in_order(cell.view.html, last)
        outputs = []
        for output in cell.outputs:
            html, last = _in_order(output.view.html, last)
            outputs.append(Output(OutputView(output.view.kind, html), output.lines))
        fitted.append(Cell(dataclasses.replace(cell.view, html=source), tuple(outputs)))
    broken = sum(index in failed for index in indices)
    is_open = not title or broken > 0 or any(index in look_at for index in indices)
    return Section(title, tuple(fitted), is_open, broken)


def _lines(output: OutputView) -> int:
    if output.kind == "rich":
        return len(ROW.findall(output.html))
    return output.html.count("\n") + 1


def _in_order(html: Markup, last: int) -> tuple[Markup, int]:
    """Return clean HTML whose headings leave out no level, and the level of the last one.

    Args:
        html: clean; only digits of tags and empty header cells are changed.
        last: level of the heading before it.
    """
    levels: list[int] = []

    def fit(tag: re.Match[str]) -> str:
        nonlocal last
        if not tag[1]:
            last = min(max(int(tag[2]), SECTION_LEVEL), last + 1, LAST_LEVEL)
            levels.append(last)
        return f"<{tag[1]}h{levels[-1] if levels else last}"

    # A table's corner without a word is no header: a reader of the page would hear an empty one.
    text = EMPTY_HEADER.sub(r"<td\1></td>", TAG.sub(fit, html))
    return Markup(text), last  # noqa: S704 - what was clean stays clean


def without_headings(html: Markup) -> Markup:
    """Return clean HTML with bold paragraphs in place of headings: a comment is no part of the page's outline."""
    text = TAG.sub(lambda tag: "</strong></p" if tag[1] else "<p><strong", html)
    return Markup(text)  # noqa: S704 - what was clean stays clean


def own_cell(
    exercise: str, checks: Sequence[Check], cells: Sequence[CellView], entry_points: Collection[str]
) -> CellView | None:
    """Return the cell with the student's own function that an exercise judges.

    Args:
        exercise: its id.
        checks: its verdicts: one that failed may name the function.
        cells: the notebook's.
        entry_points: names of the functions that the assignment asks for.

    Returns:
        The cell that defines the function that failed; else the last one above the test cell that defines an entry
        point; else the test cell; None where the notebook has neither.
    """
    named = [
        match[1]
        for check in checks
        if check.status is Status.FAILED and (match := NAMED.match(str(check.measured)))
    ]
    definers = {name: cell for cell in cells for name in cell.defines if name in entry_points}
    for name in named:
        if name in definers:
            return definers[name]
    test = next((cell for cell in cells if cell.grade_id == exercise), None)
    # A function that should be there and is not: the cell of another one would mislead.
    if test is None or any(name in entry_points for name in named):
        return test
    above = [cell for cell in cells[: test.index] if any(name in entry_points for name in cell.defines)]
    return above[-1] if above else test
