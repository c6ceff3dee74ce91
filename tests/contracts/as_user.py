"""Run the contracts as an ordinary user, from root: `python tests/contracts/as_user.py [PYTEST ARGUMENT]...`.

The interpreter, its environment and the checkout may lie where only root can go. In a mount namespace of its own this
script covers each closed folder on the way with an empty one that everybody may enter, and puts back below it, read
only, what the tests need. Then it gives up root for an unused uid.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

UID = 61234
REPOSITORY = Path(__file__).resolve().parents[2]
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "OMP_WAIT_POLICY")
INSIDE = "--inside"


def run(arguments: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run pytest as an ordinary user.

    Args:
        arguments: what pytest gets.
        timeout_s: when to give up.

    Returns:
        What came of it; stdout and stderr are together in `stdout`.
    """
    home = Path(tempfile.mkdtemp(prefix="paw-user-", dir="/var/tmp"))
    os.chown(home, UID, UID)
    unshare = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--",
        sys.executable,
        str(Path(__file__).resolve()),
    ]
    try:
        return subprocess.run(
            [*unshare, INSIDE, str(home), *arguments],
            env=_environment(home),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)


def needed() -> list[Path]:
    """Return the folders without which no test can start: interpreter, environment, checkout."""
    executable = Path(sys.executable)
    links = [executable, *(one for one in _links(executable))]
    return [Path(sys.base_prefix).resolve(), Path(sys.prefix), REPOSITORY, *(one.parent for one in links)]


def closed_parents(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Return, for each folder that others may not enter, those of the paths that lie below it."""
    found: dict[Path, list[Path]] = defaultdict(list)
    for path in sorted(set(paths)):
        for parent in reversed(path.parents):
            if not parent.stat().st_mode & 0o001:
                if not any(path.is_relative_to(other) for other in found[parent]):
                    found[parent].append(path)
                break
    return dict(found)


def _links(path: Path) -> Iterable[Path]:
    """Follow a link from link to link: a virtual environment's python is one."""
    while path.is_symlink():
        path = Path(os.path.normpath(path.parent / path.readlink()))
        yield path


def _environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    own = {"HOME": home, "TMPDIR": home / "tmp", "XDG_RUNTIME_DIR": home / "run"}
    return {**kept, **{name: str(path) for name, path in own.items()}, "PYTHONDONTWRITEBYTECODE": "1"}


def _open_up(closed: dict[Path, list[Path]]) -> None:
    """Put an open folder over each closed one, and the needed ones back into it."""
    for parent, paths in closed.items():
        stand_in = Path(tempfile.mkdtemp(prefix="paw-open-"))
        _mount("-t", "tmpfs", "-o", "mode=755,size=1m", "tmpfs", stand_in)
        for path in paths:
            inside = stand_in / path.relative_to(parent)
            inside.mkdir(parents=True)
            _mount("--bind", path, inside)
            _mount("-o", "remount,bind,ro", inside)
        _mount("--move", stand_in, parent)
        stand_in.rmdir()


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)


def _become_user(home: Path) -> None:
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.umask(0o022)
    for name in ("tmp", "run"):
        (home / name).mkdir(mode=0o700)


def main(arguments: Sequence[str]) -> None:
    """Become pytest as an ordinary user, or start what becomes it."""
    if list(arguments[:1]) != [INSIDE]:
        done = run(arguments or ["tests/contracts"], timeout_s=1200)
        sys.stdout.write(done.stdout)
        sys.exit(done.returncode)
    home = Path(arguments[1])
    _open_up(closed_parents(needed()))
    _become_user(home)
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments[2:]]
    os.execv(sys.executable, pytest)  # noqa: S606 - this process becomes pytest


if __name__ == "__main__":
    main(sys.argv[1:])
