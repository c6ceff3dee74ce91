"""Count the seconds that a notebook is charged: its own, not those that a busy machine takes.

A limit of T seconds is T seconds on the clock of a quiet machine. Where others keep the processors busy, the time in which the
notebook was ready to run and could not is taken off; what it computed on its `cpus` processors is not. Who sleeps is charged
what the clock says, and nobody stays longer than `GENEROUS` times a limit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.sandbox.work_times import machine_s

if TYPE_CHECKING:
    from grader.execution.kernels import Lease
    from grader.limits import Limits

GENEROUS = 8.0  # by how much the clock on the wall may go beyond a limit
STARVED = 0.7  # of the processors: who got less while it waited shared the machine with others
WAITED = 0.2  # of the time


@dataclass(frozen=True)
class Reading:
    """What the clocks say at one moment.

    Attributes:
        wall_s: seconds of the clock on the wall, from any start.
        cpu_s: processor seconds of the notebook and all that it started, from any start.
        waited_s: seconds that its threads were ready to run and did not, added up.
        machine_s: processor seconds of everything on the machine, from any start; None: it does not tell.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    waited_s: float = 0.0
    machine_s: float | None = None

    def since(self, start: Reading) -> Reading:
        """Return what has passed since another reading."""
        machine = None
        if self.machine_s is not None and start.machine_s is not None:
            machine = max(0.0, self.machine_s - start.machine_s)
        return Reading(
            self.wall_s - start.wall_s,
            max(0.0, self.cpu_s - start.cpu_s),
            max(0.0, self.waited_s - start.waited_s),
            machine,
        )

    @property
    def lost_s(self) -> float:
        """Seconds that others took: no more than it waited, and no more than they worked."""
        others = self.waited_s if self.machine_s is None else max(0.0, self.machine_s - self.cpu_s)
        return min(self.waited_s, others)


def charged_s(passed: Reading, cpus: int) -> float:
    """Return the seconds that count against a limit.

    More threads than processors wait for each other: no time is taken off for that, since nobody else worked meanwhile.

    Args:
        passed: what has passed.
        cpus: how many processors the limits speak of.
    """
    # The last two bound what may be taken off: no credit for its own work, and no stay without end (ADR 13).
    return max(passed.wall_s - passed.lost_s, passed.cpu_s / cpus, passed.wall_s / GENEROUS)


def is_overloaded(passed: Reading, cpus: int) -> bool:
    """Say whether others kept the notebook from the processors: it waited a lot for them, and got less than its due."""
    return passed.lost_s > WAITED * passed.wall_s and passed.cpu_s / cpus < STARVED * passed.wall_s


class Meter:
    """Counts the seconds of one run, from the moment its kernel is ready.

    Args:
        lease: the kernel.
        limits: how many processors count, and the wall limit.
    """

    def __init__(self, lease: Lease, limits: Limits) -> None:
        self._lease, self._limits = lease, limits
        self._begun: Reading | None = None
        self._last = Reading()

    def begin(self) -> None:
        """Note that the kernel is ready: from now on seconds are charged."""
        self._begun = self.reading()

    def reading(self) -> Reading:
        """Look at the clocks."""
        usage, last = self._lease.usage(), self._last
        # A world that is gone, or that hides the end of its children, has worked no less than before.
        cpu_s, waited_s = max(usage.cpu_s, last.cpu_s), max(usage.waited_s, last.waited_s)
        self._last = Reading(time.monotonic(), cpu_s, waited_s, machine_s())
        return self._last

    def charged_s(self, now: Reading, start: Reading | None = None) -> float:
        """Return the seconds that are charged since a reading, or since the kernel was ready."""
        start = start or self._begun
        return 0.0 if start is None else charged_s(now.since(start), self._limits.cpus)

    def left_s(self, now: Reading | None = None) -> float:
        """Seconds until the wall limit, as they are charged; never negative."""
        return max(0.0, self._limits.wall_s - self.charged_s(now or self.reading()))

    def overloaded(self, now: Reading) -> bool:
        """Say whether others kept the run from the processors, since the kernel was ready."""
        return self._begun is not None and is_overloaded(now.since(self._begun), self._limits.cpus)
