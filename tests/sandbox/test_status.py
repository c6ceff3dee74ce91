"""What is told of zygotes and kernels that run: as their keepers say it, with memory and owners that the system tells."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.host.client import runtime_folder
from grader.sandbox.host.status import LONGEST_COMMAND, zygotes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
NOBODY = 2**22 + 1  # beyond the largest pid


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The runtime folder; its path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="paw-", dir="/var/tmp") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield runtime_folder()


def status(**changes: Any) -> dict[str, Any]:
    kernel = {
        "name": "0123456789",
        "pid": os.getpid(),
        "client": os.getpid(),
        "started": time.time() - 5,
        "limits": {"memory_mb": 64, "cpus": 2, "surprise": 1},
    }
    told = {
        "python": "/usr/bin/python3",
        "preload": ["json"],
        "warm": True,
        "idle_s": 600.0,
        "keep_s": 0.0,
        "zygote": {"pid": os.getpid(), "left_out": {"moon": "ModuleNotFoundError"}},
        "started": time.time() - 10,
        "owners": [os.getpid(), NOBODY],
        "kernels": [kernel],
    }
    return {**told, **changes}


def answered(folder: Path, answer: bytes) -> Any:
    """Return the zygotes while a keeper answers so."""
    (folder / "0123456789ab").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(folder / "0123456789ab" / "socket"))
        listener.listen()

        def keep() -> None:
            line, _ = listener.accept()
            with line:
                assert json.loads(line.recv(1000)) == {"do": "status"}
                line.send(answer)

        thread = threading.Thread(target=keep)
        thread.start()
        found = zygotes()
        thread.join(30)
    return found


def test_where_nothing_runs_there_is_nothing(folder: Path) -> None:
    assert zygotes() == []


def test_a_zygote_and_its_kernel_are_told_with_age_memory_and_owners(folder: Path) -> None:
    (found,) = answered(folder, json.dumps(status()).encode())

    process, (kernel,) = found.process, found.kernels
    assert (process.name, process.pid) == ("zygote", os.getpid())
    assert process.age_s > kernel.age_s > 0
    assert process.pss_mb > 1
    assert "left out moon: ModuleNotFoundError" in process.what
    assert "ends after 600 s without a kernel, 0 s without an owner" in process.what
    assert kernel.what == "at most 64 MiB memory, 2 threads for numerical libraries"
    assert [owner.pid for owner in process.owners] == [os.getpid(), NOBODY]
    assert 0 < len(process.owners[0].command) <= LONGEST_COMMAND
    assert process.owners[1].command == ""
    assert json.loads(json.dumps(found.to_json()))["kernels"][0]["name"] == "└ kernel 0123456789"


def test_a_zygote_that_is_not_ready_has_no_pid_and_no_memory(folder: Path) -> None:
    (found,) = answered(folder, json.dumps(status(zygote={}, kernels=[], warm=False)).encode())

    assert found.process.name == "zygote, cold, starting"
    assert (found.process.pid, found.process.pss_mb, found.process.uss_mb) == (0, None, None)


def test_a_process_that_is_gone_is_told_without_memory(folder: Path) -> None:
    told = status()
    told["kernels"][0] |= {"pid": NOBODY, "limits": {}}

    (found,) = answered(folder, json.dumps(told).encode())

    assert (found.kernels[0].pss_mb, found.kernels[0].what) == (None, "")


def test_a_keeper_that_talks_nonsense_is_passed_over(folder: Path) -> None:
    assert answered(folder, b"{not json") == []
