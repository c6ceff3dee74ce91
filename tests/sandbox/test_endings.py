"""How kernels and zygotes end, whoever is killed, and that nothing of them is left."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks import kernel_endings, kernels
from benchmarks.kernels import WARM, Running
from grader.errors import KernelDied
from grader.sandbox.host.client import statuses

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
]
SECRET = "tuna-in-the-third-drawer"
Place = Callable[..., Path]


@pytest.fixture
def place() -> Iterator[Place]:
    """Make a place with a kernelspec of one's own; all of it is gone after the test."""
    with contextlib.ExitStack() as stack:

        def make(*, preload: tuple[str, ...] = ("json",), **options: float) -> Path:
            return stack.enter_context(kernels.own_place(preload, **options))

        yield make


def soon(condition: Callable[[], object], within_s: float = 10) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + within_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


def zygote() -> psutil.Process:
    """The one zygote there is, once it is ready."""
    assert soon(lambda: statuses() and statuses()[0]["zygote"])
    return psutil.Process(statuses()[0]["zygote"]["pid"])


@pytest.mark.parametrize("victim", kernel_endings.VICTIMS)
def test_a_sigkill_ends_three_kernels_and_all_they_started_and_the_next_launch_works_and_leaves_nothing(
    place: Place, victim: str
) -> None:
    here = place()

    ending = kernel_endings.measured(victim, here)

    assert ending.processes >= 8  # three of pid 1, three kernels, a child, a daemon
    assert ending.seconds < float("inf")  # infinite: something was still there when patience ended
    assert ending.next_launch == "works"
    assert ending.left == []


def test_a_kernel_that_was_lost_can_be_shut_down_like_any_other(place: Place) -> None:
    here = place()
    kernel = Running(WARM, here / "work")
    kernel.run("1 + 1")

    psutil.Process(kernel.manager.provisioner.pid).kill()
    assert soon(lambda: not kernel.manager.is_alive())

    kernel.close()


def test_a_worker_forked_from_a_grader_that_holds_kernels_does_not_keep_them(place: Place) -> None:
    here = place()
    code = (
        "import os, sys, time; from benchmarks.kernels import Running; from pathlib import Path\n"
        f"held = Running({WARM!r}, Path({str(here / 'work')!r})); held.run('1 + 1')\n"
        "pid = held.manager.provisioner.pid; worker = os.fork()\n"
        "if worker: print(pid, worker, flush=True)\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=kernel_endings.REPOSITORY
    ) as grader:
        assert grader.stdout is not None
        kernel, worker = (psutil.Process(int(pid)) for pid in grader.stdout.readline().split())

        grader.kill()
        gone = kernel_endings.gone_after([kernel], 3)
        worker.kill()

    assert gone < 3


def test_a_zygote_without_kernels_ends_when_it_was_idle_and_another_is_started_on_demand(
    place: Place,
) -> None:
    here = place(idle_s=0.5)
    with Running(WARM, here / "work") as kernel:
        kernel.run("1 + 1")
        first = zygote()
        assert not soon(lambda: not kernels.runs(first), 1), "it ended while a kernel ran"

    ended = soon(lambda: not kernels.runs(first))
    with Running(WARM, here / "work") as kernel:
        kernel.run("1 + 1")

    assert ended


def test_two_processes_share_a_zygote_that_ends_with_the_last_of_them(place: Place) -> None:
    here = place()
    with kernel_endings.grader(WARM, here / "work") as one:
        with kernel_endings.grader(WARM, here / "work") as other:
            both = one.ask("launch"), other.ask("launch")
            shared = zygote()
            owners = statuses()[0]["owners"]
        left_to_one = kernels.runs(shared)
        again = one.ask("launch")

    assert owners == sorted(said["pid"] for said in both)
    assert left_to_one
    assert "error" not in again
    assert soon(lambda: not kernels.runs(shared))
    assert not statuses()


def test_a_zygote_that_is_kept_serves_a_process_that_comes_later(place: Place) -> None:
    here = place(keep_s=60)
    with kernel_endings.grader(WARM, here / "work") as one:
        one.ask("launch")
        first = zygote()

    with kernel_endings.grader(WARM, here / "work") as other:
        said = other.ask("launch")
        second = zygote()

    assert "error" not in said
    assert second == first
    os.kill(statuses()[0]["keeper"], signal.SIGTERM)
    assert soon(lambda: not kernels.runs(first))
    assert soon(lambda: not statuses())


def test_whoever_ends_first_leaves_the_zygote_to_those_who_still_own_it(place: Place) -> None:
    here = place()
    with kernel_endings.grader(WARM, here / "work") as one:
        one.ask("launch")
        with kernel_endings.grader(WARM, here / "work") as other:
            other.ask("launch")
            before = zygote().pid

            one.close()
            other.ask("launch")

            assert zygote().pid == before


def test_a_restart_gives_a_fresh_fork_under_the_same_address(place: Place) -> None:
    here = place()
    with Running(WARM, here / "work") as kernel:
        kernel.run("mine = 1")
        before = kernel.manager.provisioner.pid, kernel.manager.get_connection_info()

        kernel.manager.restart_kernel(now=True)
        kernel.run("assert 'mine' not in globals()")

        after = kernel.manager.provisioner.pid, kernel.manager.get_connection_info()
    assert after[0] != before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize("delay_s", [0.0, 0.01, 0.1])
def test_a_launch_while_the_zygote_is_killed_works_or_says_why_not(place: Place, delay_s: float) -> None:
    here = place()
    with Running(WARM, here / "work") as kernel:
        kernel.run("1 + 1")
        pid = zygote().pid

        timer = threading.Timer(delay_s, os.kill, (pid, signal.SIGKILL))
        timer.start()
        outcome = attempt(here / "work")
        timer.join()

    assert outcome in {"works", "KernelDied", "lost"}
    assert attempt(here / "work") == "works"


def attempt(cwd: Path) -> str:
    """Try to get a kernel that answers; say how that went."""
    try:
        with Running(WARM, cwd) as kernel:
            asked = kernel.client.kernel_info()
            while kernel.manager.is_alive():
                with contextlib.suppress(queue.Empty):
                    kernels.reply_to(kernel.client, asked, 0.2)
                    return "works"
            return "lost"
    except KernelDied:
        return "KernelDied"


def test_a_kernel_works_without_the_module_that_was_left_out_and_its_name_is_known(place: Place) -> None:
    here = place(preload=("json", "no_such_module", "math"))

    with Running(WARM, here / "work") as kernel:
        kernel.run("import json, math")
        left_out = kernel.manager.provisioner.connection.left_out

    assert list(left_out) == ["no_such_module"]
    assert "ModuleNotFoundError" in left_out["no_such_module"]


def test_neither_the_zygote_nor_a_kernel_has_a_variable_of_the_graders(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWGRADE_TEST_SECRET", SECRET)
    here = place()

    with Running(WARM, here / "work") as kernel:
        kernel.run(f"import os; assert {SECRET[:4]!r} not in str(os.environ)")
        (status,) = statuses()
        pids = [status["keeper"], *(one.pid for one in kernels.tree(status["keeper"]))]
        environments = [readable(Path("/proc", str(pid), "environ")) for pid in pids]

    assert any(environments)
    assert not any(SECRET.encode() in one for one in environments)


def readable(path: Path) -> bytes:
    """What a file holds, or nothing where an ordinary user may not look."""
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""


def test_the_zygotes_memory_holds_no_secret_of_the_grader(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWGRADE_TEST_SECRET", SECRET)
    here = place()

    with Running(WARM, here / "work") as kernel:
        kernel.run("1 + 1")
        memory = writable_memory(zygote().pid)

    assert b"pawgrade" in memory  # its own package: the search finds what is there
    assert SECRET.encode() not in memory


def writable_memory(pid: int) -> bytes:
    """All that a process could have written to."""
    parts = []
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            span, rights, *_ = line.split()
            low, high = (int(one, 16) for one in span.split("-"))
            if rights.startswith("rw"):
                memory.seek(low)
                parts.append(memory.read(high - low))
    return b"".join(parts)
