"""Client of an untrusted kernel: it believes nothing, and keeps no more output than is allowed.

Whatever a kernel sends is the student's word. Of a reply only its arrival counts. Of the outputs as much is kept as
the assignment allows, made afresh from the parts we know; the rest is dropped before it is parsed, with one notice.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from queue import Empty
from typing import Any

from jupyter_client import AsyncKernelClient
from jupyter_client.session import DELIM, Session
from nbclient.exceptions import DeadKernelError

from grader.execution.messages import STORED, Message, content_of
from grader.execution.zmtp import Wire

CHARGED = {*STORED, "clear_output"}
MESSAGE_BYTES = 100  # what a message is charged beside its content: a million empty ones are a flood, too
ERROR_BYTES = 16 * 1024  # an error is kept, up to this, even when the output is used up, once a cell
HEADER_BYTES = 8 * 1024  # of a header and of a parent header
SIGN_BYTES = 64 * 1024  # of a status, or of the echo of a cell's code
TURN = 16  # messages between two turns of the wire
RETRY_S, ALIVE_S, LAST_S = 0.01, 0.1, 0.5


class Allowance:
    """What a notebook may still print and display.

    Attributes:
        limit_bytes: in all.
        spent_bytes: so far; never more than the limit.
    """

    def __init__(self, limit_kb: int) -> None:
        self.limit_bytes = limit_kb * 1024
        self.spent_bytes = 0
        self.used_up = False

    def spend(self, size_bytes: int) -> bool:
        """Take this much; once something did not fit, nothing more does."""
        if self.used_up or self.spent_bytes + size_bytes > self.limit_bytes:
            self.used_up = True
            return False
        self.spent_bytes += size_bytes
        return True


class Channel:
    """What nbclient takes for a channel of jupyter_client: the messages that answer one request.

    Attributes:
        wire: the connection, once there is one.
        expected: id of the request whose messages count; "" when none does.
        closed: whether nothing more will come.
    """

    room_bytes = SIGN_BYTES + 4 * HEADER_BYTES

    def __init__(self, session: Session) -> None:
        self.session = session
        self.wire: Wire | None = None
        self.expected = ""
        self.closed = False
        self.queue: deque[Message] = deque()
        self.news = asyncio.Event()

    def expect(self, request: str) -> None:
        """Count from now on what answers this request, and forget what came before."""
        self.expected = request
        self.queue.clear()

    def send(self, message: Message) -> None:
        """Send a message, as jupyter_client makes it."""
        if self.wire is not None:
            self.wire.send(self.session.serialize(message))

    async def get_msg(self, timeout: float | None = None) -> Message:
        """Return the next message.

        Raises:
            queue.Empty: none came in time.
            DeadKernelError: none will ever come.
        """
        try:
            async with asyncio.timeout(timeout):
                if len(self.queue) % TURN == 0:
                    await asyncio.sleep(0)  # let the wire read on: what a kernel cannot send, it drops
                while not self.queue:
                    await self.wait()
        except TimeoutError:
            raise Empty from None
        return self.queue.popleft()

    async def wait(self) -> None:
        """Wait for something to happen."""
        self.news.clear()
        await self.news.wait()

    def put(self, message: Message) -> bool:
        """Hand a message to whoever waits."""
        self.queue.append(message)
        self.news.set()
        return True

    def close(self) -> None:
        """Learn that nothing more will come."""
        self.closed = True
        self.news.set()

    def parts(self, frames: list[bytes]) -> list[bytes]:
        """Return signature, header, parent header and so on, when the message may answer the request; else []."""
        try:
            parts = frames[frames.index(DELIM) + 1 :]
        except ValueError:
            return []
        small = len(parts) > 2 and max(len(frame) for frame in parts[:3]) <= HEADER_BYTES
        return parts if small and self.expected and self.expected.encode() in parts[2] else []


class Replies(Channel):
    """The shell channel: a reply is a sign that the request is done, whatever it says."""

    def __init__(self, session: Session, outputs: Outputs) -> None:
        super().__init__(session)
        self.outputs = outputs

    def take(self, frames: list[bytes], *, whole: bool) -> bool:
        """Take the one reply that is waited for."""
        parts = self.parts(frames)
        if not parts or not _kind(parts[1]).endswith("_reply"):
            return False
        if whole and _opened(self.session, parts, self.expected) is None:
            return False  # a reply that is too long to be kept cannot be verified; it still is an end
        request, self.expected = self.expected, ""
        return self.put(_message("reply", request, {"status": "ok"}))

    async def wait(self) -> None:
        """Wait for something to happen; a closed connection is the end of the kernel."""
        if self.closed:
            deadline = time.monotonic() + LAST_S  # its last words are on the other wire
            while (self.outputs.queue or not self.outputs.closed) and time.monotonic() < deadline:
                await asyncio.sleep(RETRY_S)
            raise DeadKernelError("Kernel died")
        await super().wait()


class Outputs(Channel):
    """The iopub channel: what a cell prints and displays, as far as it is allowed.

    Attributes:
        allowance: what is left.
        told: whether the notebook has been told that it was cut.
    """

    def __init__(self, session: Session, allowance: Allowance) -> None:
        super().__init__(session)
        self.allowance = allowance
        self.told = False
        self._signs: set[str] = set()

    @property
    def room_bytes(self) -> int:  # type: ignore[override]
        """How much of the next message is worth keeping."""
        left = 0 if self.allowance.used_up else self.allowance.limit_bytes - self.allowance.spent_bytes
        return max(left, SIGN_BYTES) + 4 * HEADER_BYTES

    def expect(self, request: str) -> None:
        """Count from now on what answers this request, and forget what came before."""
        super().expect(request)
        self._signs.clear()

    def take(self, frames: list[bytes], *, whole: bool) -> bool:
        """Take a message if it is one of ours and there is room for it."""
        parts = self.parts(frames)
        kind = _kind(parts[1]) if parts else ""
        size = MESSAGE_BYTES + sum(len(frame) for frame in parts[3:])
        if kind in {"status", "execute_input"}:
            return whole and size <= SIGN_BYTES and self._take_sign(kind, parts)
        if kind not in CHARGED:
            return False
        if whole and self.allowance.spend(size):
            return self._offer(kind, parts, size)
        if kind not in STORED:
            return False
        self.cut()
        if kind == "error" and whole and size <= ERROR_BYTES and kind not in self._signs:
            self._signs.add(kind)
            return self._offer(kind, parts, size)
        return False

    @property
    def notice(self) -> str:
        """What a notebook says that was cut."""
        limit_kb = self.allowance.limit_bytes // 1024
        return f"\n[cut: the notebook printed and displayed more than {limit_kb} KB]\n"

    def cut(self) -> None:
        """Keep no more output; tell so, once, in the cell where it happened."""
        self.allowance.used_up = True
        if not self.told and self.expected:
            self.told = True
            notice = _message("stream", self.expected, {"name": "stderr", "text": self.notice})
            self.put({**notice, "cut": True})

    def _take_sign(self, kind: str, parts: list[bytes]) -> bool:
        """Take the signs of a request's progress: each the first time, and nothing after the last."""
        content = _opened(self.session, parts, self.expected)
        made = content_of(kind, content) if content is not None else None
        sign = f"{kind} {made.get('execution_state', '')}" if made is not None else ""
        if made is None or sign in self._signs:
            return False
        self._signs.add(sign)
        self.put(_message(kind, self.expected, made))
        if made.get("execution_state") == "idle":
            self.expected = ""
        return True

    def _offer(self, kind: str, parts: list[bytes], size: int) -> bool:
        content = _opened(self.session, parts, self.expected)
        made = content_of(kind, content) if content is not None else None
        return made is not None and self.put({**_message(kind, self.expected, made), "size": size})


class IntakeClient(AsyncKernelClient):  # type: ignore[misc]
    """A kernel client with two connections, of which neither can be flooded: shell and iopub.

    There is no stdin (a kernel that asks for input gets an error), no heartbeat and no control channel: whether the
    kernel lives is its process's to say, and it is interrupted by signal.
    """

    def __init__(self, allowance: Allowance, **options: Any) -> None:  # noqa: ANN401 - jupyter_client's own
        super().__init__(**options)
        self.session.digest_history_size = 0  # a repeated message is no worse than a forged one
        self.allow_stdin = False
        self.outputs = self._iopub_channel = Outputs(self.session, allowance)
        self.replies = self._shell_channel = Replies(self.session, self.outputs)

    async def connect(self, timeout_s: float) -> None:
        """Connect to the kernel, which may still be starting.

        Raises:
            RuntimeError: it died or was not there in time.
        """
        deadline = time.monotonic() + timeout_s
        await self._connect(self.replies, "shell", b"DEALER", deadline)
        await self._connect(self.outputs, "iopub", b"SUB", deadline)

    async def _connect(self, channel: Replies | Outputs, name: str, kind: bytes, deadline: float) -> None:
        while time.monotonic() < deadline:
            if not await self.is_alive():
                raise RuntimeError("its process ended while it was starting")
            channel.wire = Wire(kind, self.session.bsession, channel)
            try:
                await self._dial(channel.wire, getattr(self, f"{name}_port"))
                ready = channel.wire.ready
                while not ready.done() and time.monotonic() < deadline and await self.is_alive():
                    await asyncio.wait({ready}, timeout=ALIVE_S)
                if ready.done():
                    ready.result()
                    channel.closed = False
                    return
            except OSError:  # nobody listens yet
                await asyncio.sleep(RETRY_S)
            channel.wire.abort()
        raise RuntimeError("it could not be reached in time")

    async def _dial(self, wire: Wire, port: int) -> None:
        loop = asyncio.get_running_loop()
        if self.transport == "ipc":
            await loop.create_unix_connection(lambda: wire, f"{self.ip}-{port}")
        else:
            await loop.create_connection(lambda: wire, self.ip, port)

    def execute(self, *arguments: Any, **options: Any) -> str:  # noqa: ANN401 - jupyter_client's own
        """Send code; from now on only its messages count."""
        return self._expect(super().execute(*arguments, **options))

    def kernel_info(self, *arguments: Any, **options: Any) -> str:  # noqa: ANN401 - jupyter_client's own
        """Ask who is there; from now on only the answers count."""
        return self._expect(super().kernel_info(*arguments, **options))

    def _expect(self, request: str) -> str:
        self.replies.expect(request)
        self.outputs.expect(request)
        return request

    def stop_channels(self) -> None:
        """Close both connections."""
        for channel in (self.replies, self.outputs):
            if channel.wire is not None:
                channel.wire.abort()


def _kind(header: bytes) -> str:
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError):
        return ""
    return str(fields.get("msg_type")) if isinstance(fields, dict) else ""


def _opened(session: Session, parts: list[bytes], request: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a message's content when it is signed, readable and answers the request; else None."""
    try:
        message = session.deserialize(parts)
        ours = message["parent_header"].get("msg_id") == request
    except Exception:  # the kernel's word may make the library raise anything
        return None
    return message["content"] if ours else None


def _message(kind: str, request: str, content: dict[str, Any]) -> Message:
    return {
        "header": {"msg_type": kind},
        "msg_type": kind,
        "parent_header": {"msg_id": request},
        "metadata": {},
        "content": content,
        "buffers": [],
        "size": 0,
    }
