"""What a hostile notebook may start, fill or break in a kernel of its own: all of it is bounded and ends with it."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from grader.sandbox.host import cgroups
from tests.contracts.attacks import FILES_IN_WORK, NOTHING_FOUND, PLANTED, SEARCHED
from tests.contracts.conftest import SECRET, TIGHT, WORDS, Fresh
from tests.contracts.kernel import Kernel, notebook_folder, running

pytestmark = pytest.mark.parametrize("provider", ["cold", "warm"], indirect=True)

DISK = (".", "/tmp", "/pawgrade/home")  # noqa: S108 - places of the kernel's own
BOMB = """
def bomb():
    while True:
        attempt(os.fork)
        time.sleep(0.01)
if os.fork() == 0:
    bomb()
time.sleep(2)
"""
STUBBORN = """
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "while True: pass", {mark!r}], start_new_session=True)
daemonised("import os; os.execvp('sleep', ['sleep', {mark!r}])")
print("started", flush=True)
while True:
    pass
"""
PIECES = "pieces = []\nwhile True: pieces.append(bytearray(os.urandom(2**20)) * 64)"


def _marked(mark: str) -> list[psutil.Process]:
    """Find the host's view of the processes that carry a mark in their command."""
    return [one for one in psutil.process_iter(["cmdline"]) if mark in (one.info["cmdline"] or [])]


def _soon(true: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def _mark() -> str:
    return f"36{random.SystemRandom().randrange(10**6, 10**7)}"  # seconds that a `sleep` takes, too


def test_floods_stop_at_the_cap_and_the_kernel_answers(tight: Kernel) -> None:
    forks = tight.value("forked_out(500)")
    disk = [tight.value(f"flooded({folder!r}, 1024)") for folder in DISK]
    inodes = tight.value("crowded('.', 200_000)", timeout_s=60)
    memory = tight.value("flooded('/dev/shm', 1500)", timeout_s=60)

    assert forks.startswith("refused: EAGAIN after")
    assert int(forks.split()[-2]) < TIGHT["processes"]
    assert all(said.startswith(("refused: ENOSPC", "refused: EFBIG")) for said in disk), disk
    assert all(int(said.split()[-2]) <= TIGHT["disk_mb"] for said in disk), disk
    assert inodes.startswith("refused: ENOSPC")
    assert memory.startswith(("refused: ENOSPC", "refused: EFBIG", "refused: ENOMEM"))
    assert tight.value("1 + 1") == "2"


def test_a_fork_bomb_stops_and_the_kernel_answers(tight: Kernel) -> None:
    tight.run(BOMB)

    answer = tight.run("1 + 1")
    tight.close()

    assert answer.result == "2", answer


def test_memory_taken_in_pieces_ends_the_kernel_or_is_refused(tight: Kernel) -> None:
    outcome = tight.finish(tight.begin(PIECES), timeout_s=30)

    refused = outcome.error == "MemoryError"
    assert refused or tight.dies(5), outcome
    tight.close()


def test_memory_taken_by_many_children_ends_them_or_the_kernel(tight: Kernel) -> None:
    outcome = tight.finish(tight.begin("print(survivors(8, 400, 3))"), timeout_s=90)

    assert tight.dies(1) or outcome.error or int(outcome.text) <= 2, outcome


def test_memory_hoarded_in_files_without_a_name_is_counted(tight: Kernel) -> None:
    outcome = tight.finish(tight.begin("print(hoarded(24, 128)); time.sleep(5)"), timeout_s=40)

    lived = not tight.dies(1)
    tight.close()

    assert not lived or outcome.error, outcome


def test_memory_hoarded_in_sockets_is_counted(tight: Kernel) -> None:
    outcome = tight.finish(tight.begin("print(hoarded_in_sockets(3, 2000), flush=True); time.sleep(3)"), 40)

    bounded = tight.dies(1) or bool(outcome.error) or int(outcome.text) < TIGHT["memory_mb"]
    tight.close()

    if not bounded and cgroups.find() is None:
        pytest.xfail("without a control group nothing counts what lies in the buffers of sockets")
    assert bounded, outcome


def test_what_ignores_every_signal_is_gone_after_shutdown(tight: Kernel) -> None:
    mark = _mark()
    tight.wait_for(tight.begin(STUBBORN.format(mark=mark)), "started")
    assert _soon(lambda: len(_marked(mark)) == 2, 10)

    tight.close()

    assert _soon(lambda: not _marked(mark), 1)


def test_its_processes_are_not_roots(tight: Kernel) -> None:
    mark = _mark()
    tight.run(f"subprocess.Popen(['sleep', {mark!r}])")
    assert _soon(lambda: len(_marked(mark)) == 1, 10)

    uids = _marked(mark)[0].uids()
    tight.close()

    assert 0 not in (uids.real, uids.effective, uids.saved)


@pytest.mark.parametrize("end", ["os._exit(3)", "ctypes.string_at(0)", "os.kill(os.getpid(), 9)"])
def test_the_manager_notices_a_kernel_that_ends_itself(fresh: Fresh, end: str) -> None:
    kernel = fresh()

    kernel.begin(f"import ctypes, os; {end}")

    assert kernel.dies(2)


def test_odd_files_in_the_work_folder_delay_nothing_and_stay_inside(tight: Kernel) -> None:
    before = sorted(tight.cwd.iterdir())
    made = tight.run(FILES_IN_WORK)
    assert not made.error, made
    assert "refused" in made.text

    started = time.monotonic()
    tight.close()

    assert time.monotonic() - started < 10
    assert sorted(tight.cwd.iterdir()) == before


def test_a_link_beside_the_notebook_brings_nothing_of_the_host(
    provider: str, place: Path, nothing_left: None
) -> None:
    folder = notebook_folder(place / f"links-{provider}")
    (place / "secret.txt").write_text(SECRET)
    (folder / "away.txt").symlink_to(place / "secret.txt")
    (folder / "upwards").symlink_to("..")
    os.mkfifo(folder / "pipe")

    with running(provider, folder) as kernel:
        kernel.run(WORDS)
        told = kernel.value(
            "[opened(p) for p in ('away.txt', 'upwards/secret.txt')], opened('notes.txt')[:4]"
        )

    assert SECRET not in told
    assert "done" in told


def test_kernels_do_not_see_each_other_nor_what_one_before_left(kernel: Kernel, neighbour: Kernel) -> None:
    words = {"token": "paw-planted", "port": 38471}
    kernel.run(WORDS)
    assert not neighbour.run(PLANTED.format(**words)).error

    beside = kernel.run(SEARCHED.format(**words))
    neighbour.restart()
    neighbour.run(WORDS)
    after = neighbour.run(SEARCHED.format(**words))

    assert beside.text.strip() == NOTHING_FOUND, beside
    assert after.text.strip() == NOTHING_FOUND, after


def test_one_kernels_processes_take_none_from_another(kernel: Kernel, neighbour: Kernel) -> None:
    kernel.run(WORDS)
    neighbour.run("[subprocess.Popen(['sleep', '600']) for _ in range(110)]")

    forks = kernel.value("forked_out(40)")
    neighbour.close()

    assert forks == "done: None after 40 forks"


SHARED_UID = pytest.mark.xfail(
    condition=os.geteuid() != 0,
    reason="Linux counts it by user, and an ordinary user's kernels are all of one",
    strict=True,
)
PIPES = """
def pipes():
    held = [attempt(os.pipe) for _ in range(500)]
    time.sleep(600)
for _ in range(4):
    if os.fork() == 0:
        pipes()
time.sleep(3)
"""


@SHARED_UID
def test_one_kernels_descriptors_in_flight_take_none_from_another(kernel: Kernel, neighbour: Kernel) -> None:
    kernel.run(WORDS)
    neighbour.value("in_flight(20_000)")

    passed = kernel.value("passed_descriptor()")
    neighbour.close()

    assert passed == "done: 1"


@SHARED_UID
def test_one_kernels_pipes_do_not_shrink_anothers(kernel: Kernel, neighbour: Kernel) -> None:
    kernel.run(WORDS)
    neighbour.run(PIPES)

    size = kernel.literal("__import__('fcntl').fcntl(os.pipe()[0], 1032)")
    neighbour.close()

    assert size == 2**16


def test_one_kernels_watches_take_none_from_another(kernel: Kernel, neighbour: Kernel) -> None:
    kernel.run(WORDS)
    watch = "[ctypes.CDLL(None).inotify_init() for _ in range({})]"
    held = neighbour.literal(watch.format(400))

    own = kernel.literal(watch.format(3))
    neighbour.close()

    assert 1 <= len([one for one in held if one >= 0]) <= 16
    assert min(own) >= 0


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has one uid for all kernels")
def test_as_root_each_kernel_and_what_watches_over_it_have_uids_of_their_own(
    kernel: Kernel, neighbour: Kernel
) -> None:
    marks = [_mark(), _mark()]
    for one, mark in zip((kernel, neighbour), marks, strict=True):
        one.run(f"import subprocess; child = subprocess.Popen(['sleep', {mark!r}])")
    assert _soon(lambda: all(_marked(mark) for mark in marks), 10)

    students = [{*_marked(mark)[0].uids()} for mark in marks]
    watchers = [{*psutil.Process(one.manager.provisioner.pid).uids()} for one in (kernel, neighbour)]
    for one in (kernel, neighbour):
        one.run("child.kill(); child.wait()")

    assert all(len(each) == 1 for each in (*students, *watchers))
    assert len({each for uids in (*students, *watchers) for each in uids}) == 4
