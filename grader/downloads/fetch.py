"""Downloads of large files: ranged, resumed, verified.

What has arrived is kept beside the file's place, so that a broken connection, a closed laptop or Ctrl-C costs nothing:
the next try asks for the rest. The file gets its name only when its sha256 is right; what is wrong is removed. One
process at a time writes a file, others wait for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from grader.downloads.ranges import PATIENT, Dropped, Order, Patience, Tell, connect, unwritable
from grader.errors import SpecError

__all__ = ["Patience", "Tell", "fetch", "locked", "progress"]

WORTH_BYTES = 2**20  # a connection that brought so much starts the counting of failures anew


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str,
    size_bytes: int | None = None,
    tell: Tell | None = None,
    patience: Patience = PATIENT,
) -> Path:
    """Download a file, unless it is there already.

    Args:
        url: `http` or `https`; redirects are followed, but never from https to another scheme.
        target: where the file goes; its folder is made.
        sha256: of the file: all of it, or its first digits (8 at least), hex.
        size_bytes: of the file, where it is known.
        tell: called with the bytes that are here and the bytes of the whole, if known; see `progress`.
        patience: how long to wait for the server.

    Returns:
        `target`, verified.

    Raises:
        SpecError: the address or the checksum is of no use.
        InfrastructureError: the file could not be had: offline, gone, cut short, too slow, not the file that was
            expected, no room. What arrived is kept unless it is wrong.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise SpecError(f"download: expected an address that starts with https:// or http://, found {url!r}.")
    if not re.fullmatch(r"[0-9a-f]{8,64}", sha256.lower()):
        raise SpecError(f"{url}: expected 8 to 64 hex digits of a sha256, found {sha256!r}.")
    order = Order(url, target, sha256.lower(), size_bytes, tell or _silent, patience)
    with locked(target):
        # Looked at under the lock only: whoever waited for it may find the file complete.
        if not (target.is_file() and _digest(target).startswith(order.sha256)):
            _fetch(order)
    return target


def _fetch(order: Order) -> None:
    digest = ""
    for _ in range(2):  # pieces of two versions do not fit together: then once more from the start
        in_one_piece = _receive(order)
        digest = _digest(order.part)
        if digest.startswith(order.sha256):
            # Atomic, since both lie in one folder: `target` is the whole, verified file or is not there.
            order.part.replace(order.target)
            order.note.unlink(missing_ok=True)
            return
        order.discard()
        # No old piece is to blame: the server itself sends something else.
        if in_one_piece:
            break
    raise order.problem(
        f"with sha256 {order.sha256[:12]}, found a file with {digest[:12]}, and removed it",
        "Try again, it starts afresh. If that does not help, the published file has changed: update Pawgrade.",
    )


def _receive(order: Order) -> bool:
    """Fill the partial file over as many connections as it takes; return whether the last one sent all of it."""
    failures, anything = 0, False
    while True:
        before = order.have()
        try:
            # `connect` returns the offset at which it began: from 0, the answer held the whole file.
            return connect(order) == 0
        except Dropped as exc:
            gained = order.have() - before
            anything = anything or gained > 0
            failures = 1 if gained >= WORTH_BYTES else failures + 1
            # Who is offline hears so at once; a line that goes dead half-way may come back.
            if failures >= order.patience.tries or not (exc.reached or anything):
                raise exc.error from exc.__cause__
        # Twice as long after each failure in a row: 1, 2, 4 and 8 s by default.
        time.sleep(order.patience.pause_s * 2 ** (failures - 1))


@contextlib.contextmanager
def locked(target: Path) -> Iterator[None]:
    """Lock a target against other processes, which wait for it.

    Raises:
        InfrastructureError: its folder cannot be written.
    """
    from filelock import FileLock

    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    # filelock raises NotImplementedError where the file system has no locks.
    except (OSError, NotImplementedError) as exc:
        raise unwritable(target, exc) from exc
    try:
        yield
    finally:
        lock.release()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _silent(_done: int, _total: int | None) -> None:
    """Report no progress."""


@contextlib.contextmanager
def progress(title: str) -> Iterator[Tell]:
    """Show a progress bar in a terminal, a line for each tenth in a notebook, and nothing elsewhere.

    Args:
        title: what is coming.

    Yields:
        What `fetch` takes as `tell`.
    """
    from rich import progress as rich
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_jupyter:
        yield _lines(title)
        return
    columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.DownloadColumn())
    more = (rich.TransferSpeedColumn(), rich.TimeRemainingColumn())
    hidden = not console.is_terminal
    with rich.Progress(*columns, *more, console=console, disable=hidden, transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def _lines(title: str) -> Tell:
    """Return a `tell` that prints: notebooks draw bars only with a widget that may not be installed."""
    last_tenth = -1

    def tell(done: int, total: int | None) -> None:
        nonlocal last_tenth
        # Without a known size: a line for each 64 MiB.
        tenth = 10 * done // total if total else done // 2**26
        if tenth > last_tenth:
            last_tenth = tenth
            of = f" of {total / 2**20:.0f}" if total else ""
            print(f"{title}: {done / 2**20:.0f}{of} MiB", flush=True)  # noqa: T201

    return tell
