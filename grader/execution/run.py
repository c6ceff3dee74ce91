"""Types of one run of a notebook: what it is given (`Run`), and what became of it (`Execution`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from grader.execution.kernels import Lease
from grader.limits import Limits, foremost
from grader.messages import NOTHING, Message
from grader.records import FailedCell, Limit

# The engine imports this module: at run time this would be a circle.
if TYPE_CHECKING:
    from grader.execution.engine import GradingClient


NEAR = 0.5  # of the memory limit: a large piece that is refused leaves the rest free


def _nothing(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Run:
    """What a run of a notebook is given.

    Attributes:
        lease: the kernel.
        limits: what the run may use.
        ask: called with the running client after the last cell, while the kernel lives.
        gpu: whether the kernel has a GPU.
        begin: called when the kernel is ready, before the first cell: what happens later may be the notebook's doing.
        step: called before each code cell with its number, as Jupyter shows it, and how many there are.
    """

    lease: Lease
    limits: Limits
    ask: Callable[[GradingClient], object] = _nothing
    gpu: bool = False
    begin: Callable[[], object] = _nothing
    step: Callable[[int, int], object] = _nothing


@dataclass(frozen=True)
class Execution:
    """What became of a run.

    Attributes:
        notebook: the notebook, complete up to the moment a limit hit.
        failed: cells that raised or hit a limit, in order.
        hits: which limits were hit, and in which cell (None: outside any cell).
        dead: whether the kernel ended before everything was asked.
        broken: how the notebook broke its kernel's world; `NOTHING` when it did not.
        kernel_s: seconds until the kernel was ready.
        execute_s: seconds for the cells.
        probe_s: seconds for `Run.ask`.
        wall_s: seconds that the cells and `Run.ask` are charged together.
        cell_s: seconds that the cell that took longest is charged.
        overloaded: whether others kept the kernel from the processors.
        peak_mb: most memory at a time, in MiB; 0 where it is not counted.
        near_memory: whether the memory limit was near, as the system counted it; where it does not count, a notebook's word is taken.
        gpu_full: whether the memory that was full first is that of the GPU.
        output_bytes: what the notebook has printed and displayed.
    """

    notebook: NotebookNode
    failed: tuple[FailedCell, ...] = ()
    hits: Mapping[Limit, int | None] = field(default_factory=dict)
    dead: bool = False
    broken: Message = NOTHING
    kernel_s: float = 0.0
    execute_s: float = 0.0
    probe_s: float = 0.0
    wall_s: float = 0.0
    cell_s: float = 0.0
    overloaded: bool = False
    peak_mb: float = 0.0
    near_memory: bool = True
    gpu_full: bool = False
    output_bytes: int = 0

    @property
    def limit(self) -> Limit | None:
        """The limit that matters most: the one that ended the run, else one that ended a cell, else one that cut."""
        return foremost(self.hits)


def is_near(peak_mb: float, limits: Limits) -> bool:
    """Say whether a run came near its memory limit; where nobody counts (0), it may have."""
    return peak_mb == 0 or peak_mb >= NEAR * limits.memory_mb
