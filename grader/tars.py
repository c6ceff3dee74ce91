"""Unpacking tar archives as Python's filter "data" does: nothing outside of the folder, no device, nobody else's files.

The filters came with Python 3.11.4; Debian 12 has 3.11.2. There only plain files and folders are let out.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

HAS_FILTERS = hasattr(tarfile, "data_filter")


def unpack(archive: tarfile.TarFile, folder: Path, members: Iterable[tarfile.TarInfo] | None = None) -> None:
    """Unpack into a folder.

    Args:
        archive: an open one.
        folder: where to.
        members: of the archive; None: all.

    Raises:
        tarfile.TarError: a member would lie, or lead, outside, or is a device; without filters also any link.
    """
    if HAS_FILTERS:
        archive.extractall(folder, members, filter="data")
    else:
        archive.extractall(folder, _plain(archive if members is None else members))  # noqa: S202


def _plain(members: Iterable[tarfile.TarInfo]) -> Iterator[tarfile.TarInfo]:
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
            raise tarfile.ReadError(f"{member.name!r} is no plain file or folder, or leads out of the folder")
        member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        yield member
