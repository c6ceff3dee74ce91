"""When a kernel is over, the machine is as it was: whoever ended it, and however."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.contracts import traces
from tests.contracts.conftest import WORDS, Fresh
from tests.contracts.kernel import Kernel

BUSY = """
import multiprocessing, socket, subprocess, tempfile, threading
from pathlib import Path
child = subprocess.Popen(["sleep", "600"])
listener = socket.socket(socket.AF_UNIX); listener.bind("listener"); listener.listen()
Path("written.txt").write_text("cat")
lock = multiprocessing.get_context("fork").Lock()
print("busy", flush=True)
"""


def _shut_down_in_a_loop(kernel: Kernel) -> None:
    kernel.begin("while True: pass")
    kernel.close()


def _end_itself(kernel: Kernel) -> None:
    kernel.begin("import os; os._exit(1)")
    kernel.dies(5)
    kernel.close()


def _stop_itself(kernel: Kernel) -> None:
    kernel.begin("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")
    kernel.close()


def _restart(kernel: Kernel) -> None:
    kernel.restart()
    kernel.close()


ENDS: dict[str, Callable[[Kernel], None]] = {
    "a shutdown in peace": lambda kernel: kernel.close(now=False),
    "a shutdown at once": Kernel.close,
    "a shutdown in a loop": _shut_down_in_a_loop,
    "its own exit": _end_itself,
    "its own stop": _stop_itself,
    "a restart": _restart,
}


COLD_TOO = (
    "a shutdown at once",
    "its own exit",
    "a restart",
)  # the others differ only in what cold ones share
CASES = [("warm", name) for name in ENDS] + [("cold", name) for name in COLD_TOO]


@pytest.mark.parametrize(("provider", "end"), CASES, indirect=["provider"])
def test_nothing_is_left_by(kernel: Kernel, fresh: Fresh, place: Path, end: str) -> None:
    assert kernel.is_alive()  # so what all kernels share is there
    before, descriptors = traces.seen(place), psutil.Process().num_fds()
    busy = fresh()
    busy.wait_for(busy.begin(BUSY), "busy")

    ENDS[end](busy)

    assert not traces.left_since(before, place, within_s=5)
    assert psutil.Process().num_fds() <= descriptors


@pytest.mark.parametrize("provider", ["warm"], indirect=True)
def test_no_key_is_left_in_the_memory_of_the_next_kernel(neighbour: Kernel, fresh: Fresh) -> None:
    neighbour.restart()
    following = fresh()
    keys = [one.manager.session.key for one in (following, neighbour)]
    assert following.run(WORDS).status == "ok"

    words = [(key[:6], len(key), hashlib.sha256(key).hexdigest()) for key in keys]
    own, others = following.literal(f"remembered({words})", timeout_s=60)

    assert own > 0, "it must find at least its own"
    assert others == 0
