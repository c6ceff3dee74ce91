"""Limits on what a whole process tree uses: memory and the number of processes, through the kernel's control groups.

Version 2 wherever our own group was handed to us (root, a container that may write there, a systemd scope with
`Delegate=yes`); version 1 where memory and pids are hierarchies of their own and we are root. Sources: the kernel's
documentation, admin-guide/cgroup-v2 and admin-guide/cgroup-v1; systemd's CGROUP_DELEGATION.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader.errors import InfrastructureError

LEAF = "pawgrade-own"
"""Where our own processes go in version 2: a group that limits its children must hold no process itself."""
ADVICE = "As an ordinary user, start the grader by `systemd-run --user --scope -p Delegate=yes`."
"""What to do when there is no usable hierarchy."""
_NEEDED = frozenset({"memory", "pids"})
_COUNTED = "cpuacct"  # processor time, in version 1: not needed, since /proc tells most of it
_BUSY_S = 1.0
_STEP_S = 0.01
_ROUNDS = 20


@dataclass(frozen=True)
class Usage:
    """The counts of a group so far.

    Attributes:
        memory_kills: processes that the kernel killed because the group was out of memory.
        process_refusals: forks and threads that were refused.
        peak_mb: most memory at a time, in MiB, with the files in its tmpfs mounts.
        cpu_s: processor seconds of everything that ever was in it; None where the system does not count them.
    """

    memory_kills: int
    process_refusals: int
    peak_mb: float
    cpu_s: float | None = None


@dataclass(frozen=True)
class Group:
    """One process tree's group.

    Attributes:
        version: of control groups, 1 or 2.
        memory: the folder with the memory files.
        pids: the folder with the process files; in version 2 the same.
        work: the folder that counts processor time in version 1; None where there is none, and in version 2.
    """

    version: int
    memory: Path
    pids: Path
    work: Path | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Return the folders, each once."""
        return tuple(folder for folder in dict.fromkeys((self.memory, self.pids, self.work)) if folder)

    def add(self, pid: int) -> None:
        """Put a process into the group; what it starts from now on belongs to it too.

        Memory that it already has stays on its old group's account.

        Raises:
            OSError: it could not be put there; ProcessLookupError when it has ended.
        """
        for folder in self.folders:
            _write(folder / "cgroup.procs", str(pid))

    def usage(self) -> Usage:
        """Read the counts; raises OSError when the group was removed."""
        kills, peak = ("memory.events", "memory.peak")
        if self.version == 1:
            kills, peak = ("memory.oom_control", "memory.max_usage_in_bytes")
        elif not (self.memory / peak).exists():  # before Linux 5.19
            peak = "memory.current"
        return Usage(
            memory_kills=_count(self.memory / kills, "oom_kill"),
            process_refusals=_count(self.pids / "pids.events", "max"),
            peak_mb=int((self.memory / peak).read_text()) / 2**20,
            cpu_s=self._cpu_s(),
        )

    def _cpu_s(self) -> float | None:
        with contextlib.suppress(OSError, KeyError, ValueError):
            if self.version == 2:
                return _count(self.memory / "cpu.stat", "usage_usec") / 1e6
            if self.work is not None:
                return int((self.work / "cpuacct.usage").read_text()) / 1e9
        return None

    def kill(self) -> None:
        """Kill whatever is in the group, and wait up to a second for its end; nothing happens when it was removed."""
        with contextlib.suppress(FileNotFoundError):
            if self.version == 2 and (self.memory / "cgroup.kill").exists():  # since Linux 5.14
                _write(self.memory / "cgroup.kill", "1")
            else:
                _write(self.pids / "pids.max", "0")  # nothing is born while we count
        for _ in _until(_BUSY_S):
            # Until nothing is listed: what was killed needs a moment to go.
            if not self._kill_listed():
                return

    def remove(self) -> None:
        """Remove the group once its processes have ended.

        Raises:
            InfrastructureError: it still held processes after a second.
        """
        for folder in self.folders:
            if not any(_drop(folder) for _ in _until(_BUSY_S)):
                raise InfrastructureError(
                    f"the control group {folder} still holds processes", "Kill them, remove it."
                )

    def _kill_listed(self) -> bool:
        """Signal what is listed; tell whether anything was."""
        with contextlib.ExitStack() as stack:
            held: dict[int, int] = {}
            for pid in self._processes():
                with contextlib.suppress(ProcessLookupError):
                    # Opened first, listed again after: who is listed then is the process that the pidfd means.
                    held[pid] = os.pidfd_open(pid)
                    stack.callback(os.close, held[pid])
            for pid in (
                self._processes() & held.keys()
            ):  # still ours now: the number was not given to another process
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(held[pid], signal.SIGKILL)
            return bool(held)

    def _processes(self) -> set[int]:
        return {pid for folder in self.folders for pid in _processes(folder)}


@dataclass(frozen=True)
class Hierarchy:
    """Where groups can be made.

    Attributes:
        version: of control groups, 1 or 2.
        memory: our own group in the hierarchy of memory limits.
        pids: our own group in the hierarchy of process limits; in version 2 the same.
        work: our own group in the hierarchy that counts processor time; None in version 2, which counts it everywhere, and
            where there is none.
    """

    version: int
    memory: Path
    pids: Path
    work: Path | None = None

    def describe(self) -> str:
        """Describe the hierarchy for people."""
        where = " and ".join(str(folder) for folder in dict.fromkeys((self.memory, self.pids)))
        return f"control groups version {self.version} below {where}"

    def create(self, name: str, memory_mb: int, processes: int) -> Group:
        """Make a group.

        Args:
            name: of a folder.
            memory_mb: MiB of the whole tree, page cache and tmpfs files with it; swap adds nothing.
            processes: of the whole tree, each thread counted.

        Raises:
            InfrastructureError: the kernel refused, or there is such a group.
        """
        if not re.fullmatch(r"\w[\w.-]*", name, re.ASCII):
            raise InfrastructureError(
                f"a control group's name is made of letters, digits, - _ and ., found {name!r}"
            )
        work = None if self.work is None else self.work / name
        group = Group(self.version, self.memory / name, self.pids / name, work)
        made: list[Path] = []
        try:
            if self.version == 2:
                _enable(self.memory)
            for folder in group.folders:
                _make(folder)
                made.append(folder)
            _limit(group, memory_mb, processes)
        except OSError as error:
            for folder in made:
                _drop(folder)
            raise InfrastructureError(
                f"no control group {name} in {self.describe()}: {error}", ADVICE
            ) from error
        return group


def find(root: Path = Path("/sys/fs/cgroup"), own: str | None = None) -> Hierarchy | None:
    """Find where we may limit process trees; it changes nothing.

    Args:
        root: where control groups are mounted.
        own: the text of `/proc/self/cgroup`; None reads it.

    Returns:
        Version 2 before version 1; None when neither can be used by us.
    """
    memberships = own
    if memberships is None:
        try:
            memberships = Path("/proc/self/cgroup").read_text()
        except OSError:
            return None
    paths: dict[str, tuple[str, str]] = {}
    for line in memberships.splitlines():
        # Version 2 has the line `0::/path`: its controllers are "", the key by which `_second` looks.
        _, controllers, path = line.split(":", 2)
        paths |= {controller: (controllers, path.lstrip("/")) for controller in controllers.split(",")}
    return _second(root, paths) or _first(root, paths)


def sweep(hierarchy: Hierarchy, prefix: str, alive: Callable[[str], bool]) -> list[str]:
    """Remove what a grader that died left behind: empty groups whose owner is gone.

    Args:
        hierarchy: where to look.
        prefix: how the names of our groups begin.
        alive: tells by a group's name whether its owner lives.

    Returns:
        Names of the removed groups, sorted.
    """
    removed = set()
    for parent in filter(None, dict.fromkeys((hierarchy.memory, hierarchy.pids, hierarchy.work))):
        for folder in [path for path in parent.glob(f"{prefix}*") if path.is_dir() and path.name != LEAF]:
            # Empty only: the owner may be gone while its processes are still ending.
            if not alive(folder.name) and not _processes(folder) and _drop(folder):
                removed.add(folder.name)
    return sorted(removed)


def _second(root: Path, paths: dict[str, tuple[str, str]]) -> Hierarchy | None:
    """Version 2, mounted alone or beside version 1."""
    if "" not in paths:
        return None
    for mount in (root, root / "unified"):
        folder = mount / paths[""][1]
        # We, or who started us, moved there (`_vacate`): groups belong beside that leaf.
        if folder.name == LEAF:
            folder = folder.parent
        with contextlib.suppress(OSError):
            offered = set((folder / "cgroup.controllers").read_text().split())
            if offered >= _NEEDED and _ours(folder, "cgroup.procs", "cgroup.subtree_control"):
                return Hierarchy(2, folder, folder)
    return None


def _first(root: Path, paths: dict[str, tuple[str, str]]) -> Hierarchy | None:
    """Version 1: our own group in each of the hierarchies, never their roots' other children."""
    groups: dict[str, Path] = {}
    # Controllers may be mounted together, "cpu,cpuacct", with or without a link for each.
    for controller in (*_NEEDED, _COUNTED):
        together, path = paths.get(controller, ("", ""))
        folders = [root / mount / path for mount in (controller, together) if together]
        usable = [folder for folder in folders if _ours(folder, "cgroup.procs")]
        if usable:
            groups[controller] = usable[0]
    return (
        Hierarchy(1, groups["memory"], groups["pids"], groups.get(_COUNTED))
        if groups.keys() >= _NEEDED
        else None
    )


def _ours(folder: Path, *names: str) -> bool:
    """Tell whether we may make groups here and move processes into them."""
    return all(os.access(path, os.W_OK) for path in (folder, *(folder / name for name in names)))


def _enable(folder: Path) -> None:
    """Let the children of a group have memory and process limits (version 2)."""
    control = folder / "cgroup.subtree_control"
    if set(control.read_text().split()) >= _NEEDED:
        return
    if (folder / "cgroup.type").exists():  # only the root of all groups lacks it, and may keep its processes
        _vacate(folder)
    # The system refuses it while a process is in the group itself (no internal processes).
    _write(control, "+memory +pids")


def _vacate(folder: Path) -> None:
    """Move the processes of a group, ourselves among them, into a leaf."""
    leaf = folder / LEAF
    with contextlib.suppress(FileExistsError):
        _make(leaf)
    for _ in range(_ROUNDS):  # some may fork while we move them
        listed = _processes(folder)
        if not listed:
            return
        for pid in listed:
            with contextlib.suppress(ProcessLookupError):
                _write(leaf / "cgroup.procs", str(pid))


def _limit(group: Group, memory_mb: int, processes: int) -> None:
    size = str(memory_mb * 2**20)
    if group.version == 2:
        _write(group.memory / "memory.max", size)
        _write_if_there(group.memory / "memory.swap.max", "0")
    else:
        _write(group.memory / "memory.limit_in_bytes", size)  # first: memory with swap may not be less
        if not _write_if_there(group.memory / "memory.memsw.limit_in_bytes", size):
            _write(group.memory / "memory.swappiness", "0")
    _write(group.pids / "pids.max", str(processes))


def _count(path: Path, key: str) -> int:
    """Read a number from lines of `key value`."""
    return int(dict(line.split() for line in path.read_text().splitlines())[key])


def _processes(folder: Path) -> list[int]:
    """List a group's processes; one that our own process namespace does not show reads as 0, and is left out."""
    try:
        return [pid for pid in map(int, (folder / "cgroup.procs").read_text().split()) if pid]
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENODEV}:
            return []
        raise


def _until(seconds: float) -> Iterator[None]:
    """Yield now and then for some time, at least once."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        time.sleep(_STEP_S)
        yield


def _make(folder: Path) -> None:
    folder.mkdir()


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def _write_if_there(path: Path, text: str) -> bool:
    """Write a file that some kernels lack; tell whether this one has it."""
    if not path.exists():
        return False
    _write(path, text)
    return True


def _drop(folder: Path) -> bool:
    """Remove a group's folder; False while it is busy."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in {errno.EBUSY, errno.ENOTEMPTY}:
            return False
        raise
    return True
