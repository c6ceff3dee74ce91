"""What a zygote lets in: modules that would harm its forks are left out by name."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.host import bubblewrap

MODULES = {
    "starts_a_thread": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "leaves_a_file_open": "file = open(__file__)",
    "sets_a_secret": "import os\nos.environ['COURSE_API_KEY'] = '123'",
    "cannot_be_imported": "raise RuntimeError('no such luck')",
    "is_harmless": "value = 42",
}


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_module_that_breaks_a_rule_is_left_out_by_name_and_the_rest_is_preloaded(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # root's box is somebody else
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(source)

    left_out = ready_zygote(tmp_path, [*MODULES, "json"])["left_out"]

    assert left_out.keys() == MODULES.keys() - {"is_harmless"}
    assert "thread" in left_out["starts_a_thread"]
    assert "leaves_a_file_open.py" in left_out["leaves_a_file_open"]
    assert "COURSE_API_KEY" in left_out["sets_a_secret"]
    assert "no such luck" in left_out["cannot_be_imported"]


def ready_zygote(folder: Path, preload: list[str]) -> dict[str, Any]:
    """Start a zygote in a box that has modules of ours; return what it says when it is ready."""
    python = bubblewrap.interpreter(sys.executable)
    shown = bubblewrap.Interpreter(python.executable, (*python.folders, str(folder)), python.package)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    world = bubblewrap.Box(shown, environment=(("PYTHONPATH", str(folder)),))
    argument = json.dumps({"control": theirs.fileno(), "preload": preload, "left_out": {}, "warm": True})
    command = world.command(argument, bubblewrap.stage_prefix())
    with (
        subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            preexec_fn=world.prepare(),  # noqa: PLW1509 - as the keeper does
        ),
        ours,  # closed first: then the zygote ends
    ):
        theirs.close()
        ours.settimeout(60)
        return dict(json.loads(ours.recv(100_000)))


def test_a_module_that_creates_a_context_is_no_part_of_a_zygote() -> None:
    code = (
        "import sys, types\n"
        "from grader.sandbox.inside import zygote\n"
        "before = zygote._traces()\n"
        "initialised = types.SimpleNamespace(is_initialized=lambda: True)\n"
        "sys.modules['torch'] = types.SimpleNamespace(cuda=initialised)\n"
        "print(zygote._broken_rule(before))\n"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.startswith("creates a CUDA context")
