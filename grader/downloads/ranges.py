"""One HTTP connection of a download: requests the missing bytes of a file and stores them.

The part of a file that is here lies in `<name>.part`, with a note of where it came from in `<name>.part.json`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from grader.errors import InfrastructureError

if TYPE_CHECKING:  # imported where it is used: notebooks and `--help` do without
    import requests

Tell = Callable[[int, int | None], None]

BLOCK_BYTES = 2**16
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})  # servers that may answer in a moment
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        connect_s: seconds until a connection stands.
        stall_s: seconds without a byte after which a connection is given up.
        window_s: seconds over which the speed is measured.
        slowest_bytes_s: a connection that is slower over a window is given up.
        tries: connections in a row that bring next to nothing, then it is an error.
        pause_s: seconds before the second try, twice as many before each further one.
    """

    connect_s: float = 15.0
    stall_s: float = 30.0
    window_s: float = 60.0
    slowest_bytes_s: float = 1000.0
    tries: int = 5
    pause_s: float = 1.0


PATIENT = Patience()


class Dropped(Exception):
    """A connection failed in a way that another one may not.

    Attributes:
        error: what to say when no further one is tried.
        reached: whether there was a server at all.
    """

    def __init__(self, error: InfrastructureError, *, reached: bool = True) -> None:
        super().__init__(error, reached)
        self.error = error
        self.reached = reached


@dataclass(frozen=True)
class Order:
    """One file to download: its address, its target and its checksum.

    Attributes:
        url: where it is published.
        target: where the file goes.
        sha256: of the file, or its first digits, lower-case hex.
        size_bytes: of the file, where it is known.
        tell: called with the bytes that are here and the bytes of the whole, if known.
        patience: how long to wait for the server.
    """

    url: str
    target: Path
    sha256: str
    size_bytes: int | None
    tell: Tell
    patience: Patience

    @property
    def part(self) -> Path:
        """Return the path of the partial file."""
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def note(self) -> Path:
        """Return the path of the note that says of which file and version the partial one is."""
        return self.target.with_name(f"{self.target.name}.part.json")

    def begin(self, version: str) -> None:
        """Remove an earlier partial file, and write the note of the new one."""
        self.discard()
        # Written when the old bytes are gone and before new ones come: no part stands beside the wrong note.
        self.note.write_text(json.dumps([self.url, self.sha256, version]), encoding="utf-8")

    def discard(self) -> None:
        """Remove the partial file and its note."""
        # The part first: a note alone is harmless, `version` takes it for none.
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    def version(self) -> str | None:
        """Return the server's version of the partial file, "" if it named none, None without a usable partial file."""
        try:
            url, sha256, version = json.loads(self.note.read_text(encoding="utf-8"))
            usable = self.part.stat().st_size > 0 and (url, sha256) == (self.url, self.sha256)
        # A note that is missing, cut short by a crash, or of an older form: start anew.
        except (OSError, ValueError, TypeError):
            return None
        return str(version) if usable else None

    def have(self) -> int:
        """Return the size of the partial file in bytes, 0 without a usable one."""
        return self.part.stat().st_size if self.version() is not None else 0

    def problem(self, found: str, advice: str) -> InfrastructureError:
        """Return the error: what was expected, what was found, where, what to do."""
        size = f" ({self.size_bytes} bytes)" if self.size_bytes else ""
        return InfrastructureError(f"expected {self.target.name}{size} from {self.url}, {found}.", advice)

    def dropped(self, found: str, *, reached: bool = True) -> Dropped:
        """Return the exception to raise when another connection may bring more."""
        goes_on = f"{self.have()} bytes are kept, it goes on from there" if self.have() else "nothing is lost"
        return Dropped(self.problem(found, f"Check the network and try again: {goes_on}."), reached=reached)


def connect(order: Order) -> int:
    """Request the missing bytes once and store them; return the offset at which they began."""
    have, version = order.have(), order.version()
    # All is here and only its digest is left to compare: no request.
    if have and have == order.size_bytes:
        return have
    # identity: offsets and sha256 are those of the file, not of a compressed answer.
    headers = {"Accept-Encoding": "identity", "User-Agent": "pawgrade"}
    if have:
        # If-Range: a server whose file has changed then sends all of it from 0, not a piece of another version.
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": version} if version else {})
    with _answer(order, headers) as response:
        start, total = _place(order, response, have)
        # Status 416: the server says that nothing is missing.
        if start and start == total:
            return start
        _require_room(order, (total or 0) - start)
        _store(order, response, start, total)
    return start


@contextlib.contextmanager
def _answer(order: Order, headers: dict[str, str]) -> Iterator[requests.Response]:
    import requests
    from requests import exceptions as bad

    patience = order.patience
    with requests.Session() as session:
        session.max_redirects = 10
        try:
            response = session.get(
                order.url, headers=headers, stream=True, timeout=(patience.connect_s, patience.stall_s)
            )
        except (bad.InvalidSchema, bad.InvalidURL, bad.MissingSchema, bad.TooManyRedirects) as exc:
            raise _detour(order, str(exc)) from exc
        except bad.SSLError as exc:
            raise order.problem(
                f"found no certificate that can be trusted: {exc}",
                "Check the clock of this machine and its certificates; behind a proxy set REQUESTS_CA_BUNDLE.",
            ) from exc
        except bad.ReadTimeout as exc:
            raise order.dropped(f"found no answer for {patience.stall_s:g} s") from exc
        except bad.RequestException as exc:
            if _was_reached(exc):
                raise order.dropped(f"found a connection that broke off: {exc}") from exc
            host = urlsplit(order.url).hostname
            raise order.dropped(f"found no connection to {host}", reached=False) from exc
        with response:
            # Redirects have been followed by now; one that left https is refused before its body is read.
            hops = [answer.url for answer in (*response.history, response)]
            if hops[0].startswith("https:") and not all(hop.startswith("https:") for hop in hops):
                raise _detour(order, hops[-1])
            _require_answer(order, response)
            yield response


def _detour(order: Order, where: str) -> InfrastructureError:
    return order.problem(
        f"found a redirect that is not followed: {where}",
        "Is there a login page between you and the server? Open the address in a browser, then try again.",
    )


def _was_reached(exc: requests.RequestException) -> bool:
    """Tell whether a server was reached before the connection broke."""
    from requests import exceptions as bad
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    # requests wraps urllib3's error, whose `reason` tells whether a connection ever stood.
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    return not isinstance(exc, bad.ProxyError) and not isinstance(
        reason, ConnectTimeoutError | NewConnectionError
    )


def _require_answer(order: Order, response: requests.Response) -> None:
    status = response.status_code
    if status in BUSY:
        raise order.dropped(f"found a busy server ({status} {response.reason})")
    # 416 is an answer as well: `_place` finds out whether nothing is missing.
    if status not in (200, 206, 416):
        raise order.problem(
            f"found {status} {response.reason}", "The file has moved or may not be read: update Pawgrade."
        )


def _place(order: Order, response: requests.Response, have: int) -> tuple[int, int | None]:
    """Return where in the file the answer begins, and how long the file is; raise when it is another file."""
    start, announced = 0, response.headers.get("Content-Length", "")
    if response.status_code != 200:
        # `bytes 100-199/200` comes with 206, `bytes */200` with 416 (RFC 9110, 14.4).
        placed = re.fullmatch(
            r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", "").strip()
        )
        # -1 is no offset that was asked for: a header that cannot be read counts as another part.
        start = int(placed[1] or have) if placed else -1
        announced = placed[2] if placed else ""
        complete = response.status_code == 206 or announced == str(have)
        if start != have or not complete:
            order.discard()
            raise order.dropped("found another part of it than the one asked for")
    total = int(announced) if announced.isdecimal() else None
    if order.size_bytes is not None and total not in (None, order.size_bytes):
        raise _wrong_length(order, f"{total} bytes")
    return start, total if total is not None else order.size_bytes


def _wrong_length(order: Order, finding: str) -> InfrastructureError:
    return order.problem(
        f"found {finding}",
        "Open the address in a browser: is there a login page in between? Else the file has changed: update Pawgrade.",
    )


def _version(response: requests.Response) -> str:
    """Return the validator of a response for If-Range: a strong ETag, else its date, else ""."""
    tag: str = response.headers.get("ETag", "")
    # A weak tag promises the same meaning, not the same bytes: If-Range may not have it.
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")


def _require_room(order: Order, needed: int) -> None:
    free = shutil.disk_usage(order.target.parent).free
    # Of a file of unknown size `needed` is 0 or less: then only a full disk ends the download.
    if needed > free:
        raise _no_room(order, f"found room for {free} of the {needed} bytes to come in {order.target.parent}")


def _no_room(order: Order, finding: str) -> InfrastructureError:
    return order.problem(
        finding, "Make room, or set PAWGRADE_CACHE to a folder on a larger disk, and try again; it goes on."
    )


def _store(order: Order, response: requests.Response, start: int, total: int | None) -> None:
    done = start
    try:
        if start == 0:
            order.begin(_version(response))
        with order.part.open("ab") as file:
            order.tell(done, total)
            for block in _blocks(order, response):
                file.write(block)
                done += len(block)
                # Read no further: an answer without end would fill the disk.
                if total is not None and done > total:
                    break
                order.tell(done, total)
            file.flush()
            # Onto the disk before the file gets its name: a crash must not leave a verified name on lost bytes.
            os.fsync(file.fileno())
    except OSError as exc:
        if exc.errno in FULL:
            raise _no_room(order, f"found no more room after {done} bytes in {order.target.parent}") from exc
        raise unwritable(order.part, exc) from exc
    if total is not None and done > total:
        order.discard()
        raise _wrong_length(order, f"more than {total} bytes")
    if total is not None and done < total:
        raise order.dropped(f"found {done} of {total} bytes, then the end of the connection")


def _blocks(order: Order, response: requests.Response) -> Iterator[bytes]:
    """Yield the body block by block; raise when the connection stalls or is too slow."""
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    patience, began, count = order.patience, time.monotonic(), 0
    while True:
        try:
            # read1 returns what is there: read would wait for a whole block, for hours on a dripping line.
            block = response.raw.read1(BLOCK_BYTES, decode_content=False)
        except ReadTimeoutError as exc:
            raise order.dropped(f"found no byte for {patience.stall_s:g} s") from exc
        except (HTTPError, HTTPException, OSError) as exc:
            raise order.dropped(f"found a connection that broke off: {exc}") from exc
        if not block:
            return
        yield block
        count, passed = count + len(block), time.monotonic() - began
        if passed >= patience.window_s:
            if count < patience.slowest_bytes_s * passed:
                raise order.dropped(f"found {count} bytes in {passed:.0f} s, which is too slow")
            # The next window starts at nothing: a fast beginning does not excuse a line that is nearly dead.
            began, count = time.monotonic(), 0


def unwritable(path: Path, exc: Exception) -> InfrastructureError:
    """Return the error for a file or folder that cannot be written."""
    return InfrastructureError(
        f"{path} cannot be written: {exc}.", "Set PAWGRADE_CACHE to a folder of yours on a local disk."
    )
