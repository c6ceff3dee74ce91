"""Quizzes from banks: the files of a new one, and a source notebook that shows what the bank draws."""

from __future__ import annotations

import json
import re
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.assignment.quizzes.bank import FILE, SALT, bank_of, parse_bank, read_bank
from grader.assignment.quizzes.cells import ANSWERS, CODE, ENTRY_POINT, filled, new_cells
from grader.assignment.quizzes.drawing import Drawing, common_key, draw
from grader.assignment.spec import Assignment, load_assignment
from grader.errors import SpecError
from grader.files import write_whole
from grader.gradebook.conversion import read_source

POINTS = 2  # of each question, in a new quiz
MARK = "questions"  # id of the cell of a starter in whose place the questions come
_DRAWN = re.compile(rf"q\d+(-text)?|{ANSWERS}|{CODE}")


def quiz_files(files: Mapping[str, str], name: str, bank_file: Path | None) -> dict[str, str]:
    """Return the files of a new quiz, with the questions of its bank.

    Args:
        files: those of the starter, by path.
        name: id of the assignment.
        bank_file: the bank; None: the starter's.

    Raises:
        SpecError: the bank has mistakes; all are told.
    """
    if bank_file is None:
        text, where = files[FILE], FILE
        bank = parse_bank(text, where)
    else:
        bank, where = read_bank(bank_file), str(bank_file)
        text = bank_file.read_text(encoding="utf-8")
    if not bank.salt:
        # The first line that is no comment: a key after a table would be the table's.
        text = f'salt = "{secrets.token_hex(16)}"  # of chance; leave it as it is: the drawing hangs on it\n{SALT.sub("# salt =", text)}'
        bank = parse_bank(text, where)
    drawing = draw(bank, common_key(bank, name))
    notebook = nbformat.reads(files[f"{name}.ipynb"], as_version=4)
    position = next(number for number, cell in enumerate(notebook.cells) if cell.id == MARK)
    notebook.cells[position : position + 1] = new_cells(drawing)
    made = {**files, FILE: text, f"{name}.ipynb": _text(notebook)}
    numbers = {
        "__COUNT__": bank.count,
        "__VALUES__": bank.count + 1,
        "__POINTS__": POINTS * bank.count,
        "__PASS__": POINTS * bank.count // 2,
    }
    for placeholder, number in numbers.items():
        made = {path: content.replace(placeholder, str(number)) for path, content in made.items()}
    # In the notebook points are numbers, which stand in quotation marks in the starter.
    points = json.dumps(str(POINTS * bank.count))
    made[f"{name}.ipynb"] = made[f"{name}.ipynb"].replace(f'"points": {points}', f'"points": {points[1:-1]}')
    return made


def common_drawing(source: Path) -> Drawing | None:
    """Return the drawing that a quiz's source notebook and release show; None where the assignment is no quiz.

    Raises:
        SpecError: its bank has mistakes.
    """
    bank = bank_of(source)
    return None if bank is None else draw(bank, common_key(bank, source.name))


def refresh(source: Path) -> bool:
    """Write a quiz's source notebook anew where its bank has changed; what is not drawn stays as it is.

    Args:
        source: the assignment's source folder.

    Returns:
        Whether the notebook was written.

    Raises:
        SpecError: the bank or the notebook cannot be read.
    """
    drawing = common_drawing(source)
    if drawing is None:
        return False
    path = source / f"{load_assignment(source).notebook_of(ENTRY_POINT)}.ipynb"
    before = read_source(path)
    after = _with_drawing(before, drawing)
    if after == before:
        return False
    write_whole(path, _text(after))
    return True


def require_current(source: Path) -> None:
    """Make sure that a quiz's notebook and `assignment.toml` are what its bank makes.

    Raises:
        SpecError: they are not; or the bank has mistakes.
    """
    drawing = common_drawing(source)
    if drawing is None:
        return
    assignment = load_assignment(source)
    _require_contract(source, assignment, len(drawing.questions))
    path = source / f"{assignment.notebook_of(ENTRY_POINT)}.ipynb"
    notebook = read_source(path)
    if _with_drawing(notebook, drawing) != notebook:
        raise SpecError(
            f"{path}: its questions are not those that {FILE} draws.",
            f"`pawgrade release {shlex.quote(source.name)}` writes them anew.",
        )


def released(source: Path, notebooks: Mapping[str, NotebookNode]) -> dict[str, NotebookNode]:
    """Return converted notebooks as they are released: in a quiz each answer is a single empty line."""
    drawing = common_drawing(source)
    if drawing is None:
        return dict(notebooks)
    name = load_assignment(source).notebook_of(ENTRY_POINT)
    return {**notebooks, name: filled(notebooks[name], drawing)}


def _require_contract(source: Path, assignment: Assignment, count: int) -> None:
    shape = assignment.entry_point(ENTRY_POINT).output.shape
    if shape != (count + 1,):
        raise SpecError(
            f"{source / 'assignment.toml'}: entry point {ENTRY_POINT}: expected output.shape = [{count + 1}], found {list(shape)}.",
            f"{FILE} draws {count} questions; the first number names the drawing.",
        )


def _with_drawing(notebook: NotebookNode, drawing: Drawing) -> NotebookNode:
    """Return a source notebook with a drawing; where there are more or fewer questions than before, its cells are made anew."""
    cells = new_cells(drawing)
    present = [cell.id for cell in notebook.cells if _DRAWN.fullmatch(cell.id)]
    if set(present) == {cell.id for cell in cells}:
        return filled(notebook, drawing, solved=True)
    result = nbformat.from_dict(notebook)
    first = next(
        (number for number, cell in enumerate(result.cells) if _DRAWN.fullmatch(cell.id)), len(result.cells)
    )
    others = [cell for cell in result.cells if not _DRAWN.fullmatch(cell.id)]
    result.cells = [*others[:first], *cells, *others[first:]]
    return result


def _text(notebook: NotebookNode) -> str:
    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"
