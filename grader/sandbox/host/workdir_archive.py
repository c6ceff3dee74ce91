"""Pack the files beside a notebook into an archive in memory, up to a size."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".ipynb_checkpoints", ".pawgrade"}
MAX_FILES = 10_000
Travels = Callable[["os.DirEntry[str]"], bool]


@dataclass(frozen=True)
class Baggage:
    """A packed folder.

    Attributes:
        descriptor: of a tar file in memory, at its start.
        left_out: how many files did not fit, or are no plain files.
        taken: how many files and folders are in it.
    """

    descriptor: int
    left_out: int
    taken: int


def everything(_: os.DirEntry[str]) -> bool:
    """Accept every entry."""
    return True


@contextlib.contextmanager
def packed(folder: Path | None, max_mb: int, travels: Travels = everything) -> Iterator[Baggage]:
    """Pack the plain files and folders below a folder, nearest first, up to `max_mb` MiB; nothing where there is none.

    Links, devices and pipes are left out: what they lead to is not the notebook's.

    Args:
        folder: what to pack; None: an empty archive.
        max_mb: MiB of all files together.
        travels: whether an entry may come at all; those that may not are not even counted.
    """
    # No file with a name: it is gone when the last process closes it, and goes to the kernel by descriptor.
    descriptor = os.memfd_create("baggage")
    try:
        with (
            # A duplicate, so that closing it, which writes the rest, leaves ours open; both share one position.
            os.fdopen(os.dup(descriptor), "wb") as file,
            tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            taken, left_out = (0, 0) if folder is None else _pack(folder, tar, max_mb * 2**20, travels)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield Baggage(descriptor, left_out, taken)
    finally:
        os.close(descriptor)


def _pack(root: Path, tar: tarfile.TarFile, room: int, travels: Travels) -> tuple[int, int]:
    """Add what fits; returns how many were taken and how many left out."""
    left_out = count = 0
    folders = [root]
    while folders:
        # Breadth first: what lies next to the notebook comes before what lies deep, if not all has room.
        folder = folders.pop(0)
        with contextlib.suppress(OSError):
            for entry in sorted(os.scandir(folder), key=lambda child: child.name):
                name = str(Path(entry.path).relative_to(root))
                if not travels(entry):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED and count < MAX_FILES:
                        tar.addfile(_entry(name, tarfile.DIRTYPE, 0, 0o755))
                        folders.append(Path(entry.path))
                        count += 1
                    continue
                size = None
                if entry.is_file(follow_symlinks=False) and count < MAX_FILES:
                    size = _add(tar, entry, name, room)
                if size is None:
                    left_out += 1
                else:
                    room -= size
                    count += 1
    return count, left_out


def _add(tar: tarfile.TarFile, entry: os.DirEntry[str], name: str, room: int) -> int | None:
    """Add a file; return its size, or None where it has no room or cannot be read."""
    try:
        # It may have become a link or a pipe since it was listed: neither is followed nor waited for.
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)  # what it is now: it may have grown since it was listed
        if not stat.S_ISREG(status.st_mode) or status.st_size > room:
            return None
        mode = 0o755 if status.st_mode & 0o100 else 0o644
        tar.addfile(_entry(name, tarfile.REGTYPE, status.st_size, mode), file)
    return status.st_size


def _entry(name: str, kind: bytes, size: int, mode: int) -> tarfile.TarInfo:
    # Made by hand: no owner, group or time of this machine goes along.
    header = tarfile.TarInfo(name)
    header.type, header.size, header.mode = kind, size, mode
    return header
