"""The keeper's record of one kernel."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.sandbox.host import cgroups


@dataclass
class Kernel:
    """One kernel: its client, its processes, its traces on this machine.

    Attributes:
        name: of its sockets and its group.
        client: who asked for it.
        client_pid: the client's pid.
        line: to B, until the client has it.
        listening: its channels.
        started: seconds since the epoch.
        watch: whether B watches over its memory.
        limits: what it may use.
        key: of its messages.
        place: among the kernels of its keeper, for a uid of its own; 0: it has none.
        pid: of B on this machine.
        pidfd: of B.
        group: the control group.
    """

    name: str
    client: socket.socket
    client_pid: int
    line: socket.socket | None
    listening: list[socket.socket]
    started: float
    watch: bool
    limits: dict[str, Any]
    key: str
    place: int = 0
    pid: int = 0
    pidfd: int = -1
    group: cgroups.Group | None = None


def has_keeper(group: str) -> bool:
    """Whether the keeper that made a cgroup still lives."""
    try:
        # The name holds the keeper's pid (`Keeper._group`), which may be another program's by now.
        return b"grader.sandbox.host.keeper" in Path("/proc", group.split("-")[1], "cmdline").read_bytes()
    except (OSError, IndexError):
        return False
