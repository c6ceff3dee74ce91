"""Copies of a gradebook's file: numbered, so that none is ever overwritten."""

from __future__ import annotations

import filecmp
import itertools
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from grader.errors import InfrastructureError

KEPT, DAMAGED = "bak", "damaged"  # kinds of copies: gradebook.db.bak.1, gradebook.db.damaged.1


def backup(path: Path) -> Path:
    """Copy a live SQLite database through SQLite itself: a plain copy may catch it half-written.

    Returns:
        The copy, `<name>.bak.<number>`: the newest one there is, when nothing has changed since.

    Raises:
        InfrastructureError: it cannot be read or written.
    """
    draft = path.with_name(f"{path.name}.{KEPT}.new")
    draft.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=30)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
    except sqlite3.Error as exc:
        draft.unlink(missing_ok=True)
        raise InfrastructureError(
            f"{path} cannot be copied ({exc}).", "Nothing was written: try again."
        ) from exc
    newest = next(iter(backups(path)), None)
    # Compared by content: size and time of two copies may be equal while a score differs.
    if newest is not None and filecmp.cmp(draft, newest, shallow=False):
        draft.unlink()
        return newest
    # The number is taken by an empty file first: a rename alone would silently overwrite another's copy.
    target = _reserve(path, KEPT)
    draft.replace(target)
    return target


def move_aside(path: Path) -> Path:
    """Rename a damaged database to `<name>.damaged.<number>`; return where it is."""
    target = _reserve(path, DAMAGED)
    return path.replace(target)


def backups(path: Path) -> list[Path]:
    """Return the copies of a database, the newest first."""
    return [copy for _, copy in sorted(_numbered(path, KEPT), reverse=True)]


def last_whole_backup(path: Path) -> Path | None:
    """Return the newest copy that is not damaged itself."""
    # A process that died between reserving a number and the rename leaves an empty file.
    return next((copy for copy in backups(path) if copy.stat().st_size and not is_damaged(copy)), None)


def is_damaged(path: Path) -> bool:
    """Say whether a database file cannot be read as one; one that is locked is not damaged."""
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)
        ) as connection:
            # Reads every page, which opening alone does not: damage in the middle is found, too.
            return bool(connection.execute("PRAGMA quick_check").fetchone() != ("ok",))
    except sqlite3.OperationalError:
        return False  # locked or not to be opened: that is for `open_gradebook` to say
    except sqlite3.DatabaseError:
        return True


def _reserve(path: Path, kind: str) -> Path:
    """Create an empty file under the next free number; two processes at once get two numbers."""
    last = max((number for number, _ in _numbered(path, kind)), default=0)
    for number in itertools.count(last + 1):
        target = path.with_name(f"{path.name}.{kind}.{number}")
        try:
            # "x" fails when the file exists: the one step that two processes cannot both pass.
            target.open("x").close()
        except FileExistsError:
            continue
        return target
    raise AssertionError  # the count has no end


def _numbered(path: Path, kind: str) -> list[tuple[int, Path]]:
    # A pattern of our own: brackets and stars in the database's name would mean something else in a glob.
    pattern = re.compile(rf"{re.escape(path.name)}\.{kind}\.(\d+)")
    matches = ((pattern.fullmatch(file.name), file) for file in path.parent.glob("*"))
    return [(int(match[1]), file) for match, file in matches if match]
