"""Kernels: leased by kernelspec name, used once, and gone with everything they started.

This is the one seam between grading and how a kernel runs: a kernelspec's name. `Lease.sandbox` says how far that
kernel keeps student code from the machine; a plain local kernel does not, and every grade made with one says so.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from grader.errors import KernelDied, SpecError

LEASE_VARIABLE = "PAWGRADE_LEASE"
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")
KEPT_PREFIXES = ("OPENBLAS_", "CUDA_", "NVIDIA_", "JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH")
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Lease:
    """A kernel of one's own until `release`.

    Attributes:
        manager: a jupyter_client kernel manager, not yet started.
        token: value of `PAWGRADE_LEASE` in the environment of the kernel and of what it starts.
        environment: the kernel's whole environment.
        cwd: the kernel's working directory.
        started: when the lease began, seconds since the epoch.
        sandbox: `none` or `namespaces`.
    """

    manager: Any
    token: str
    environment: dict[str, str]
    cwd: Path
    started: float
    sandbox: str = "none"

    def kill(self) -> None:
        """End the kernel and every process it started, daemons included; returns when all are gone."""
        for _ in range(20):  # a process may fork between being seen and being killed
            members = self._members()
            if not members:
                return
            for process in members:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(members, timeout=1)
        raise KernelDied(
            f"{len(members)} processes of a submission could not be ended.", "Look for them with ps."
        )

    def _members(self) -> list[psutil.Process]:
        """Find the kernel's processes: by descent, by environment, and orphans that came to us as subreaper."""
        found: dict[int, psutil.Process] = {}
        pid = getattr(getattr(self.manager, "provisioner", None), "pid", None)
        me = psutil.Process()
        with contextlib.suppress(psutil.NoSuchProcess):
            if pid:
                kernel = psutil.Process(pid)
                found.update((child.pid, child) for child in (kernel, *kernel.children(recursive=True)))
        session = os.getsid(0) if hasattr(os, "getsid") else 0
        for child in me.children(recursive=True):
            with contextlib.suppress(psutil.Error, OSError):
                ours = _token(child) in (None, self.token)  # another lease's kernel is left alone
                if ours and child.create_time() >= self.started - 1 and os.getsid(child.pid) != session:
                    found[child.pid] = child
        for process in psutil.process_iter():
            if _token(process) == self.token:
                found[process.pid] = process
        found.pop(me.pid, None)
        return [process for process in found.values() if _is_running(process)]


@contextlib.contextmanager
def lease(kernel: str, *, cwd: Path, environment: Mapping[str, str]) -> Iterator[Lease]:
    """Lease a kernel; on exit its whole process tree is gone.

    Args:
        kernel: name of an installed kernelspec.
        cwd: its working directory.
        environment: what it sees beside `KEPT_VARIABLES`; it inherits nothing else.

    Raises:
        SpecError: there is no such kernelspec.
    """
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.utils import run_sync

    adopt_orphans()
    token = uuid.uuid4().hex
    manager = AsyncKernelManager(kernel_name=kernel)
    try:
        manager.kernel_spec  # noqa: B018 - reading it raises when there is none
    except NoSuchKernel as exc:
        raise SpecError(
            f"there is no kernelspec named {kernel!r}.",
            "`jupyter kernelspec list` shows those that are installed.",
        ) from exc
    held = Lease(manager, token, {**inherited(), **environment, LEASE_VARIABLE: token}, cwd, time.time())
    try:
        yield held
    finally:
        process = getattr(manager.provisioner, "process", None)
        held.kill()
        if process is not None:
            process.wait()  # it is gone; this collects its exit status
        run_sync(manager._async_cleanup_resources)()  # the public name is async for this manager


def inherited() -> dict[str, str]:
    """Return what a kernel may see of our environment: no secrets, no credentials."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)
    }


def adopt_orphans() -> None:
    """On Linux, become the parent of what a kernel leaves behind, so that it can be found (see prctl(2))."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _token(process: psutil.Process) -> str | None:
    """Return the lease that a process names in its environment, or None when it names none or hides it."""
    with contextlib.suppress(psutil.Error, OSError):
        found: str | None = process.environ().get(LEASE_VARIABLE)
        return found
    return None


def _is_running(process: psutil.Process) -> bool:
    """Whether a process still runs; a zombie of ours is reaped."""
    with contextlib.suppress(psutil.Error):
        if process.status() == psutil.STATUS_ZOMBIE:
            with contextlib.suppress(OSError):
                os.waitpid(process.pid, os.WNOHANG)
            return False
        return bool(process.is_running())
    return False
