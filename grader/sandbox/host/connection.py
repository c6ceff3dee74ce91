"""The line to one sandboxed kernel: to B, its world's pid 1, and to the keeper that watches over both."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.errors import KernelDied
from grader.sandbox.packets import MAX_MESSAGE

ENDED_BY_US = "ended by the grader"
WITH_IT_S = 1.0  # within which B is gone, too, when all of its box was ended
SAYS_S = 5.0  # in which B says that a kernel whose connections closed has ended
ANSWER_S = 10.0
NO_USAGE = {"memory_kills": 0, "process_refusals": 0, "peak_mb": 0.0}


# For `_forget_in_child`; weak, so that a kernel that nobody uses is not kept.
_open: weakref.WeakSet[Connection] = weakref.WeakSet()


@dataclass(eq=False)
class Connection:
    """One kernel as its client sees it.

    Attributes:
        pid: B's pid on this machine; ending it ends the kernel and all it started.
        prefix: path of the channels' sockets, without the number.
        left_out: modules that were not preloaded, and why.
        code: C's exit code (negative: a signal) once it ended.
        last_words: what the kernel said outside its channels, when it ended badly.
        closed: whether it was let go of.
        at_the_end: what the keeper said when it had removed the kernel's traces: what it had used.
    """

    keeper: socket.socket
    line: socket.socket
    pidfd: int
    pid: int
    prefix: str
    left_out: Mapping[str, str]
    code: int | None = None
    last_words: str = ""
    closed: bool = False
    at_the_end: dict[str, Any] | None = None
    # Reentrant: `take` and `usage` call `ask`.
    guard: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        _open.add(self)

    def poll(self) -> int | None:
        """Return None while the kernel lives, then its exit code; -9 when its whole world is gone."""
        with self.guard:
            if self.code is None and not self.closed:
                while select.select([self.line], [], [], 0)[0] and self._hear() is not None:
                    pass
            # B went without a word: killed, or its whole box was.
            if self.code is None and self.gone(0):
                self.code = -int(signal.SIGKILL)
            return self.code

    def gone(self, within_s: float) -> bool:
        """Tell whether B, and with it everything, is gone within so many seconds."""
        if self.closed:
            return True
        poller = select.poll()
        # A pidfd is readable when its process has ended, and never means another process of the same number.
        poller.register(self.pidfd, select.POLLIN)
        return bool(poller.poll(int(within_s * 1000)))

    @property
    def lost(self) -> bool:
        """Whether the kernel's world ended without the kernel having ended first.

        Whoever ends all of a box at once may leave B the time to tell that the kernel is gone: then B is gone a moment later. And
        the kernel's connections may be seen to close before B has said, or shown, anything: on a busy machine that takes a while.
        """
        deadline = time.monotonic() + SAYS_S
        while self.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.poll() is None or self.code != -int(signal.SIGKILL) or self.last_words == ENDED_BY_US:
            return False
        # With last words the kernel ended first; if B is gone just after it, all of the box was ended at once.
        return not self.last_words or self.gone(WITH_IT_S)

    def zygote_answers(self) -> bool:
        """Tell whether the kernel's zygote still answers: then nobody but the kernel has ended its world.

        It says so itself: that its keeper has not noticed its end would prove nothing.
        """
        with self.guard, contextlib.suppress(OSError, ValueError):
            if not self.closed:
                self.keeper.send(b'{"do": "ping"}')
                while packet := self._hear_keeper():
                    if "alive" in packet:
                        return True
        return False

    def signal(self, number: int) -> None:
        """Send a signal to the kernel and what it started in its own group."""
        with contextlib.suppress(KernelDied):  # nobody is left to be told
            self.ask("signal", number=int(number))

    def ask(
        self,
        what: str,
        descriptors: tuple[int, ...] = (),
        *,
        patience_s: float = ANSWER_S,
        **details: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Ask B for something; returns its reply.

        Raises:
            KernelDied: B is gone or does not answer.
        """
        with self.guard:
            if self.closed:
                raise KernelDied("the kernel is closed.")
            try:
                self.line.settimeout(patience_s)
                # Events may come before the reply: the loop notes them and reads on.
                socket.send_fds(self.line, [json.dumps({"do": what, **details}).encode()], descriptors)
                while True:
                    packet = self._hear()
                    if packet is None:
                        raise KernelDied("the kernel's world is gone.")
                    if "reply" in packet:
                        return packet
            except (OSError, TimeoutError) as exc:
                raise KernelDied(f"the kernel's world does not answer: {exc}.") from exc

    def take(self, name: str, path: str, max_bytes: int) -> bytes:
        """Read a file of what was brought into the kernel's world, at most `max_bytes` of it.

        Raises:
            FileNotFoundError: there is no such regular file.
            KernelDied: B is gone or does not answer.
        """
        return self._bytes("take", name=name, path=path, max_bytes=max_bytes)

    def listing(self, patterns: Sequence[str]) -> list[tuple[str, int]]:
        """List the files of the notebook's folder that may be kept: path and bytes; raises OSError, KernelDied."""
        listed = json.loads(self._bytes("listing", patterns=list(patterns)))
        return [(str(path), int(size)) for path, size in listed]

    def part(self, path: str, start: int, max_bytes: int) -> bytes:
        """Read a part of a file of the notebook's folder; raises FileNotFoundError, KernelDied."""
        return self._bytes("part", path=path, start=start, max_bytes=max_bytes)

    def _bytes(self, what: str, **details: Any) -> bytes:  # noqa: ANN401
        """Ask B for something that comes as bytes.

        Raises:
            FileNotFoundError: B says that there is no such thing.
            KernelDied: B is gone or does not answer.
        """
        with self.guard:
            reply = self.ask(what, **details)
            if "size" not in reply:
                raise FileNotFoundError(reply.get("error", str(details)))
            content = bytearray()
            try:
                # Packets of bytes follow the reply; an empty one means that B is gone.
                while len(content) < reply["size"] and (packet := self.line.recv(MAX_MESSAGE)):
                    content += packet
            except OSError as exc:
                raise KernelDied(f"the kernel's world does not answer: {exc}.") from exc
            return bytes(content)

    def _hear(self) -> dict[str, Any] | None:
        """Receive one packet from B and return it; what it says of the kernel's end is noted. None when B is gone."""
        try:
            message = self.line.recv(MAX_MESSAGE)
        except ConnectionResetError:
            return None
        if not message:
            return None
        packet: dict[str, Any] = json.loads(message)
        if packet.get("event") == "ended":
            # Never empty after an end that B told: `lost` tells it from a silent one by this.
            self.code, self.last_words = packet["code"], packet["log"] or " "
        elif packet.get("event") == "failed":
            self.code, self.last_words = 1, packet["text"]
        return packet

    def _hear_keeper(self) -> dict[str, Any]:
        """Receive one packet from the keeper and return it; its last one is noted. {} when it is gone."""
        message = self.keeper.recv(MAX_MESSAGE)
        packet: dict[str, Any] = json.loads(message) if message else {}
        if packet.get("event") == "gone":
            self.at_the_end = packet
        return packet

    def usage(self) -> dict[str, Any]:
        """Tell what the kernel has used: `full` (disks), `memory_kills`, `process_refusals`, `peak_mb`, `cpu_s`, `waited_s`."""
        with self.guard:
            usage: dict[str, Any] = {"full": [], **NO_USAGE}
            with contextlib.suppress(KernelDied):
                usage |= self.ask("usage")
            with contextlib.suppress(OSError, ValueError):
                host = {**NO_USAGE, **self._host_usage()}
                # B counts its own kills, where no cgroup limits the memory; one of the two is always 0.
                host["memory_kills"] += usage["memory_kills"]
                usage |= host
            return usage

    def _host_usage(self) -> dict[str, Any]:
        if self.at_the_end is None:
            self.keeper.send(json.dumps({"do": "usage"}).encode())
        while self.at_the_end is None:
            packet = self._hear_keeper()
            if not packet or "peak_mb" in packet:
                return packet
        return self.at_the_end

    def kill(self) -> None:
        """End the kernel and everything it started; returns when all is gone.

        Raises:
            KernelDied: it was not gone after five seconds.
        """
        if self.closed:
            return
        self.last_words = self.last_words or ENDED_BY_US
        with contextlib.suppress(ProcessLookupError):
            # B is pid 1 of its namespace: the system ends everything else in it.
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        if not self.gone(5):
            raise KernelDied(
                f"process {self.pid} of a submission could not be ended.", "Look for it with ps."
            )

    def close(self) -> None:
        """End the kernel if it has not ended, and let go of it; its sockets and cgroup are removed by the keeper."""
        if self.closed:
            return
        self.poll()
        self.kill()
        with self.guard:
            self.code = -int(signal.SIGKILL) if self.code is None else self.code
            self.closed = True
            with contextlib.suppress(OSError, ValueError):  # wait until its traces are removed, too
                self.keeper.settimeout(2)
                while self.at_the_end is None and self._hear_keeper():
                    pass
            os.close(self.pidfd)
            self.line.close()
            self.keeper.close()


def _forget_in_child() -> None:
    """Close the parent's kernels in a forked child, or they would outlive the parent."""
    for connection in list(_open):
        if not connection.closed:
            connection.closed = True
            os.close(connection.pidfd)
            connection.line.close()
            connection.keeper.close()


os.register_at_fork(after_in_child=_forget_in_child)
