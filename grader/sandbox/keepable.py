"""Which files of a notebook may be copied out of its kernel, and their list: data, no link, nothing hidden, no notebook.

Nothing is kept unless whoever installed the kernel named it by a pattern. The list is made inside, where the files are;
the host holds each path, and the first bytes of each file, to the same rules before it writes (`host.copy_out`).

A wildcard names data alone: what a tool on staff's side would run, load or render when it meets it (a module, a `Makefile`,
a page, a drawing with a script, a pickle) has to be named as it ends, or by its whole name.
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
WITHHELD = 20  # files that patterns name and that are no data, as many as are told
HEAD_BYTES = 512
TEXT = frozenset({".csv", ".tsv", ".txt", ".json", ".jsonl"})
# What files of data begin with: the place of the bytes, and the bytes, any of them.
BEGINNINGS: dict[str, tuple[tuple[int, bytes], ...]] = {
    ".npy": ((0, b"\x93NUMPY"),),
    ".npz": ((0, b"PK\x03\x04"), (0, b"PK\x05\x06")),
    ".parquet": ((0, b"PAR1"),),
    ".safetensors": ((8, b"{"),),
    ".png": ((0, b"\x89PNG\r\n\x1a\n"),),
    ".jpg": ((0, b"\xff\xd8\xff"),),
    ".jpeg": ((0, b"\xff\xd8\xff"),),
    ".gif": ((0, b"GIF87a"), (0, b"GIF89a")),
    ".bmp": ((0, b"BM"),),
    ".tif": ((0, b"II*\0"), (0, b"MM\0*")),
    ".tiff": ((0, b"II*\0"), (0, b"MM\0*")),
    ".webp": ((8, b"WEBP"),),
    ".wav": ((8, b"WAVE"),),
}
DATA = TEXT | BEGINNINGS.keys()
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16, whose text is full of zero bytes
# Data by their endings that programs read by their names, from the folder that they start in: Jupyter's and nbgrader's settings,
# packages to install, builds; and when work was handed in.
READ_BY_NAME = (
    "*config.json", "kernel.json", "package.json", "package-lock.json", "composer.json", "deno.json",
    "*requirements*.txt", "*constraints*.txt", "cmakelists.txt", "timestamp.txt",
)  # fmt: skip
INSTALLED = (".dist-info", ".egg-info")  # folders in which Python looks for plugins


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


def is_named(path: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern names a file that is neither hidden nor a notebook, data or not.

    Args:
        path: relative to the notebook's folder; chosen by the notebook.
        patterns: those of the kernelspec.
    """
    return any(True for _ in _naming(path, patterns))


def is_keepable(path: str, patterns: Sequence[str]) -> bool:
    """Tell whether a file may be kept, by its name: data that a pattern names, or what a pattern names as it ends.

    Args:
        path: relative to the notebook's folder; chosen by the notebook.
        patterns: those of the kernelspec.
    """
    name = path.rpartition("/")[2].casefold()
    suffix = PurePosixPath(name).suffix
    by_its_name = any(fnmatchcase(name, read) for read in READ_BY_NAME)
    for pattern in _naming(path, patterns):
        ending = pattern.rpartition("/")[2].casefold()
        # A whole name, or an ending without a wildcard, is staff's own word for it.
        if ending == name or (not by_its_name and (suffix in DATA or (suffix and ending.endswith(suffix)))):
            return True
    return False


def begins_as_named(path: str, head: bytes) -> bool:
    """Tell whether a file begins as its ending says; endings that are no data say nothing.

    Args:
        path: of the file.
        head: its first `HEAD_BYTES` bytes, or all where there are fewer.
    """
    suffix = PurePosixPath(path).suffix.casefold()
    if suffix in TEXT:
        return not head.startswith(b"#!") and (b"\0" not in head or head.startswith(_WIDE))
    beginnings = BEGINNINGS.get(suffix, ())
    return not beginnings or any(head[start:].startswith(content) for start, content in beginnings)


def _naming(path: str, patterns: Sequence[str]) -> Iterator[str]:
    """Yield the patterns that name a file; none for one that no pattern may name."""
    parts = path.split("/")
    if len(path) > LONGEST or len(parts) > DEEPEST or not path.isprintable():
        return
    if any(not part or part.startswith(".") for part in parts):  # hidden; and `.`, `..`, an absolute path
        return
    suffix = PurePosixPath(path).suffix.casefold()
    if suffix == NOTEBOOK or any(folder.casefold().endswith(INSTALLED) for folder in parts):
        return
    yield from (
        pattern for pattern in patterns if fnmatchcase(path if "/" in pattern else parts[-1], pattern)
    )


def listing(root: str, patterns: Sequence[str]) -> list[tuple[str, int]]:
    """List the plain files below a folder that may be kept, nearest first: path and bytes of each.

    After them stand up to `WITHHELD` that a pattern names and that are no data, so that the host can tell. What was laid
    beside the notebook and not changed since is no work of the notebook: it has no time.
    """
    paths, withheld = list[tuple[str, int]](), list[tuple[str, int]]()
    for path, status in _plain_files(root):
        if status.st_mtime_ns and is_keepable(path, patterns):
            paths.append((path, status.st_size))
            if len(paths) > MOST_FILES:  # one more, so that the host knows
                break
        elif status.st_mtime_ns and len(withheld) < WITHHELD and is_named(path, patterns):
            withheld.append((path, status.st_size))
    return paths + withheld


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
