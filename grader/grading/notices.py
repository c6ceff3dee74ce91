"""What a grade says beside its verdicts: which limit was hit and what follows, in words for students."""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode

from grader import disclosure
from grader.judging.probe import Overrun
from grader.limits import Limits
from grader.records import FailedCell, Limit

IMPORTS = ("ModuleNotFoundError", "ImportError")
LIBRARIES = "The top of the notebook names the libraries that are there; nothing else can be installed"


def on_limit(limit: Limit, limits: Limits, index: int | None, notebook: NotebookNode, *, on_gpu: bool) -> str:
    """Say which limit was hit, where, and what to do.

    Args:
        limit: the one that matters most.
        limits: their values.
        index: the cell, as a position in the notebook; None: while its functions were asked.
        notebook: the executed notebook.
        on_gpu: whether the memory that was full is that of a GPU.
    """
    place = "while its functions were asked"
    if index is not None:
        place = f"in code cell {sum(1 for cell in notebook.cells[: index + 1] if cell.cell_type == 'code')}"
    if limit is Limit.MEMORY and on_gpu:
        return f"The memory of the GPU was full ({place}). Take smaller batches, work under torch.no_grad() where nothing is trained, and move results to the CPU."
    return {
        Limit.WALL: f"Stopped after {limits.wall_s:g} s {place}: the whole notebook may take no longer. Train for fewer epochs or on smaller images.",
        Limit.CELL: f"Stopped after {limits.cell_s:g} s {place}: one cell may take no longer. Look for a loop that does not end, or do less in this cell.",
        Limit.MEMORY: f"The notebook used more than {limits.memory_mb} MB ({place}). Where you train: smaller batches, fewer layers that learn, loss.item() instead of loss when you add up. Where you do not: batches under torch.no_grad(), and features kept instead of images.",
        Limit.DISK: f"The notebook wrote more than {limits.disk_mb} MB ({place}). Keep one checkpoint instead of many, and delete what is not needed.",
        Limit.PROCESSES: f"The notebook started more than {limits.processes} processes or threads ({place}). Use fewer workers, and close pools and loaders.",
        Limit.OUTPUT: f"The notebook printed more than {limits.output_kb} KB ({place}); the rest was cut. Print less, or less often.",
    }[limit]


def on_overruns(overruns: Sequence[Overrun]) -> list[str]:
    """Say which functions did not answer within their budget, one sentence a function.

    How much was answered is told in steps only: a notebook that has seen hidden photos chooses when it stops.
    """
    told: dict[str, str] = {}
    for one in overruns:
        share = f"{disclosure.part(one.answered, one.asked)} of its questions were"
        told.setdefault(
            one.entry_point,
            f"{one.entry_point} has {one.budget_s:g} s for the questions of an exercise, and used them up: {share} answered in time. "
            "What was answered counts, the rest is wrong. Train before, not inside this function; pass photos through the "
            "network in batches; fewer views of each photo take less time.",
        )
    return list(told.values())


def on_failed_cells(failed: Sequence[FailedCell]) -> list[str]:
    """Name the cell that is to be mended first; a library that is not there is told as that."""
    if not failed:
        return []
    first = failed[0]
    missing = next((one for one in failed if one.error in IMPORTS), None)
    if missing is not None:
        return [
            f"Cell {missing.number} imports what is not there ({missing.message}). {LIBRARIES}. Errors further down may come from this one."
        ]
    if len(failed) > 1:
        return [
            f"Cell {first.number} failed first ({first.error}). Mend it first: errors further down may come from it."
        ]
    return []


def alone() -> str:
    """Say that a run on a busy machine was repeated."""
    return "The machine was busy when a time limit was met, so the notebook ran once more, alone. Only that run counts."


def left_out(number: int) -> str:
    """Say that a notebook ran again without the cell that met the memory limit.

    Args:
        number: of the cell, among code cells.
    """
    return (
        f"After cell {number} met the memory limit, what came later could not be answered: the notebook ran once more without "
        "that cell, and that run counts."
    )
