"""A trial answers in one line of JSON, whatever comes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


def trial(name: str, folder: Path, before: str = "pass") -> dict[str, str]:
    """Run a trial as `self_check` does, behind some code of ours."""
    code = (
        f"import runpy, sys\n{before}\nsys.argv[1:] = [{name!r}]\n"
        "runpy.run_module('grader.sandbox.self_check_child', run_name='__main__')"
    )
    line = [sys.executable, "-P", "-c", code]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=folder)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_the_interpreter_names_itself(tmp_path: Path) -> None:
    version = ".".join(map(str, sys.version_info[:3]))

    assert trial("interpreter", tmp_path)["found"].startswith(f"Python {version}, numpy ")


def test_a_library_that_is_missing_is_a_problem_with_its_name(tmp_path: Path) -> None:
    assert "numpy" in trial("interpreter", tmp_path, "sys.modules['numpy'] = None")["problem"]


def test_a_write_that_gets_through_is_a_problem_although_nothing_failed(tmp_path: Path) -> None:
    weak = "from grader.sandbox.inside import landlock\nlandlock.restrict = lambda **_: 1"

    assert "let a write outside through" in trial("files", tmp_path, weak)["problem"]
    assert (tmp_path / "file").exists()


def test_a_system_without_landlock_says_so(tmp_path: Path) -> None:
    none = "from grader.sandbox.inside import landlock\nlandlock.restrict = lambda **_: 0"

    assert "switched off" in trial("files", tmp_path, none)["problem"]


def test_a_filter_that_lets_ptrace_through_is_a_problem(tmp_path: Path) -> None:
    weak = "from grader.sandbox.inside import seccomp\nseccomp.load = lambda _: None"

    assert "the filter let ptrace through" in trial("calls", tmp_path, weak)["problem"]
