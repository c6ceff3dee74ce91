"""Trials of the sandbox's mechanisms, for `self_check`: each in a process of its own, since there is no way back from any of it.

`python -m grader.sandbox.self_check_child NAME` prints JSON: `found`, or `problem` when it did not work.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from grader.errors import GraderError
from grader.sandbox.inside import isolation, landlock, seccomp, syscalls

_USER = syscalls.CLONE_NEWUSER
KINDS = {
    "user": _USER,
    "mount": syscalls.CLONE_NEWNS,
    "pid": syscalls.CLONE_NEWPID,
    "ipc": syscalls.CLONE_NEWIPC,
    "uts": syscalls.CLONE_NEWUTS,
    "net": syscalls.CLONE_NEWNET,
    "cgroup": syscalls.CLONE_NEWCGROUP,
}
_PTRACE = {"x86_64": 101, "aarch64": 117}
_PTRACE_TRACEME = 0


def interpreter() -> str:
    """Import what a zygote is made of, and numpy, whose shared libraries must be reachable, too."""
    import numpy

    import grader.sandbox.inside.zygote  # noqa: F401

    return f"Python {platform.python_version()}, numpy {numpy.__version__}"


def namespaces() -> str:
    """Leave all namespaces at once, as every kernel does."""
    _leave()
    return ", ".join(KINDS)


def proc() -> str:
    """Mount a /proc that shows the processes of a new world only."""
    _leave()
    syscalls.mount("none", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)
    if os.fork():  # the first fork is pid 1 of the new world, and the one that answers
        os.wait()
        os._exit(0)
    syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    seen = sorted(path.name for path in Path("/proc").iterdir() if path.name.isdigit())
    if seen != ["1"]:
        raise OSError(errno.EPERM, f"a fresh /proc shows processes {seen} of others")
    return "it shows a kernel's own processes only"


def files() -> str:
    """Give up writing but in one folder below the current one, then write there and beside it."""
    # Below the current folder, so that "beside it" is a place where writing was allowed before.
    ours = Path("ours").resolve()
    ours.mkdir()
    version = landlock.restrict(readable=["/"], writable=[str(ours)], devices=[])
    if not version:
        raise OSError(errno.ENOSYS, "this system has none, or it is switched off")
    (ours / "file").write_text("allowed", encoding="ascii")
    try:
        Path("file").write_text("refused", encoding="ascii")
    except PermissionError:
        return f"version {version}: a write outside is refused"
    raise OSError(errno.EPERM, f"version {version} let a write outside through")


def calls() -> str:
    """Load the filter, then ask for what it refuses and for what it allows."""
    program = seccomp.build()
    libc = ctypes.CDLL(None, use_errno=True)
    trace = ctypes.c_long(_PTRACE[platform.machine()])
    seccomp.load(program)
    if libc.syscall(trace, ctypes.c_long(_PTRACE_TRACEME), 0, 0, 0) == 0:
        raise OSError(errno.EPERM, "the filter let ptrace through")
    # Ours answers ENOSYS; with another error somebody else has refused, for example a container engine's filter.
    if ctypes.get_errno() != errno.ENOSYS:
        raise OSError(ctypes.get_errno(), f"ptrace answered {os.strerror(ctypes.get_errno())}")
    return f"{len(program) // 8} instructions: ptrace is refused"


def everything() -> str:
    """Do all of it in one process, as a kernel does."""
    folder = tempfile.mkdtemp()
    Path(folder).chmod(0o777)  # whoever this process is to become
    # proc() leaves the namespaces as well; Landlock and the filter come last, as in a kernel.
    findings = [interpreter(), proc()]
    os.chdir(folder)
    return "; ".join([*findings, files(), calls()])


def _leave() -> None:
    try:
        isolation.leave(1 if os.getuid() == 0 else 0)  # root of the box: it has a block of uids
    except OSError as exc:
        refused = ", ".join(_refused())
        raise OSError(exc.errno, f"{exc.strerror} (refused: {refused or 'all together'})") from exc


def _refused() -> list[str]:
    """Try each kind of namespace alone, in a fork."""
    refused = []
    for name, flag in KINDS.items():
        # A fork for each: one that has left a namespace cannot come back for the next.
        if os.fork() == 0:
            try:
                syscalls.unshare(_USER | flag)
            except OSError:
                os._exit(1)
            os._exit(0)
        if os.wait()[1]:
            refused.append(name)
    return refused


TRIALS: dict[str, Callable[[], str]] = {
    "interpreter": interpreter,
    "namespaces": namespaces,
    "proc": proc,
    "files": files,
    "calls": calls,
    "everything": everything,
}


def main() -> None:
    """Try what the argument names and say what came of it."""
    try:
        answer = {"found": TRIALS[sys.argv[1]]()}
    except OSError as exc:
        answer = {"problem": ": ".join(str(detail) for detail in (exc.filename, exc.strerror) if detail)}
    except GraderError as exc:
        answer = {"problem": str(exc.message)}
    except ImportError as exc:
        answer = {"problem": str(exc)}
    print(json.dumps(answer), flush=True)  # noqa: T201 - this is how it answers


if __name__ == "__main__":
    main()
