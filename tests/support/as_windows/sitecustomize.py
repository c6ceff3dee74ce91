"""Makes a Python process look to `grader` as on Windows; Python imports it at its start from a folder in PYTHONPATH.

Modules and names that Windows has not are refused to modules of `grader` alone: the rest of Python, and the libraries, would
miss them on this system.
"""

from __future__ import annotations

import builtins
import importlib
import sys
from types import ModuleType
from typing import Any

MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "pty"}
NAMES = {
    "os": {
        "fork", "getuid", "geteuid", "getgid", "getsid", "setsid", "getpgid", "killpg", "mkfifo", "sysconf", "waitid",
        "sched_getaffinity", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "O_NOCTTY", "WNOHANG", "WIFSIGNALED", "WTERMSIG",
        "getloadavg", "statvfs", "chown", "pread", "posix_spawn", "register_at_fork",
    },
    "signal": {"SIGALRM", "SIGXCPU", "SIGPROF", "SIGKILL", "SIGCHLD", "SIGUSR1", "setitimer", "alarm", "ITIMER_REAL", "ITIMER_PROF"},
    "select": {"poll", "epoll", "POLLIN"},
    "socket": {"AF_UNIX", "send_fds", "recv_fds", "SO_PEERCRED"},
}  # fmt: skip
_import = builtins.__import__


class Lacking(ModuleType):
    """A module of Python's own without some of its names."""

    def __init__(self, module: ModuleType, names: set[str]) -> None:
        super().__init__(module.__name__)
        vars(self).update({name: value for name, value in vars(module).items() if name not in names})


class Elsewhere(ModuleType):
    """`sys` of another system; all else goes to the real one."""

    platform = "win32"

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(sys, name, value)


_LACKING: dict[str, ModuleType] = {
    name: Lacking(importlib.import_module(name), names) for name, names in NAMES.items()
}
_LACKING["sys"] = Elsewhere("sys")


def as_on_windows(name: str, *arguments: Any, **keywords: Any) -> Any:
    """Import as Python does, but for what modules of `grader` cannot have."""
    # As `__import__` takes them: globals of the importing module, locals, names, level.
    given = dict(zip(("globals", "locals", "fromlist", "level"), arguments, strict=False)) | keywords
    named = given.get("globals") or {}
    importer = getattr(named.get("__spec__"), "name", "") or named.get("__name__", "")
    if importer.partition(".")[0] == "grader" and not given.get("level"):
        if name.partition(".")[0] in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}, as on Windows: {importer}", name=name)
        if name in _LACKING and not given.get("fromlist"):
            return _LACKING[name]
    return _import(name, *arguments, **keywords)


builtins.__import__ = as_on_windows
