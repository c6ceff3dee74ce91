"""Copy files that a notebook wrote out of its kernel, beside the notebook: inert bytes, within bounds, through no link."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import files
from grader.sandbox.belongings import COURSE, STAFF
from grader.sandbox.host.connection import Connection
from grader.sandbox.keepable import HEAD_BYTES, MOST_FILES, begins_as_named, is_keepable

PART_BYTES = 4 * 2**20  # of a file, at a time
MODE = 0o644  # nothing that comes out can be executed
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class CopiedOut:
    """What became of the files that patterns name.

    Attributes:
        copied: paths, relative to the folder.
        left_out: paths of those that had no room, or could not be written.
        no_data: paths of those that are no data by name or by their first bytes, or that nobody may bring; some of them.
        more: whether there were more of them than are looked at.
    """

    copied: tuple[str, ...]
    left_out: tuple[str, ...]
    no_data: tuple[str, ...]
    more: bool


def copy_out(connection: Connection, folder: Path, patterns: Sequence[str], most_mb: int) -> CopiedOut:
    """End what runs in a kernel's world, then write its files that patterns name into a folder.

    Files of the same name are replaced, each whole or not at all; notebooks and hidden files never are.

    Args:
        connection: to a kernel whose world is still there.
        folder: the one that was copied for the kernel.
        patterns: see `grader.sandbox.keepable`.
        most_mb: MiB of all files together.

    Raises:
        KernelDied: the kernel's world is gone.
        OSError: the folder is.
    """
    # Nothing can change a file, or a folder on the way to it, once nobody is left to do so.
    connection.ask("stop")
    listed = connection.listing(patterns)
    may_be = [(path, size) for path, size in listed if _may_be_written(path, patterns)]
    no_data = [path for path, _ in listed if not _may_be_written(path, patterns)]
    copied, left_out = [], []
    room = most_mb * 2**20
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path, size in may_be[:MOST_FILES]:
            if not 0 <= size <= room:
                left_out.append(path)
                continue
            try:
                head = connection.part(path, 0, min(HEAD_BYTES, size)) if size else b""
                if not begins_as_named(path, head):
                    no_data.append(path)
                    continue
                with _parent(root, path) as parent:
                    _write(connection, path, size, parent)
            except OSError:
                left_out.append(path)
                continue
            room -= size
            copied.append(path)
    finally:
        os.close(root)
    return CopiedOut(tuple(copied), tuple(left_out), tuple(no_data), len(may_be) > MOST_FILES)


def _may_be_written(path: str, patterns: Sequence[str]) -> bool:
    # The list comes from inside; and what makes a folder a course, or is staff's, is nobody's result.
    parts = path.split("/")
    return (
        is_keepable(path, patterns)
        and STAFF not in parts
        and not any(part.startswith(COURSE) for part in parts)
    )


@contextlib.contextmanager
def _parent(root: int, path: str) -> Iterator[int]:
    """Open the folder of a path, made where there is none, part by part: a link in it leads nowhere; raises OSError."""
    folder = os.dup(root)
    try:
        for part in path.split("/")[:-1]:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=folder)
            deeper = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = deeper
        yield folder
    finally:
        os.close(folder)


def _write(connection: Connection, path: str, size: int, parent: int) -> None:
    """Write one file into an open folder; raises OSError."""
    # By descriptor: the folder's name may mean another one by now. A link under the file's own name is replaced.
    target = Path(f"/proc/self/fd/{parent}", path.rpartition("/")[2])
    with files.replacing(target, mode=MODE) as draft, draft.open("xb") as file:
        start = 0
        while start < size:
            content = connection.part(path, start, min(PART_BYTES, size - start))
            if not content:
                raise OSError(f"{path} has become shorter")
            file.write(content)
            start += len(content)
