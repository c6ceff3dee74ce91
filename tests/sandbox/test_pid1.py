"""B, pid 1 of a kernel's world: what it says when there is no kernel, and that files are read as bytes behind no link."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("sandboxes are Linux's", allow_module_level=True)

from grader.sandbox.inside import pid1


def test_why_there_is_no_kernel_fits_into_a_packet_and_ends_with_the_reason() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        pid1.say_failure(theirs, OSError("x" * 100_000 + " no room left"))

        said = json.loads(ours.recv(pid1.MAX_MESSAGE))

    assert said["event"] == "failed"
    assert said["text"].rstrip().endswith("no room left")


def test_nobody_is_left_to_be_told_and_that_is_no_error() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.close()
    with theirs:
        pid1.say_failure(theirs, OSError("no room left"))


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """A folder as a notebook may leave it, and a secret beside it."""
    (tmp_path / "secret").write_text("a label")
    root = tmp_path / "brought"
    (root / "deep").mkdir(parents=True)
    (root / "answer.npy").write_bytes(b"0123456789")
    (root / "deep" / "answer.npy").write_bytes(b"deep")
    (root / "link").symlink_to("../secret")
    (root / "linked").symlink_to("..")
    os.mkfifo(root / "pipe")
    (tmp_path / "other").symlink_to("brought")
    return root


@pytest.mark.parametrize(
    ("path", "most", "content"),
    [
        ("answer.npy", 100, b"0123456789"),
        ("answer.npy", 4, b"0123"),
        ("deep/answer.npy", 100, b"deep"),
        ("./deep/./answer.npy", 100, b"deep"),
    ],
)
def test_a_regular_file_is_read_up_to_a_size(brought: Path, path: str, most: int, content: bytes) -> None:
    assert pid1._read_beneath(str(brought), path, most) == content


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("path", ["link", "linked/secret", "pipe", "deep", "gone", "answer.npy/x"])
def test_links_pipes_and_folders_are_no_files(brought: Path, path: str) -> None:
    with pytest.raises(OSError, match=r"regular file|\[Errno"):
        pid1._read_beneath(str(brought), path, 100)


@pytest.mark.parametrize("path", ["answer.npy", "deep/answer.npy", "link", "linked/secret", "pipe", "gone"])
def test_no_file_stays_open_whatever_it_was(brought: Path, path: str) -> None:
    before = open_files()

    with contextlib.suppress(OSError):
        pid1._read_beneath(str(brought), path, 100)

    assert open_files() == before


def test_a_folder_that_became_a_link_is_not_read(brought: Path) -> None:
    with pytest.raises(OSError, match="other"):
        pid1._read_beneath(str(brought.parent / "other"), "answer.npy", 100)
