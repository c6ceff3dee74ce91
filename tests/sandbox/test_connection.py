"""One kernel as its client sees it: asked, heard, ended, and told apart from one whose world was lost."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from grader.errors import KernelDied
from grader.sandbox.host import connection as connections
from grader.sandbox.host.connection import Connection

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


@dataclass
class World:
    """A connection, and the other ends of its lines: B's and the keeper's."""

    connection: Connection
    b: socket.socket
    keeper: socket.socket
    process: subprocess.Popen[bytes]

    def says(self, **packet: Any) -> None:
        self.b.send(json.dumps(packet).encode())

    def heard(self, line: socket.socket | None = None) -> dict[str, Any]:
        return dict(json.loads((line or self.b).recv(100_000)))


@pytest.fixture
def world() -> Iterator[World]:
    """A process in B's place, which does nothing, and lines to it on which the test speaks."""
    ours, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    to_keeper, keeper = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with subprocess.Popen([sys.executable, "-ISc", "input()"], stdin=subprocess.PIPE) as process:
        pidfd = os.pidfd_open(process.pid)
        connection = Connection(to_keeper, ours, pidfd, process.pid, "/run/prefix", {})
        keeper.send(b'{"event": "gone", "peak_mb": 7.0}')  # the keeper's last word, for `close`
        with b, keeper:
            yield World(connection, b, keeper, process)
            connection.close()


def test_a_living_kernel_has_no_code_and_one_that_ended_has_its_own(world: World) -> None:
    alive = world.connection.poll()

    world.says(event="ended", code=3, log="Segmentation fault")

    assert alive is None
    assert world.connection.poll() == 3
    assert world.connection.last_words == "Segmentation fault"


def test_a_kernel_that_could_not_be_made_says_why(world: World) -> None:
    world.says(event="failed", text="OSError: mount")

    assert (world.connection.poll(), world.connection.last_words) == (1, "OSError: mount")


def test_a_world_that_went_without_a_word_is_lost(world: World) -> None:
    world.process.kill()
    assert world.connection.gone(10)

    assert world.connection.poll() == -signal.SIGKILL
    assert world.connection.lost


@pytest.mark.parametrize("code", [0, 1, -signal.SIGTERM])
def test_a_kernel_that_ended_first_is_not_lost_although_its_world_is_gone(world: World, code: int) -> None:
    world.says(event="ended", code=code, log="")
    world.process.kill()

    assert world.connection.poll() == code
    assert not world.connection.lost


def test_a_kernel_that_we_ended_is_not_lost(world: World) -> None:
    world.connection.kill()

    assert world.process.wait(10) == -signal.SIGKILL
    assert not world.connection.lost
    assert world.connection.last_words == connections.ENDED_BY_US


def test_a_reply_is_found_behind_events_which_are_noted(world: World) -> None:
    def answer() -> None:
        asked = world.heard()
        world.says(event="ended", code=0, log="")
        world.says(reply=asked["do"], number=asked["number"])

    with running(answer):
        reply = world.connection.ask("signal", number=15)

    assert reply == {"reply": "signal", "number": 15}
    assert world.connection.poll() == 0


def test_a_question_to_a_world_that_is_gone_or_silent_is_an_error_of_ours(world: World) -> None:
    with pytest.raises(KernelDied, match="does not answer"):
        world.connection.ask("usage", patience_s=0.05)
    world.b.close()
    with pytest.raises(KernelDied):
        world.connection.ask("usage")
    world.connection.close()
    with pytest.raises(KernelDied, match="is closed"):
        world.connection.ask("usage")


def test_a_file_is_taken_in_its_packets_and_a_missing_one_is_told(world: World) -> None:
    content = [b"a" * 60_000, b"b" * 60_000, b"c"]

    def answer() -> None:
        world.heard()
        world.says(reply="take", size=120_001)
        for packet in content:
            world.b.send(packet)
        world.heard()
        world.says(reply="take", error="FileNotFoundError: answer.npy")

    with running(answer):
        assert world.connection.take("photos", "answer.npy", 10**6) == b"".join(content)
        with pytest.raises(FileNotFoundError, match=r"answer\.npy"):
            world.connection.take("photos", "answer.npy", 10**6)


def test_kills_that_either_side_counted_are_added_up(world: World) -> None:
    def answer() -> None:
        world.heard()
        world.says(reply="usage", full=["/dev/shm"], memory_kills=1, cpu_s=2.0)  # noqa: S108

    world.connection.at_the_end = {"event": "gone", "memory_kills": 2, "peak_mb": 64.0}
    with running(answer):
        usage = world.connection.usage()

    assert usage["memory_kills"] == 3
    assert (usage["full"], usage["cpu_s"], usage["peak_mb"]) == (["/dev/shm"], 2.0, 64.0)  # noqa: S108


def test_closing_twice_ends_the_world_once(world: World) -> None:
    world.connection.close()
    world.connection.close()

    assert world.process.wait(10) == -signal.SIGKILL
    assert world.connection.gone(0)
    assert world.connection.at_the_end == {"event": "gone", "peak_mb": 7.0}


@contextlib.contextmanager
def running(answer: Any) -> Iterator[None]:
    """Let B answer meanwhile."""
    thread = threading.Thread(target=answer)
    thread.start()
    yield
    thread.join(30)
