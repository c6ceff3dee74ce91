"""B's watch over one kernel, as pid 1 of its world: signals, files in and out, the end of everything.

As root B has a uid of its own; an ordinary user's B shares it with the student's processes, but not its rights. They can
neither signal, slow, limit nor read it: the filter and its own settings see to that, whoever it belongs to. It moves
bytes and believes none: who asks for a file gets the bytes of a regular file, opened without following links.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import stat
import tarfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Never

from grader import files
from grader.kernel_env import WORK
from grader.sandbox import keepable
from grader.sandbox.inside import syscalls
from grader.sandbox.paths import BROUGHT, DISKS, EXCHANGE_MB, INODES_PER_MB, UNPACKED
from grader.sandbox.work_times import Waits, cpu_s

MAX_MESSAGE = 60_000
PACKET = 60_000  # of a file that is taken: as bytes, since descriptors in flight are counted for all kernels together
WATCH_S = 0.2


def say_failure(control: socket.socket, exc: BaseException) -> None:
    """Tell the other side why there is no kernel."""
    # The end, since that says what was raised; a packet has its bound.
    text = "".join(traceback.format_exception(exc))[-8000:]
    with contextlib.suppress(OSError):
        control.send(json.dumps({"event": "failed", "text": text}).encode())


def keep(control: socket.socket, kernel: int, log: int, request: Mapping[str, Any]) -> Never:
    """Serve one kernel until the other side hangs up; its end is this process's end, so everything's.

    Args:
        control: packets of JSON; each request gets one reply, events come in between.
        kernel: pid of C.
        log: descriptor of the file that C's standard output and error go to.
        request: what the kernel was started with: `limits`, and `watch` if memory is to be watched here.
    """
    # A signal writes a byte: `poll` then wakes for an ended process as it does for a packet.
    wake, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    os.set_blocking(wake, False)
    # Without a handler of Python's nothing is written to the wakeup descriptor.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    watched_mb = request["limits"]["memory_mb"] if request.get("watch") else 0
    state = _State(kernel, log)
    poller = select.poll()
    poller.register(control, select.POLLIN)
    poller.register(wake, select.POLLIN)
    state.reap(control)
    while True:
        # Who need not watch the memory sleeps until something happens.
        timeout = int(WATCH_S * 1000) if watched_mb else None
        ready = {number for number, _ in poller.poll(timeout)}
        if wake in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake, 4096)
            state.reap(control)
        if control.fileno() in ready:
            _serve(control, state)
        # From pid 1 the signal reaches all but B itself: no process of the tree is chosen, all of them go.
        if watched_mb and _memory_mb(watched_mb) > watched_mb:
            state.memory_kills += 1
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)


class _State:
    """The kernel's pid, and what is known of its end."""

    def __init__(self, kernel: int, log: int) -> None:
        self.kernel = kernel
        self.log = log
        self.memory_kills = 0
        self.waits = Waits()

    def reap(self, control: socket.socket) -> bool:
        """Collect what ended, orphans included; tell the end of the kernel. Returns whether anything is left."""
        with contextlib.suppress(ChildProcessError):
            while True:
                # As pid 1, B inherits what lost its parent; uncollected, those would use up the limit on processes.
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self.kernel:
                    code = os.waitstatus_to_exitcode(status)
                    event = {"event": "ended", "code": code, "log": self.last_words() if code else ""}
                    with contextlib.suppress(OSError):
                        control.send(json.dumps(event).encode())
        return False

    def last_words(self) -> str:
        """Return the end of what the kernel said outside its channels."""
        size = os.fstat(self.log).st_size
        return os.pread(self.log, 4000, max(0, size - 4000)).decode(errors="replace")


def _serve(control: socket.socket, state: _State) -> None:
    try:
        message, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE, 1)
    except OSError:
        os._exit(0)
    # Nobody holds the kernel any more: with pid 1 everything ends.
    if not message:
        os._exit(0)
    # From the grader's side only: C closed its copy of this line.
    request = json.loads(message)
    reply: dict[str, Any] = {"reply": request["do"]}
    content = b""
    try:
        if request["do"] == "take":
            content = _read_beneath(f"{BROUGHT}/{request['name']}", request["path"], request["max_bytes"])
            reply["size"] = len(content)
        elif request["do"] == "listing":
            content = json.dumps(keepable.listing(WORK, request["patterns"])).encode()
            reply["size"] = len(content)
        elif request["do"] == "part":
            content = _read_beneath(WORK, request["path"], request["max_bytes"], request["start"])
            reply["size"] = len(content)
        else:
            reply |= _do(request, descriptors, state, control)
    except Exception as exc:  # B serves on, whatever it was: its end would be the end of everything
        reply["error"] = f"{type(exc).__name__}: {exc}"[:500]
    for number in descriptors:
        os.close(number)
    with contextlib.suppress(OSError):
        control.send(json.dumps(reply).encode())
        for start in range(0, len(content), PACKET):
            control.send(content[start : start + PACKET])


def _do(
    request: Mapping[str, Any], descriptors: list[int], state: _State, control: socket.socket
) -> dict[str, Any]:
    """Do what is asked; return what the reply says beside that."""
    if request["do"] == "signal":
        with contextlib.suppress(ProcessLookupError):
            # The kernel's own group; what a notebook moved to another one is not asked, only ended.
            os.killpg(state.kernel, request["number"])
    elif request["do"] == "stop":
        _stop(state, control)
    elif request["do"] == "usage":
        return _usage(state)
    elif request["do"] == "put":
        _put(descriptors.pop(), request["name"])
    return {}


def _put(descriptor: int, name: str) -> None:
    """Unpack what was brought onto a disk of its own: the notebook could neither foresee nor fill it."""
    with contextlib.suppress(OSError):
        syscalls.unmount(BROUGHT)  # what was brought before is answered, and away
    with os.fdopen(descriptor, "rb") as file, tarfile.open(fileobj=file) as archive:
        mount_disk(UNPACKED, EXCHANGE_MB)
        files.unpack(archive, Path(UNPACKED, name))
        syscalls.mount(UNPACKED, BROUGHT, "", syscalls.MS_MOVE)  # the notebook sees it whole or not at all


def mount_disk(place: str, size_mb: int) -> None:
    """Mount a file system in memory, bounded in bytes and in files."""
    # Each file costs memory of the system's own, however little is in it.
    inodes = max(1024, size_mb * INODES_PER_MB)
    flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
    syscalls.mount("tmpfs", place, "tmpfs", flags, f"size={size_mb}m,nr_inodes={inodes},mode=0700")


def _stop(state: _State, control: socket.socket) -> None:
    """Kill every process of this world but ourselves; what they wrote stays."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            # Until none is left: dying takes its time.
            os.kill(-1, signal.SIGKILL)  # from pid 1 this reaches every other process in the namespace
        except ProcessLookupError:
            break
        if not state.reap(control):
            break
        time.sleep(0.002)


def _usage(state: _State) -> dict[str, Any]:
    """Say how full the private disks are, how often the memory limit was hit, and what this world worked and waited."""
    pids = [path.name for path in Path("/proc").iterdir() if path.name.isdigit()]
    return {
        "full": [disk for disk in DISKS if _is_full(disk)],
        "memory_kills": state.memory_kills,
        "cpu_s": cpu_s(pids),
        "waited_s": state.waits.waited_s(pids),
    }


def _is_full(disk: str) -> bool:
    statistics = os.statvfs(disk)
    return statistics.f_bavail * 256 < statistics.f_blocks or statistics.f_favail * 256 < statistics.f_files


def _read_beneath(root: str, path: str, max_bytes: int, start: int = 0) -> bytes:
    """Read a regular file below a folder without following any link, from a byte on, up to a size; raises OSError."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # Part by part, since O_NOFOLLOW looks at the last part of a path only.
        *parents, name = Path(path).parts
        for parent in parents:
            deeper = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = deeper
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)  # before `fdopen`, which raises for a folder and leaves it open
            raise PermissionError(f"{path} is no regular file")
        with os.fdopen(descriptor, "rb") as file:
            file.seek(start)
            return file.read(max_bytes)
    finally:
        os.close(folder)


def _memory_mb(limit_mb: int) -> float:
    """Measure what this world's processes hold; shared pages count in part, once there is reason to look closely."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0.0
    processes = [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and path.name != "1"]
    for name in processes:
        with contextlib.suppress(OSError):
            total += int(Path("/proc", name, "statm").read_text(encoding="ascii").split()[1]) * page / 2**20
    # RSS counts shared pages in every process: it is an upper bound, and quick. Only beyond it is PSS asked for.
    if total <= limit_mb:
        return total
    return sum(_proportional_mb(name) for name in processes)


def _proportional_mb(name: str) -> float:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc", name, "smaps_rollup").read_text(encoding="ascii").splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0
