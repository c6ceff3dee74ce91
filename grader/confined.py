"""Work on untrusted bytes in a process of its own, with a memory limit and a clock.

Each grading process has one helper process, which imports what the work needs once. For each call it forks a child: that
has the limits, does the work, and is gone. Files and statuses cross the border, nothing else: what comes back is bytes of
bounded size, and how a child ended is a value. The helper ends when its owner does, and its children end with it.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from grader.errors import InfrastructureError
from grader.kernel_env import leave_out_iri_grammar

try:
    import resource
except ImportError:  # Windows: see `_here`
    resource = None  # type: ignore[assignment]

Work = Callable[..., bytes]
How = Literal["memory", "clock", "size", "crash"]

NICE_S = 10.0  # beyond a call's own clock, until the helper itself counts as gone
# One datagram holds an order; contents go through files.
MAX_REQUEST = 4096
LOG_CHARS = 10_000
_MEMORY, _SIZE, _RAISED = 71, 72, 73  # exit statuses of a child
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Bounds:
    """What one call may use.

    Attributes:
        cpu_s: processor time, whole seconds: a busy machine takes nothing from it.
        wall_s: time by the clock, for the case that it waits for something.
        memory_mb: address space beyond what the helper has anyway, in MiB.
        answer_mb: size of what comes back, in MiB.
    """

    cpu_s: int = 5
    wall_s: float = 120.0
    memory_mb: int = 400
    answer_mb: int = 64


@dataclass(frozen=True)
class Broken:
    """Why a call gave nothing.

    Attributes:
        how: the limit that it met, or `crash`.
        log: for staff: the traceback, or how the process ended.
    """

    how: How
    log: str = ""


def run(work: Work, content: bytes, bounds: Bounds | None = None, **options: Any) -> bytes | Broken:  # noqa: ANN401 - any JSON
    """Call `work(content, **options)` in a limited process.

    Args:
        work: a function at the top of a module; its module is imported once, before the limits hold, and with it the
            modules that its `PRELOAD` names.
        content: the untrusted bytes.
        bounds: what it may use.
        options: values that JSON can hold.

    Returns:
        What it returned, or how it failed.

    Raises:
        InfrastructureError: the helper process could not be started, or ended.
    """
    bounds = bounds or Bounds()
    if resource is None:
        return _here(work, content, bounds, options)
    # Files, not pipes: they take any amount while nobody reads, and are gone with their last descriptor.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answer:
        head = json.dumps(options).encode()
        # One file for both: the length of the options, the options, the content.
        given.write(struct.pack("<Q", len(head)) + head)
        given.write(content)
        given.flush()
        order = {"module": work.__module__, "name": work.__qualname__, "bounds": asdict(bounds)}
        status = _await(order, given.fileno(), answer.fileno(), bounds.wall_s + NICE_S)
        answer.seek(0)
        # Bounded here as well: the file may be a little larger than an answer (`_limit`).
        answer_bytes = answer.read(bounds.answer_mb * 2**20 + 1)
    return answer_bytes if status == 0 else _explain(status, answer_bytes)


def _here(work: Work, content: bytes, bounds: Bounds, options: dict[str, Any]) -> bytes | Broken:
    """Do the work in this process: Windows has neither forks nor such limits, and its only files are the student's own."""
    try:
        answer_bytes = work(content, **options)
    except MemoryError:
        return Broken("memory")
    except Exception:
        return Broken("crash", traceback.format_exc()[-LOG_CHARS:])
    return Broken("size") if len(answer_bytes) > bounds.answer_mb * 2**20 else answer_bytes


def _explain(status: int, answer_bytes: bytes) -> Broken:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        # Sent by the limits that `_limit` sets; any other signal is a crash.
        clock = number in (signal.SIGXCPU, signal.SIGALRM)
        return Broken("clock" if clock else "crash", f"it ended by signal {number}")
    code = os.waitstatus_to_exitcode(status)
    how: How = "memory" if code == _MEMORY else "size" if code == _SIZE else "crash"
    return Broken(
        how, answer_bytes[-LOG_CHARS:].decode("utf-8", "replace") if code == _RAISED else f"status {code}"
    )


class _Helper:
    """The helper process of this process, and the socket that orders go through."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        # Datagrams keep orders apart, whichever threads send them.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with theirs:
            # Of our session, so that no lease takes it for a process of a notebook; out of reach of Ctrl-C.
            self.process = subprocess.Popen(
                # -P: a file of the current folder is never imported in place of a module.
                [sys.executable, "-P", "-m", "grader.confined", str(theirs.fileno())],
                # Never written to: its end tells the helper that the owner has gone.
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        self.line = ours

    def close(self) -> None:
        """Let go of the helper; it ends by itself when nobody holds its standard input any more."""
        self.line.close()
        if self.process.stdin is not None:
            self.process.stdin.close()
        # A fork of the owner has a copy of this, and no child to wait for.
        if self.owner == os.getpid():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(NICE_S)


_held: list[_Helper] = []
_lock = threading.Lock()


def _helper() -> _Helper:
    with _lock:
        # A forked worker inherits the list, not the process: it starts a helper of its own.
        if _held and (_held[0].owner != os.getpid() or _held[0].process.poll() is not None):
            _held.pop().close()
        if not _held:
            _held.append(_Helper())
        return _held[0]


@atexit.register
def _close() -> None:
    with _lock:
        while _held:
            _held.pop().close()


def _await(order: dict[str, Any], given: int, answer: int, most_s: float) -> int:
    """Have the helper carry out an order; returns the child's wait status."""
    message = json.dumps(order).encode()
    for _ in range(2):  # a helper that ended while nobody asked is replaced
        # A pipe for each call, so that every thread reads its own status.
        read, write = os.pipe()
        try:
            try:
                socket.send_fds(_helper().line, [message], [given, answer, write])
            except OSError:
                continue
            finally:
                # With our copy closed, the read ends when the helper does.
                os.close(write)
            line = select.poll()  # unlike `select`, it takes any number of open files
            line.register(read, select.POLLIN)
            packed_status = os.read(read, 4) if line.poll(1000 * most_s) else b""
            if len(packed_status) == 4:
                return cast("int", struct.unpack("<i", packed_status)[0])
        finally:
            os.close(read)
    raise InfrastructureError(
        "the process that reads untrusted files ended, or did not answer.", "Try again."
    )


def main() -> None:
    """Be a helper: fork a child for each order until the owner has gone."""
    leave_out_iri_grammar()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wake, woken = socket.socketpair()
    for end in (wake, woken):
        end.setblocking(False)
    # Without a handler in Python the wakeup descriptor would stay silent.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # A child that ends wakes `select`.
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    line = socket.socket(fileno=int(sys.argv[1]))
    children: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([line.fileno(), wake.fileno(), 0], [], [])
        if 0 in ready:
            break  # nothing is ever written there: the owner has gone
        if wake.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                while wake.recv(4096):
                    pass
        if line.fileno() in ready:
            _take(line, children)
        _reap(children)
    # On Linux they would end by themselves (`_limit`); elsewhere nobody else would end them.
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def _take(line: socket.socket, children: dict[int, int]) -> None:
    message, descriptors, _, _ = socket.recv_fds(line, MAX_REQUEST, 3)
    given, answer, told = descriptors
    order = json.loads(message)
    # Before the fork: imports are paid once, and need no room within the limits.
    for name in getattr(importlib.import_module(order["module"]), "PRELOAD", ()):
        importlib.import_module(name)
    pid = os.fork()
    if pid == 0:
        # Never back into the loop of the helper, and past its exit handlers.
        os._exit(_work(order, given, answer))
    os.close(given)
    os.close(answer)
    children[pid] = told


def _reap(children: dict[int, int]) -> None:
    while children:
        # In a loop, since one SIGCHLD may stand for several children.
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        told = children.pop(pid)
        with contextlib.suppress(OSError):  # whoever asked may have gone
            os.write(told, struct.pack("<i", status))
        os.close(told)


def _work(order: dict[str, Any], given: int, answer: int) -> int:
    """Be a child: set the limits, do the work, return the exit status."""
    try:
        bounds = Bounds(**order["bounds"])
        _limit(bounds)
        work: Work = getattr(sys.modules[order["module"]], order["name"])
        with os.fdopen(given, "rb") as file:
            file.seek(0)
            (size,) = struct.unpack("<Q", file.read(8))
            options = json.loads(file.read(size))
            content = file.read()
        answer_bytes = work(content, **options)
        if len(answer_bytes) > bounds.answer_mb * 2**20:
            return _SIZE
        _write(answer, answer_bytes)
    except MemoryError:
        return _MEMORY
    # SystemExit and KeyboardInterrupt are failures of the work, too.
    except BaseException:
        with contextlib.suppress(Exception):
            _write(answer, traceback.format_exc()[-LOG_CHARS:].encode("utf-8", "replace"))
        return _RAISED
    return 0


def _limit(bounds: Bounds) -> None:
    if sys.platform == "linux":
        # The child ends when the helper does.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # The socket behind it is shared with the helper, which must not be woken from here.
    signal.set_wakeup_fd(-1)
    sys.unraisablehook = lambda _: None  # what a limit interrupts inside a library is no news
    for number in (signal.SIGCHLD, signal.SIGXCPU, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, bounds.wall_s)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = int(used.ru_utime + used.ru_stime) + bounds.cpu_s  # the clock of a fork starts at nought
    _set(resource.RLIMIT_CPU, cpu_s)
    _set(resource.RLIMIT_CORE, 0)
    # With room for a traceback beside an answer.
    _set(resource.RLIMIT_FSIZE, bounds.answer_mb * 2**20 + LOG_CHARS)
    with contextlib.suppress(OSError, ValueError):  # systems without /proc count address space otherwise
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no imports of ours here
            pages = int(file.read().split()[0])
        _set(resource.RLIMIT_AS, pages * resource.getpagesize() + bounds.memory_mb * 2**20)


def _set(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    # A limit that is already lower stays.
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    # Of processor time the soft limit alone: it sends SIGXCPU, which `_explain` knows; the hard one would kill.
    resource.setrlimit(limit, (most, most if limit != resource.RLIMIT_CPU else hard))


def _write(answer: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(answer, view) :]


if __name__ == "__main__":
    main()
