"""The world around a notebook that is graded: what it must not learn, must not change and must not reach."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import re
import secrets
import socket
import sqlite3
import stat
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PATTERN = re.compile(r"canary-[a-z]+-[0-9a-f]{12}")
# Prints every secret in some bytes, or in a file; what attacks begin with where it says @LOOT@.
LOOT = r"""
import os, re, sys
def loot(found):
    if isinstance(found, str) and found.startswith("/"):
        try:
            with open(found, "rb") as file: found = file.read(2**20)
        except OSError: return
    found = found.encode("utf-8", "replace") if isinstance(found, str) else bytes(found)
    for secret in set(re.findall(rb"canary-[a-z]+-[0-9a-f]{12}", found)): print(secret.decode())
"""
OTHERS = ("student00",)  # graded before all attacks
WATCHED_PACKAGES = ("grader", "numpy", "torch", "IPython", "ipykernel")
COMMON = ("/tmp", "/var/tmp", "/dev/shm", "/etc", "/run", "/root", "/home", "/var/spool/cron", "/etc/cron.d")  # noqa: S108 - looked at


class Listeners:
    """Servers on this machine that greet with a secret and note who came."""

    def __init__(self) -> None:
        self.visitors: set[str] = set()
        self.greeting = b""
        self.port = 0
        self.path = self.abstract = ""

    @contextlib.contextmanager
    def open(self, path: Path, greeting: str) -> Iterator[None]:
        """Listen on loopback (IPv4 and IPv6, TCP and UDP), a path and an abstract name."""
        self.greeting, self.path, self.abstract = greeting.encode(), str(path), f"{path.name}-abstract"
        with contextlib.ExitStack() as stack:
            first = socket.create_server(("127.0.0.1", 0))
            self.port = first.getsockname()[1]
            wires = {"tcp": first}
            with contextlib.suppress(OSError):  # a machine without IPv6
                wires["tcp6"] = socket.create_server(("::1", self.port), family=socket.AF_INET6)
            for name, address in (("path", str(path)), ("abstract", f"\0{self.abstract}")):
                wires[name] = socket.socket(socket.AF_UNIX)
                wires[name].bind(address)
                wires[name].listen()
            path.chmod(0o777)
            wires["udp"] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            wires["udp"].bind(("127.0.0.1", self.port))
            for name, wire in wires.items():
                stack.enter_context(wire)
                threading.Thread(target=self._serve, args=(name, wire), daemon=True).start()
            yield

    def _serve(self, name: str, wire: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed: the tests are over
            while True:
                if wire.type == socket.SOCK_DGRAM:
                    _, address = wire.recvfrom(64)
                    wire.sendto(self.greeting, address)
                else:
                    visitor, _ = wire.accept()
                    with visitor:
                        visitor.sendall(self.greeting)
                self.visitors.add(name)


@dataclass
class World:
    """Where everything lies, and the words that betray an attack.

    Attributes:
        place: a folder with home, temporary files and the course.
        marker: a word that attacks write into whatever they leave behind.
        canaries: secrets by where they lie.
        listeners: servers that nobody may reach.
    """

    place: Path
    marker: str = field(default_factory=lambda: f"paw-mark-{secrets.token_hex(5)}")
    canaries: dict[str, str] = field(default_factory=dict)
    listeners: Listeners = field(default_factory=Listeners)

    @property
    def course(self) -> Path:
        return self.place / "course"

    def canary(self, where: str) -> str:
        """Return the secret of a place."""
        return self.canaries.setdefault(where, f"canary-{where}-{secrets.token_hex(6)}")

    def told(self, code: str) -> str:
        """Return an attack's code with what a well informed attacker knows."""
        known = {
            "@LOOT@": LOOT,
            "@MARKER@": self.marker,
            "@COURSE@": str(self.course),
            "@HOME@": str(self.place / "home"),
            "@TMP@": str(self.place / "tmp"),
            "@PORT@": str(self.listeners.port),
            "@SOCKET@": self.listeners.path,
            "@ABSTRACT@": self.listeners.abstract,
        }
        for word, text in known.items():
            code = code.replace(word, text)
        return code

    def outside(self) -> dict[str, str]:
        """Describe everything that an attack must not change, by path: one line each."""
        folders = [self.place / "home", self.place / "tmp", self.course / "nbgrader_config.py"]
        folders += [self.course / name for name in ("solutions", "assignments", "submitted")]
        for kind in (".pawgrade/attempts/attacks", "autograded"):
            folders += [self.course / kind / student for student in OTHERS]
        found = {str(path): described(path) for folder in folders for path in (folder, *walked(folder))}
        for folder in (self.course, self.course / ".pawgrade", self.course / "autograded"):
            found[f"names in {folder}"] = names(folder)
        found |= {f"gradebook {row[:3]}": str(row) for row in self.gradebook() if row[0] in OTHERS}
        for name in WATCHED_PACKAGES:
            spec = importlib.util.find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            root = Path(spec.origin).parent
            found[f"names in {root}"] = names(root)
            found[str(spec.origin)] = described(Path(spec.origin))
            found[f"names in {root.parent}"] = names(root.parent)
        return found | {f"connections to {name}": "one" for name in self.listeners.visitors}

    def gradebook(self) -> list[tuple[object, ...]]:
        """Return every score in nbgrader's gradebook: student, assignment, cell, automatic and manual score, comment."""
        query = """select submitted_assignment.student_id, assignment.name, base_cell.name, grade.auto_score,
            grade.manual_score, grade.extra_credit from grade
            join submitted_notebook on grade.notebook_id = submitted_notebook.id
            join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
            join assignment on submitted_assignment.assignment_id = assignment.id
            join base_cell on grade.cell_id = base_cell.id order by 1, 2, 3"""
        with contextlib.closing(sqlite3.connect(self.course / "gradebook.db")) as connection:
            return list(connection.execute(query))

    def marked(self) -> list[str]:
        """Name processes, files in common folders and sockets that carry the marker."""
        found = [f"process {one}" for one in psutil.process_iter() if self._carries(one)]
        for folder in COMMON:
            with contextlib.suppress(OSError):
                found += [str(path) for path in Path(folder).iterdir() if self.marker in path.name]
        found += [
            f"socket {line}"
            for line in Path("/proc/net/unix").read_text().splitlines()
            if self.marker in line
        ]
        return found

    def _carries(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error, OSError):
            if any(self.marker in word for word in (process.name(), *process.cmdline())):
                return True
            return any(self.marker in f"{name}{text}" for name, text in process.environ().items())
        return False


def names(folder: Path) -> str:
    """Name everything in a folder, in order, but the compiled modules that any process of ours may write there."""
    return " ".join(sorted(path.name for path in folder.iterdir() if path.name != "__pycache__"))


def walked(folder: Path) -> Iterable[Path]:
    """Iterate over everything below a folder, without following links."""
    return sorted(folder.rglob("*")) if folder.is_dir() and not folder.is_symlink() else ()


def described(path: Path) -> str:
    """Say what a file is: kind, rights, owner, size, time and content."""
    status = path.lstat()
    content = ""
    if stat.S_ISREG(status.st_mode) and status.st_size < 2**20:
        with contextlib.suppress(PermissionError):
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    times = "" if stat.S_ISDIR(status.st_mode) else str(status.st_mtime_ns)
    return f"{stat.filemode(status.st_mode)} {status.st_uid} {status.st_size} {times} {content}"
