"""What is taken out of a kernel's world is a regular file of its own, of bounded size, whatever races there are inside."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from grader.errors import KernelDied
from tests.contracts.kernel import Kernel

pytestmark = pytest.mark.parametrize("provider", ["cold", "warm"], indirect=True)

NAME = "answers"
PREPARED = """
import os
os.chdir({place!r})
os.makedirs("deep")
open("plain", "wb").write(b"mine")
open("deep/plain", "wb").write(b"deep")
open("large", "wb").write(b"x" * 2**20)
os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 2**28)
os.symlink("/etc/passwd", "link"); os.symlink("/proc/self/environ", "environ"); os.symlink("/proc/self/fd/0", "zero")
os.symlink("/etc", "etc"); os.symlink("/proc/1", "one"); os.symlink("plain", "local"); os.mkfifo("pipe")
"""
RACING = """
import time
racer = os.fork()
if racer == 0:
    while time.sleep(0.0005) is None:
        os.symlink("/etc/passwd", "fresh"); os.rename("fresh", "racing")
        open("fresh", "wb").write(b"mine"); os.rename("fresh", "racing")
        os.mkfifo("fresh"); os.rename("fresh", "racing")
"""
AMBUSH = """
if os.fork() == 0:
    while time.sleep(0.0005) is None:
        try:
            os.symlink("/pawgrade/work", "/pawgrade/exchange/brought/answers")
        except OSError:
            pass
"""


@pytest.fixture
def out(neighbour: Kernel, tmp_path: Path) -> Kernel:
    """A kernel that was asked something and has prepared its answers, honest and other ones."""
    (tmp_path / "question.txt").write_text("how many cats?")
    place = neighbour.manager.provisioner.put(tmp_path, NAME)
    prepared = neighbour.run(PREPARED.format(place=place))
    assert prepared.status == "ok", prepared
    return neighbour


def _takes(kernel: Kernel) -> Any:
    """The provisioner's way to read a kernel's file: name of the folder, path in it, most bytes."""
    return kernel.manager.provisioner.take


def test_only_regular_files_come_out_and_never_more_than_was_asked_for(out: Kernel) -> None:
    take = _takes(out)

    assert out.value("open('question.txt').read()") == "how many cats?"
    assert take(NAME, "plain", 100) == b"mine"
    assert take(NAME, "deep/plain", 100) == b"deep"
    assert [len(take(NAME, path, 100)) for path in ("large", "sparse")] == [100, 100]
    for path in ("link", "environ", "zero", "etc/passwd", "one/environ", "local", "pipe", "deep", "absent"):
        with pytest.raises(FileNotFoundError):
            take(NAME, path, 100)


def test_a_race_between_file_link_and_pipe_wins_nothing(out: Kernel) -> None:
    take, seen = _takes(out), set()
    out.run(RACING)

    for _ in range(300):
        try:
            seen.add(take(NAME, "racing", 1000))
        except FileNotFoundError:
            seen.add(b"")

    out.run("os.kill(racer, 9)")
    assert seen <= {b"", b"mine"}


def test_files_still_come_out_when_everything_inside_is_stopped(out: Kernel) -> None:
    out.run(RACING)
    out.begin("while True: pass")

    out.manager.provisioner.stop()

    assert _takes(out)(NAME, "plain", 100) == b"mine"
    assert out.dies(2)


def test_there_is_nothing_to_write_to_before_something_was_brought(tight: Kernel) -> None:
    outcome = tight.run("open('/pawgrade/exchange/brought/forged', 'w')")

    assert outcome.error in {"OSError", "PermissionError", "FileNotFoundError"}


def test_an_ambush_where_questions_are_put_changes_nothing_elsewhere(
    neighbour: Kernel, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("overwritten")
    neighbour.run(AMBUSH)

    with contextlib.suppress(KernelDied):  # it may as well refuse
        neighbour.manager.provisioner.put(tmp_path, NAME)
    work = neighbour.value("open('/pawgrade/work/notes.txt').read()")
    neighbour.close()

    assert "overwritten" not in work
    assert (neighbour.cwd / "notes.txt").read_text() != "overwritten"
