"""Processor time of processes and the time they waited for a processor, from /proc (see proc(5))."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
TASKS = 4096  # threads that are looked at, at most: who starts more waits for himself


def cpu_s(pids: Iterable[int | str], proc: Path = Path("/proc")) -> float:
    """Add up the processor time of processes and of their children that have ended, in seconds."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            line = (proc / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
            fields = line[line.rindex(")") + 2 :].split()  # a name may hold anything, a bracket too
            total += sum(int(number) for number in fields[11:15])  # utime, stime, cutime, cstime
    return total / TICKS


def machine_s(proc: Path = Path("/proc")) -> float | None:
    """Return the seconds for which the machine's processors were busy, or taken by its host; None: it does not tell."""
    with contextlib.suppress(OSError, ValueError):
        name, *ticks = (proc / "stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        # Without idle and iowait. steal: what a virtual machine's host took.
        user, nice, system, _, _, irq, softirq, steal = map(int, ticks[:8])
        return (user + nice + system + irq + softirq + steal) / TICKS if name == "cpu" else None
    return None


class Waits:
    """Time in which threads were ready to run and did not, looked at repeatedly, so that those that ended count as well."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self.proc = proc
        self.seen: dict[tuple[str, str], int] = {}
        self.ended_ns = 0

    def waited_s(self, pids: Iterable[int | str]) -> float:
        """Look at the threads of some processes; return the seconds that all of them have waited so far."""
        waits_ns: dict[tuple[str, str], int] = {}
        for pid in map(str, pids):
            with contextlib.suppress(OSError):
                for task in (self.proc / pid / "task").iterdir():
                    if len(waits_ns) < TASKS:
                        with contextlib.suppress(OSError, ValueError, IndexError):
                            # Nanoseconds on a processor, nanoseconds ready but waiting, number of turns.
                            times = (task / "schedstat").read_text(encoding="ascii").split()
                            waits_ns[pid, task.name] = int(times[1])
        # A thread that is gone, or whose number a new one has (its time is less), keeps its last known time.
        self.ended_ns += sum(ns for key, ns in self.seen.items() if waits_ns.get(key, -1) < ns)
        self.seen = waits_ns
        return (self.ended_ns + sum(waits_ns.values())) / 1e9
