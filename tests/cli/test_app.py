"""The command line as people call it: mistakes are one line and an exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def python(code: str, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, cwd=folder
    )


MAIN = "from grader.cli import main; main()"


def test_a_mistake_of_staff_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    done = python(MAIN, "grade", "nothing", folder=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "--course" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_is_exit_code_2() -> None:
    assert python(MAIN, "grade", "--no-such-option").returncode == 2
