"""The Jupyter kernel provisioner `pawgrade`: any Jupyter program that starts a kernelspec naming it gets such a kernel."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template
from typing import Any

from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from traitlets import Bool, Dict, Float, List, Unicode

from grader.errors import InfrastructureError, KernelDied, WorldEnded
from grader.kernel_env import HOME, TUNING
from grader.limits import Limits
from grader.messages import Message
from grader.sandbox.belongings import NotTaken, named_folder, travels
from grader.sandbox.host import workdir_archive
from grader.sandbox.host.client import Kind, launch, release_zygotes
from grader.sandbox.host.connection import Connection
from grader.sandbox.host.copy_out import copy_out
from grader.sandbox.keepable import MOST_FILES
from grader.sandbox.kernelspecs import launcher_options
from grader.sandbox.paths import BROUGHT, CHANNELS, EXCHANGE_MB, INLINE

__all__ = ["SandboxProvisioner", "release_zygotes"]

PUT_S = 60.0  # to unpack what is brought, on a busy machine
NO_ROOM, NO_MEMORY = "[Errno 28]", "[Errno 12]"
KEPT_VARIABLES = (
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "COLUMNS",
    "MPLBACKEND",
    "NBgraderEXECUTION",
    "NBgraderVALIDATING",
)


class SandboxProvisioner(KernelProvisionerBase):  # type: ignore[misc]
    """Takes kernels from a zygote, locked into namespaces of their own.

    Its traits are the kernelspec's `metadata.kernel_provisioner.config`.
    """

    preload = List(Unicode(), help="modules to import once, before any kernel is forked").tag(config=True)
    warm = Bool(True, help="fork kernels from a process that has the modules; else start interpreters").tag(
        config=True
    )
    limits = Dict(help="memory_mb, disk_mb, processes, cpus, as in assignment.toml").tag(config=True)
    folders = Dict(help="read-only folders: place inside -> path of this machine").tag(config=True)
    shelves = List(Unicode(), help="folders that hold what `folders` name; one zygote serves them all").tag(
        config=True
    )
    devices = List(Unicode(), help="device nodes that kernels may use, for example /dev/nvidia0").tag(
        config=True
    )
    environment = Dict(help="variables of the kernels, beside the few that are taken over").tag(config=True)
    folder = Unicode(help="folder to copy for the kernel, whichever a program names").tag(config=True)
    keep_files = List(
        Unicode(),
        help="patterns of files that are copied out when a kernel ends; none: its work is discarded",
    ).tag(config=True)
    idle_s = Float(600.0, help="seconds without a kernel after which the zygote ends").tag(config=True)
    keep_s = Float(0.0, help="seconds that the zygote outlives its last owner").tag(config=True)

    connection: Connection | None = None
    _address = ""
    _given: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed
    _beside: Path | None = None  # the folder that was copied for the kernel

    @property
    def has_process(self) -> bool:
        """Whether there is a kernel to look after."""
        return self.connection is not None

    @property
    def pid(self) -> int | None:
        """Return the pid, on this machine, of the kernel's world's pid 1."""
        return self.connection.pid if self.connection else None

    async def poll(self) -> int | None:
        """Return None while the kernel lives, else its exit code."""
        return 0 if self.connection is None else self.connection.poll()

    async def wait(self) -> int | None:
        """Wait for the kernel's end and let go of it."""
        if self.connection is None:
            return 0
        # Polled: whoever waited here would block the event loop, and with it the kernel's channels.
        while (code := self.connection.poll()) is None:
            await asyncio.sleep(0.01)
        await self._keep()
        self.connection.close()
        self.connection = None
        return code

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and what it started."""
        if self.connection is None:
            return
        # B ends, and with it all it started: a process that left the kernel's group would survive a signal to it.
        if signum == signal.SIGKILL:
            await self.kill()
        elif signum:
            self.connection.signal(signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002 - Jupyter's signature
        """End the kernel and everything it started; all of it is gone on return."""
        if self.connection is not None:
            await self._keep()
            self.connection.kill()

    async def terminate(self, restart: bool = False) -> None:  # noqa: ARG002
        """Ask the kernel to end."""
        await self.send_signal(signal.SIGTERM)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: ARG002
        """Let go of the kernel: what is left of it ends."""
        if self.connection is not None:
            await self._keep()
            self.connection.close()
            self.connection = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """Choose what of the environment the kernel may see."""
        given = kwargs.pop("env", None)
        self._given = dict(given or {})
        callers = dict(given or os.environ)
        inherited = {name: value for name, value in callers.items() if name in KEPT_VARIABLES}
        # Later ones win: the kernelspec's over what the caller happens to have, the trait's over both.
        kwargs["env"] = {**inherited, **self._stanza(callers), **self.environment}
        # There is no program to start, since the zygote forks: only the options of ipykernel's command line are left.
        options = launcher_options(self.kernel_spec.argv if self.kernel_spec else [])
        options += kwargs.pop("extra_arguments", None) or []
        return {**kwargs, "cmd": options}

    def _stanza(self, callers: dict[str, str]) -> dict[str, str]:
        """Return the kernelspec's variables, with `${NAME}` replaced by the caller's as jupyter_client does it."""
        given = dict(self.kernel_spec.env) if self.kernel_spec else {}
        # One that only passes on what is not there is left out: its own name in braces would be no value.
        return {
            name: Template(value).safe_substitute(callers)
            for name, value in given.items()
            if value != f"${{{name}}}" or name in callers
        }

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401
        """Get a kernel and return how to reach it.

        Raises:
            KernelDied: there is none to be had; the message says why.
        """
        if self.connection is not None:
            self.log.warning(
                "This manager's kernel is still there: it is ended, and a new one takes its place."
            )
            await self.cleanup()
        limits = Limits.model_validate(self.limits)
        manager = self.parent
        order = {
            "limits": limits.of_a_kernel(),
            "environment": _environment(kwargs["env"], limits.cpus, self.kind.executable),
            "folders": dict(self.folders),
            "key": manager.session.key.decode(),
            "arguments": cmd,
        }
        if self._address:
            order["name"] = self._address  # a restart: clients wait at the old sockets
        # An executor of its own: the loop's default one would believe, in a fork of this process, in a thread that is not there.
        with ThreadPoolExecutor(1, "pawgrade-launch") as thread:
            self._beside = self._folder(kwargs)
            starting = functools.partial(self._start, order, self._beside, limits.disk_mb // 2)
            self.connection = await asyncio.get_running_loop().run_in_executor(thread, starting)
        for name, why in self.connection.left_out.items():
            self.log.warning("%s was not preloaded: %s", name, why)
        # Kept for a restart, which must come back under the same address.
        self._address = Path(self.connection.prefix).name
        self.connection_info = {
            "transport": "ipc",
            "ip": self.connection.prefix,
            # With `ipc` a port is the last part of a socket's path: PREFIX-1 and so on, in the order of `CHANNELS`.
            **{f"{name}_port": port for port, name in enumerate(CHANNELS, 1)},
            "key": manager.session.key,
            "signature_scheme": manager.session.signature_scheme,
            "kernel_name": manager.kernel_name,
        }
        return self.connection_info

    def _folder(self, kwargs: dict[str, Any]) -> Path | None:
        """Return the folder that travels with the notebook; say why when none does."""
        if self.folder:
            return Path(self.folder)
        try:
            return named_folder(kwargs.get("cwd"), self._given)
        except NotTaken as exc:
            self.log.warning("No file was copied for the kernel: %s.", exc)
            return None

    def _start(self, order: dict[str, Any], folder: Path | None, most_mb: int) -> Connection:
        """Pack the folder and launch: both take their time, and event loops have other things to do."""
        with workdir_archive.packed(
            folder, most_mb, workdir_archive.everything if self.folder else travels
        ) as packed:
            tell = self.log.warning if packed.left_out else self.log.info
            if folder is not None:
                tell(
                    "Copied for the kernel: %d files and folders of %s; left out: %d (more than %d MB, or no plain files).",
                    packed.taken,
                    folder,
                    packed.left_out,
                    most_mb,
                )
            return launch(self.kind, order, packed.descriptor)

    async def _keep(self) -> None:
        """Copy out what the kernelspec says of the kernel's files, once, while its world is there."""
        folder, connection = self._beside, self.connection
        if connection is None or folder is None or not self.keep_files:
            return
        self._beside = None
        most_mb = Limits.model_validate(self.limits).disk_mb
        try:
            # An executor of its own, as for the launch.
            with ThreadPoolExecutor(1, "pawgrade-keep") as thread:
                copying = functools.partial(copy_out, connection, folder, tuple(self.keep_files), most_mb)
                result = await asyncio.get_running_loop().run_in_executor(thread, copying)
        except (KernelDied, OSError) as exc:
            self.log.warning("No file of the notebook was kept in %s: %s", folder, exc)
            return
        self.log.info("Kept of the notebook's files: %d in %s.", len(result.copied), folder)
        if result.left_out or result.more:
            # As `repr`: the notebook chose the names.
            self.log.warning(
                "Not kept in %s: %d files (at most %d MB, %d files), such as %s.",
                folder, len(result.left_out), most_mb, MOST_FILES, ", ".join(map(ascii, result.left_out[:3])),
            )  # fmt: skip
        if result.no_data:
            self.log.warning(
                "Left in the kernel, not in %s: files that are no data by their names or first bytes, or are staff's or a course's, such as "
                "%s. Only a pattern that ends as they do, or is their whole name, names other files than data: --keep-files '*.svg'.",
                folder, ", ".join(map(ascii, result.no_data[:3])),
            )  # fmt: skip

    @property
    def kind(self) -> Kind:
        """Which zygote this kernelspec's kernels come from."""
        argv = self.kernel_spec.argv if self.kernel_spec else []
        executable = argv[0] if argv and Path(argv[0]).is_absolute() else sys.executable
        # Part of what makes a zygote: sorted, or one set of folders would get two.
        shelves = sorted({*(self.shelves or self.folders.values())})
        return Kind(
            executable,
            tuple(self.preload) if self.warm else (),
            bool(self.warm),
            tuple(shelves),
            tuple(self.devices),
            float(self.idle_s),
            float(self.keep_s),
        )

    def get_shutdown_wait_time(self, recommended: float = 5.0) -> float:
        """Return how long a kernel may take to end by itself: it has nothing to save."""
        # Jupyter waits so long before it kills.
        return min(recommended, 1.0)

    def usage(self) -> dict[str, Any]:
        """Tell what the kernel has used of its limits; see `Connection.usage`."""
        return self.connection.usage() if self.connection else {}

    def stop(self) -> None:
        """End every process of the kernel's world but pid 1, so that what they wrote can be taken in peace."""
        if self.connection is not None:
            self.connection.ask("stop")

    def put(self, folder: Path, name: str) -> str:
        """Copy a folder of ours into the kernel's world; returns its path there.

        Raises:
            WorldEnded: the notebook has used up all memory.
            KernelDied: the kernel's world is gone, or does not take them.
            InfrastructureError: the questions are too large.
        """
        if self.connection is None:
            raise KernelDied("there is no kernel.")
        # Practically no bound here: the disk inside has one, and its refusal is told below.
        with workdir_archive.packed(folder, 10_000) as packed:
            reply = self.connection.ask("put", (packed.descriptor,), patience_s=PUT_S, name=name)
        if NO_ROOM in reply.get("error", ""):  # of a disk that the notebook has not seen yet
            raise InfrastructureError(f"the questions are larger than {EXCHANGE_MB} MB: {reply['error']}")
        if NO_MEMORY in reply.get("error", ""):
            raise WorldEnded(
                Message("the notebook and what it started left no memory for the questions."),
                Message("Free what is not needed any more, and end processes that were started."),
            )
        if "error" in reply:
            raise KernelDied(f"questions could not be brought to the kernel: {reply['error']}")
        return f"{BROUGHT}/{name}"

    def take(self, name: str, path: str, max_bytes: int) -> bytes:
        """Read a file of a folder that was brought, as inert bytes, at most `max_bytes` of them.

        Raises:
            FileNotFoundError: there is no such regular file.
            KernelDied: the kernel's world is gone.
        """
        if self.connection is None:
            raise FileNotFoundError(path)
        return self.connection.take(name, path, max_bytes)


def _environment(given: dict[str, str], cpus: int, executable: str) -> dict[str, str]:
    """Return all the variables of a kernel."""
    # Read by libraries that a notebook loads later; those that the fork has already are told by `isolation.threads`.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(cpus))
    # What the kernel starts by name is what its own Python would start.
    search = f"{Path(executable).parent}:/usr/local/bin:/usr/bin:/bin"
    defaults = {
        "PATH": search, "HOME": HOME, "USER": "student", "LOGNAME": "student", "SHELL": "/bin/bash", "TMPDIR": "/tmp",  # noqa: S108
        "LANG": "C.UTF-8", "TERM": "dumb", "MPLBACKEND": INLINE,
        **TUNING, "PYTHONNOUSERSITE": "1",
    }  # fmt: skip
    return {**defaults, **threads, **given}
