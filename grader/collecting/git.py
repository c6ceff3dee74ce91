"""Ask `git` about repositories of other people: no hook, no filter, no checkout, no network, nothing written."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from grader.errors import SpecError
from grader.notebooks.sanitise_text import visible

TIMEOUT_S = 60
# They would lead to another repository than the one that is asked about.
_LEADING_AWAY = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE", "GIT_COMMON_DIR",
)  # fmt: skip
# A repository's own settings may name programs: these are the ones that a reader could start.
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.pager=", "protocol.allow=never", "log.showSignature=false",
)  # fmt: skip


class GitRefused(Exception):
    """Git does not read a repository; the text says why and what helps."""


def is_repository(folder: Path) -> bool:
    """Say whether a folder is a clone or a bare repository. A `.git` file, which leads elsewhere, is none."""
    return any(
        (top / "HEAD").is_file() and (top / "objects").is_dir() and (top / "refs").is_dir()
        for top in (folder, folder / ".git")
        if not top.is_symlink()
    )


def run(repository: Path, *words: str) -> bytes:
    """Return what a reading git command prints.

    Args:
        repository: clone or bare repository.
        words: command and arguments. Only commands that read objects and refs: they start no filter.

    Raises:
        GitRefused: git cannot read the repository.
        SpecError: there is no git.
    """
    program = shutil.which("git")
    if program is None:
        raise SpecError(
            "git is not installed, and repositories are read by it.",
            "Install it, for example: apt-get install git",
        )
    environment = {name: value for name, value in os.environ.items() if name not in _LEADING_AWAY}
    # The ceiling keeps git from a repository around the folder, such as the course's own.
    environment |= {
        "GIT_CEILING_DIRECTORIES": str(repository.resolve().parent),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    try:
        done = subprocess.run(
            [program, *settings, "-C", str(repository), *words],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as exc:
        raise GitRefused(f"git gave no answer within {TIMEOUT_S} s") from exc
    if done.returncode:
        raise GitRefused(_explain(repository, done.stderr.decode("utf-8", "replace")))
    return done.stdout


def _explain(repository: Path, text: str) -> str:
    if "dubious ownership" in text or "unsafe repository" in text:
        return (
            "git refuses it, since it belongs to another user. If you trust it: "
            f"git config --global --add safe.directory {repository.resolve()}"
        )
    first_line = next(iter(text.strip().splitlines()), "no reason given")
    return f"git cannot read it: {visible(first_line)[:200]}"
