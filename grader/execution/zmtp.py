"""ZMTP connection to a kernel's socket that never holds more than its reader wants.

libzmq would do the same work but for its queues: it takes in whole messages, up to a number of them, of any number
of parts of any size, before anyone sees the first byte. One message of a hostile notebook could fill the grader's
memory. Here a frame is judged by its length when it begins, and one that nobody wants is skipped as it comes in.

The protocol is ZMTP 3.0 with the NULL mechanism (https://rfc.zeromq.org/spec/23/), which every kernel speaks.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol, cast

GREETING_BYTES = 64
PARTS = 64  # of one message
COMMAND_BYTES = 1024  # of the peer's READY
PATIENCE_S = 1.0  # to be spent on what nobody wants, before every further second costs
REST = 4  # seconds of rest: a flood takes a fifth of a core
PEERS = {b"SUB": b"PUB", b"DEALER": b"ROUTER"}  # XPUB will do
_MORE, _LONG, _COMMAND = 1, 2, 4


class Reader(Protocol):
    """Who takes the messages of a wire."""

    @property
    def room_bytes(self) -> int:
        """How much of the next message is worth keeping."""

    def take(self, frames: list[bytes], *, whole: bool) -> bool:
        """Take a message, or what of it fits the room; return whether it was wanted."""

    def close(self) -> None:
        """Learn that nothing more will come."""


class Wire(asyncio.Protocol):
    """A ZMTP connection as a client: SUB or DEALER.

    Attributes:
        ready: done when both sides have shaken hands; fails when they cannot.
    """

    def __init__(self, kind: bytes, identity: bytes, reader: Reader) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._kind, self._identity, self._reader = kind, identity, reader
        self._transport: asyncio.Transport | None = None
        self._greeting = bytearray()
        self._head = bytearray()  # flags and length of the frame that begins
        self._body = bytearray()  # the frame so far, when it is kept
        self._left = 0  # bytes of the frame still to come
        self._flags = 0
        self._keep = False
        self._wanted = 0  # messages that the reader wanted
        self._wasted_s = 0.0  # on pieces in which it wanted nothing
        self._frames: list[bytes] = []  # of the message so far
        self._size = self._parts = 0
        self._whole = True  # whether all its frames so far were kept
        self._room = reader.room_bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet: version 3.0, no security, client."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(
            b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
        )

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own signature
        """Tell whoever waits."""
        self._fail("the kernel closed the connection")
        self._reader.close()

    def data_received(self, data: bytes) -> None:
        """Read what came; rest after a piece in which nothing was wanted, when there were many."""
        begin, before = time.perf_counter(), self._wanted
        if len(self._greeting) < GREETING_BYTES:
            data = self._greet(data)
        self._read(memoryview(data))
        if self._wanted == before:
            self._waste(time.perf_counter() - begin)

    def send(self, frames: list[bytes]) -> None:
        """Send one message."""
        if self._transport is not None and not self._transport.is_closing():
            last = len(frames) - 1
            for number, frame in enumerate(frames):
                self._transport.write(_frame(_MORE if number < last else 0, frame))

    def abort(self) -> None:
        """Close without waiting for anything."""
        if self._transport is not None:
            self._transport.abort()

    def _waste(self, spent_s: float) -> None:
        self._wasted_s += spent_s
        if self._wasted_s > PATIENCE_S and self._transport is not None:
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(REST * spent_s, self._transport.resume_reading)

    def _fail(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
        self.abort()

    def _greet(self, data: bytes) -> bytes:
        """Take the peer's greeting from the front of the data and return the rest."""
        missing = GREETING_BYTES - len(self._greeting)
        self._greeting += data[:missing]
        if len(self._greeting) == GREETING_BYTES:
            version, mechanism = self._greeting[10], bytes(self._greeting[12:32]).rstrip(b"\0")
            if self._greeting[0] != 0xFF or version < 3 or mechanism != b"NULL":
                self._fail("the kernel does not speak ZMTP 3 without encryption")
                return b""
            properties = _property(b"Socket-Type", self._kind) + _property(b"Identity", self._identity)
            if self._transport is not None:
                self._transport.write(_frame(_COMMAND, b"\x05READY" + properties))
        return data[missing:]

    def _read(self, data: memoryview) -> None:
        at, end = 0, len(data)
        while at < end:
            if not self._left:
                at = self._begin_frame(data, at)
                continue
            step = min(self._left, end - at)
            if self._keep:
                self._body += data[at : at + step]
            at += step
            self._left -= step
            if not self._left:
                self._end_frame()

    def _begin_frame(self, data: memoryview, at: int) -> int:
        """Read a frame's flags and length, which may come in pieces; return where to go on."""
        missing = (9 if self._head and self._head[0] & _LONG else 2) - len(self._head)
        self._head += data[at : at + missing]
        at += missing
        if len(self._head) < (9 if self._head[0] & _LONG else 2):
            return min(at, len(data))
        self._flags = self._head[0]
        self._left = int.from_bytes(self._head[1:], "big")
        self._head.clear()
        if self._flags & _COMMAND:
            self._keep = not self.ready.done() and self._left <= COMMAND_BYTES
        else:
            self._keep = self._whole and self._fits()
            if self._whole and not self._keep:  # say so now: the rest of it may take its time
                self._whole = False
                self._wanted += self._reader.take(self._frames, whole=False)
        if not self._left:
            self._end_frame()
        return at

    def _end_frame(self) -> None:
        body = bytes(self._body)
        self._body.clear()
        if self._flags & _COMMAND:
            if self._keep:
                self._shake_hands(body)
            return
        if self._keep:
            self._frames.append(body)
        if not self._flags & _MORE:
            if self._whole:
                self._wanted += self._reader.take(self._frames, whole=True)
            self._begin_message()

    def _fits(self) -> bool:
        self._size += self._left
        self._parts += 1
        return self._size <= self._room and self._parts <= PARTS

    def _begin_message(self) -> None:
        self._frames = []
        self._room = self._reader.room_bytes
        self._size = self._parts = 0
        self._whole = True

    def _shake_hands(self, command: bytes) -> None:
        if not command.startswith(b"\x05READY") or PEERS[self._kind] not in command:
            self._fail("nobody answered as a kernel does")  # on one machine, a socket can even reach itself
            return
        if self._kind == b"SUB":
            self.send([b"\x01"])  # subscribe to everything
        self._begin_message()
        if not self.ready.done():
            self.ready.set_result(None)


def _frame(flags: int, body: bytes) -> bytes:
    if len(body) > 255:
        return bytes([flags | _LONG]) + len(body).to_bytes(8, "big") + body
    return bytes([flags, len(body)]) + body


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value
