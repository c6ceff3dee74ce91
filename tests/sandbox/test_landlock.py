"""Landlock, for real, each time in a child of our own: it cannot be undone."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from grader.sandbox.inside import landlock
from grader.sandbox.inside.landlock import abi, restrict

SYSTEM = ["/usr", "/bin", "/lib", "/lib64", "/etc"]


@pytest.fixture(autouse=True)
def _needs_landlock() -> None:
    if abi() == 0:
        pytest.skip("this kernel has no Landlock")


def in_a_child(action: Callable[[], object]) -> str:
    """Fork, act, and return 'done', the name of the error number, or a traceback."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = "done"
        try:
            action()
        except OSError as error:
            answer = errno.errorcode.get(error.errno or 0, repr(error))
        except BaseException:
            answer = traceback.format_exc()
        os.write(writing, answer.encode()[-4000:])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    return answer


class Box:
    """A folder to write, one to read, one that is not named, and a way to act under Landlock."""

    def __init__(self, root: Path) -> None:
        self.work, self.given, self.outside = root / "work", root / "given", root / "outside"
        for folder in (self.work, self.given, self.outside):
            folder.mkdir()
            (folder / "file").write_text("text")
        (self.work / "link").symlink_to("../outside/file")

    def act(self, action: Callable[[], object], devices: Sequence[str] = ()) -> str:
        def restricted() -> None:
            restrict(readable=[str(self.given), *SYSTEM], writable=[str(self.work)], devices=devices)
            action()

        return in_a_child(restricted)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def test_the_version_in_force_is_told(box: Box) -> None:
    def action() -> None:
        version = restrict(readable=[], writable=[], devices=[])
        assert version == abi() >= 1

    assert in_a_child(action) == "done"


@pytest.mark.parametrize(
    ("version", "right"),
    [(1, landlock.MAKE_SYM), (2, landlock.REFER), (3, landlock.TRUNCATE), (5, landlock.IOCTL_DEV)],
)
def test_each_version_knows_its_rights_and_no_later_ones(version: int, right: int) -> None:
    assert landlock.known(version) == 2 * right - 1
    assert not landlock.known(version - 1) & right
    assert landlock.known(99) == landlock.known(5)


@pytest.mark.parametrize("version", range(1, 8))
def test_the_rules_of_every_version_are_taken(
    box: Box, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if version > abi():
        pytest.skip(f"this kernel speaks version {abi()}")
    monkeypatch.setattr(landlock, "abi", lambda: version)

    assert box.act(lambda: (box.work / "new").write_text("x"), devices=["/dev/null"]) == "done"
    assert box.act(lambda: (box.outside / "new").write_text("x")) == "EACCES"


def test_without_landlock_nothing_is_restricted_and_zero_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)

    assert restrict(readable=[], writable=[], devices=[]) == 0


def test_new_privileges_are_given_up(box: Box) -> None:
    def action() -> None:
        with Path("/proc/self/status").open() as status:
            restrict(readable=[], writable=[], devices=[])
            assert "NoNewPrivs:\t1" in status.read()

    assert in_a_child(action) == "done"


def test_a_readable_folder_is_read_listed_and_executed(box: Box) -> None:
    def action() -> None:
        assert (box.given / "file").read_text() == "text"
        assert list(box.given.iterdir()) == [box.given / "file"]
        assert subprocess.run(["/bin/sh", "-c", "exit 7"], check=False).returncode == 7

    assert box.act(action) == "done"


def test_a_readable_file_alone_can_be_named(box: Box) -> None:
    def action() -> None:
        restrict(readable=[str(box.given / "file")], writable=[], devices=[])
        assert (box.given / "file").read_text() == "text"
        list(box.given.iterdir())

    assert in_a_child(action) == "EACCES"


REFUSED: dict[str, Callable[[Box], object]] = {
    "read": lambda box: (box.outside / "file").read_text(),
    "list": lambda box: list(box.outside.iterdir()),
    "write": lambda box: (box.outside / "file").write_text("x"),
    "create": lambda box: (box.given / "new").write_text("x"),
    "change what is readable": lambda box: (box.given / "file").write_text("x"),
    "truncate": lambda box: os.truncate(box.given / "file", 0),
    "remove": lambda box: (box.given / "file").unlink(),
    "remove a folder": lambda box: box.outside.rmdir(),
    "make a folder": lambda box: (box.outside / "new").mkdir(),
    "make a link": lambda box: (box.given / "new").symlink_to("/"),
    "make a pipe": lambda box: os.mkfifo(box.given / "new"),
    "leave by a link": lambda box: (box.work / "link").read_text(),
    "run": lambda box: subprocess.run([box.outside / "file"], check=True),
}


@pytest.mark.parametrize("what", REFUSED)
def test_outside_is_refused(box: Box, what: str) -> None:
    (box.outside / "file").chmod(0o700)

    assert box.act(lambda: REFUSED[what](box)) == "EACCES"


def test_a_socket_outside_is_refused(box: Box) -> None:
    def action() -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(box.given / "s"))

    assert box.act(action) == "EACCES"


@pytest.mark.parametrize(("source", "target"), [("work", "outside"), ("outside", "work"), ("given", "work")])
def test_nothing_is_moved_or_linked_across(box: Box, source: str, target: str) -> None:
    paths = getattr(box, source) / "file", getattr(box, target) / "moved"

    assert box.act(lambda: paths[0].rename(paths[1])) in {"EXDEV", "EACCES"}
    assert box.act(lambda: os.link(*paths)) in {"EXDEV", "EACCES"}


def test_inside_a_writable_folder_everything_ordinary_works(box: Box) -> None:
    def action() -> None:
        os.chdir(box.work)
        Path("folder").mkdir()
        Path("folder/a").write_text("x")
        Path("folder/a").rename("b")
        os.link("b", "folder/c")
        os.truncate("b", 0)
        Path("d").symlink_to("b")
        os.mkfifo("p")
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("s")
        Path("run").write_text("#!/bin/sh\nexit 3")
        Path("run").chmod(0o700)
        assert subprocess.run(["./run"], check=False).returncode == 3
        Path("folder/c").unlink()
        Path("folder").rmdir()

    assert box.act(action) == "done"


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_no_device_is_made_even_where_writing_is_allowed(box: Box, kind: int) -> None:
    assert box.act(lambda: os.mknod(box.work / "node", kind | 0o600, os.makedev(1, 3))) in {"EACCES", "EPERM"}


def test_a_named_device_is_read_and_written_and_others_are_not(box: Box) -> None:
    def action() -> None:
        subprocess.run(["/bin/sh", "-c", "echo a > /dev/null"], check=True)
        assert Path("/dev/null").read_bytes() == b""
        Path("/dev/zero").read_bytes()

    assert box.act(action, devices=["/dev/null", "/dev/no-such-device"]) == "EACCES"


def test_a_terminal_is_asked_only_when_it_is_named(box: Box) -> None:
    if abi() < 5:
        pytest.skip("needs version 5")

    assert (
        box.act(lambda: os.get_terminal_size(os.open("/dev/ptmx", os.O_RDWR)), devices=["/dev/ptmx"])
        == "done"
    )
    assert box.act(lambda: os.open("/dev/ptmx", os.O_RDWR)) == "EACCES"


def test_a_path_that_does_not_exist_is_skipped(box: Box) -> None:
    def action() -> None:
        restrict(readable=[str(box.given / "absent"), *SYSTEM], writable=[str(box.work)], devices=[])
        (box.work / "file").write_text("x")

    assert in_a_child(action) == "done"


def test_what_is_not_a_path_is_an_error(box: Box) -> None:
    assert (
        in_a_child(lambda: restrict(readable=[f"{box.given}/file/x"], writable=[], devices=[])) == "ENOTDIR"
    )


def test_processes_outside_get_no_signals_and_own_children_do(box: Box) -> None:
    if abi() < 6:
        pytest.skip("needs version 6")

    def action() -> None:
        child = subprocess.Popen(["/bin/sleep", "60"])
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        os.kill(os.getppid(), 0)

    assert box.act(action) == "EPERM"


def test_abstract_sockets_outside_are_refused(box: Box) -> None:
    if abi() < 6:
        pytest.skip("needs version 6")
    name = f"\0pawgrade-test-{os.getpid()}"

    def action() -> None:
        with socket.socket(socket.AF_UNIX) as own, socket.socket(socket.AF_UNIX) as one:
            own.bind(f"{name}-own")
            own.listen()
            one.connect(f"{name}-own")
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(name)

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        assert in_a_child(lambda: socket.socket(socket.AF_UNIX).connect(name)) == "done"
        assert box.act(action) == "EPERM"


def test_children_inherit_the_restriction(box: Box) -> None:
    def action() -> None:
        found = subprocess.run(["/bin/cat", str(box.outside / "file")], capture_output=True, check=False)
        assert found.returncode == 1
        assert b"Permission denied" in found.stderr

    assert box.act(action) == "done"
