"""List a folder that other people filled: no links, bounded in count and depth."""

from __future__ import annotations

import datetime
import functools
import os
from pathlib import Path, PurePosixPath

from grader.collecting.members import MAX_DEPTH, MAX_FILES, PASSED_OVER, Aside, Member
from grader.errors import SpecError, SubmissionError
from grader.files import read_bytes
from grader.messages import Message


def listed(folder: Path) -> tuple[tuple[Member, ...], tuple[Aside, ...]]:
    """Return the files below a folder, sorted by path, and what is not taken of it.

    Raises:
        SpecError: it has more files than are read.
    """
    members, asides = list[Member](), list[Aside]()
    pending = [PurePosixPath()]
    while pending:
        inside = pending.pop()
        try:
            entries = sorted(os.scandir(folder / inside), key=lambda entry: entry.name)
        except OSError as exc:
            asides.append(Aside(str(inside), f"the folder cannot be read: {exc.strerror}", work=True))
            continue
        for entry in entries:
            path = inside / entry.name
            if entry.is_symlink():
                asides.append(
                    Aside(str(path), "it is a symbolic link, and links are not followed", work=True)
                )
            elif entry.is_dir(follow_symlinks=False):
                if entry.name in PASSED_OVER:
                    continue
                if len(path.parts) >= MAX_DEPTH:
                    asides.append(Aside(str(path), f"it lies {MAX_DEPTH} folders deep", work=True))
                else:
                    pending.append(path)
            elif entry.is_file(follow_symlinks=False):
                members.append(_member(folder, path, entry.stat(follow_symlinks=False)))
            else:
                asides.append(Aside(str(path), "it is no regular file", work=True))
        if len(members) + len(asides) + len(pending) > MAX_FILES:
            raise SpecError(
                f"{folder}: expected at most {MAX_FILES} files, found more.",
                "Is it the folder of the hand-ins?",
            )
    return tuple(sorted(members, key=lambda member: member.path)), tuple(asides)


def _member(folder: Path, path: PurePosixPath, status: os.stat_result) -> Member:
    modified = datetime.datetime.fromtimestamp(int(status.st_mtime), datetime.UTC)
    return Member(path, status.st_size, modified, functools.partial(_read, folder / path))


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        return read_bytes(path, max_bytes)
    except OSError as exc:
        raise SubmissionError(Message("{name} cannot be read.", name=path.name)) from exc
