"""A kernel in an interpreter of its own, outside of any sandbox: it answers on the sockets that it inherits, and on no other."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client import BlockingKernelClient

from grader import visible
from grader.sandbox.paths import CHANNELS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
KEY = "the key of its messages"


@contextlib.contextmanager
def started(folder: Path) -> Iterator[BlockingKernelClient]:
    """Start a kernel as a fork of the zygote does, with a file in its archive; yield a client of it."""
    (folder / "work").mkdir()
    with tarfile.open(folder / "archive.tar", "w") as tar:
        entry = tarfile.TarInfo("notes.txt")
        entry.size = 4
        tar.addfile(entry, io.BytesIO(b"meow"))
    with contextlib.ExitStack() as stack:
        prefix = f"{stack.enter_context(tempfile.TemporaryDirectory(prefix='paw-', dir='/var/tmp'))}/k"
        listening = []
        for port, _ in enumerate(CHANNELS, 1):
            one = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            one.bind(f"{prefix}-{port}")
            one.listen(8)
            listening.append(one.fileno())
        archive = stack.enter_context((folder / "archive.tar").open("rb"))
        config = {"archive": archive.fileno(), "listening": listening, "key": KEY}
        line = [sys.executable, "-P", "-m", "grader.sandbox.inside.cold_start", json.dumps(config)]
        environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), **visible.withheld(["normalise"])}
        process = stack.enter_context(
            subprocess.Popen(
                line, cwd=folder / "work", env=environment, pass_fds=[archive.fileno(), *listening]
            )
        )
        stack.callback(process.kill)
        ports = {f"{name}_port": port for port, name in enumerate(CHANNELS, 1)}
        client = BlockingKernelClient(transport="ipc", ip=prefix, **ports)
        client.session.key = KEY.encode()
        client.start_channels(hb=False)
        stack.callback(client.stop_channels)
        client.wait_for_ready(timeout=60)
        yield client


def said(client: BlockingKernelClient, code: str) -> str:
    """Run code and return what it prints, or the error's words."""
    parts: list[str] = []

    def hear(message: dict[str, Any]) -> None:
        content = message["content"]
        parts.append(content.get("text") or content.get("evalue") or "")

    client.execute_interactive(code, output_hook=hear, timeout=60)
    return "".join(parts)


def test_a_cold_kernel_has_its_files_and_not_what_the_assignment_withholds(tmp_path: Path) -> None:
    with started(tmp_path) as client:
        beside = said(client, "print(open('notes.txt').read())")
        withheld = said(client, "import grader.networks.normalising")
        arguments = said(client, "import sys; print(sys.argv[1:])")

    assert beside == "meow\n"
    assert "is not there while your notebook is graded" in withheld
    assert KEY not in arguments
