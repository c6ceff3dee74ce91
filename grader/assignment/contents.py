"""Which files somebody handed in, as a digest: the same files make the same attempt."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from grader.assignment.course import TIMESTAMP
from grader.records import Submission

MAX_READ_BYTES = 256 * 2**20
# Of what was handed in; with more, only the notebook decides which attempt it is.
MAX_FILES, MAX_DEPTH = 10_000, 32


def attempt_id(submission: Submission, *facts: str) -> str:
    """Return 16 hex digits for the submitted files and the facts that decide their grade.

    The time of handing in is not among them: the same files handed in again are the same attempt.

    Args:
        submission: its folder is read where that was not done before; links are not followed.
        facts: versions and settings, for example the assignment's digest, the data card, the seed.
    """
    listed = contents(submission) if submission.contents is None else submission.contents
    # NUL separates: no file's name can hold it.
    return hashlib.sha256("\0".join(facts).encode() + listed).hexdigest()[:16]


def contents(submission: Submission) -> bytes:
    """Return what identifies the submitted files: name, kind and digest of each."""
    rows = bytearray()
    files, rest = _files(submission.folder, [path.name for path in submission.paths.values()])
    for name in files:
        path = submission.folder / name
        try:
            mode = path.lstat().st_mode
        except OSError:  # gone since, or a name that is too long
            rows += f"\0{name}\0unreadable\0".encode(errors="surrogateescape")
            continue
        # The kind counts, too: a link or a pipe in a file's place is another attempt, and is never opened.
        rows += f"\0{name}\0{stat.S_IFMT(mode)}\0".encode(errors="surrogateescape")
        if stat.S_ISREG(mode):
            rows += _fingerprint(path)
    if rest:
        rows += f"\0{rest}".encode()
    return bytes(rows)


def _files(folder: Path, notebooks: Sequence[str]) -> tuple[list[str], str]:
    """List the files of a hostile folder; return their sorted names, and a note of what is not among them.

    Folders are entered by name, not by recursion: one of a thousand levels, or of long names, ends no class.
    """
    # A broken link is there as well: `exists` alone would follow it.
    there = [name for name in notebooks if (folder / name).is_symlink() or (folder / name).exists()]
    names, pending, rest = list(there), [("", 0)], ""
    while pending:
        inside, depth = pending.pop()
        try:
            with os.scandir(folder / inside) as entries:
                for entry in entries:
                    name = f"{inside}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((f"{name}/", depth + 1))
                    elif name not in (TIMESTAMP, *notebooks):
                        names.append(name)
                    # Checked at each entry: one folder alone may hold millions.
                    if len(names) + len(pending) > MAX_FILES:
                        return list(notebooks), f"more than {MAX_FILES} files"
        except OSError:
            rest = rest or "folders that cannot be read"
        # The folder appended last is entered next, so a deep branch is noticed as soon as it is met.
        if pending and pending[-1][1] > MAX_DEPTH:
            return list(notebooks), f"folders {MAX_DEPTH} deep"
    return sorted(names), rest


def _fingerprint(path: Path) -> bytes:
    """Return the digest of a file's content, or its size where it is too large or cannot be read."""
    size = path.lstat().st_size
    if size > MAX_READ_BYTES:
        return str(size).encode()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return f"unreadable {size}".encode()
