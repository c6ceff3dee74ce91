"""Read a classic nbgrader assignment: which of its cells are graded, what they are worth, what is hidden. Nothing is changed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grader.assignment.course import notebooks
from grader.errors import SpecError
from grader.gradebook import conversion
from grader.gradebook.nbgrader import nbgrader_api
from grader.notebooks.regions import HIDDEN_TESTS, Region, inside

if TYPE_CHECKING:
    from nbformat import NotebookNode

TITLE_CHARS = 80


@dataclass(frozen=True)
class GradedCell:
    """A graded cell of a classic notebook.

    Attributes:
        id: nbgrader's id.
        title: for people: the first line of the tests' docstring, or the heading above.
        points: what it is worth.
        manual: whether people grade it.
        source: its source as students have it.
        hidden: its lines that students do not have.
    """

    id: str
    title: str
    points: float
    manual: bool
    source: str
    hidden: str = ""


@dataclass(frozen=True)
class ClassicNotebook:
    """One notebook of a classic assignment.

    Attributes:
        name: of its file, without the ending.
        cells: the graded ones, in their order.
        solutions: sources of the cells that students fill in, as the teacher has them.
    """

    name: str
    cells: tuple[GradedCell, ...]
    solutions: tuple[str, ...]


def read_classic(course: Path, assignment: str, source: Path) -> tuple[ClassicNotebook, ...]:
    """Read the notebooks of an assignment as nbgrader's own preprocessors make them.

    Args:
        course: the course's folder.
        assignment: id of the assignment.
        source: its source folder.

    Raises:
        SpecError: there is no notebook, its metadata is wrong, a delimiter of a hidden region lacks its other one, an id is there twice, or no test
            gives points.
    """
    names = [Path(name).stem for name in notebooks(source)]
    if not names:
        raise SpecError(f"{source}: no notebook.", "A classic assignment is a folder with notebooks in it.")
    config = conversion.course_config(course)
    complete, released = (
        conversion.converted(course, assignment, config, until_saved=until_saved, names=names)
        for until_saved in (True, False)
    )
    # Delimited as the course says: its settings may name others than nbgrader's.
    hidden = next(region for region in conversion.regions(config) if region.setting == HIDDEN_TESTS.setting)
    read = tuple(_read(source, name, complete[name], released[name], hidden) for name in names)
    _require_gradable(source, read)
    return read


def _read(
    source: Path, name: str, complete: NotebookNode, released: NotebookNode, hidden: Region
) -> ClassicNotebook:
    nbgrader_api()
    from nbgrader import utils

    original = conversion.read_source(source / f"{name}.ipynb")
    texts = {_name(cell): cell.source for cell in released.cells}
    graded = tuple(
        _graded(complete.cells, index, texts.get(_name(cell), ""), hidden)
        for index, cell in enumerate(complete.cells)
        if utils.is_grade(cell) or utils.is_task(cell)
    )
    solutions = tuple(
        cell.source for cell in original.cells if utils.is_solution(cell) and cell.cell_type == "code"
    )
    return ClassicNotebook(name, graded, solutions)


def _graded(cells: Sequence[NotebookNode], index: int, released: str, hidden: Region) -> GradedCell:
    from nbgrader import utils

    cell = cells[index]
    manual = bool(utils.is_solution(cell) or utils.is_task(cell))
    own_words = (
        _heading(cell.source)
        if utils.is_task(cell)
        else _docstring(released)
        if cell.cell_type == "code" and not manual
        else ""
    )
    above = (_heading(other.source) for other in reversed(cells[:index]) if other.cell_type == "markdown")
    title = own_words or (next(filter(None, above), "") if manual else "") or _name(cell)
    points = float(cell.metadata.nbgrader["points"])
    secret = "\n".join(inside(cell.source, hidden))
    return GradedCell(_name(cell), title[:TITLE_CHARS], points, manual, released, secret)


def _name(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id", ""))


def _docstring(source: str) -> str:
    try:
        words = ast.get_docstring(ast.parse(source)) or ""
    except (SyntaxError, ValueError, RecursionError):  # magics are no Python
        return ""
    return words.strip().partition("\n")[0].rstrip(".")


def _heading(source: str) -> str:
    match = re.search(r"^#{1,6} +(.+?)[ #]*$", source, re.MULTILINE)
    return match.group(1).strip() if match else ""


def _require_gradable(source: Path, read: Sequence[ClassicNotebook]) -> None:
    ids = list(_ids(read))
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SpecError(
            f"{source}: {len(twice)} ids are there more than once: {', '.join(twice)}.",
            "An id names an exercise of the whole assignment: rename the cells in JupyterLab's panel `Create Assignment`.",
        )
    require_tests(source, read)


def require_tests(source: Path, read: Sequence[ClassicNotebook], *, with_points: bool = False) -> None:
    """Raise SpecError where no cell has tests; nbgrader allows tests of 0 points, which `with_points` does not count."""
    cells = (cell for notebook in read for cell in notebook.cells)
    if not any(not cell.manual and (cell.points or not with_points) for cell in cells):
        raise SpecError(
            f"{source}: no cell has tests that give points: there is nothing to grade without people.",
            "Cells are marked in JupyterLab's panel `Create Assignment`: Autograded tests.",
        )


def _ids(read: Sequence[ClassicNotebook]) -> Iterator[str]:
    return (cell.id for notebook in read for cell in notebook.cells)
