"""Work on untrusted bytes in a limited process: what it gives, how it fails, and that it ends with its owner."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from grader import confined
from grader.confined import Bounds, Broken, run

SMALL = Bounds(cpu_s=1, wall_s=5, memory_mb=100, answer_mb=1)
WORKS = """
import os, signal, time

def echo(content, **options): return content + str(options).encode()
def eat(content): return bytes(10**9)
def spin(content):
    while True: pass
def sleep(content): time.sleep(100)
def large(content): return bytes(2 * 2**20)
def fail(content): raise ValueError("no such thing")
def die(content): os.kill(os.getpid(), signal.SIGSEGV)
def wait(content):
    with open(content, "w") as file: file.write(str(os.getpid()))
    time.sleep(100)
"""


@pytest.fixture(scope="module", autouse=True)
def works(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A module that the helper can import, as it does ours."""
    folder = tmp_path_factory.mktemp("works")
    (folder / "works_of_a_test.py").write_text(WORKS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setenv("PYTHONPATH", str(folder))
        confined._close()  # the next call starts a helper that sees the folder
        yield
        confined._close()


def work(name: str) -> confined.Work:
    import works_of_a_test  # type: ignore[import-not-found]

    found: confined.Work = getattr(works_of_a_test, name)
    return found


def test_bytes_and_options_go_in_and_bytes_come_out() -> None:
    assert run(work("echo"), b"\x00abc", SMALL, number=1) == b"\x00abc{'number': 1}"


@pytest.mark.parametrize(
    ("name", "how"),
    [("eat", "memory"), ("spin", "clock"), ("large", "size"), ("fail", "crash"), ("die", "crash")],
)
def test_how_a_work_failed_is_a_value_and_the_next_is_none_the_worse(name: str, how: str) -> None:
    found = run(work(name), b"", SMALL)

    assert isinstance(found, Broken)
    assert found.how == how
    assert run(work("echo"), b"a", SMALL) == b"a{}"


def test_a_work_that_waits_for_ever_meets_the_clock_on_the_wall() -> None:
    found = run(work("sleep"), b"", Bounds(wall_s=0.2))

    assert found == Broken("clock", f"it ended by signal {int(signal.SIGALRM)}")


def test_the_log_of_an_exception_is_kept_for_staff() -> None:
    found = run(work("fail"), b"", SMALL)

    assert isinstance(found, Broken)
    assert "ValueError: no such thing" in found.log


def test_calls_from_many_threads_do_not_meet_each_other() -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: run(work("echo"), b"%d" % number, SMALL), range(40)))

    assert found == [b"%d{}" % number for number in range(40)]


def _in_a_fork(line: object) -> None:
    line.send(run(work("echo"), b"fork", SMALL))  # type: ignore[attr-defined]


def test_a_forked_worker_has_a_helper_of_its_own() -> None:
    run(work("echo"), b"", SMALL)
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    worker = multiprocessing.get_context("fork").Process(target=_in_a_fork, args=(theirs,))

    worker.start()

    assert ours.recv() == b"fork{}"
    worker.join()
    assert run(work("echo"), b"ours", SMALL) == b"ours{}"


def test_a_helper_that_was_ended_from_outside_is_replaced() -> None:
    run(work("echo"), b"", SMALL)
    confined._held[0].process.kill()
    confined._held[0].process.wait()

    assert run(work("echo"), b"again", SMALL) == b"again{}"


def test_helper_and_children_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    script = (
        f"import works_of_a_test, grader.confined as c; c.run(works_of_a_test.wait, {os.fsencode(noted)!r})"
    )
    owner = subprocess.Popen([sys.executable, "-c", script])
    while not (noted.is_file() and noted.read_text()):
        assert owner.poll() is None
        time.sleep(0.02)
    child = psutil.Process(int(noted.read_text()))
    processes = [
        child,
        *(
            one
            for one in child.parents()
            if one.pid != owner.pid and owner.pid in [p.pid for p in one.parents()]
        ),
    ]

    owner.kill()
    owner.wait()

    assert len(processes) == 2
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
