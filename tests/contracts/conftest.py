"""Every way to get a kernel, for one list of tests; and the proof that all of it is gone at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grader.limits import Limits
from tests.contracts import kernel as kernels
from tests.contracts import traces
from tests.contracts.kernel import Kernel

if sys.platform != "linux":
    collect_ignore_glob = ["test_*.py"]  # sandboxes are Linux's, and so is what these tests look at

PROVIDERS = ("stock", "cold", "warm")
SECRET = "tuna-in-the-third-drawer"
TIGHT = {"memory_mb": 1024, "disk_mb": 64, "processes": 64}
WORDS = """
import ctypes, os, signal, socket, subprocess, sys, time
from pathlib import Path
sys.path.insert(0, "")  # attacks need their words even where a kernel finds no module beside its notebook
from inside import *
del sys.path[0]
"""
Fresh = Callable[..., Kernel]
FIRST_CELL = """
import random, numpy, torch
first_numbers = random.random(), numpy.random.rand(), torch.rand(1).item()
"""


@pytest.fixture(scope="session")
def place() -> Iterator[Path]:
    """A short folder of one's own for runtime files and notebooks: paths of unix sockets end at 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="paw-"))
    for name in ("run", "tmp"):
        (folder / name).mkdir(mode=0o700)
    mine = {
        "XDG_RUNTIME_DIR": str(folder / "run"),
        "TMPDIR": str(folder / "tmp"),  # stock kernels have no /tmp of their own
        "JUPYTER_RUNTIME_DIR": str(folder / "run" / "jupyter"),
        "PAWGRADE_CONTRACT_SECRET": SECRET,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, text in mine.items():
            patch.setenv(name, text)
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def nothing_left(place: Path) -> Iterator[None]:
    """After the last kernel and the zygotes: no process, mount, group, socket or file more than before."""
    before = traces.seen(place)
    yield
    traces.release_zygotes()
    left = traces.left_since(before, place, within_s=10)
    assert not left, f"left behind after the last kernel: {left}"


class Pool:
    """Kernels that tests share, each started when it is first asked for, and again when a test has ended it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._kernels: dict[tuple[str, str], Kernel] = {}
        self._failures: dict[tuple[str, str], Exception] = {}

    def get(self, provider: str, role: str, first_cell: str, limits: Limits | None = None) -> Kernel:
        """Return the provider's kernel for a role, which has run its first cell."""
        key = provider, role
        held = self._kernels.get(key)
        if held is not None and held.is_alive():
            return held
        if held is not None:
            held.close()
        if (
            failure := self._failures.get(key)
        ) is not None:  # the next hundred tests need not wait for the same
            raise RuntimeError(f"no {provider} kernel: the first one did not start") from failure
        folder = Path(tempfile.mkdtemp(prefix=f"{provider}-", dir=self.place))
        try:
            held = self._kernels[key] = Kernel(provider, kernels.notebook_folder(folder), limits=limits)
        except Exception as exc:
            self._failures[key] = exc
            raise
        outcome = held.run(first_cell, timeout_s=120)
        assert outcome.status == "ok", outcome
        return held

    def close(self) -> None:
        """End them all."""
        for one in self._kernels.values():
            one.close(
                now=one.provider != "stock"
            )  # a stock one that is killed leaves its semaphores in /dev/shm


@pytest.fixture(scope="session")
def pool(place: Path, nothing_left: None) -> Iterator[Pool]:
    """All shared kernels of this run."""
    kept = Pool(place)
    yield kept
    kept.close()


@pytest.fixture(scope="session", params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    """A way to get a kernel."""
    if request.param != "stock":
        pytest.importorskip("grader.sandbox.kernelspecs", reason="no sandbox on this platform")
        if os.environ.get("PAWGRADE_SANDBOX") == "none":
            pytest.skip("no sandbox here: the report's header says why")
    return str(request.param)


@pytest.fixture
def kernel(provider: str, pool: Pool) -> Kernel:
    """The provider's shared kernel, for what harms nobody."""
    return pool.get(provider, "shared", FIRST_CELL)


@pytest.fixture
def tight(provider: str, pool: Pool) -> Kernel:
    """A kernel with small limits and the words of an attacker: who leaves anything in it closes it."""
    return pool.get(provider, "tight", WORDS, Limits.model_validate(TIGHT))


@pytest.fixture
def neighbour(provider: str, pool: Pool) -> Kernel:
    """Another kernel with the words of an attacker, beside the shared one."""
    return pool.get(provider, "neighbour", WORDS)


@pytest.fixture
def fresh(provider: str, nothing_left: None, place: Path) -> Iterator[Fresh]:
    """Start kernels of one's own, with limits of one's own; they end with the test."""
    with contextlib.ExitStack() as stack:

        def start(**limits: float) -> Kernel:
            folder = Path(tempfile.mkdtemp(prefix=f"{provider}-", dir=place))
            return stack.enter_context(
                kernels.running(provider, folder, limits=Limits.model_validate(limits))
            )

        yield start


@pytest.fixture(scope="session", autouse=True)
def short_of_time() -> None:
    """Kernels spin while they wait for each other's threads unless told not to; two cores are few."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
