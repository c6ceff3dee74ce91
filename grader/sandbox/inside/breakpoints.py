"""Breakpoints that were left in a notebook: where nobody can answer, they are passed and named, not stopped at."""

from __future__ import annotations

import pdb
import sys
from types import FrameType
from typing import Any

from IPython.core import debugger

MOST = 20  # lines about them: a breakpoint in a loop is named once, and a notebook has no more places worth a line
_passed: set[tuple[str, int]] = set()


def pass_unanswered() -> None:
    """Replace what `breakpoint()` and `pdb.set_trace()` call in this process.

    They stop as before where the program that runs the cell takes questions (`allow_stdin`). papermill, nbclient and
    nbconvert do not: an ipykernel raises StdinNotImplementedError there.
    """
    stop = debugger.set_trace

    def set_trace(frame: FrameType | None = None, **options: Any) -> None:  # noqa: ANN401 - pdb's own
        frame = frame or sys._getframe(1)
        if _is_answered():
            stop(frame, **{name: options[name] for name in ("header",) if name in options})
        else:
            _tell(frame)

    pdb.set_trace = debugger.set_trace = set_trace


def _is_answered() -> bool:
    from ipykernel.ipkernel import IPythonKernel

    # Of the cell that runs: each request says it anew.
    return bool(IPythonKernel.initialized() and IPythonKernel.instance()._allow_stdin)


def _tell(frame: FrameType) -> None:
    file, line = frame.f_code.co_filename, frame.f_lineno
    if (file, line) in _passed or len(_passed) >= MOST:
        return
    _passed.add((file, line))
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    name = shell.compile.format_code_name(file) if shell else None  # None: no cell of this notebook
    where = f"cell {name[1]}" if name else file
    sys.stderr.write(
        f"breakpoint() in {where}, line {line}, was passed: nobody can answer a debugger here.\n"
    )
