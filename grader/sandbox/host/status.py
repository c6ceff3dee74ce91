"""Report this user's running zygotes and kernels, with age, memory and owners, for people to look at."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from grader.sandbox.host.client import statuses

LONGEST_COMMAND = 60


@dataclass(frozen=True)
class Owner:
    """A process that keeps another one alive.

    Attributes:
        pid: on this machine.
        command: the beginning of its command line, "" when it cannot be seen.
    """

    pid: int
    command: str


@dataclass(frozen=True)
class Running:
    """A zygote or a kernel.

    Attributes:
        name: what it is.
        pid: of the zygote, or of pid 1 of the kernel's world; 0 while it is being born.
        age_s: seconds since it was started.
        pss_mb: MiB of all its processes, shared pages in part; None when the system does not tell.
        uss_mb: MiB that only they hold; None when the system does not tell.
        owners: who keeps it alive.
        what: its Python, its modules, its limits.
    """

    name: str
    pid: int
    age_s: float
    pss_mb: float | None
    uss_mb: float | None
    owners: tuple[Owner, ...]
    what: str


@dataclass(frozen=True)
class Zygote:
    """A zygote and its kernels.

    Attributes:
        process: itself.
        kernels: its forks.
        left_out: modules that were not preloaded, and why.
        status: all that its keeper tells.
    """

    process: Running
    kernels: tuple[Running, ...]
    left_out: Mapping[str, str]
    status: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "zygote": asdict(self.process),
            "kernels": [asdict(kernel) for kernel in self.kernels],
            "left_out": dict(self.left_out),
            "status": dict(self.status),
        }


def zygotes() -> list[Zygote]:
    """Return this user's zygotes and kernels as their keepers report them, with the memory that they hold."""
    return [_zygote(status) for status in statuses()]


def _zygote(status: Mapping[str, Any]) -> Zygote:
    # {} until the zygote has said that it is ready.
    born = status["zygote"]
    left_out: dict[str, str] = born.get("left_out", {})
    lines = [status["python"], f"preloads {', '.join(status['preload']) or 'nothing'}"]
    lines += [f"left out {name}: {why}" for name, why in left_out.items()]
    lines.append(
        f"ends after {status['idle_s']:g} s without a kernel, {status['keep_s']:g} s without an owner"
    )
    pid = born.get("pid", 0)
    process = Running(
        ("zygote" if status["warm"] else "zygote, cold") + ("" if born else ", starting"),
        pid,
        _age_s(status),
        # Without its children: those are kernels, and have lines of their own.
        *_memory_mb(_alone(pid)),
        tuple(_owner(owner) for owner in status["owners"]),
        "\n".join(lines),
    )
    return Zygote(process, tuple(_kernel(kernel) for kernel in status["kernels"]), left_out, status)


def _kernel(status: Mapping[str, Any]) -> Running:
    limits: Mapping[str, Any] = status.get("limits", {})
    bounds = [f"{limits[name]} {unit}" for name, unit in _UNITS.items() if name in limits]
    return Running(
        f"└ kernel {status['name']}",
        status["pid"],
        _age_s(status),
        *_memory_mb(_tree(status["pid"])),
        (_owner(status["client"]),),
        f"at most {', '.join(bounds)}" if bounds else "",
    )


_UNITS = {
    "memory_mb": "MiB memory",
    "disk_mb": "MiB disk",
    "processes": "processes",
    "cpus": "threads for numerical libraries",
}


def _age_s(status: Mapping[str, Any]) -> float:
    return max(0.0, time.time() - float(status["started"]))


def _owner(pid: int) -> Owner:
    command = ""
    with contextlib.suppress(psutil.Error):
        command = " ".join(psutil.Process(pid).cmdline())
    return Owner(pid, command if len(command) <= LONGEST_COMMAND else f"{command[: LONGEST_COMMAND - 1]}…")


def _alone(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [psutil.Process(pid)] if pid else []
    return []


def _tree(pid: int) -> list[psutil.Process]:
    roots = _alone(pid)
    with contextlib.suppress(psutil.Error):
        return [member for process in roots for member in (process, *process.children(recursive=True))]
    return []


def _memory_mb(processes: Iterable[psutil.Process]) -> tuple[float | None, float | None]:
    """Add up PSS and USS; pid 1 of a kernel's world hides from everybody but root, and is small."""
    pss = uss = 0.0
    seen = False
    for process in processes:
        with contextlib.suppress(psutil.Error, OSError):
            # A process may end between the list and the question, or belong to another uid.
            memory = process.memory_full_info()
            pss, uss, seen = pss + memory.pss / 2**20, uss + memory.uss / 2**20, True
    return (pss, uss) if seen else (None, None)
