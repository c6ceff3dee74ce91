"""Packets between the processes of a sandbox: JSON over unix sockets, with the sender's pid vouched for by the system."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
from typing import Any

# Of one packet. A longer one is cut by the system without a word, and is no JSON then.
MAX_MESSAGE = 200_000
CREDENTIALS = struct.Struct("3i")


def say(client: socket.socket, message: dict[str, Any]) -> None:
    """Send a packet; nothing happens when the other side is gone."""
    with contextlib.suppress(OSError):
        client.send(json.dumps(message).encode())


def sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return the sender's pid as the system vouches for it; raises OSError when it does not."""
    for level, kind, content in ancillary:
        # Filled in by the system, in the receiver's numbering of pids; without privileges no sender can forge it.
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return int(CREDENTIALS.unpack(content[: CREDENTIALS.size])[0])
    raise OSError("a message came without credentials")


def peer_pid(client: socket.socket) -> int:
    """Return the pid of the process that connected."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(credentials)[0])
