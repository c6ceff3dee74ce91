"""What students run works where Windows' Python lacks modules and names that Linux has: `check`, `doctor`, the lab."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LACKING = REPOSITORY / "tests" / "support" / "as_windows"
MAIN = "from grader.cli import main; main()"


def python(cache: Path, code: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python as on Windows."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(LACKING),
        "PAWGRADE_CACHE": str(cache),
        "PAWGRADE_DATA": "",
    }
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_modules_of_ours_and_no_others_miss_what_windows_has_not(tmp_path: Path) -> None:
    locks = "from grader.sandbox.inside import syscalls"

    ours, others = (python(tmp_path, code, folder=tmp_path) for code in (locks, "import fcntl, os; os.fork"))

    assert "No module named 'fcntl', as on Windows: grader.sandbox.inside.syscalls" in ours.stderr
    assert others.returncode == 0


def test_a_kernel_imports_the_lab_and_what_asks_its_functions(tmp_path: Path) -> None:
    done = python(tmp_path, "from grader import lab; import grader.judging.in_kernel", folder=tmp_path)

    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_student_checks_a_released_notebook(tmp_path: Path, toy_cache: Path) -> None:
    shutil.copy(REPOSITORY / "assignments/adversarial_cat/adversarial_cat.ipynb", tmp_path)

    done = python(toy_cache, MAIN, "check", "adversarial_cat.ipynb", "--json", "-", folder=tmp_path)

    assert done.returncode == 1, done.stderr  # nothing is solved yet
    grade = json.loads(done.stdout)
    assert (grade["status"], grade["failed_cells"]) == ("FAILED", [])
    assert {check["status"] for check in grade["checks"]} == {"FAILED", "SKIPPED"}


@pytest.mark.slow
def test_the_doctor_says_what_students_have_and_that_grading_needs_linux(
    tmp_path: Path, toy_cache: Path
) -> None:
    done = python(toy_cache, MAIN, "doctor", "--json", "-", folder=tmp_path)

    facts = {fact["what"]: fact for fact in json.loads(done.stdout)}
    assert facts["sandbox"]["state"] == "bad"
    assert "need Linux" in facts["sandbox"]["found"]
    assert {facts[name]["state"] for name in ("Python", "network weights", "kernel", "cache")} == {"good"}
