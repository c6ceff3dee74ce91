"""ipykernel on sockets that were made outside: inside the sandbox no path leads to a kernel's channels.

What needs neither threads nor files of the kernel is done before the fork, once (`prepare`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import zmq
from ipykernel.compiler import XCachingCompiler
from ipykernel.heartbeat import Heartbeat
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.application import BaseIPythonApplication
from traitlets import Type
from traitlets.config import Config

from grader import files
from grader.sandbox.inside import breakpoints
from grader.sandbox.paths import CHANNELS, INLINE


class ListeningHeartbeat(Heartbeat):
    """A heartbeat on a listening socket."""

    descriptor = -1

    def _try_bind_socket(self) -> None:
        # libzmq then accepts on this descriptor instead of making a socket; the address is only its kind.
        self.socket.setsockopt(zmq.USE_FD, self.descriptor)
        self.socket.bind("ipc://heartbeat")


class SandboxKernel(IPythonKernel):
    """IPython's kernel without the debugger, whose import alone takes longer than all the rest of a warm start."""

    async def poll_stopped_queue(self) -> None:
        """Do nothing: there is no debugger that could stop."""


class ListeningKernelApp(IPKernelApp):
    """IPKernelApp whose channels are listening unix sockets, given by descriptor."""

    kernel_class = Type(SandboxKernel)
    listening: Mapping[str, int] = {}
    prepared = False

    # What an application does first needs no fork: `prepare` has done it, the fork need not.
    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Read the command line, once."""
        if not self.prepared:
            super().parse_command_line(argv)

    def init_profile_dir(self) -> None:
        """Make IPython's profile, once."""
        if not self.prepared:
            super().init_profile_dir()

    def init_config_files(self) -> None:
        """Look for IPython's settings, once."""
        if not self.prepared:
            super().init_config_files()

    def load_config_file(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        """Read IPython's settings, once."""
        if not self.prepared:
            super().load_config_file(*arguments, **options)

    def log_connection_info(self) -> None:
        """Note the ports, and log nothing: nobody connects by hand."""
        self._ports = {name: getattr(self, f"{name}_port") for name in CHANNELS}

    def configure(self, arguments: Sequence[str]) -> None:
        """Take the options that a program gives to its kernels, such as `--InteractiveShell.colors=nocolor`.

        The shell and its parts are there already: each is told, since none asks again.
        """
        super().parse_command_line(list(arguments))
        for configurable in ZMQInteractiveShell.instance().configurables:
            configurable.update_config(self.cli_config)

    def init_pdb(self) -> None:
        """Let breakpoints that nobody can answer pass."""
        super().init_pdb()  # type: ignore[no-untyped-call]
        breakpoints.pass_unanswered()

    def init_path(self) -> None:
        """Make modules beside the notebook importable; IPython would not, since this interpreter runs with -P."""
        if "" not in sys.path:
            packages = (number for number, path in enumerate(sys.path) if path.endswith("-packages"))
            sys.path.insert(next(packages, len(sys.path)), "")

    def init_kernel(self) -> None:
        """Make the kernel, with the shell that was made before the fork."""
        super().init_kernel()  # type: ignore[no-untyped-call]
        shell = self.kernel.shell
        # A singleton: ipykernel has found the prepared shell, which belongs to no kernel yet.
        shell.parent = shell.kernel = self.kernel

    def _bind_socket(self, s: Any, port: int) -> int:  # noqa: ANN401 - a zmq socket
        """Attach a channel to its listening socket; ports are the places in `CHANNELS`."""
        name = CHANNELS[port - 1]
        if name == "iopub":
            s.sndhwm = 0  # what a notebook says waits in its own memory instead of being dropped
        s.setsockopt(zmq.USE_FD, self.listening[name])
        s.bind(f"ipc://{name}")  # the name is not used: the socket is bound already
        return port

    def init_heartbeat(self) -> None:
        """Answer pings, as JupyterLab sends them."""
        self.heartbeat = ListeningHeartbeat(  # type: ignore[no-untyped-call]
            zmq.Context(), ("ipc", "", CHANNELS.index("hb") + 1)
        )
        self.heartbeat.descriptor = self.listening["hb"]
        self.heartbeat.start()

    def init_connection_file(self) -> None:
        """Do nothing: key and sockets come from outside, not from a file."""

    def write_connection_file(self, **_: Any) -> None:  # noqa: ANN401
        """Do nothing: there is no connection file."""

    def init_blackhole(self) -> None:
        """Do nothing: standard output is a bounded file already."""

    def exit(self, exit_status: int | str | None = 0) -> None:
        """End as a process does, through the fork's own last line."""
        raise SystemExit(exit_status)


def prepare() -> ListeningKernelApp:
    """Do before the fork what every kernel would do again: an application and its shell, without sockets or threads."""
    missing = "debugpy" not in sys.modules
    if missing:
        # None in sys.modules makes an import of it raise ImportError.
        sys.modules["debugpy"] = None  # type: ignore[assignment]  # ipykernel then does without it
    import ipykernel.debugger  # noqa: F401 - every kernel asks for it

    if missing:
        del sys.modules["debugpy"]
    app: ListeningKernelApp = ListeningKernelApp.instance()
    app.config.HistoryManager.enabled = False  # its database is each kernel's own: `_remember` makes it
    app.transport = "ipc"
    for port, name in enumerate(CHANNELS, start=1):
        setattr(app, f"{name}_port", port)
    # The base class only: IPKernelApp's own makes sockets and threads, and is the fork's (`run`).
    BaseIPythonApplication.initialize(app, [])
    app.prepared = True
    shell = ZMQInteractiveShell.instance(
        config=app.config, profile_dir=app.profile_dir, compiler_class=XCachingCompiler
    )
    if "matplotlib.pyplot" in sys.modules:
        _show_figures(shell)
    app.user_ns = shell.user_ns
    return app


def _show_figures(shell: ZMQInteractiveShell) -> None:
    """Make figures outputs of cells: it happens by itself only where the shell is there before matplotlib is imported."""
    from IPython.core.pylabtools import activate_matplotlib
    from matplotlib_inline.backend_inline import configure_inline_support

    activate_matplotlib(INLINE)
    configure_inline_support(shell, INLINE)  # type: ignore[no-untyped-call]


def run(
    app: ListeningKernelApp, listening: Mapping[str, int], key: bytes, arguments: Sequence[str] = ()
) -> None:
    """Serve the kernel's channels until it is shut down.

    Args:
        app: as `prepare` has made it.
        listening: descriptors of the channels by name.
        key: of the kernel's messages.
        arguments: options of ipykernel's command line.
    """
    app.listening = listening
    if arguments:
        app.configure(arguments)
    _remember(ZMQInteractiveShell.instance())
    # After the options: how this kernel is reached is not theirs to say.
    app.transport, app.ip = "ipc", "kernel"
    for port, name in enumerate(CHANNELS, start=1):
        setattr(app, f"{name}_port", port)
    app.session.key = key
    app.initialize([])
    app.start()  # type: ignore[no-untyped-call]


def _remember(shell: ZMQInteractiveShell) -> None:
    """Give the shell a history of its own, in memory unless an option names a file or wants none."""
    options = {
        "enabled": True,
        "hist_file": ":memory:",
        **ListeningKernelApp.instance().cli_config.HistoryManager,
    }
    shell.update_config(Config(HistoryManager=options))
    shell.configurables.remove(shell.history_manager)
    shell.init_history()
    shell.init_user_ns()  # `In` and `Out` are the history's own lists


def unpack(archive: int) -> None:
    """Lay the files beside the notebook into the current folder."""
    with os.fdopen(archive, "rb") as file, tarfile.open(fileobj=file) as tar:
        # Packed by the grader, but of names that a student chose: unpacked under tarfile's filter.
        files.unpack(tar, Path())


def fresh_loop() -> None:
    """Give the fork an event loop of its own."""
    asyncio.set_event_loop(asyncio.new_event_loop())
