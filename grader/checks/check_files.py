"""Check files: importing them by path, and reading the marks of their checks."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import math
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from grader.errors import SpecError

if TYPE_CHECKING:
    import pytest


ASKS_A_NETWORK = {"probabilities", "backbone"}  # names of `grader.checks`


@dataclass(frozen=True)
class Mark:
    """What `@pytest.mark.exercise(exercise, points=, asks=, after=, unreported=)` says.

    Attributes:
        exercise: id of the exercise; "" for a function without the mark.
        points: what the check is worth.
        asks: question sets that it needs.
        after: checks that must pass first.
        unreported: whether what it measures is for staff alone: no report shows it, and it is worth no points.
    """

    exercise: str = ""
    points: float = 0.0
    asks: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    unreported: bool = False


def read_mark(mark: pytest.Mark) -> Mark:
    """Read the arguments of `@pytest.mark.exercise`."""
    asks, after = mark.kwargs.get("asks", ()), mark.kwargs.get("after", ())
    points = float(mark.kwargs.get("points", 0))
    # NaN fails both comparisons, so it is refused as well.
    if not 0 <= points < math.inf:
        raise SpecError(f"exercise {mark.args[0]!r}: expected points of 0 or more, found {points}.")
    unreported = bool(mark.kwargs.get("unreported", False))
    if unreported and points:
        raise SpecError(f"exercise {mark.args[0]!r}: a check that no report shows cannot be worth points.")
    return Mark(
        str(mark.args[0]),
        points,
        (asks,) if isinstance(asks, str) else tuple(asks),
        (after,) if isinstance(after, str) else tuple(after),
        unreported,
    )


def asks_a_network(path: Path) -> bool:
    """Say whether a check file imports what computes with a network: one is then loaded once, before any fork."""
    # Read and not imported: this runs in the server that forks, where no check file may run.
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return bool(names & ASKS_A_NETWORK)


def wanted(marks: Mapping[str, Mark], exercise: str) -> set[str]:
    """Name the checks of an exercise and, over any number of steps, the checks they come after."""
    needed: set[str] = set()
    open_ = [name for name, mark in marks.items() if mark.exercise == exercise]
    while open_:
        name = open_.pop()
        # Names may stand in a circle: one that was seen is not followed again.
        if name in marks and name not in needed:
            needed.add(name)
            open_.extend(marks[name].after)
    return needed


def load_checks(path: Path) -> ModuleType:
    """Import a check file, or another file of an assignment, by its path; raises SpecError."""
    # Named by the whole path, so that files of the same name do not meet in `sys.modules`.
    spec = importlib.util.spec_from_file_location(
        f"_checks_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}", path
    )
    if spec is None or spec.loader is None:
        raise SpecError(f"{path} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks up what its annotations mean
    try:
        spec.loader.exec_module(module)
    # A check file that calls `sys.exit` while it is imported must not end the grader.
    except (Exception, SystemExit) as exc:
        del sys.modules[spec.name]
        raise SpecError(
            f"{path} cannot be imported: {type(exc).__name__}: {str(exc).rstrip('.')}.",
            raised_at(exc, path),
        ) from exc
    return module


def raised_at(exc: BaseException, path: Path) -> str:
    """Say which line of a check file an exception came from, with the line; "" where none did."""
    if isinstance(exc, SyntaxError) and exc.filename == str(path):
        return f"Line {exc.lineno}: {(exc.text or '').strip()}"
    # The last one: helpers of the file are called by others of its lines, and are nearer to the mistake.
    frames = [frame for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(path)]
    return f"Line {frames[-1].lineno}, in {frames[-1].name}: {frames[-1].line}" if frames else ""


def needed_sets(module: ModuleType, exercise: str) -> set[str]:
    """Return the question sets that the checks of an exercise ask for, and those that these come after."""
    marks = {
        name.removeprefix("test_"): read_mark(mark)
        for name, member in vars(module).items()
        for mark in getattr(member, "pytestmark", ())
        if mark.name == "exercise"
    }
    return {asked for name in wanted(marks, exercise) for asked in marks[name].asks}
