"""What kernels could leave on a machine: processes, mounts, control groups, sockets, files."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

import psutil

OURS = re.compile(r"^pawgrade-\d|^torch_|^psm_|^sem\.|^pymp|^wnsm_")
GROUPS = Path("/sys/fs/cgroup")
Traces = frozenset[str]
_KEEPERS: set[int] = set()  # pids of keepers that were seen: their groups are called after them


def seen(place: Path) -> Traces:
    """List everything of kernels that is there now, as lines to read."""
    return frozenset(
        [
            *_processes(),
            *_mounts(place),
            *_groups(),
            *_sockets(place),
            *_files(place),
        ]
    )


def left_since(before: Traces, place: Path, *, within_s: float) -> list[str]:
    """Return what is new since `before`, once that is nothing or the time is over."""
    deadline = time.monotonic() + within_s
    while (left := seen(place) - before) and time.monotonic() < deadline:
        time.sleep(0.05)
    return sorted(left)


def release_zygotes() -> None:
    """End the zygotes of this process, where there can be any."""
    try:
        from grader.sandbox import provisioner
    except ImportError:
        return
    provisioner.release_zygotes()


def _processes() -> list[str]:
    """Processes below us; orphans of ours show when they name our place in their command.

    What reads and renders notebooks lives as long as its Python, whichever test began it: no kernel left it.
    """
    lines = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            command = process.cmdline()
            if "grader.confined" not in command:
                lines.append(f"process {process.pid} {process.name()} {' '.join(command)[:120]}")
    return lines


def _mounts(place: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [f"mount {line}" for line in lines if "pawgrade" in line or str(place) in line]


def _found(pattern: str) -> list[Path]:
    """Return the control groups of a name; those of other programs may go while they are looked through."""
    while True:
        try:
            return list(GROUPS.rglob(pattern))
        except FileNotFoundError:
            continue


def _groups() -> list[str]:
    """Control groups of our keepers without a living process: those of a kernel that runs are not left over."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "grader.sandbox.host.keeper" in process.cmdline():
                _KEEPERS.add(process.pid)
    lines = []
    for group in (found for pid in _KEEPERS for found in _found(f"pawgrade-{pid}-*")):
        with contextlib.suppress(OSError):
            if not (group / "cgroup.procs").read_text() and not _has_children(group):
                lines.append(f"group {group}")
    return lines


def _has_children(group: Path) -> bool:
    return any(one.is_dir() for one in group.iterdir())


def _sockets(place: Path) -> list[str]:
    names = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return [f"socket {name}" for name in names if str(place) in name]


def _files(place: Path) -> list[str]:
    """Files at work in the runtime folder, and those with names like ours where everybody writes."""
    # A browser that another test starts in this process puts its settings there.
    run = place / "run"
    own = [
        f"file {path}" for path in run.rglob("*") if not path.is_dir() and run / "dconf" not in path.parents
    ]
    common = [
        f"file {path}"
        for folder in ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - looked at, not written
        for path in Path(folder).glob("*")
        if OURS.search(path.name) and path != place and _is_mine(path)
    ]
    return own + common


def _is_mine(path: Path) -> bool:
    """Whether this user owns a file: others may be at work on the same machine."""
    with contextlib.suppress(OSError):
        return path.lstat().st_uid == os.getuid()
    return False
