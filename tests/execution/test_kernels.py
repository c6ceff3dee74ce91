"""A lease ends with everything that was started under it, and lends nothing of our environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.kernels import WARM, Running, own_place
from grader.errors import SpecError
from grader.execution import kernels
from grader.execution.kernels import Lease, adopt_orphans, inherited, lease
from grader.kernel_env import LEASE_VARIABLE

SLEEP = [sys.executable, "-c", "import time; time.sleep(120)"]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that are gone after the test, whatever became of them in it."""
    started: list[subprocess.Popen[bytes]] = []

    def process(command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen(
                command, env=environment, start_new_session=True, stdout=subprocess.PIPE, text=False
            )
        )
        return started[-1]

    yield process
    for one in started:
        one.kill()
        one.wait()
        if one.stdout:
            one.stdout.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Lease]:
    with lease("python3", cwd=tmp_path, environment={"HOME": str(tmp_path)}) as found:
        yield found


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_missing_kernelspec_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(SpecError, match="no kernelspec named 'no_such_kernel'.*jupyter kernelspec list"),
        lease("no_such_kernel", cwd=tmp_path, environment={}),
    ):
        pytest.fail("leased")


@pytest.mark.parametrize("name", ["../python3", "a b", "python3/"])
def test_a_name_that_is_no_kernelspecs_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError, match="no kernelspec"), lease(name, cwd=tmp_path, environment={}):
        pytest.fail("leased")


def test_a_kernel_inherits_what_it_needs_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_TOKEN", "AWS_SECRET_ACCESS_KEY", "PAWGRADE_SECRET", "PAWGRADE_DB_URL", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "secret")
    for name in ("HOME", "PYTHONPATH", "PYTHONSTARTUP", "http_proxy", "LD_PRELOAD", "USER"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

    found = inherited()

    assert "secret" not in found.values()
    assert found["PATH"] == os.environ["PATH"]
    assert (found["LANG"], found["CUDA_VISIBLE_DEVICES"]) == ("C.UTF-8", "0")


def test_what_a_lease_gives_wins_over_what_is_inherited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "C.UTF-8")

    with lease("python3", cwd=tmp_path, environment={"LANG": "C", LEASE_VARIABLE: "forged"}) as found:
        assert found.environment["LANG"] == "C"
        assert found.environment[LEASE_VARIABLE] == found.token


def test_two_leases_have_two_tokens(tmp_path: Path, held: Lease) -> None:
    with lease("python3", cwd=tmp_path, environment={}) as other:
        assert other.token != held.token


def test_a_process_that_names_the_lease_is_ended(held: Lease, start: Start) -> None:
    process = start(SLEEP, **{LEASE_VARIABLE: held.token})

    held.kill()

    assert not alive(process.pid)


def test_a_daemon_without_any_environment_is_ended(held: Lease, start: Start) -> None:
    """A double fork with a session of its own: nothing but being our orphan tells that it is the kernel's."""
    adopt_orphans()
    code = (
        "import os, subprocess, sys\n"
        "daemon = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'],\n"
        "    env={}, start_new_session=True, stdout=subprocess.DEVNULL)\n"
        "print(daemon.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    parent = start([sys.executable, "-c", code], **{LEASE_VARIABLE: held.token})
    assert parent.stdout is not None
    daemon = int(parent.stdout.readline())
    parent.wait()
    assert alive(daemon)

    held.kill()

    assert not alive(daemon)


def test_the_kernel_of_another_lease_is_left_alone(held: Lease, start: Start) -> None:
    other = start(SLEEP, **{LEASE_VARIABLE: "another"})

    held.kill()

    assert alive(other.pid)


def test_what_another_lease_has_started_is_left_alone_whatever_environment_it_has(
    held: Lease, start: Start
) -> None:
    code = (
        "import subprocess, sys, time\n"
        "below = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'], env={},\n"
        "    start_new_session=True, stdout=subprocess.DEVNULL)\n"
        "print(below.pid, flush=True)\n"
        "time.sleep(120)\n"
    )
    parent = start([sys.executable, "-c", code], **{LEASE_VARIABLE: "another"})
    assert parent.stdout is not None
    below = int(parent.stdout.readline())

    held.kill()

    assert alive(below)
    psutil.Process(below).kill()


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_sandboxed_kernel_is_left_alone_by_a_plain_one_that_started_earlier(
    held: Lease,
) -> None:
    """Processes that grade at the same time share a zygote, and one of them is its parent."""
    with own_place(("json",)) as place, Running(WARM, place / "work") as sandboxed:
        held.kill()

        sandboxed.run("6 * 7", timeout_s=10)


def test_a_process_of_ours_that_was_there_before_is_left_alone(tmp_path: Path, start: Start) -> None:
    before = start(SLEEP)
    time.sleep(1.2)  # the clock of process starts is coarse
    with lease("python3", cwd=tmp_path, environment={}):
        pass

    assert alive(before.pid)


def test_ending_a_lease_twice_does_no_harm(held: Lease) -> None:
    held.kill()
    held.kill()


def test_a_lease_ends_when_grading_fails(tmp_path: Path, start: Start) -> None:
    processes = []
    with pytest.raises(ZeroDivisionError), lease("python3", cwd=tmp_path, environment={}) as found:
        processes.append(start(SLEEP, **{LEASE_VARIABLE: found.token}))
        raise ZeroDivisionError

    assert not alive(processes[0].pid)


def test_a_plain_kernel_says_that_it_is_no_sandbox(held: Lease) -> None:
    assert held.sandbox == "none"
    assert kernels.Lease.__dataclass_fields__["sandbox"].default == "none"
