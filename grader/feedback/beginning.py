"""Where a student should begin: the first cell that failed, or the first check that others wait for, and what hangs on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from grader.limits import explain
from grader.messages import NOTHING, Message
from grader.notebooks.notebook_html import CellView
from grader.records import Check, FailedCell, Grade, Status

WAITING = "First make this pass: {titles}"  # as `checks.session` says of a check that was skipped
# Of several notebooks, the name of the one comes before it.
FIRST_CELL = re.compile(
    r"(?:[^:]+: )?Cell \d+ failed first"
)  # so `grading.notices` begins what is told here with a link


@dataclass(frozen=True)
class Beginning:
    """What to mend first.

    Attributes:
        what: what went wrong, in a sentence.
        advice: what to do; may be empty.
        index: position of the cell in the notebook, or None where it is no cell's fault.
        points: how many points hang on it.
        is_bound: whether `points` is the most that can hang on it, not the sum.
        waiting: titles of checks that could not be made because of it.
        measured: what was found; may be empty.
        required: what was needed; may be empty.
    """

    what: Message
    advice: Message
    index: int | None
    points: float
    is_bound: bool
    waiting: tuple[str, ...] = ()
    measured: Message = NOTHING
    required: Message = NOTHING


def beginning(
    grade: Grade, cells: Sequence[CellView], places: Mapping[str, CellView | None]
) -> Beginning | None:
    """Return what to mend first; None where no points are lost that a student can earn.

    Args:
        grade: as its student may read it.
        cells: the notebook's.
        places: for each exercise the cell with the student's own function, or its test cell.
    """
    check = _first_check(grade.checks)
    cell = next((cell for cell in grade.failed_cells if not _is_mended(grade, cell)), None)
    place = places.get(check.exercise) if check else None
    # What stands further up in the notebook comes first; of the same cell its error does.
    if cell and (check is None or place is None or cell.index <= place.index):
        begin = _of_cell(grade, cell, cells)
        if begin.points > 0:
            return begin
    elif grade.limit is not None and not _has_cell(grade):
        return _of_limit(grade)
    return _of_check(grade, check, place) if check else None


def other_notices(grade: Grade, begin: Beginning | None) -> list[Message]:
    """Return a grade's notices without the one that says no more than `begin` does."""
    if begin is None:
        return list(grade.notices)
    return [notice for notice in grade.notices if not FIRST_CELL.match(str(notice))]


def _is_mended(grade: Grade, cell: FailedCell) -> bool:
    """Whether a cell that failed costs nothing: it tests an exercise that has all its points.

    Of believed ones a part will do. A cell that raises has no points, so with its hidden tests it raised nothing.
    """
    return any(
        row.id == cell.grade_id
        and (
            (row.status is Status.PASSED and row.points >= row.max_points)
            or (grade.believed and row.points > 0)
        )
        for row in grade.exercises
    )


def _has_cell(grade: Grade) -> bool:
    return any(cell.limit is grade.limit for cell in grade.failed_cells)


def _of_cell(grade: Grade, cell: FailedCell, cells: Sequence[CellView]) -> Beginning:
    lost = _lost_from(grade, cell.index, cells)
    if cell.limit is not None:
        words = explain(cell.limit)
        return Beginning(
            Message("{limit}.", limit=words.headline), words.advice, cell.index, lost, is_bound=True
        )
    what = Message("{error}: {message}", error=cell.error, message=cell.message)
    return Beginning(what, _advice(cell), cell.index, lost, is_bound=True)


def _advice(cell: FailedCell) -> Message:
    if "NameError" in (cell.raised, cell.error):
        return Message(
            "A name is missing there. Jupyter may still hold it from a cell that is gone or stands further down: choose "
            "Kernel, Restart and Run All, and mend what fails first."
        )
    return Message("Mend this cell first: errors further down may come from it.")


def _of_limit(grade: Grade) -> Beginning:
    assert grade.limit is not None  # noqa: S101 - for the type checker: the caller looked
    words = explain(grade.limit)
    lost = sum(_lost(grade, exercise.id) for exercise in grade.exercises)
    return Beginning(Message("{limit}.", limit=words.headline), words.advice, None, lost, is_bound=True)


def _of_check(grade: Grade, check: Check, place: CellView | None) -> Beginning:
    waiting = _waiting(check, grade.checks)
    lost = sum(row.max_points - row.points for row in (check, *waiting))
    what = Message.of(check.title or check.id.replace("_", " "))
    return Beginning(
        what,
        check.hint,
        None if place is None else place.index,
        lost,
        is_bound=False,
        waiting=tuple(row.title or row.id.replace("_", " ") for row in waiting),
        measured=check.measured,
        required=check.required,
    )


def _first_check(checks: Sequence[Check]) -> Check | None:
    """Return the first check that failed and that others wait for, else the first that failed."""
    failed = [check for check in checks if check.status is Status.FAILED]
    awaited = [check for check in failed if _waiting(check, checks)]
    return next(iter(awaited + failed), None)


def _waiting(check: Check, checks: Sequence[Check]) -> list[Check]:
    """Return the checks that wait for one that failed, and those that wait for these."""
    titles, waiting = {check.title or check.id}, list[Check]()
    for row in checks:
        if row.status is Status.SKIPPED and row.hint.template == WAITING and _names(row, titles):
            waiting.append(row)
            titles.add(row.title or row.id)
    return waiting


def _names(row: Check, titles: Collection[str]) -> bool:
    named = str(row.hint.parameters["titles"])
    return any(title in named for title in titles)


def _lost_from(grade: Grade, index: int, cells: Sequence[CellView]) -> float:
    """Return the points that exercises lost whose test cell does not stand above a cell."""
    tests = {cell.grade_id: cell.index for cell in cells if cell.grade_id}
    return sum(
        _lost(grade, exercise.id) for exercise in grade.exercises if tests.get(exercise.id, index) >= index
    )


def _lost(grade: Grade, exercise: str) -> float:
    return sum(
        row.max_points - row.points
        for row in grade.exercises
        if row.id == exercise and row.status is not Status.ERROR
    )
