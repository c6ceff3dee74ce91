"""`pawgrade --help` answers at once, and every command says what it does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from grader.cli.app import app

HEAVY = "torch torchvision timm dask distributed jupyter_client papermill nbclient nbgrader nbformat matplotlib numpy scipy pytest"
COMMANDS = {
    "demo",
    "release",
    "check",
    "grade",
    "verify",
    "feedback",
    "gradebook",
    "gradebook rebuild",
    "doctor",
    "new",
    "new course",
    "new assignment",
}


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a command and all below it; typer brings its own copy of click along, or uses the installed one."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}".strip())


ALL = dict(commands(typer.main.get_command(app)))


def python(code: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=folder
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["grade", "--help"], ["gradebook", "--help"], ["new", "--help"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom grader.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print(sorted(set({HEAVY!r}.split()) & set(sys.modules)), file=sys.stderr)"
    )

    done = python(code, *arguments)

    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().splitlines()[-1] == "[]"
    assert "pawgrade" in done.stdout.lower() or "usage" in done.stdout.lower()


def test_the_commands_of_the_contract_are_there() -> None:
    assert set(ALL) >= COMMANDS


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_command_and_option_has_help(name: str) -> None:
    command = ALL[name]

    assert len((command.help or "").strip()) > 20
    silent = [
        parameter.name
        for parameter in command.params
        if not getattr(parameter, "help", None) and "completion" not in parameter.name
    ]
    assert silent == []
