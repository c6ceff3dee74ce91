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


INTERRUPTED = """
import sys
from grader.cli import app as command_line

@command_line.app.command()
def wait() -> None:
    raise KeyboardInterrupt

sys.argv = ["pawgrade", "wait"]
command_line.main()
"""


def test_who_interrupts_is_told_that_nothing_is_half_written() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], check=False, capture_output=True, text=True)

    assert done.returncode == 130
    assert done.stderr == "interrupted; no file is half-written; the same command begins again\n"
