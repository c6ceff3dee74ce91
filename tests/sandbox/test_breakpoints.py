"""Breakpoints outside of a cell that somebody answers; `tests/contracts/test_what_jupyter_programs_expect.py` has those in kernels."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


def python(code: str) -> subprocess.CompletedProcess[str]:
    prepared = f"from grader.sandbox.inside import breakpoints\nbreakpoints.pass_unanswered()\n{code}"
    return subprocess.run(
        [sys.executable, "-c", prepared],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    "call",
    [
        "breakpoint()",
        "__import__('pdb').set_trace()",
        "__import__('pdb').set_trace(header='cats')",
        "__import__('IPython.core.debugger', fromlist=['x']).set_trace()",
    ],
)
def test_each_name_of_a_breakpoint_is_passed_and_told_with_its_line(call: str) -> None:
    done = python(f"\n{call}\nprint('went on')")

    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr
    assert "line 4, was passed: nobody can answer a debugger here." in done.stderr


def test_a_breakpoint_in_a_loop_is_told_once_and_many_places_are_not_told_for_ever() -> None:
    done = python("for _ in range(100):\n    breakpoint()\n" + "breakpoint()\n" * 50 + "print('went on')")

    assert done.stdout == "went on\n"
    assert done.stderr.count("was passed") == 20
    assert done.stderr.count("line 4,") == 1


def test_whoever_switches_breakpoints_off_is_not_told_of_them() -> None:
    done = python("import os\nos.environ['PYTHONBREAKPOINT'] = '0'\nbreakpoint()\nprint('went on')")

    assert (done.stdout, done.stderr) == ("went on\n", "")
