"""Write an assignment's cells into nbgrader's gradebook; refuse when submissions would lose the scores on theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from grader.errors import SpecError
from grader.gradebook.nbgrader import nbgrader_api, transaction
from grader.gradebook.ownership import is_foreign, named, set_aside_hint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

    from grader.gradebook.nbgrader import Api, Gradebook, Row, Session


def save_cells(gradebook: Gradebook, assignment: str, notebooks: Mapping[str, NotebookNode]) -> None:
    """Write an assignment and its cells, as `nbgrader generate_assignment` does; in one transaction, idempotent.

    Args:
        gradebook: from `open_gradebook`.
        assignment: id of the assignment.
        notebooks: from `conversion.gradebook_notebooks`, by name.

    Raises:
        SpecError: when cells came or went although submissions exist.
    """
    with transaction(gradebook) as session:
        write_cells(session, assignment, notebooks)


def write_cells(session: Session, assignment: str, notebooks: Mapping[str, NotebookNode]) -> None:
    """Write the cells inside a transaction that is already open; see `save_cells`."""
    api = nbgrader_api()
    row = session.query(api.Assignment).filter_by(name=assignment).one_or_none()
    if row is None:
        row = api.Assignment(name=assignment)
        session.add(row)
    mine = {saved.name: saved for saved in row.notebooks if saved.name in notebooks}
    others = [saved for saved in row.notebooks if saved.name not in notebooks]
    new_cells = {name: _cells(api, notebook) for name, notebook in notebooks.items()}
    # By kind and name: one cell of a notebook may be a grade, a solution and a source cell at once.
    saved_cells = {
        name: {(type(cell), cell.name): cell for cell in _saved_cells(saved)} for name, saved in mine.items()
    }
    if any(saved.submissions for saved in row.notebooks):
        changed = {
            cell
            for name in notebooks
            for _, cell in saved_cells.get(name, {}).keys() ^ new_cells[name].keys()
        }
        changed |= {saved.name for saved in others} | (notebooks.keys() - mine.keys())
        if changed:
            _refuse_other_cells(session, row, sorted(changed))
    for other in others:
        _delete(session, other, api)
    for name, notebook in notebooks.items():
        if name not in mine:
            mine[name] = api.Notebook(name=name, assignment=row)
            session.add(mine[name])
        mine[name].kernelspec = json.dumps(notebook.metadata.get("kernelspec", {}))
        _replace_cells(session, mine[name], saved_cells.get(name, {}), new_cells[name])
    session.flush()


def _replace_cells(
    session: Session,
    notebook: Row,
    saved_cells: Mapping[tuple[Any, str], Row],
    new_cells: Mapping[tuple[Any, str], dict[str, Any]],
) -> None:
    """Make the cells of a notebook the new ones; those that stay are changed in place, since scores hang on their ids."""
    for key, cell in saved_cells.items():
        if key not in new_cells:
            session.delete(cell)
    for (kind, name), values in new_cells.items():
        cell = saved_cells.get((kind, name)) or kind(name=name, notebook=notebook)
        session.add(cell)
        for field, value in values.items():
            setattr(cell, field, value)


def _refuse_other_cells(session: Session, row: Row, names: list[str]) -> None:
    """Raise SpecError about cells that came or went; whose the scores on them are decides which way out it names."""
    theirs = sorted(
        submission.student_id for submission in row.submissions if is_foreign(session, submission)
    )
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
    """Return what nbgrader stores of a notebook's cells, by kind and name."""
    from nbgrader import utils

    cells: dict[tuple[Any, str], dict[str, Any]] = {}
    for cell in notebook.cells:
        grade, solution, task = utils.is_grade(cell), utils.is_solution(cell), utils.is_task(cell)
        # The same cells that nbgrader's own SaveCells takes.
        if not (grade or solution or task or utils.is_locked(cell)):
            continue
        meta, kind = cell.metadata.nbgrader, {"cell_type": cell.cell_type}
        name = meta["grade_id"]
        if grade or task:
            graded = api.TaskCell if task else api.GradeCell
            cells[graded, name] = {**kind, "max_score": float(meta["points"])}
        if solution:
            cells[api.SolutionCell, name] = {}
        text = {"source": cell.source, "checksum": meta.get("checksum"), "locked": utils.is_locked(cell)}
        cells[api.SourceCell, name] = {**kind, **text}
    return cells


def _saved_cells(notebook: Row) -> list[Row]:
    return [*notebook._base_cells, *notebook.source_cells]


def _delete(session: Session, row: Row, api: Api) -> None:
    for cell in _saved_cells(row) if isinstance(row, api.Notebook) else ():
        session.delete(cell)
    session.delete(row)
