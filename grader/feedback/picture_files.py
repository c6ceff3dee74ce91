"""Pictures that an assignment draws itself: its `pictures.py`, and whether what its checks show can be drawn.

The file is staff's and is imported by its path from the course's own folders, never from what a student handed in. What
its functions are given comes from students, as inert values.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path

from grader.assignment.spec import PICTURES
from grader.checks.check_files import load_checks
from grader.checks.soundness import CHECKS
from grader.errors import InfrastructureError, SpecError
from grader.feedback.figures import FIGURES, NO_OTHERS, Draw, draw
from grader.records import Grade


def load_pictures(folder: Path) -> Mapping[str, Draw]:
    """Import `pictures.py` of a source or release folder.

    Returns:
        The public functions that are defined there, by the kind that each draws; none where there is no such file.

    Raises:
        SpecError: it cannot be imported, or draws a kind that Pawgrade itself draws.
    """
    path = folder / PICTURES
    if not path.exists():
        return NO_OTHERS
    module = load_checks(path)
    # Only what is defined in the file: a helper that it imports would otherwise be a kind of picture.
    functions = {
        name: function
        for name, function in vars(module).items()
        if inspect.isfunction(function)
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }
    if taken := sorted(functions.keys() & FIGURES.keys()):
        raise SpecError(
            f"{path}: {taken[0]} is drawn by Pawgrade itself.", "Give your function another name."
        )
    return functions


def drawn_by(folder: Path) -> Mapping[str, Draw]:
    """Return the functions that draw an assignment's own pictures: none where its file is broken, and each page says so."""
    try:
        return load_pictures(folder)
    except SpecError:
        return NO_OTHERS


def require_drawn(folder: Path) -> None:
    """Make sure that a source folder's own pictures, and all kinds that its checks name, have a function that draws them.

    Raises:
        SpecError: `pictures.py` cannot be imported, or a check shows a kind that nothing draws.
    """
    functions = load_pictures(folder)
    kinds = ", ".join((*FIGURES, *functions))
    # Checks are read, not run: without answers they would show nothing.
    problems = [
        f"{location} shows {kind!r}, and no function of that name is in {folder / PICTURES}; drawn are {kinds}"
        for name in CHECKS
        for location, kind in _shown(folder / name)
        if kind not in FIGURES and kind not in functions
    ]
    if problems:
        raise SpecError(f"{'; '.join(problems)}.", "Feedback could not show these pictures.")


def drawable(folder: Path, grade: Grade) -> tuple[bool, str]:
    """Draw what the checks showed of an attempt, for students and for staff; say whether all of it can be drawn."""
    functions, pictures = load_pictures(folder), (*grade.pictures, *grade.staff.pictures)
    problems: list[str] = []
    for picture in pictures:
        try:
            draw(picture, functions)
        except InfrastructureError as exc:
            problems.append(str(exc))
    return not problems, " ".join(problems) or f"{len(pictures)} drawn"


def _shown(path: Path) -> Iterator[tuple[str, str]]:
    """Yield where a check file calls `show`, and with which kind, as far as that can be read without running it."""
    if not path.is_file():
        return
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as exc:
        raise SpecError(f"{path} cannot be read: {type(exc).__name__}: {exc}.") from exc
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "show":
            # A kind that is computed cannot be known here; `drawable` meets it when the reference solution is graded.
            given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "kind")]
            for kind in given[:1]:
                if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
                    yield f"{path}:{node.lineno}", kind.value
