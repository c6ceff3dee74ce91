"""Packets between the processes of a sandbox: whole or not at all, with a sender that the system vouches for."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from collections.abc import Iterator

import pytest

from grader.sandbox.packets import CREDENTIALS, MAX_MESSAGE, peer_pid, say, sender

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        yield ours, theirs


def test_what_was_said_arrives_as_one_packet(pair: Pair) -> None:
    ours, theirs = pair
    for number in range(3):
        say(ours, {"event": "born", "number": number, "text": "Zoë"})

    assert [json.loads(theirs.recv(MAX_MESSAGE))["number"] for _ in range(3)] == [0, 1, 2]


def test_nobody_is_stopped_by_the_other_sides_end(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()

    say(ours, {"event": "born"})


def test_the_sender_is_who_the_system_says_it_is_and_not_who_it_claims(pair: Pair) -> None:
    ours, theirs = pair
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    if (child := os.fork()) == 0:
        say(ours, {"event": "born", "pid": os.getppid()})
        os._exit(0)
    os.waitpid(child, 0)
    message, ancillary, _, _ = theirs.recvmsg(MAX_MESSAGE, socket.CMSG_SPACE(CREDENTIALS.size))

    assert json.loads(message)["pid"] == os.getpid()
    assert sender(ancillary) == child


def test_a_packet_without_credentials_has_no_sender() -> None:
    descriptors = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("3i", 1, 2, 3))]

    with pytest.raises(OSError, match="without credentials"):
        sender(descriptors)


def test_who_connected_is_known(pair: Pair) -> None:
    assert peer_pid(pair[0]) == os.getpid()
