"""Which files of a notebook may be copied out of its kernel, and their list: no link, nothing hidden, no notebook.

Nothing is kept unless whoever installed the kernel named it by a pattern. The list is made inside, where the files are;
the host holds each path to the same rules before it writes (`host.copy_out`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

MOST_FILES = 1000
DEEPEST = 16  # parts of a path
LONGEST = 1024  # characters of it
NOTEBOOK = ".ipynb"
# What Python, a shell or a build would run or read by itself: kept only where a pattern ends so, never for a bare `*`.
CODE = frozenset({".py", ".pyc", ".pyd", ".pth", ".so", ".sh", ".ini", ".cfg", ".toml", ".mk"})


def problem(pattern: str) -> str:
    """Return why a pattern cannot be used, "" if it can.

    Args:
        pattern: `*.csv` names files of any folder, `plots/*` what lies below `plots`; `*` also stands for `/`.
    """
    parts = PurePosixPath(pattern).parts
    if not pattern.strip() or not pattern.isprintable():
        return "is empty or has characters that cannot be printed"
    if pattern.startswith("/") or ".." in parts:
        return "leads out of the notebook's folder"
    if any(part.startswith(".") for part in parts):
        return "names hidden files, which are never kept"
    if pattern.casefold().endswith(NOTEBOOK):
        return "names notebooks, which are never kept"
    return ""


def is_keepable(path: str, patterns: Sequence[str]) -> bool:
    """Tell whether a file may be kept.

    Args:
        path: relative to the notebook's folder; chosen by the notebook.
        patterns: those of the kernelspec.
    """
    parts = path.split("/")
    if len(path) > LONGEST or len(parts) > DEEPEST or not path.isprintable():
        return False
    if any(not part or part.startswith(".") for part in parts):  # hidden; and `.`, `..`, an absolute path
        return False
    suffix = PurePosixPath(path).suffix.casefold()
    if suffix == NOTEBOOK:
        return False
    return any(
        fnmatchcase(path if "/" in pattern else parts[-1], pattern)
        and (suffix not in CODE or pattern.casefold().endswith(suffix))
        for pattern in patterns
    )


def listing(root: str, patterns: Sequence[str]) -> list[tuple[str, int]]:
    """List the plain files below a folder that may be kept, nearest first: path and bytes of each.

    What was laid beside the notebook and not changed since is no work of the notebook: it has no time.
    """
    paths = []
    for path, status in _plain_files(root):
        if status.st_mtime_ns and is_keepable(path, patterns):
            paths.append((path, status.st_size))
            if len(paths) > MOST_FILES:  # one more, so that the host knows
                break
    return paths


def _plain_files(root: str) -> Iterator[tuple[str, os.stat_result]]:
    folders = [("", 1)]
    while folders:
        folder, depth = folders.pop(0)
        with contextlib.suppress(OSError):
            for entry in sorted(os.scandir(f"{root}/{folder}"), key=lambda child: child.name):
                path = f"{folder}/{entry.name}".lstrip("/")
                if entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False)
                elif (
                    entry.is_dir(follow_symlinks=False) and depth < DEEPEST and not entry.name.startswith(".")
                ):
                    folders.append((path, depth + 1))
