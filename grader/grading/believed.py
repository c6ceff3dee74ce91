"""Points that tests in the notebook's own cells give, as nbgrader gives them: the student's kernel says whether a test passed.

Such points are *believed*: code of the notebook shares a process with the tests, and can read or replace them. Where an
assignment has hidden tests, the notebook runs twice: once as students have it, which is what its student sees, and once with
the hidden tests in it, of which the student learns the points and nothing else.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from grader.checks.session import Verdicts
from grader.messages import NOTHING, Message
from grader.notebooks.cells import grade_id, is_locked
from grader.notebooks.sanitise_text import printable
from grader.records import Check, Limit, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbformat import NotebookNode

    from grader.assignment.spec import Assignment, Exercise
    from grader.execution.run import Execution

VARIABLES = {"NBGRADER_EXECUTION": "autograde"}  # nbgrader tells its notebooks so, and some ask
PASSED = Message("the tests in this cell pass")
LOOK = Message("Run this cell in your notebook, and read the error that it shows.")
HIDDEN = Message(
    "The tests that you can see pass. Try inputs that they leave out: small, large, empty, negative ones."
)
PARTLY = Message("a part of the tests pass")
WITHOUT_HIDDEN = Message(
    "This cell has a hidden part, without which it ends in an error: that error costs nothing. Try inputs that the tests leave "
    "out: small, large, empty, negative ones."
)
NO_NUMBER = Message("Run this cell in your notebook, and look at the number that it shows.")
NOT_RUN = Message("this cell was not run to its end")
STDERR = Message("the cell wrote to standard error, which counts as an error")
STDERR_HINT = Message(
    "A warning is enough: run this cell in your notebook, and see what stands on a red ground."
)
UNDECIDED = Message("The cell that tests this exercise is missing; your teachers have been told.")
DELETED = Message("the cell with these tests is missing from the notebook")
DELETED_HINT = Message(
    "A deleted test gives no points: copy the cell back from the notebook that you were given."
)


def with_hidden_tests(notebook: NotebookNode, tests: NotebookNode) -> NotebookNode:
    """Return a restored notebook with the hidden tests put back into its locked cells.

    Args:
        notebook: a submission, its locked cells as they were released.
        tests: the source with its solutions cleared and its hidden tests in.
    """
    originals = {grade_id(cell): cell.source for cell in tests.cells if grade_id(cell) and is_locked(cell)}
    complete = copy.deepcopy(notebook)
    for cell in complete.cells:
        cell.source = originals.get(grade_id(cell), cell.source)
    return complete


def joined(visible: Execution, tested: Execution) -> Execution:
    """Return what became of both runs of a submission, told as its student may know it.

    It is the run without hidden tests; of the other one there is what staff alone read of usage. A limit that only that one
    met, or how long it took, is no part of it: a notebook that has seen the hidden tests could choose. `flags` has the limit.
    """
    return dataclasses.replace(
        visible,
        wall_s=max(visible.wall_s, tested.wall_s),
        cell_s=max(visible.cell_s, tested.cell_s),
        peak_mb=max(visible.peak_mb, tested.peak_mb),
    )


def late_through_others(tested: Execution | None) -> bool:
    """Say whether the run with hidden tests met a time limit while others kept it from the processors; no page tells of it."""
    return tested is not None and tested.overloaded and tested.limit in (Limit.WALL, Limit.CELL)


def flags(assignment: Assignment, runs: Mapping[str, Runs]) -> tuple[str, ...]:
    """Say, for staff alone, what only the run with hidden tests met, and which tests gave no number of points.

    Args:
        assignment: names the exercises.
        runs: those of each notebook, by its name.
    """
    told = list[str]()
    if not assignment.in_the_notebook:
        return ()
    for name, run in runs.items():
        tested = run.tested or run.execution
        only = "only the run with hidden tests"
        told += [
            f"{name}: {only} met the limit {limit}"
            for limit in tested.hits
            if limit not in run.execution.hits
        ]
        if tested.dead and not run.execution.dead:
            told.append(f"{name}: {only} lost its kernel")
        cells = _tested_cells(tested)
        told += [
            f"exercise {exercise.id}: its tests gave no number from 0 to {exercise.points:g}: no points"
            for exercise in assignment.exercises
            if exercise.id in cells and cells[exercise.id].points(exercise.points) is None
        ]
    return tuple(told)


class Runs(Protocol):
    """The runs of one notebook.

    Attributes:
        execution: the run that its student sees.
        tested: the run with hidden tests; None: there are none.
    """

    @property
    def execution(self) -> Execution: ...  # noqa: D102

    @property
    def tested(self) -> Execution | None: ...  # noqa: D102


def verdicts(
    assignment: Assignment, runs: Iterable[Runs], unread: Mapping[str, Message] = MappingProxyType({})
) -> Verdicts:
    """Read the points of each exercise off the cell that tests it.

    Args:
        assignment: names the exercises, each after its graded cell.
        runs: those of each notebook that could be run.
        unread: why the notebook of an exercise could not be run, by exercise.
    """
    visible, tested, present = dict[str, _Tested](), dict[str, _Tested](), set[str]()
    runs = tuple(runs)
    for run in runs:
        present |= {grade_id(cell) for cell in run.execution.notebook.cells}
        visible |= _tested_cells(run.execution)
        tested |= _tested_cells(run.tested or run.execution)
    return Verdicts(
        tuple(
            _unread(exercise, unread[exercise.id])
            if exercise.id in unread
            # Where nothing was run, nobody can say that its student deleted it.
            else _deleted(exercise)
            if runs and exercise.id not in present
            else _check(exercise, visible.get(exercise.id), tested.get(exercise.id))
            for exercise in assignment.exercises
        )
    )


@dataclasses.dataclass(frozen=True)
class _Tested:
    """A graded cell after a run.

    Attributes:
        cell: as it ran.
        error: what it raised; `NOTHING` when nothing.
        ran: whether it ran to its end.
    """

    cell: NotebookNode
    error: Message
    ran: bool

    def points(self, most: float) -> float | None:
        """Return its points by nbgrader's own rule; None where it gives what is no number of points."""
        if not self.ran or self.error:
            return 0.0
        from nbgrader.utils import determine_grade

        cell = copy.deepcopy(self.cell)
        cell.metadata.nbgrader["points"] = most
        # nbgrader gives all points for NaN and for less than nothing.
        if any(not 0 <= number <= most for number in self.numbers):
            return None
        try:
            points, _ = determine_grade(cell)
        except (ValueError, KeyError, TypeError):  # nothing that is text
            return None
        return None if points is None else float(points)

    def share(self, most: float) -> float:
        """Return its points: none where it gives what is no number of points."""
        return self.points(most) or 0.0

    @property
    def numbers(self) -> list[float]:
        """What its results are, those that are numbers."""
        values = list[float]()
        for output in self.cell.get("outputs", ()):
            text = output.get("data", {}).get("text/plain", "")
            with contextlib.suppress(ValueError, TypeError):
                if output.output_type == "execute_result":
                    values.append(float("".join(text)))
        return values


def _tested_cells(execution: Execution) -> Mapping[str, _Tested]:
    """Return the graded cells of a run by name; in a notebook that was restored there is one of each."""
    failed = {cell.index: cell.message for cell in execution.failed}
    started = [index for index, cell in enumerate(execution.notebook.cells) if _started(cell)]
    # A kernel that is gone ran its last cell not to the end, whatever that one had displayed until then.
    end = (started[-1] if started else 0) if execution.dead else len(execution.notebook.cells)
    return {
        grade_id(cell): _Tested(
            cell, _raised(cell, failed.get(index, NOTHING)), _started(cell) and index < end
        )
        for index, cell in enumerate(execution.notebook.cells)
        if grade_id(cell) and cell.cell_type == "code"
    }


def _started(cell: NotebookNode) -> bool:
    # Written by papermill, in this process: nothing that a notebook says decides it.
    return bool(cell.metadata.get("papermill", {}).get("start_time"))


def _raised(cell: NotebookNode, message: Message) -> Message:
    for output in cell.get("outputs", ()):
        if output.output_type == "error":
            name, text = printable(output.get("ename"), 60), printable(output.get("evalue"), 200)
            return (
                Message("{error}: {text}", error=name, text=text) if text else Message("{error}", error=name)
            )
    return message


def _unread(exercise: Exercise, reason: Message) -> Check:
    return _without_a_run(exercise, Message("no notebook that can be run"), Message("a notebook"), reason)


def _deleted(exercise: Exercise) -> Check:
    # As nbgrader counts it, whose settings decide whether such a cell is put back.
    return _without_a_run(exercise, DELETED, Message("the cell, as it was given"), DELETED_HINT)


def _without_a_run(exercise: Exercise, measured: Message, required: Message, hint: Message) -> Check:
    return Check(
        exercise.id,
        exercise.id,
        Status.FAILED,
        0.0,
        exercise.points,
        measured,
        required,
        hint,
        exercise.title,
    )


def _check(exercise: Exercise, visible: _Tested | None, tested: _Tested | None) -> Check:
    """Return the verdict on one exercise: points by the run with all tests, words by the one that its student sees.

    Words hang on nothing of the other run but its points: whatever else they told apart, a notebook could choose.
    """
    points = tested.share(exercise.points) if tested else 0.0
    if tested is None or visible is None:
        status, measured, hint = Status.ERROR, NOTHING, UNDECIDED
    # A test that is worth nothing has all of its points, whatever became of it.
    elif points >= exercise.points and tested.ran and not tested.error:
        status, measured, hint = Status.PASSED, PASSED, NOTHING
    else:
        status = Status.FAILED
        measured, hint = _reason(visible, exercise.points, points)
    return Check(
        id=exercise.id,
        exercise=exercise.id,
        status=status,
        points=points,
        max_points=exercise.points,
        measured=measured,
        required=Message("all tests in this cell pass"),
        hint=hint,
        title=exercise.title,
        exact=_exact(tested, exercise.points) if tested else NOTHING,
    )


def _exact(tested: _Tested, most: float) -> Message:
    """Return what staff alone read of a test."""
    if tested.error or tested.points(most) is not None:
        return tested.error
    numbers = ", ".join(f"{number:g}" for number in tested.numbers)
    return Message(
        "the tests gave {value}, no number from 0 to {most}", value=numbers or "no text", most=f"{most:g}"
    )


def _reason(visible: _Tested, most: float, points: float) -> tuple[Message, Message]:
    """Say why points are missing, and what to try, by what the student sees and how many points there are."""
    if not visible.ran:
        return NOT_RUN, NOTHING
    if visible.error:
        failed = Message("a test failed: {error}", error=visible.error)
        # A cell that raises has no points, so with the hidden part this one raised nothing.
        return (PARTLY, WITHOUT_HIDDEN) if points > 0 else (failed, LOOK)
    if visible.share(most) != points:  # the tests that the student sees do not lose them
        return Message("a hidden test failed"), HIDDEN
    if visible.points(most) is None:
        return Message("the tests gave no number from 0 to {most}", most=f"{most:g}"), NO_NUMBER
    if any(output.get("name") == "stderr" for output in visible.cell.get("outputs", ())):
        return STDERR, STDERR_HINT
    return PARTLY, LOOK
