"""An assignment's cells in nbgrader's gradebook: written as nbgrader writes them, refused when submissions would lose theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from grader.errors import SpecError
from grader.gradebook.nbgrader import nbgrader_api, transaction
from grader.gradebook.ownership import is_foreign, named, set_aside_hint

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from grader.gradebook.nbgrader import Api, Gradebook, Row, Session


def save_cells(gradebook: Gradebook, assignment: str, notebook: NotebookNode) -> None:
    """Write an assignment and its cells, as `nbgrader generate_assignment` does; in one transaction, idempotent.

    Args:
        gradebook: from `open_gradebook`.
        assignment: id of the assignment and name of its one notebook.
        notebook: from `release.gradebook_notebook`.

    Raises:
        SpecError: when cells came or went although submissions exist.
    """
    with transaction(gradebook) as session:
        write_cells(session, assignment, notebook)


def write_cells(session: Session, assignment: str, notebook: NotebookNode) -> None:
    """`save_cells` inside a transaction."""
    api = nbgrader_api()
    row = session.query(api.Assignment).filter_by(name=assignment).one_or_none()
    if row is None:
        row = api.Assignment(name=assignment)
        session.add(row)
    wanted = _cells(api, notebook)
    mine = next((saved for saved in row.notebooks if saved.name == assignment), None)
    others = [saved for saved in row.notebooks if saved is not mine]
    known = {} if mine is None else {(type(cell), cell.name): cell for cell in _saved_cells(mine)}
    graded = any(saved.submissions for saved in row.notebooks)
    if graded and (others or known.keys() != wanted.keys()):
        names = sorted({name for _, name in known.keys() ^ wanted.keys()} | {saved.name for saved in others})
        _refuse_other_cells(session, row, names)
    for gone in [*others, *(cell for key, cell in known.items() if key not in wanted)]:
        _delete(session, gone, api)
    if mine is None:
        mine = api.Notebook(name=assignment, assignment=row)
        session.add(mine)
    mine.kernelspec = json.dumps(notebook.metadata.get("kernelspec", {}))
    for (kind, name), values in wanted.items():
        cell = known.get((kind, name)) or kind(name=name, notebook=mine)
        session.add(cell)
        for key, value in values.items():
            setattr(cell, key, value)
    session.flush()


def _refuse_other_cells(session: Session, row: Row, names: list[str]) -> None:
    """Raise SpecError: scores hang on cells that would go; whose they are decides what can be done."""
    theirs = sorted(one.student_id for one in row.submissions if is_foreign(session, one))
    cells = f"cells were added or removed while submissions are in the gradebook: {', '.join(names)}."
    if not theirs:
        raise SpecError(
            f"assignment {row.name}: {cells}",
            "Run `pawgrade gradebook rebuild`: it writes Pawgrade's submissions again and keeps manual scores.",
        )
    raise SpecError(
        f"assignment {row.name}: {named(theirs)} scores that Pawgrade did not write, and they would be lost: {cells}",
        set_aside_hint(row.name),
    )


def _cells(api: Api, notebook: NotebookNode) -> dict[tuple[Any, str], dict[str, Any]]:
    """What nbgrader keeps of a notebook's cells, by kind and name."""
    from nbgrader import utils

    found: dict[tuple[Any, str], dict[str, Any]] = {}
    for cell in notebook.cells:
        grade, solution, task = utils.is_grade(cell), utils.is_solution(cell), utils.is_task(cell)
        if not (grade or solution or task or utils.is_locked(cell)):
            continue
        meta, kind = cell.metadata.nbgrader, {"cell_type": cell.cell_type}
        name = meta["grade_id"]
        if grade or task:
            graded = api.TaskCell if task else api.GradeCell
            found[graded, name] = {**kind, "max_score": float(meta["points"])}
        if solution:
            found[api.SolutionCell, name] = {}
        text = {"source": cell.source, "checksum": meta.get("checksum"), "locked": utils.is_locked(cell)}
        found[api.SourceCell, name] = {**kind, **text}
    return found


def _saved_cells(notebook: Row) -> list[Row]:
    return [*notebook._base_cells, *notebook.source_cells]


def _delete(session: Session, row: Row, api: Api) -> None:
    for cell in _saved_cells(row) if isinstance(row, api.Notebook) else ():
        session.delete(cell)
    session.delete(row)
