"""Lease kernels by kernelspec name: each is used once, and ends with everything it started.

This is the one seam between grading and how a kernel runs: a kernelspec's name. `Lease.sandbox` says how far that
kernel keeps student code from the machine; a plain local kernel does not, and every grade made with one says so.
A sandboxed kernel has a world of its own: folders have other names in it, and files are brought in and taken out.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from grader.errors import KernelDied, SpecError, WorldEnded
from grader.kernel_env import LEASE_VARIABLE, PLACE
from grader.limits import Limits
from grader.messages import Message
from grader.sandbox.work_times import Waits, cpu_s

if TYPE_CHECKING:
    from grader.sandbox.provisioner import SandboxProvisioner

SANDBOXED, PLAIN = "pawgrade", "python3"  # kernelspecs; the first is known without being installed

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")
KEPT_PREFIXES = ("OPENBLAS_", "CUDA_", "NVIDIA_", "JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH")
BROKEN = Message("the notebook broke the world that its kernel ran in, so its functions could not be asked.")
_PR_SET_CHILD_SUBREAPER = 36
DYING_S = 2.0  # in which a zygote that is being ended, kernels first, may still answer


@dataclass(frozen=True)
class Usage:
    """Which limits of a sandbox a kernel has run into, so far.

    Attributes:
        memory_hit: it was refused memory, or a process of it was killed for it.
        disk_full: one of its private file systems is full.
        processes_hit: it was refused a process or a thread.
        peak_mb: most memory at a time, in MiB; 0 where the system does not count it.
        cpu_s: processor seconds of all its processes.
        waited_s: seconds that its threads were ready to run and did not, added up.
    """

    memory_hit: bool = False
    disk_full: bool = False
    processes_hit: bool = False
    peak_mb: float = 0.0
    cpu_s: float = 0.0
    waited_s: float = 0.0


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
        waits: how long the kernel's threads have waited for a processor, as far as it was looked at.
    """

    manager: Any
    token: str
    environment: dict[str, str]
    cwd: Path
    started: float
    sandbox: str = "none"
    waits: Waits = field(default_factory=Waits, compare=False)

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
        processes: dict[int, psutil.Process] = {}
        pid = getattr(getattr(self.manager, "provisioner", None), "pid", None)
        me = psutil.Process()
        with contextlib.suppress(psutil.NoSuchProcess):
            if pid:
                kernel = psutil.Process(pid)
                processes.update((child.pid, child) for child in (kernel, *kernel.children(recursive=True)))
        # A kernel starts in a session of its own: what is in ours are the grader's helpers.
        session = _session(0)
        for child in self._below(me):
            with contextlib.suppress(psutil.Error, OSError):
                apart = session is None or _session(child.pid) != session
                if child.create_time() >= self.started - 1 and apart:
                    processes[child.pid] = child
        # Daemons that left parent and session still have the environment that they were started with.
        for process in psutil.process_iter():
            if _token(process) == self.token:
                processes[process.pid] = process
        processes.pop(me.pid, None)
        return [process for process in processes.values() if _is_running(process)]

    def _below(self, parent: psutil.Process) -> Iterator[psutil.Process]:
        """Yield what descends from a process, but for what another lease or a keeper started: a zygote names no lease."""
        with contextlib.suppress(psutil.Error):
            for child in parent.children():
                if _token(child) in (None, self.token):
                    yield child
                    yield from self._below(child)

    def usage(self) -> Usage:
        """Say what the kernel has worked; a kernel without a sandbox runs into no limits."""
        pids = list[int]()
        with contextlib.suppress(psutil.Error):
            kernel = psutil.Process(self.manager.provisioner.pid)
            pids = [process.pid for process in (kernel, *kernel.children(recursive=True))]
        return Usage(cpu_s=cpu_s(pids), waited_s=self.waits.waited_s(pids))

    def lost(self) -> str:
        """Say why the kernel was lost through no fault of the notebook, or ""."""
        return ""

    def stop(self) -> None:
        """End everything of the submission; the files it wrote remain readable until the lease ends."""
        self.kill()

    def place(self, path: Path) -> str:
        """Return what the kernel calls a path of ours: in its working directory, or its public data."""
        return str(path)

    def bring(self, folder: Path) -> str:
        """Make a folder of ours visible to the kernel; returns what the kernel calls it."""
        return str(folder)

    def collect(self, folder: Path, names: Mapping[str, int]) -> None:
        """Fetch files that the kernel wrote into a folder that it was brought; those missing stay missing.

        Args:
            folder: what was brought.
            names: the files, each with how many bytes of it are fetched at most.
        """


def _session(pid: int) -> int | None:
    """Return the session of a process, 0: of this one; None on Windows, which has none and where we have no helpers."""
    return os.getsid(pid) if hasattr(os, "getsid") else None


@dataclass(frozen=True)
class SandboxLease(Lease):
    """A lease of a kernel in a world of its own.

    Attributes:
        data: the folder of ours that the kernel has as its public data.
    """

    data: Path | None = None

    @property
    def provisioner(self) -> SandboxProvisioner:
        """Return what launched the kernel; raises KernelDied before it did."""
        provisioner: SandboxProvisioner | None = self.manager.provisioner
        if provisioner is None:
            raise KernelDied("the kernel was never started.")
        return provisioner

    def kill(self) -> None:
        """End the kernel and every process it started; returns when all are gone."""
        connection = getattr(self.manager.provisioner, "connection", None)
        if connection is None:
            return
        try:
            self.provisioner.stop()  # leaves pid 1 of the kernel's world, which hands the files out
        except KernelDied:
            connection.kill()

    def usage(self) -> Usage:
        """Say which limits the kernel has run into."""
        from grader.kernel_env import SHARED, WORK

        counters = self.provisioner.usage()
        full = counters.get("full", ())
        return Usage(
            memory_hit=bool(counters.get("memory_kills")) or SHARED in full,
            disk_full=WORK in full,
            processes_hit=bool(counters.get("process_refusals")),
            peak_mb=float(counters.get("peak_mb", 0.0)),
            cpu_s=float(counters.get("cpu_s", 0.0)),
            waited_s=float(counters.get("waited_s", 0.0)),
        )

    def lost(self) -> str:
        """Say why the kernel was lost through no fault of the notebook, or "".

        A world that ended alone was ended by what ran in it: whoever ends one from outside ends all of them.
        """
        connection = self.provisioner.connection
        if connection is None or not connection.lost:
            return ""
        if connection.zygote_answers():
            # Asked twice: a zygote that is being ended loses its kernels first, and answers a little longer.
            time.sleep(DYING_S)
            if connection.zygote_answers():
                return ""
        return "the process that kernels are forked from was ended from outside."

    def place(self, path: Path) -> str:
        """Return what the kernel calls a path of ours."""
        from grader.kernel_env import DATA, WORK

        for folder, inside in ((self.cwd, WORK), (self.data, DATA)):
            if folder is not None and path.is_relative_to(folder):
                return str(Path(inside, path.relative_to(folder)))
        raise ValueError(f"{path} is not visible in the kernel's sandbox")

    def bring(self, folder: Path) -> str:
        """Copy a folder of ours into the kernel's world.

        Raises:
            WorldEnded: the notebook has broken it.
            KernelDied: it does not answer, or was ended from outside.
        """
        try:
            return self.provisioner.put(folder, folder.name)
        except KernelDied as exc:
            connection = self.provisioner.connection
            # The world ended and the zygote lives: then the notebook has ended it. All else is ours to mend.
            if connection is None or not connection.gone(1) or not connection.zygote_answers():
                raise
            raise WorldEnded(BROKEN) from exc

    def collect(self, folder: Path, names: Mapping[str, int]) -> None:
        """Fetch files from the copy of a folder, as much of each as is allowed."""
        for name, most in names.items():
            with contextlib.suppress(FileNotFoundError, KernelDied):
                # A kernel that has died left no file: why it died is asked elsewhere (`lost`).
                content = self.provisioner.take(folder.name, name, most)
                (folder / name).write_bytes(content)


@dataclass(frozen=True)
class Sandbox:
    """What a sandboxed kernel may use.

    Attributes:
        limits: memory, disk, processes, cpus.
        data: folder of ours that it may read; None: no data.
        devices: device nodes that it may use.
        environment: variables of its own, beside those that every sandboxed kernel has.
        features: folder of ours, beside `data`, with features that need not be computed again.
    """

    limits: Limits
    data: Path | None = None
    devices: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    features: Path | None = None


@contextlib.contextmanager
def lease(
    kernel: str, *, cwd: Path, environment: Mapping[str, str], sandbox: Sandbox | None = None
) -> Iterator[Lease]:
    """Lease a kernel; on exit its whole process tree is gone.

    Args:
        kernel: name of an installed kernelspec, or `SANDBOXED`.
        cwd: its working directory; a sandboxed kernel gets a copy.
        environment: what a plain kernel sees beside `KEPT_VARIABLES`; it inherits nothing else.
        sandbox: what a sandboxed kernel may use; None: a plain kernel is wanted.

    Raises:
        SpecError: there is no such kernelspec, or it gives no sandbox although one is wanted.
    """
    from jupyter_client.utils import run_sync

    # Before the kernel starts, so that no orphan of it goes to another parent.
    adopt_orphans()
    token = uuid.uuid4().hex
    manager = _manager(kernel, sandbox, cwd)
    if sandbox is not None:
        held: Lease = SandboxLease(manager, token, {}, cwd, time.time(), "namespaces", data=sandbox.data)
    else:
        variables = {**inherited(), **environment, LEASE_VARIABLE: token}
        held = Lease(manager, token, variables, cwd, time.time())
    try:
        yield held
    finally:
        process = getattr(manager.provisioner, "process", None)
        held.kill()
        if process is not None:
            process.wait()  # it is gone; this collects its exit status
        run_sync(manager._async_cleanup_resources)()  # the public name is async for this manager


def _manager(kernel: str, sandbox: Sandbox | None, cwd: Path) -> Any:  # noqa: ANN401 - jupyter_client's own type
    """Return a manager for a kernelspec, with a sandbox's limits and folders written into it."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import NoSuchKernel

    manager = AsyncKernelManager(kernel_name=kernel)
    try:
        spec = manager.kernel_spec
    except NoSuchKernel as exc:
        if kernel != SANDBOXED:
            raise SpecError(
                f"there is no kernelspec named {kernel!r}.",
                "`jupyter kernelspec list` shows those that are installed.",
            ) from exc
        from grader.sandbox.kernelspecs import kernel_spec

        spec = kernel_spec()
    provisioner = spec.metadata.get("kernel_provisioner", {})
    if (provisioner.get("provisioner_name") == "pawgrade") != (sandbox is not None):
        raise SpecError(
            f"the kernelspec {kernel!r} gives {'no' if sandbox else 'a'} sandbox, but {'one' if sandbox else 'none'} is wanted.",
            "Choose another with PAWGRADE_KERNEL, or unset it; `--sandbox none` is for code that you trust.",
        )
    if sandbox is not None:
        spec = copy.deepcopy(spec)
        config = spec.metadata["kernel_provisioner"]["config"]
        config.update(_config(sandbox), folder=str(cwd))
        config["environment"] = {**config.get("environment", {}), **sandbox.environment}
    manager._kernel_spec = spec  # the public name only reads what is installed
    return manager


def _config(sandbox: Sandbox) -> dict[str, Any]:
    """Return a sandbox as the provisioner's configuration."""
    from grader.kernel_env import DATA

    config: dict[str, Any] = {"limits": sandbox.limits.of_a_kernel()}
    if sandbox.devices:
        config["devices"] = list(sandbox.devices)
    if sandbox.data is not None:
        if os.getuid() == 0 and sandbox.data.stat().st_mode & 0o005 != 0o005:
            raise SpecError(
                f"{sandbox.data} cannot be read in the sandbox, which is not root.",
                f"chmod -R a+rX {sandbox.data}",
            )
        # The shelf is the same for all cards and splits: one zygote serves them, each kernel sees its own data only.
        config |= {"folders": {DATA: str(sandbox.data)}, "shelves": [str(sandbox.data.parent)]}
        if sandbox.features is not None:
            config["folders"][PLACE] = str(sandbox.features)
    return config


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
        token: str | None = process.environ().get(LEASE_VARIABLE)
        return token
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
