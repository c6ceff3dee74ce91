"""A real keeper, spoken to packet by packet: who owns its zygote, what it refuses, and that nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.limits import Limits
from grader.sandbox.host import client
from grader.sandbox.host.client import Kind
from grader.sandbox.packets import MAX_MESSAGE

pytestmark = pytest.mark.sandbox
KIND = Kind(sys.executable, (), warm=False)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a keeper that this process owns; its path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="paw-", dir="/var/tmp") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield client.hold(KIND)
        client.release_zygotes()


def line(folder: Path) -> socket.socket:
    found = client._connect(folder)
    assert found is not None
    found.settimeout(30)
    return found


def ask(connection: socket.socket, **request: Any) -> dict[str, Any]:
    connection.send(json.dumps(request).encode())
    return dict(json.loads(connection.recv(MAX_MESSAGE)))


def soon(condition: Callable[[], object]) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


def test_the_zygote_ends_with_the_last_of_its_owners_and_leaves_no_folder(folder: Path) -> None:
    with line(folder) as other:
        other.send(b'{"do": "hold"}')
        assert ask(other, do="status")["owners"] == [os.getpid()]

        client.release_zygotes()
        still_there = folder.exists()
        ends = ask(other, do="release")

    assert still_there
    assert ends == {"ends": True}
    assert soon(lambda: not folder.exists())


def test_a_folder_that_is_on_no_shelf_is_refused_and_the_keeper_goes_on(folder: Path, tmp_path: Path) -> None:
    order = {"do": "launch", "environment": {}, "key": "k", "limits": Limits().of_a_kernel()}
    order["folders"] = {"/pawgrade/data": "/etc"}
    (tmp_path / "archive").touch()

    with line(folder) as asking, (tmp_path / "archive").open("rb") as archive:
        socket.send_fds(asking, [json.dumps(order).encode()], [archive.fileno()])
        reply = json.loads(asking.recv(MAX_MESSAGE))

    assert "/etc" in reply["error"]
    with line(folder) as other:
        status = ask(other, do="status")
    assert status["kernels"] == []
    assert [path.name for path in folder.iterdir() if path.name[-2:] in {"-1", "-2", "-3", "-4", "-5"}] == []


def test_a_keeper_that_is_told_to_end_takes_its_zygote_along(folder: Path) -> None:
    with line(folder) as asking:
        status = ask(asking, do="status")

        os.kill(status["keeper"], signal.SIGTERM)

        assert asking.recv(MAX_MESSAGE) == b""
    assert soon(lambda: not folder.exists())
    assert soon(lambda: not _runs(status["box"]))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
