"""The keeper: the trusted process beside one zygote. It makes boxes, sockets and cgroups, and ends what lost its owner.

Clients connect to its socket with packets of JSON. A connection that said `hold` is an owner: the zygote lives as long
as there is one. A connection that said `launch` is a kernel: it ends with the connection.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.sandbox import uids
from grader.sandbox.host import cgroups
from grader.sandbox.host.bubblewrap import Box, Interpreter, node_inside, stage_prefix
from grader.sandbox.host.kept import Kernel, has_keeper
from grader.sandbox.inside import seccomp
from grader.sandbox.packets import CREDENTIALS, MAX_MESSAGE, peer_pid, say, sender
from grader.sandbox.paths import CHANNELS

FIRST_OWNER_S = 20.0  # a keeper that nobody ever used goes away


@dataclass
class Keeper:
    """The state and the event loop of one keeper.

    Attributes:
        folder: its sockets; gone when it ends.
        config: what it was started with: `executable`, `preload`, `warm`, `shelves`, `devices`, `idle_s`, `keep_s`.
    """

    folder: Path
    config: dict[str, Any]
    started: float = field(default_factory=time.time)
    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    owners: dict[socket.socket, int] = field(default_factory=dict)
    kernels: dict[socket.socket, Kernel] = field(default_factory=dict)
    waiting: list[tuple[socket.socket, dict[str, Any], int]] = field(default_factory=list)
    zygote: dict[str, Any] = field(default_factory=dict)
    pings: list[socket.socket] = field(default_factory=list)
    last_use: float = field(default_factory=time.monotonic)
    had_owner: bool = False

    def run(self) -> None:
        """Serve until nobody needs the zygote any more, or it is gone."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.bind(str(self.folder / "socket"))
        listener.listen(64)
        self.hierarchy = cgroups.find()
        # CUDA does not start without memfd_create, whether or not there is a cgroup to count its memory.
        uncounted = self.hierarchy is not None or bool(self.config["devices"])
        self.program = seccomp.build(uncounted_memory=uncounted)
        if self.hierarchy is not None:
            cgroups.sweep(self.hierarchy, "pawgrade-", has_keeper)  # those of keepers that were killed
        self.process = self._start_box()
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        self.selector.register(self.control, selectors.EVENT_READ, self._hear_zygote)
        with contextlib.suppress(_End):
            while True:
                for key, _ in self.selector.select(self._patience_s()):
                    key.data(key.fileobj)
                if self._patience_s() <= 0:
                    break
        listener.close()
        for owner in self.owners:
            owner.close()  # who asks now starts another keeper
        self._end()

    def _start_box(self) -> subprocess.Popen[bytes]:
        config = self.config
        lists = {key: tuple(config["python"][key]) for key in ("folders", "hidden")}
        python = Interpreter(**{**config["python"], **lists})
        first_uid = uids.block(os.getpid())
        self.box = Box(python, tuple(config["shelves"]), tuple(config["devices"]), (), first_uid)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The system adds the sender's pid to each packet: the zygote's own number is that of another namespace.
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        argument = {
            "control": theirs.fileno(), "preload": config["preload"], "left_out": {}, "warm": config["warm"],
        }  # fmt: skip
        with theirs, (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                self.box.command(json.dumps(argument), stage_prefix()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env={"PATH": "/usr/bin:/bin"},
                preexec_fn=self.box.prepare(),  # noqa: PLW1509 - the keeper has one thread
            )

    def _patience_s(self) -> float:
        """Return the seconds until the keeper should end; at most 5."""
        idle = time.monotonic() - self.last_use
        if self.kernels or self.waiting:
            return 5.0
        if not self.had_owner:
            return min(5.0, FIRST_OWNER_S - idle)
        if not self.owners:
            return min(5.0, float(self.config["keep_s"]) - idle)
        return min(5.0, float(self.config["idle_s"]) - idle)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        self.selector.register(connection, selectors.EVENT_READ, self._hear_client)

    def _hear_client(self, client: socket.socket) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(client, MAX_MESSAGE, 1)
        except OSError:
            message, descriptors = b"", []
        if not message:
            # A process that ended closed its sockets, however it ended: no client has to say goodbye.
            self._lose_client(client)
            return
        request = json.loads(message)
        if request["do"] == "hold":
            self.owners[client] = peer_pid(client)
            self.had_owner, self.last_use = True, time.monotonic()
        elif request["do"] == "release":
            self.owners.pop(client, None)
            ends = not (self.owners or self.kernels or self.waiting or self.config["keep_s"])
            say(client, {"ends": ends})
        elif request["do"] == "launch":
            self.had_owner = True
            self.waiting.append((client, request, descriptors[0]))
            if self.zygote:
                self._launch_waiting()
        elif request["do"] == "status":
            say(client, self.status())
        elif request["do"] == "usage":
            say(client, self._usage(self.kernels.get(client)))
        elif request["do"] == "ping":
            self.pings.append(client)
            say(self.control, {"do": "ping"})

    def _lose_client(self, client: socket.socket) -> None:
        self.selector.unregister(client)
        client.close()
        self.last_use = time.monotonic()
        self.owners.pop(client, None)
        # A copy of the list, which loses entries on the way.
        for pending in [pending for pending in self.waiting if pending[0] is client]:
            os.close(pending[2])
            self.waiting.remove(pending)
        if client in self.kernels:
            self._kill(self.kernels[client])

    def _hear_zygote(self, control: socket.socket) -> None:
        message, ancillary, _, _ = control.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(CREDENTIALS.size))
        if not message:
            text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:]
            why = text.strip() or "its process was ended"
            for client, _, archive in self.waiting:
                say(client, {"error": f"the zygote did not start: {why}"})
                os.close(archive)
            self.waiting.clear()
            raise _End
        event = json.loads(message)
        if event["event"] == "pong":
            # The zygote answers in order.
            say(self.pings.pop(0), {"alive": True})
            return
        self.zygote = {**event, "pid": sender(ancillary)}
        self._launch_waiting()

    def _launch_waiting(self) -> None:
        while self.waiting:
            client, request, archive = self.waiting.pop(0)
            try:
                self._launch(client, request, archive)
            except (OSError, GraderError) as exc:
                say(client, {"error": f"{type(exc).__name__}: {exc}"})
                if client in self.kernels:
                    self._forget(self.kernels[client])
            finally:
                os.close(archive)

    def _launch(self, client: socket.socket, request: dict[str, Any], archive: int) -> None:
        """Ask the zygote for a fork; `_born` does the rest when the fork has reported."""
        name = request.get("name") or uuid.uuid4().hex[:10]
        self._sweep(name)
        line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        kernel = Kernel(
            name,
            client,
            peer_pid(client),
            line,
            [],
            time.time(),
            self.hierarchy is None,
            request["limits"],
            request["key"],
            uids.choose({running.place for running in self.kernels.values()}) if self.box.first_uid else 0,
        )
        self.kernels[client] = kernel
        for port, _ in enumerate(CHANNELS, start=1):
            # Listens before the kernel is there: clients may connect at once, and wait.
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            kernel.listening.append(listening)
            listening.bind(f"{self.folder}/{name}-{port}")
            listening.listen(64)
        self.selector.register(line, selectors.EVENT_READ, lambda _: self._born(kernel))
        order = {
            "limits": request["limits"],
            "environment": request["environment"],
            "arguments": request.get("arguments", []),
            "folders": {target: self.box.inside(path) for target, path in request["folders"].items()},
            "kept": self.box.kept(),
            "devices": [node_inside(device) for device in self.box.devices],
            "program": self.program.hex(),
            "watch": kernel.watch,
            "place": kernel.place,
        }
        # In this order: `zygote._become_kernel` takes them apart.
        sockets = [theirs.fileno(), archive, *(channel.fileno() for channel in kernel.listening)]
        with theirs:
            socket.send_fds(self.control, [json.dumps(order).encode()], sockets)
        for channel in kernel.listening:
            # The fork has its own; ours would let clients connect to a kernel that has ended.
            channel.close()

    def _born(self, kernel: Kernel) -> None:
        """Take a new kernel's pid from the system, put it into its cgroup, let it go on, hand it to its client."""
        line = kernel.line
        assert line is not None  # noqa: S101 - for mypy: only called while it is there
        message, ancillary, _, _ = line.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(CREDENTIALS.size))
        self.selector.unregister(line)
        try:
            self._welcome(kernel, line, message, ancillary)
        except (OSError, GraderError) as exc:
            say(kernel.client, {"error": f"{type(exc).__name__}: {exc}"})
            self._kill(kernel)
            if kernel.pidfd < 0:
                self._forget(kernel)

    def _welcome(
        self, kernel: Kernel, line: socket.socket, message: bytes, ancillary: list[tuple[int, int, bytes]]
    ) -> None:
        event = json.loads(message) if message else {"text": "it ended at once"}
        if event.get("event") != "born":
            say(kernel.client, {"error": f"no kernel could be made: {event['text']}"})
            self._forget(kernel)
            return
        kernel.pid = sender(ancillary)
        kernel.pidfd = os.pidfd_open(kernel.pid)
        self.selector.register(kernel.pidfd, selectors.EVENT_READ, lambda _: self._forget(kernel))
        if self.hierarchy is not None:
            limits = kernel.limits
            # A thread is a task to the system: room for B and for ipykernel's own threads comes on top.
            kernel.group = self.hierarchy.create(
                self._group(kernel.name), limits["memory_mb"], limits["processes"] + 8
            )
            # B waits for the packet below, so nothing of the kernel runs outside of its group.
            kernel.group.add(kernel.pid)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        # The key goes to B alone: what the zygote has seen, every later fork could find in its memory.
        line.send(json.dumps({"key": kernel.key}).encode())
        reply = {
            "pid": kernel.pid,
            "prefix": f"{self.folder}/{kernel.name}",
            "left_out": self.zygote["left_out"],
        }
        with contextlib.suppress(OSError):
            # From now on the client talks to B by itself; the keeper only watches for the end.
            socket.send_fds(kernel.client, [json.dumps(reply).encode()], [line.fileno(), kernel.pidfd])
        line.close()
        kernel.line = None

    def _kill(self, kernel: Kernel) -> None:
        if kernel.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(kernel.pidfd, signal.SIGKILL)
        # One that is not born yet finds its line closed and ends by itself.

    def _forget(self, kernel: Kernel) -> None:
        """Remove what a kernel that is gone has left on this machine."""
        self.kernels.pop(kernel.client, None)
        self.last_use = time.monotonic()
        if kernel.pidfd >= 0:
            self.selector.unregister(kernel.pidfd)
            os.close(kernel.pidfd)
        if kernel.line is not None:
            with contextlib.suppress(KeyError):
                self.selector.unregister(kernel.line)
            kernel.line.close()
        self._sweep(kernel.name)
        # Before the group goes: its counts go with it.
        usage = self._usage(kernel)
        if kernel.client.fileno() >= 0:
            say(kernel.client, {"event": "gone", **usage})
        if kernel.group is not None:
            kernel.group.remove()  # the system takes its time for that; nobody has to wait for it

    def _sweep(self, name: str) -> None:
        for port, _ in enumerate(CHANNELS, start=1):
            Path(f"{self.folder}/{name}-{port}").unlink(missing_ok=True)

    def _group(self, name: str) -> str:
        return f"pawgrade-{os.getpid()}-{name}"

    def _usage(self, kernel: Kernel | None) -> dict[str, Any]:
        if kernel is None or kernel.group is None:
            return {"memory_kills": 0, "process_refusals": 0, "peak_mb": 0.0}
        usage = dataclasses.asdict(kernel.group.usage())
        if usage["cpu_s"] is None:  # then B's sum over its world holds
            del usage["cpu_s"]
        return usage

    def status(self) -> dict[str, Any]:
        """Return the keeper's status, for `pawgrade kernels list`."""
        kernels = [
            {
                "name": kernel.name,
                "pid": kernel.pid,
                "client": kernel.client_pid,
                "started": kernel.started,
                "limits": kernel.limits,
            }
            for kernel in self.kernels.values()
        ]
        config = {name: self.config[name] for name in ("preload", "warm", "idle_s", "keep_s")}
        facts = {"keeper": os.getpid(), "box": self.process.pid, "started": self.started, "uid": os.getuid()}
        owners = sorted({*self.owners.values()})
        python = self.config["python"]["executable"]
        return {
            **facts,
            **config,
            "python": python,
            "zygote": self.zygote,
            "owners": owners,
            "kernels": kernels,
        }

    def _end(self) -> None:
        """End the box and all in it; remove sockets, groups and the folder."""
        # bubblewrap was told to let all of the box die with it (`--die-with-parent`, a pid namespace).
        self.process.kill()
        self.process.wait()
        for kernel in list(self.kernels.values()):
            self._kill(kernel)
            with contextlib.suppress(OSError):
                self._forget(kernel)
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()


class _End(Exception):
    """Raised to end the event loop: nothing is left to keep."""


def main() -> None:
    """Run a keeper: the arguments are its folder, which exists, and its configuration as JSON."""
    folder, config = Path(sys.argv[1]), json.loads(sys.argv[2])
    signal.signal(signal.SIGTERM, _end_by_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # more than kernels may have in flight
    keeper = Keeper(folder, config)
    try:
        keeper.run()
    except _End:
        keeper._end()


def _end_by_signal(*_: object) -> None:
    raise _End


if __name__ == "__main__":
    main()
