"""The wire against libzmq: what it reads is what was sent, in pieces of any size, and never more than is wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
import zmq
import zmq.asyncio
from hypothesis import given
from hypothesis import strategies as st

from grader.execution.zmtp import PARTS, Wire

SIZES = [0, 1, 2, 255, 256, 300, 65_536, 200_000]


class Kept:
    """A reader that keeps what it is given."""

    def __init__(self, room_bytes: int = 10**7) -> None:
        self.room_bytes = room_bytes
        self.messages: list[tuple[list[bytes], bool]] = []
        self.closed = False

    def take(self, frames: list[bytes], *, whole: bool) -> bool:
        self.messages.append((frames, whole))
        return True

    def close(self) -> None:
        self.closed = True


class Pipe(asyncio.Transport):
    """A transport that goes nowhere."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Forget it."""

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        """Stay."""


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def with_libzmq(kind: int, reader: Kept, talk: Any) -> None:
    """Connect a wire to a socket of libzmq and let `talk` use both."""
    context = zmq.asyncio.Context()
    socket = context.socket(kind)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    wire = Wire(b"SUB" if kind == zmq.XPUB else b"DEALER", b"somebody", reader)
    await asyncio.get_running_loop().create_connection(lambda: wire, "127.0.0.1", port)
    try:
        await asyncio.wait_for(wire.ready, 5)
        await talk(socket, wire)
    finally:
        wire.abort()
        context.destroy(linger=0)
    await until(lambda: reader.closed)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(coroutine)


def test_a_published_message_arrives_whole_whatever_the_size_of_its_parts() -> None:
    reader = Kept()
    parts = [bytes([size % 251]) * size for size in SIZES]

    async def talk(socket: Any, _: Wire) -> None:
        assert await socket.recv() == b"\x01"  # the subscription
        for end in range(1, len(parts) + 1):
            await socket.send_multipart(parts[:end])
        await until(lambda: len(reader.messages) == len(parts))

    run(with_libzmq(zmq.XPUB, reader, talk))

    assert reader.messages == [(parts[:end], True) for end in range(1, len(parts) + 1)]


def test_a_request_arrives_and_its_reply_comes_back() -> None:
    reader = Kept()
    parts = [bytes([size % 251]) * size for size in SIZES]

    async def talk(socket: Any, wire: Wire) -> None:
        wire.send(parts)
        request = await socket.recv_multipart()
        assert request == [b"somebody", *parts]
        await socket.send_multipart([request[0], b"", b"done"])
        await until(lambda: reader.messages)

    run(with_libzmq(zmq.ROUTER, reader, talk))

    assert reader.messages == [([b"", b"done"], True)]


@pytest.mark.parametrize(
    "parts", [[b"head", b"x" * 200_000, b"tail"], [b"head"] + [b""] * 10_000], ids=["large", "many"]
)
def test_of_a_message_that_does_not_fit_the_front_is_told_once(parts: list[bytes]) -> None:
    reader = Kept(room_bytes=1000)

    async def talk(socket: Any, _: Wire) -> None:
        await socket.recv()
        await socket.send_multipart(parts)
        await socket.send_multipart([b"next"])
        await until(lambda: len(reader.messages) == 2)

    run(with_libzmq(zmq.XPUB, reader, talk))

    (front, whole), following = reader.messages
    assert not whole
    assert front == parts[: min(len(front), PARTS)]
    assert sum(map(len, front)) <= 1000
    assert following == ([b"next"], True)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n".ljust(64),
        b"\xff" + bytes(8) + b"\x7f\x03\x00CURVE".ljust(55, b"\0"),
    ],
)
def test_a_stranger_is_refused(answer: bytes) -> None:
    async def meet() -> None:
        wire = Wire(b"SUB", b"", Kept())
        wire.connection_made(Pipe())
        wire.data_received(answer)
        with pytest.raises(ConnectionError, match="ZMTP"):
            await wire.ready

    run(meet())


def test_a_socket_that_reaches_itself_is_no_kernel() -> None:
    async def meet() -> None:
        echo = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
        wire = Wire(b"DEALER", b"", Kept())
        wire.connection_made(Pipe())
        wire.data_received(echo + b"\x04\x1b\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER")
        with pytest.raises(ConnectionError, match="nobody answered"):
            await wire.ready

    run(meet())


GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB"
STREAM = (
    GREETING
    + READY
    + b"\x01\x02ab\x00\x00"
    + b"\x04\x03\x02hi"
    + b"\x02"
    + (300).to_bytes(8, "big")
    + b"z" * 300
)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_bytes_may_come_in_pieces_of_any_size(steps: list[int]) -> None:
    reader = Kept()

    async def meet() -> None:
        wire = Wire(b"SUB", b"", reader)
        wire.connection_made(Pipe())
        at = 0
        for step in steps:
            wire.data_received(STREAM[at : at + step])
            at += step
        wire.data_received(STREAM[at:])

    run(meet())

    assert reader.messages == [([b"ab", b""], True), ([b"z" * 300], True)]


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise_or_keep_more_than_is_wanted(noise: bytes) -> None:
    reader = Kept(room_bytes=50)

    async def meet() -> None:
        wire = Wire(b"SUB", b"", reader)
        wire.connection_made(Pipe())
        wire.data_received(GREETING + READY + noise)

    run(meet())

    assert all(sum(map(len, frames)) <= 50 for frames, _ in reader.messages)
