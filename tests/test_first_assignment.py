"""The page for a first assignment: its files are those that `new` writes, its commands do what it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.authoring.starters.new import filled_in
from grader.cli.app import app
from tests.support.notebooks import REPOSITORY

PAGE = (REPOSITORY / "docs" / "first-assignment.md").read_text(encoding="utf-8")
FILES = dict(
    re.findall(r"^`solutions/softmax/([^`]+)`\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)
CONSOLE = "".join(re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", CONSOLE, re.MULTILINE)


def matches(expected: str, printed: str) -> bool:
    """Say whether a command printed what the page shows: `...` stands for anything, a number for any number."""
    expected, printed = (
        "\n".join(line.strip() for line in text.strip().splitlines()) for text in (expected, printed)
    )
    pattern = re.escape(expected)
    pattern = re.sub(r"\d+(\\\.\d+)?", r"[\\d.e-]+", pattern).replace(r"\.\.\.", r"[\s\S]*?")
    return re.search(f"(^|\n){pattern}$", printed) is not None


def test_the_files_on_the_page_are_all_that_a_new_assignment_has() -> None:
    assert filled_in("function", "softmax", "Softmax") == FILES


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("made 3 files\n", "made 17 files\n", True),
        ("made 3 files\n", "made no files\n", False),
        ("first\n...\nlast\n", "first\nmore\nmore\nlast\n", True),
        ("first\n...\nlast\n", "first\nmore\nlast but not\n", False),
        ("...\nlast\n", "+--+\n    last  \n", True),
        ("chance: ... (all)", "chance: 1.2e-05 (all)", True),
    ],
)
def test_output_is_compared_loosely_but_compared(expected: str, printed: str, same: bool) -> None:
    assert matches(expected, printed) is same


def output_of(command: str) -> str:
    """Run a command as it is typed, those of Pawgrade in this process, which has imported what they need."""
    if command.startswith("pawgrade "):
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output  # as a person sees it: progress goes to standard error
    return subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_commands_of_the_page_run_from_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(COMMANDS) >= 10
    for name in [name for name in os.environ if name.startswith("PAWGRADE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAWGRADE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PAWGRADE_SECRET", "0ad3050e71e89dadeaec4562aec7e59b")
    monkeypatch.chdir(tmp_path)

    for command, expected in COMMANDS:
        if command.startswith("cd "):
            monkeypatch.chdir(command.removeprefix("cd "))
            continue
        printed = output_of(command)
        assert matches(expected, printed), f"{command}:\n{printed}"
        if command == "pawgrade new assignment softmax":
            source = Path("solutions", "softmax")
            assert {name: (source / name).read_text() for name in FILES} == FILES
