"""Notices of a grade beside its verdicts: which limit was hit and what follows, in words for students."""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode

from grader import disclosure
from grader.execution.run import Execution
from grader.judging.probe import Overrun
from grader.limits import Limits, explain
from grader.messages import NOTHING, Message
from grader.notebooks.places import jupyter_numbers
from grader.records import FailedCell, Limit

IMPORTS = ("ModuleNotFoundError", "ImportError")
LIBRARIES = "numpy, scipy, torch, torchvision, timm, scikit-image, pillow and matplotlib"  # docs/students.md has them, too


def on_run(execution: Execution, limits: Limits, overruns: Sequence[Overrun]) -> list[Message]:
    """Say what is to be said of a run: how it ended, and what to mend first.

    Args:
        execution: the run.
        limits: what it could use.
        overruns: question sets whose budget ran out.
    """
    told = list[Message]()
    if execution.broken:
        told.append(Message("Your functions got no questions: {reason}", reason=execution.broken))
    limit = execution.limit
    if limit is not None:
        index = execution.hits.get(limit)
        told.append(on_limit(limit, limits, index, execution.notebook, on_gpu=execution.gpu_full))
    return told + on_overruns(overruns) + on_failed_cells(execution.failed)


def on_limit(
    limit: Limit, limits: Limits, index: int | None, notebook: NotebookNode, *, on_gpu: bool
) -> Message:
    """Say which limit was hit, where, and what to do.

    Args:
        limit: the one that matters most.
        limits: their values.
        index: the cell, as a position in the notebook; None: while its functions were asked.
        notebook: the executed notebook.
        on_gpu: whether the memory that was full is that of a GPU.
    """
    location = Message("while its functions were asked")
    if index is not None:
        number = jupyter_numbers(notebook.cells)[index]
        location = Message("in code cell {number}", number=number)
    if limit is Limit.MEMORY and on_gpu:
        return Message(
            "The memory of the GPU was full ({place}). Take smaller batches, work under torch.no_grad() where nothing is trained, and move results to the CPU.",
            place=location,
        )
    return explain(limit, limits, location).notice


def on_overruns(overruns: Sequence[Overrun]) -> list[Message]:
    """Say which functions did not answer within their budget, one sentence a function.

    How much was answered is told in steps only: a notebook that has seen hidden photos chooses when it stops.
    """
    told: dict[str, Message] = {}
    in_batches = Message(
        "pass photos through the network in batches; fewer views of each photo take less time."
    )
    for overrun in overruns:
        # The first set of a function speaks for its others.
        told.setdefault(
            overrun.entry_point,
            Message(
                "{function} has {seconds:g} s for the questions of an exercise, and used them up: {share} of its questions were answered in time. "
                "What was answered counts, the rest is wrong. {advice}",
                function=overrun.entry_point,
                seconds=overrun.budget_s,
                share=disclosure.part(overrun.answered, overrun.asked),
                advice=Message("Train before, not inside this function; {more}", more=in_batches)
                if overrun.photos
                else Message("Do before what can be done once, and compute with arrays, not in loops."),
            ),
        )
    return list(told.values())


def on_failed_cells(failed: Sequence[FailedCell]) -> list[Message]:
    """Name the cell that is to be mended first; a library that is not there is told as that."""
    if not failed:
        return []
    first = failed[0]
    # Told even when it is not the first: a missing library explains the errors after it.
    missing = next((cell for cell in failed if cell.error in IMPORTS), None)
    if missing is not None:
        return [
            Message(
                "Cell {number} imports what is not there ({error}). There are {libraries}; "
                "nothing else can be installed. Errors further down may come from this one.",
                number=missing.number,
                error=missing.message,
                libraries=LIBRARIES,
            )
        ]
    # Where one cell failed, nobody has to be told which to mend first.
    if len(failed) > 1:
        return [
            Message(
                "Cell {number} failed first ({error}). Mend it first: errors further down may come from it.",
                number=first.number,
                error=first.error,
            )
        ]
    return []


def alone() -> Message:
    """Say that a run on a busy machine was repeated."""
    return Message(
        "The machine was busy when a time limit was met, so the notebook ran once more, alone. Only that run counts."
    )


def left_out(number: int) -> Message:
    """Say that a notebook ran again without the cell that met the memory limit.

    Args:
        number: of the cell, as Jupyter shows it.
    """
    return Message(
        "After cell {number} met the memory limit, what came later could not be answered: the notebook ran once more without "
        "that cell, and that run counts.",
        number=number,
    )


def why_dead(execution: Execution) -> Message:
    """Say why the kernel was gone before everything was asked; `NOTHING` when it was not."""
    if not execution.dead:
        return NOTHING
    if execution.broken:
        return execution.broken
    if not execution.failed:
        return Message("the kernel ended while it was asked.")
    # The last one: no cell was run after the kernel's end.
    cell = execution.failed[-1]
    return Message(
        "the kernel ended in code cell {number} ({error}).", number=cell.number, error=cell.message
    )
