"""The grading side of sandboxed kernels: finds or starts the keeper of a zygote, and asks it for kernels."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import json
import os
import select
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grader.errors import InfrastructureError, KernelDied, SpecError
from grader.sandbox.bwrap import find_bwrap
from grader.sandbox.host.bubblewrap import Interpreter, interpreter
from grader.sandbox.host.connection import ANSWER_S, Connection
from grader.sandbox.packets import MAX_MESSAGE

AGAIN_S = 10.0  # to ask again when zygotes are killed under our hands
LONGEST_ORDER = MAX_MESSAGE // 2  # the keeper adds the filter, and sends it on in one packet
START_S = 120.0  # a zygote's imports, on a busy machine
LONGEST_PATH = 107 - len("/0123456789ab/0123456789-5")  # of a unix socket
_holds: dict[tuple[int, str], Hold] = {}
_keepers: list[subprocess.Popen[bytes]] = []  # some live longer than our hold, when others own them too
_interpreters: dict[str, Interpreter] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Kind:
    """The settings by which zygotes differ: kernels of one kind share a zygote.

    Attributes:
        executable: the Python of its kernels.
        preload: modules to import before any fork, in order.
        warm: whether kernels are forks that go on, or forks that start a new interpreter.
        shelves: folders of the host from which kernels may be given parts, read-only.
        devices: device nodes that its kernels see.
        idle_s: seconds without a kernel after which the zygote ends.
        keep_s: seconds that it outlives its last owner.
    """

    executable: str
    preload: tuple[str, ...]
    warm: bool = True
    shelves: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    idle_s: float = 600.0
    keep_s: float = 0.0

    @property
    def key(self) -> str:
        """Return twelve hex digits that identify the kind, this version of Pawgrade and this user."""
        return hashlib.sha256(f"{self}{version('pawgrade')}{os.getuid()}".encode()).hexdigest()[:12]


@dataclass
class Hold:
    """This process's ownership of a zygote, until it is closed or the process ends."""

    line: socket.socket
    keeper: subprocess.Popen[bytes] | None

    def alive(self) -> bool:
        """Whether the keeper still listens."""
        return not select.select([self.line], [], [], 0)[0]  # it never says anything but goodbye

    def close(self) -> None:
        """Give the zygote up; returns when it has ended, unless others own it or it is kept."""
        ends = True
        with contextlib.suppress(OSError, ValueError):
            self.line.settimeout(ANSWER_S)
            self.line.send(b'{"do": "release"}')
            ends = json.loads(self.line.recv(MAX_MESSAGE))["ends"]
        self.line.close()
        if self.keeper is not None and ends:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.keeper.wait(timeout=5)


def launch(kind: Kind, order: Mapping[str, Any], archive: int) -> Connection:
    """Get a kernel from the zygote of a kind, which is started if it has to be.

    Args:
        kind: which zygote.
        order: `limits`, `environment`, `folders` (place inside -> path of the host), `key` (of the messages) and, where
            there are any, `arguments` (of ipykernel's command line); for a restart under the old address, `name`.
        archive: descriptor of a tar file: the files beside the notebook.

    Raises:
        KernelDied: there is none to be had; the message says why.
        SpecError: the kind or the order is wrong.
    """
    message = json.dumps({"do": "launch", **order}).encode()
    if len(message) > LONGEST_ORDER:
        raise SpecError(
            f"a kernel's variables and options: expected at most {LONGEST_ORDER} bytes, found {len(message)}.",
            "Pass on fewer variables, or bring what they say in a file beside the notebook.",
        )
    deadline = time.monotonic() + AGAIN_S
    while time.monotonic() < deadline:
        keeper = _connect(hold(kind))
        if keeper is None:  # it is about to end
            time.sleep(0.02)
            continue
        try:
            keeper.settimeout(START_S)
            socket.send_fds(keeper, [message], [archive])
            answer, descriptors, _, _ = socket.recv_fds(keeper, MAX_MESSAGE, 2)
        except OSError:
            answer, descriptors = b"", []
        if descriptors:
            return _connection(keeper, json.loads(answer), descriptors)
        keeper.close()
        if b'"error"' in answer:
            raise KernelDied(json.loads(answer)["error"])
        time.sleep(0.02)  # the zygote ended while it was asked: there will be another
    raise KernelDied("zygotes ended again and again while a kernel was asked for.", "See `pawgrade doctor`.")


def _connection(keeper: socket.socket, reply: dict[str, Any], descriptors: list[int]) -> Connection:
    line = socket.socket(fileno=descriptors[0])
    line.settimeout(ANSWER_S)
    keeper.settimeout(ANSWER_S)
    return Connection(keeper, line, descriptors[1], reply["pid"], reply["prefix"], reply["left_out"])


def hold(kind: Kind) -> Path:
    """Own the zygote of a kind, starting its keeper if there is none; returns the keeper's folder."""
    folder = runtime_folder() / kind.key
    with _lock:
        # By pid as well: a fork must not take its parent's hold for its own.
        held = _holds.get((os.getpid(), kind.key))
        if held is not None and held.alive():
            return folder
        if held is not None:
            held.close()
        line, keeper = _connect(folder), None
        if line is None:
            # Asked once more under the lock: another process may have started one meanwhile.
            with _only_one(folder.parent):
                line = _connect(folder)
                if line is None:
                    keeper = _start(kind, folder)
                    line = _connect(folder)
        if line is None:
            raise KernelDied("the keeper of the zygote ended at once.", "See `pawgrade doctor`.")
        line.send(b'{"do": "hold"}')
        _holds[os.getpid(), kind.key] = Hold(line, keeper)
    return folder


def _forget_in_child() -> None:
    """Close the parent's holds in a forked child, or its zygotes would outlive it."""
    global _lock  # noqa: PLW0603 - another thread of the parent may hold it
    _lock = threading.Lock()
    for held in _holds.values():
        held.line.close()
    _holds.clear()


os.register_at_fork(after_in_child=_forget_in_child)


@atexit.register
def release_zygotes() -> None:
    """Give up all zygotes that this process owns; returns when those that nobody else owns are gone."""
    with _lock:
        for owner, key in list(_holds):
            held = _holds.pop((owner, key))
            # Another pid is that of a parent, whose zygote is not ours to release.
            if owner == os.getpid():
                held.close()


def _connect(folder: Path) -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        line.connect(str(folder / "socket"))
    except OSError:
        line.close()
        return None
    return line


def _start(kind: Kind, folder: Path) -> subprocess.Popen[bytes]:
    """Start a keeper and wait until it listens."""
    find_bwrap()
    if kind.executable not in _interpreters:
        _interpreters[kind.executable] = interpreter(kind.executable)
    config = {**asdict(kind), "python": asdict(_interpreters[kind.executable])}
    if folder.exists():  # of one that was killed
        for path in folder.iterdir():
            path.unlink()
    else:
        folder.mkdir(mode=0o700)
    # The keeper, and the box below it, see nothing else of our environment.
    environment = {
        name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ
    }
    with (folder / "log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", "grader.sandbox.host.keeper", str(folder), json.dumps(config)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**environment, "PAWGRADE_LEASE": "keeper"},
            start_new_session=True,
        )
    # `poll` collects those that have ended, so that none stays a zombie of ours.
    _keepers[:] = [*(process for process in _keepers if process.poll() is None), keeper]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and keeper.poll() is None:
        line = _connect(folder)
        if line is not None:
            line.close()
            return keeper
        time.sleep(0.005)
    # It listens to nobody: what it wrote is the only hint.
    keeper.kill()
    keeper.wait()
    text = (folder / "log").read_text(encoding="utf-8", errors="replace").strip()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    raise KernelDied(f"the keeper of the zygote did not start: {text[-2000:]}", "See `pawgrade doctor`.")


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Keep other processes from starting a keeper at the same moment."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Of the folder itself: no file has to be made, and the lock goes with the process.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def runtime_folder() -> Path:
    """Return the folder of this user's keepers, private to the user.

    Raises:
        SpecError: somebody else owns it.
        InfrastructureError: its path is too long for a socket's.
    """
    configured = os.environ.get("XDG_RUNTIME_DIR", "")
    base = next(
        (
            path
            for path in (configured, f"/run/user/{os.getuid()}", "/run" if os.getuid() == 0 else "")
            # 9: "/pawgrade" comes behind it.
            if path and os.access(path, os.W_OK) and len(path) + 9 < LONGEST_PATH
        ),
        "",
    )
    folder = Path(base, "pawgrade") if base else Path(tempfile.gettempdir(), f"pawgrade-{os.getuid()}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # In /tmp anybody may have made it first: only a folder of ours, closed to others and no link, will do.
    status = folder.lstat()
    if (
        status.st_uid != os.getuid()
        or stat.S_IMODE(status.st_mode) & 0o077
        or not stat.S_ISDIR(status.st_mode)
    ):
        raise SpecError(
            f"{folder} does not belong to you alone.", "Set XDG_RUNTIME_DIR to a folder that does."
        )
    if len(str(folder)) > LONGEST_PATH:
        raise InfrastructureError(
            f"{folder} is too long for a socket's path.", "Set XDG_RUNTIME_DIR to a shorter one."
        )
    return folder


def statuses() -> list[dict[str, Any]]:
    """Return the status of every keeper of this user."""
    replies = []
    for folder in sorted(runtime_folder().iterdir()):
        line = _connect(folder)
        if line is None:
            continue
        with line, contextlib.suppress(OSError, ValueError):
            line.settimeout(ANSWER_S)
            line.send(b'{"do": "status"}')
            replies.append(json.loads(line.recv(MAX_MESSAGE)))
    return replies
