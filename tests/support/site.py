"""A web server on this machine that behaves, or misbehaves, as a test wants."""

from __future__ import annotations

import contextlib
import hashlib
import re
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What the server does with one path.

    Attributes:
        content: the file.
        etag: sent with it when not empty.
        modified: sent as Last-Modified when not empty.
        ranges: whether it answers to Range.
        careless: whether it ignores If-Range.
        shift: how many bytes after the place asked for it begins.
        status: other than 200: what is answered instead of the file, `times` times.
        times: how often `status` is answered; then the file comes.
        cuts: bytes after which the connection is closed, request by request; then the whole comes.
        drip_s: seconds between single bytes; 0: all at once.
        hang_after: bytes after which nothing comes any more, for the first `hangs` requests.
        hangs: how many requests hang.
        announced: Content-Length that is sent, when not the right one; -1: none at all.
        location: where a redirect leads.
        asked: headers of each request.
    """

    content: bytes = b""
    etag: str = ""
    modified: str = ""
    ranges: bool = True
    careless: bool = False
    shift: int = 0
    status: int = 200
    times: int = 10**9
    cuts: list[int] = field(default_factory=list)
    drip_s: float = 0.0
    hang_after: int = 0
    hangs: int = 0
    announced: int | None = None
    location: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """The right checksum."""
        return hashlib.sha256(self.content).hexdigest()


class Site(ThreadingHTTPServer):
    """A server whose `pages` are looked up by path."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, Page] = {}
        self.closing = threading.Event()
        self.scheme = "http"

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}{path}"

    def add(self, path: str, page: Page) -> str:
        """Serve a page and return its address."""
        self.pages[path] = page
        return self.url(path)


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Run a site on a free port of this machine, with TLS where a context is given."""
    site = Site()
    if context is not None:
        site.socket = context.wrap_socket(site.socket, server_side=True)
        site.scheme = "https"
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        site.shutdown()
        site.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
            return
        page.asked.append(dict(self.headers))
        if page.location:
            self.send_response(302)
            self.send_header("Location", page.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif page.status != 200 and page.times > 0:
            page.times -= 1
            self.send_error(page.status)
        else:
            self._send(page)

    def _send(self, page: Page) -> None:
        start = self._start(page)
        body = page.content[start:]
        if start > len(page.content) or (start and not body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(page.content)}")
            body = b"<html>There is no more.</html>"
        elif start:
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(page.content) - 1}/{len(page.content)}")
        else:
            self.send_response(200)
        if page.etag:
            self.send_header("ETag", page.etag)
        if page.modified:
            self.send_header("Last-Modified", page.modified)
        if page.announced != -1:
            self.send_header("Content-Length", str(len(body) if page.announced is None else page.announced))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self._body(page, body)
        self.close_connection = True

    def _start(self, page: Page) -> int:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", "")
        fits = page.careless or not condition or condition in (page.etag, page.modified)
        return int(wanted[1]) + page.shift if wanted and page.ranges and fits else 0

    def _body(self, page: Page, body: bytes) -> None:
        if page.cuts:
            self.wfile.write(body[: page.cuts.pop(0)])
        elif page.hangs:
            page.hangs -= 1
            self.wfile.write(body[: page.hang_after])
            self.server.closing.wait(20)
        elif page.drip_s:
            for place in range(len(body)):
                self.wfile.write(body[place : place + 1])
                time.sleep(page.drip_s)
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Keep the tests' output free of requests."""
