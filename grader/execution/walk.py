"""One run of a notebook: what it is given, what becomes of it, and what it is charged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from grader.execution.clock import Reading, charged_s
from grader.execution.kernels import Lease
from grader.limits import Limits
from grader.messages import NOTHING, Message
from grader.records import FailedCell, Limit
from grader.sandbox.work_times import machine_s

if TYPE_CHECKING:
    from grader.execution.engine import GradingClient


NEAR = 0.5  # of the memory limit: a large piece that is refused leaves the rest free


@dataclass
class Walk:
    """What one run of a notebook is given, and what became of it.

    Attributes:
        lease: the kernel.
        limits: what the run may use.
        ask: called with the running client after the last cell, while the kernel lives.
        begun: the clocks when the kernel was ready; None before that.
        last: the clocks when they were last looked at.
        hits: which limits were hit, and in which cell (None: outside any cell).
        ended: the limit that ended a cell, by the cell's place.
        failed: cells that raised or hit a limit.
        output_bytes: what the notebook has printed and displayed.
        dead: whether the kernel ended before everything was asked.
        notebook: the notebook as far as it ran.
        kernel_s: seconds until the kernel was ready.
        execute_s: seconds for the cells.
        probe_s: seconds for `ask`.
        wall_s: seconds that the cells and `ask` are charged together.
        cell_s: seconds that the cell that took longest is charged.
        overloaded: whether others kept the kernel from the processors.
        peak_mb: most memory at a time, in MiB; 0 where it is not counted.
        gpu: whether the kernel has a GPU.
        gpu_full: whether the memory that was full first is that of the GPU.
        ran: whether code of the notebook was run.
        broken: how the notebook broke its kernel's world; `NOTHING` when it did not.
    """

    lease: Lease
    limits: Limits
    ask: Callable[[GradingClient], object]
    begun: Reading | None = None
    last: Reading = field(default_factory=Reading)
    hits: dict[Limit, int | None] = field(default_factory=dict)
    ended: dict[int, Limit] = field(default_factory=dict)
    failed: list[FailedCell] = field(default_factory=list)
    output_bytes: int = 0
    dead: bool = False
    notebook: NotebookNode | None = None
    kernel_s: float = 0.0
    execute_s: float = 0.0
    probe_s: float = 0.0
    wall_s: float = 0.0
    cell_s: float = 0.0
    overloaded: bool = False
    peak_mb: float = 0.0
    gpu: bool = False
    gpu_full: bool = False
    ran: bool = False
    broken: Message = NOTHING

    @property
    def filled_memory(self) -> bool:
        """Whether the memory limit was near, as the system counted it; where it does not count, a notebook's word is taken."""
        return self.peak_mb == 0 or self.peak_mb >= NEAR * self.limits.memory_mb

    @property
    def limit(self) -> Limit | None:
        """The limit that matters most: the one that ended the run, else one that ended a cell, else one that cut."""
        order = (Limit.WALL, Limit.MEMORY, Limit.CELL, Limit.PROCESSES, Limit.DISK, Limit.OUTPUT)
        return next((limit for limit in order if limit in self.hits), None)

    def reading(self) -> Reading:
        """Look at the clocks."""
        usage, last = self.lease.usage(), self.last
        # A world that is gone, or that hides the end of its children, has worked no less than before.
        cpu_s, waited_s = max(usage.cpu_s, last.cpu_s), max(usage.waited_s, last.waited_s)
        self.last = Reading(time.monotonic(), cpu_s, waited_s, machine_s())
        return self.last

    def charged_s(self, now: Reading, start: Reading | None = None) -> float:
        """Return the seconds that are charged since a reading, or since the kernel was ready."""
        start = start or self.begun
        return 0.0 if start is None else charged_s(now.since(start), self.limits.cpus)

    def left_s(self, now: Reading | None = None) -> float:
        """Seconds until the wall limit, as they are charged; never negative."""
        return max(0.0, self.limits.wall_s - self.charged_s(now or self.reading()))
