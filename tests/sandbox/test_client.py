"""The folder of a user's keepers is the user's alone, and kernels share a zygote only where nothing tells them apart."""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.errors import SpecError
from grader.sandbox.host import client
from grader.sandbox.host.client import Kind, runtime_folder, statuses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
KIND = Kind("/usr/bin/python3", ("json",))


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="paw-", dir="/var/tmp") as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)


def test_the_same_kind_has_the_same_key() -> None:
    assert KIND.key == dataclasses.replace(KIND).key
    assert len(KIND.key) == 12


@pytest.mark.parametrize(
    "change",
    [
        {"executable": "/usr/bin/python4"},
        {"preload": ()},
        {"warm": False},
        {"shelves": ("/srv/photos",)},
        {"devices": ("/dev/nvidia0",)},
        {"idle_s": 1.0},
        {"keep_s": 1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_tells_two_kinds_apart_gives_them_two_zygotes(change: dict[str, object]) -> None:
    assert dataclasses.replace(KIND, **change).key != KIND.key  # type: ignore[arg-type]


def test_the_folder_is_made_and_closed_to_others(base: Path) -> None:
    folder = runtime_folder()

    assert folder == base / "pawgrade"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert runtime_folder() == folder


@pytest.mark.parametrize("mistake", ["open to others", "a link"])
def test_a_folder_that_others_may_have_made_is_refused(base: Path, mistake: str) -> None:
    if mistake == "a link":
        (base / "elsewhere").mkdir(mode=0o700)
        (base / "pawgrade").symlink_to("elsewhere")
    else:
        (base / "pawgrade").mkdir()
        (base / "pawgrade").chmod(0o770)

    with pytest.raises(SpecError, match="does not belong to you alone"):
        runtime_folder()


def test_a_path_that_leaves_no_room_for_a_socket_is_not_taken(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = base / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))

    folder = runtime_folder()

    assert long not in folder.parents
    assert len(str(folder)) <= client.LONGEST_PATH


def test_a_keeper_that_was_killed_or_talks_nonsense_is_no_status(base: Path) -> None:
    folder = runtime_folder()
    (folder / "0123456789ab").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(folder / "0123456789ab" / "socket"))  # nobody listens: of one that was killed

        assert statuses() == []


def test_a_child_forgets_the_holds_of_its_parent() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client._holds[os.getpid(), "key"] = client.Hold(ours, None)
    try:
        if (child := os.fork()) == 0:
            os._exit(0 if not client._holds and ours.fileno() == -1 else 1)
        _, status = os.waitpid(child, 0)
        held = client._holds[os.getpid(), "key"]

        assert status == 0
        assert held.alive()
        theirs.close()
        assert not held.alive()
    finally:
        del client._holds[os.getpid(), "key"]
        ours.close()
        theirs.close()
