"""Isolate a forked kernel before any student's code runs: B, its world's pid 1, and C, the kernel.

A leaves the box's namespaces for new ones and forks B. B hides what the box has, mounts private file systems of
bounded size, forks C, and stays: it forwards signals, moves files in and out, and ends everything. C gives up its
rights for good. Whatever fails here ends the kernel: it never runs with less protection than it was asked for.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import random
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from grader.kernel_env import HOME, SHARED, WORK
from grader.sandbox import uids
from grader.sandbox.inside import landlock, pid1, seccomp, syscalls
from grader.sandbox.paths import ALLOTTED, BOX, DEVICES, MASKED, UID, UNPACKED, WRITABLE

_APART = syscalls.MS_NOSUID | syscalls.MS_NODEV
_NAMESPACES = (
    syscalls.CLONE_NEWUSER
    | syscalls.CLONE_NEWNS
    | syscalls.CLONE_NEWPID
    | syscalls.CLONE_NEWIPC
    | syscalls.CLONE_NEWUTS
    | syscalls.CLONE_NEWNET
    | syscalls.CLONE_NEWCGROUP
)

Request = Mapping[str, Any]


def enter(request: Request, control: socket.socket, kernel: Callable[[Request], None]) -> None:
    """As A, a fork of the zygote: make new namespaces, fork B into them. Never returns.

    Args:
        request: what the kernel may use: `limits`, `environment`, `folders` (place inside -> place in the box),
            `kept` (paths that stay visible below the private ones), `devices`, `program` (seccomp filter, hexadecimal),
            `place` (of the kernel among those of its keeper, for a uid of its own; 0: there is one uid for all),
            `arguments` (of ipykernel's command line),
            `watch` (whether B must watch the memory because no cgroup does).
        control: B's end of the line to whoever asked for the kernel.
        kernel: called in C when nothing can be undone any more, with the request and the `key` of the kernel's
            messages; it runs the kernel and returns when that ends.
    """
    try:
        leave(request["place"])
        # A new pid namespace is for children only: the first of them is its pid 1.
        if os.fork() == 0:
            _be_b(request, control, kernel)
    except BaseException as exc:
        pid1.say_failure(control, exc)
    os._exit(0)


def leave(place: int) -> None:
    """Make the kernel's namespaces.

    Args:
        place: of the kernel among those of its keeper, which gives B and C a uid each; 0: they have ours.

    Raises:
        OSError: the system refuses.
    """
    if place:
        _leave_with_own_uids(place)
        return
    # Asked before: in the new namespace both are unknown until the maps are written.
    user, group = os.getuid(), os.getgid()
    syscalls.unshare(_NAMESPACES)
    for name, text in (
        # The system demands it of an unprivileged process that writes a gid_map (user_namespaces(7)).
        ("setgroups", "deny"),
        ("uid_map", f"{UID} {user} 1"),
        ("gid_map", f"{UID} {group} 1"),
    ):
        Path("/proc/self", name).write_text(text, encoding="ascii")


def _leave_with_own_uids(place: int) -> None:
    """Become B's uid, root of namespaces in which C has another one."""
    writer = uids.mapped_by_a_child(f"0 {uids.watcher(place)} 1\n{UID} {place} 1\n")
    syscalls.unshare(_NAMESPACES)
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    uids.wait_for_maps(*writer)
    syscalls.become(0)


def _be_b(request: Request, control: socket.socket, kernel: Callable[[Request], None]) -> None:
    """Prepare the kernel's world, start the kernel, and keep watch until the end of both."""
    try:
        if request["place"]:
            syscalls.make_files_of(UID)  # all that B makes is for C
        syscalls.prctl(
            syscalls.PR_SET_DUMPABLE, 0
        )  # not even C, which shares our uid, may look into this process
        control.send(b'{"event": "born"}')  # the keeper reads our pid from the credentials that come with it
        # B waits until the keeper has put it into its cgroup: all that it forks later belongs there, too.
        permission = control.recv(4096)
        if not permission:
            os._exit(0)
        request = {**request, **json.loads(permission)}
        syscalls.raise_loopback()
        # All mounts are made by B: C is forked into the finished world, and gives up the right to mount.
        log = _mount_all(request)
        child = os.fork()
        if child == 0:
            _be_c(request, control, log, kernel)
        pid1.keep(control, child, log, request)
    except BaseException as exc:
        pid1.say_failure(control, exc)
    os._exit(0)


def _be_c(request: Request, control: socket.socket, log: int, kernel: Callable[[Request], None]) -> None:
    """Give up every right, then become the kernel."""
    code = 1
    try:
        # A group of its own, to which `pid1` sends signals, and no controlling terminal.
        os.setsid()
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        _prepare_process(request)
        devices = [*DEVICES, *request.get("devices", ())]
        named = ["/proc"] if request.get("devices") else []  # CUDA names its threads there, or does not start
        if not landlock.restrict(readable=["/"], writable=WRITABLE, devices=devices, named=named):
            sys.exit("this system has no Landlock")
        seccomp.load(bytes.fromhex(request["program"]))
        # C must not be able to speak for B.
        control.close()
        _forget_the_zygote()
        kernel(request)
        code = 0
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
        if isinstance(exc.code, str):
            sys.stderr.write(exc.code)
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(Exception):
        sys.stderr.flush()
    os._exit(code)


def _mount_all(request: Request) -> int:
    """Cover what the box shows with private file systems; put the folders this kernel was given in place.

    Returns:
        Descriptor of a file on the private disk, for what the kernel says outside its channels.
    """
    limits = request["limits"]
    # No mount below may appear outside of this namespace.
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    for number, path in enumerate(request.get("kept", ())):
        # Put aside before a private /tmp covers them; put back below.
        _bind(path, f"{BOX}/kept/{number}")
    disk = f"{BOX}/private"
    pid1.mount_disk(disk, limits["disk_mb"])
    for target in (WORK, HOME, "/tmp"):  # noqa: S108
        source = f"{disk}/{Path(target).name}"
        Path(source).mkdir(mode=0o700)
        _bind(source, target)
    pid1.mount_disk(SHARED, limits["memory_mb"] // 2)  # full before the kernel would be killed for its memory
    options = "newinstance,ptmxmode=0666,mode=0620"
    syscalls.mount("devpts", "/dev/pts", "devpts", syscalls.MS_NOSUID | syscalls.MS_NOEXEC, options)
    syscalls.mount("proc", "/proc", "proc", _APART | syscalls.MS_NOEXEC)
    for name, most in ALLOTTED.items():
        # Older kernels lack some of these counts.
        with contextlib.suppress(FileNotFoundError):
            Path("/proc/sys/user", name).write_text(str(most), encoding="ascii")
    for name in MASKED:
        if Path("/proc", name).exists():
            # Files of /proc that tell about the machine, or steer it, read as empty.
            syscalls.mount("/dev/null", f"/proc/{name}", "", syscalls.MS_BIND)
    for number, path in enumerate(request.get("kept", ())):
        Path(path).mkdir(parents=True, exist_ok=True)
        _bind(f"{BOX}/kept/{number}", path)
    for inside, source in request.get("folders", {}).items():
        _bind(source, inside)
    log = os.open(f"{disk}/log", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    # Last, for all sources above lie below BOX: from now on only B, which has its rights, can look in.
    syscalls.mount("tmpfs", BOX, "tmpfs", _APART, "size=64k,mode=0")
    Path(UNPACKED).mkdir()
    syscalls.mount("none", BOX, "", _APART | syscalls.MS_BIND | syscalls.MS_REMOUNT | syscalls.MS_RDONLY)
    return log


def _bind(source: str, target: str) -> None:
    syscalls.mount(source, target, "", syscalls.MS_BIND | syscalls.MS_REC)


def _prepare_process(request: Request) -> None:
    """Set limits, environment, folder and signals of the kernel; drop all capabilities."""
    limits = request["limits"]
    sizes = {
        resource.RLIMIT_CORE: 1,  # 1, not 0: that also stops cores that are piped to a program, see core(5)
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_NOFILE: 1024,  # also bounds descriptors in flight, which count for all kernels of a uid
        resource.RLIMIT_FSIZE: max(limits["disk_mb"], limits["memory_mb"]) * 2**20,
        resource.RLIMIT_DATA: limits["memory_mb"] * 2**20 + _data_bytes(),
        resource.RLIMIT_MEMLOCK: 8 * 2**20,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    if request["place"]:
        syscalls.become(UID)
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)  # B's was taken away, and forks inherit that
    syscalls.drop_capabilities()
    for which, size in sizes.items():
        # A hard limit that is lower stays: raising it takes a right that C does not have.
        hard = resource.getrlimit(which)[1]
        most = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(which, (most, most))
    Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")  # it goes before B does
    os.environ.clear()
    os.environ.update(request["environment"])
    os.umask(0o022)
    os.chdir(WORK)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as every Python has it
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _data_bytes() -> int:
    """Return how much writable memory is mapped already: the zygote's, which the kernel only shares."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def _forget_the_zygote() -> None:
    """Draw new seeds, since forks of one process would draw the same numbers; replace what it knew of itself."""
    sys.argv[:] = ["ipykernel_launcher.py"]
    # The generators of Python, numpy and torch; `hash` cannot be seeded anew (docs/security.md).
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(None)
    if torch := sys.modules.get("torch"):
        torch.seed()
    if process := sys.modules.get("multiprocessing.process"):
        # multiprocessing would give all kernels the key that the zygote drew.
        process.current_process().authkey = os.urandom(32)
        process.ORIGINAL_DIR = WORK  # type: ignore[attr-defined]  # where spawned processes look for modules beside the notebook


def close_all_but(kept: Sequence[int]) -> None:
    """Close every descriptor that is not named."""
    low = 0
    for number in sorted({*kept}):
        if low < number:  # closerange(n, n) would close all of them
            os.closerange(low, number)
        low = number + 1
    os.closerange(low, 2**20)


def threads(number: int) -> None:
    """Give the numerical libraries that are loaded as many threads as the kernel may use."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(number)
    with contextlib.suppress(OSError, AttributeError):
        # OpenMP reads its variable once, when it is loaded: that was in the zygote, with one thread.
        ctypes.CDLL(None).omp_set_num_threads(number)
