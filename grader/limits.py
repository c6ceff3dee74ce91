"""What a run may use: seconds, memory, disk, processes, output; and the words for each limit, in one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import Field

from grader.messages import NOTHING, Message
from grader.records import Limit
from grader.schema import Strict


class Limits(Strict):
    """What one submission may use.

    Attributes:
        wall_s: the whole submission, notebook and probes, in seconds.
        cell_s: one cell, in seconds.
        memory_mb: resident memory of the whole process tree, in MiB.
        disk_mb: what it may write, in MiB.
        processes: how many processes and threads may live at once.
        output_kb: what the notebook may print and display in all, in KiB.
        cpus: threads for numerical libraries.
        gpus: GPU slots.
    """

    wall_s: float = Field(600, gt=0)
    cell_s: float = Field(240, gt=0)
    memory_mb: int = Field(6144, gt=0)
    disk_mb: int = Field(512, gt=0)
    processes: int = Field(128, gt=0)
    output_kb: int = Field(512, gt=0)
    cpus: int = Field(2, gt=0)
    gpus: int = Field(0, ge=0)

    def of_a_kernel(self) -> dict[str, int]:
        """Return those that a kernel's sandbox enforces; the engine keeps the others."""
        return self.model_dump(include={"memory_mb", "disk_mb", "processes", "cpus"})


@dataclass(frozen=True)
class Explanation:
    """A limit that was hit, in the words that people read.

    Attributes:
        short: what the cell did, for lists of cells.
        notice: where and by how much, and what to do; it stands among the notices of a grade.
        headline: what happened, above the exercises of a page.
        advice: what happened to the run, and where to look; it stands below the headline.
    """

    short: Message
    notice: Message
    headline: Message
    advice: Message


def explain(
    limit: Limit, limits: Limits | None = None, place: Message = NOTHING, cell: int = 0
) -> Explanation:
    """Say what a limit is, and what to do.

    Args:
        limit: the one that was hit.
        limits: the values that were in force; None: the defaults, for a headline and an advice, which name none.
        place: where, for example "in code cell 3".
        cell: number of the cell, as Jupyter shows it.
    """
    return _EXPLANATIONS[limit](limits or Limits(), place, cell)


def _wall(limits: Limits, place: Message, cell: int) -> Explanation:
    return Explanation(
        _stopped(limits.wall_s, cell),
        Message(
            "Stopped after {seconds:g} s {place}: the whole notebook may take no longer. Train for fewer epochs or on smaller images.",
            seconds=limits.wall_s,
            place=place,
        ),
        Message("The notebook took longer than its time allows"),
        Message(
            "It was stopped before its end. Look below at what was running, and make that part smaller: fewer photos,"
            " fewer steps, or results kept instead of computed twice."
        ),
    )


def _cell(limits: Limits, place: Message, cell: int) -> Explanation:
    return Explanation(
        _stopped(limits.cell_s, cell),
        Message(
            "Stopped after {seconds:g} s {place}: one cell may take no longer. Look for a loop that does not end, or do less in this cell.",
            seconds=limits.cell_s,
            place=place,
        ),
        Message("One cell took longer than a cell may take"),
        Message(
            "The cell was interrupted and the rest ran on. A loop without an end? Otherwise do less work in this cell."
        ),
    )


def _memory(limits: Limits, place: Message, _: int) -> Explanation:
    return Explanation(
        Message("used more than {size} MB", size=limits.memory_mb),
        Message(
            "The notebook used more than {size} MB ({place}). Where you train: smaller batches, fewer layers that learn, loss.item() instead of loss when you add up. Where you do not: batches under torch.no_grad(), and features kept instead of images.",
            size=limits.memory_mb,
            place=place,
        ),
        Message("The notebook needed more memory than it may have"),
        Message(
            "It was stopped. Work in smaller batches, wrap predictions in torch.no_grad(), and delete large arrays"
            " that you no longer need."
        ),
    )


def _disk(limits: Limits, place: Message, _: int) -> Explanation:
    return Explanation(
        Message("wrote more than {size} MB", size=limits.disk_mb),
        Message(
            "The notebook wrote more than {size} MB ({place}). Keep one checkpoint instead of many, and delete what is not needed.",
            size=limits.disk_mb,
            place=place,
        ),
        Message("The notebook wrote more to disk than it may"),
        Message("Writing was stopped. Keep intermediate results in memory, or save fewer of them."),
    )


def _processes(limits: Limits, place: Message, _: int) -> Explanation:
    return Explanation(
        Message("started more than {count} processes", count=limits.processes),
        Message(
            "The notebook started more than {count} processes or threads ({place}). Use fewer workers, and close pools and loaders.",
            count=limits.processes,
            place=place,
        ),
        Message("The notebook started too many processes or threads"),
        Message("Set num_workers=0 in data loaders and start no processes of your own."),
    )


def _output(limits: Limits, place: Message, _: int) -> Explanation:
    return Explanation(
        Message("printed more than {size} KB: cut", size=limits.output_kb),
        Message(
            "The notebook printed more than {size} KB ({place}); the rest was cut. Print less, or less often.",
            size=limits.output_kb,
            place=place,
        ),
        Message("The notebook displayed more than it may"),
        Message(
            "What came after that was not kept. Print less inside loops: every hundredth step is enough."
        ),
    )


def _stopped(seconds: float, cell: int) -> Message:
    return Message("stopped after {seconds:g} s in cell {number}", seconds=seconds, number=cell)


_EXPLANATIONS: dict[Limit, Callable[[Limits, Message, int], Explanation]] = {
    Limit.WALL: _wall,
    Limit.CELL: _cell,
    Limit.MEMORY: _memory,
    Limit.DISK: _disk,
    Limit.PROCESSES: _processes,
    Limit.OUTPUT: _output,
}


def foremost(hits: Iterable[Limit]) -> Limit | None:
    """Return the limit that matters most of those that were hit; None of none."""
    # `grading.submission` decides by this whether to run once more, so a limit that ended something must not hide
    # behind one that only cut the output.
    order = (Limit.WALL, Limit.MEMORY, Limit.CELL, Limit.PROCESSES, Limit.DISK, Limit.OUTPUT)
    return min(hits, key=order.index, default=None)
