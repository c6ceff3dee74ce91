"""Examination of an assignment before it is used: its checks, points and notebook must fit together.

What is found here would cost everybody's points, or give nobody a verdict: so it is said, with file and key, before
anything is released or run.
"""

from __future__ import annotations

import inspect
import math
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from grader.assignment.spec import Assignment, Value
from grader.checks.check_files import Mark, load_checks, read_mark
from grader.checks.questions import Question
from grader.errors import SpecError

if TYPE_CHECKING:
    from nbformat import NotebookNode

CHECKS = ("check_public.py", "staff/check_hidden.py")
MAX_TEXT_BYTES = 16 * 2**20  # of an array of text that a question carries


@dataclass(frozen=True)
class Marked:
    """A check as its file has it.

    Attributes:
        name: what verdicts call it.
        mark: what its mark says.
        times: how often it runs, being parametrized; None: that cannot be told without running it.
    """

    name: str
    mark: Mark
    times: int | None


def require_sound(folder: Path, assignment: Assignment) -> None:
    """Hold the check files of a source folder against its `assignment.toml`.

    Raises:
        SpecError: an exercise has no check or checks that are not worth its points, a check belongs to no exercise, is
            there twice or waits for one that never passes before it, a file cannot be imported or asks nothing.
    """
    files = [folder / name for name in CHECKS if (folder / name).is_file()]
    if not files:
        raise SpecError(f"{folder}: no check_public.py.", "An assignment needs checks.")
    modules = {path: load_checks(path) for path in files}
    checks = {path: list(marked(module)) for path, module in modules.items()}
    # Everything is collected first, so that one look mends all of it.
    problems = [
        f"{path}: no function questions(material), which says what the checks ask"
        for path, module in modules.items()
        if not callable(getattr(module, "questions", None))
    ]
    for path, file_checks in checks.items():
        problems += (f"{path}: {text}" for text in _wrong_marks(file_checks, assignment))
    names = Counter(check.name for file_checks in checks.values() for check in file_checks)
    problems += [
        f"{folder}: {count} checks are called test_{name}" for name, count in names.items() if count > 1
    ]
    problems += _wrong_points(
        folder, [check for file_checks in checks.values() for check in file_checks], assignment
    )
    if problems:
        raise SpecError(f"{'; '.join(problems)}.", "Nothing was released or run.")


def require_asked(
    files: Sequence[Path], plan: Mapping[str, Sequence[Question]], assignment: Assignment
) -> None:
    """Make sure that what checks ask is planned, and asked of functions that `assignment.toml` names; else SpecError."""
    problems = [
        f"{path}: test_{check.name} asks for {name!r}; the questions planned are {', '.join(plan) or 'none'}"
        for path in files
        for check in marked(load_checks(path))
        for name in check.mark.asks
        # On a card without a second holdout nothing is planned for unreported checks, and they are left out
        # (`CheckSession._asked`).
        if name not in plan and not check.mark.unreported
    ]
    for name, questions in plan.items():
        # Each notebook has a kernel of its own, and a set is asked in one.
        places = sorted({assignment.notebook_of(question.entry_point) for question in questions})
        if len(places) > 1:
            problems.append(
                f"question set {name!r} asks functions of {' and '.join(places)}; make a set for each"
            )
    for name, question in ((name, question) for name, questions in plan.items() for question in questions):
        entry_point = assignment.entry_point(question.entry_point)
        for value, argument in zip(entry_point.inputs, question.arguments, strict=False):
            text_problem = _wrong_text(value, argument)
            if text_problem:
                problems.append(
                    f"question set {name!r}: {question.entry_point}, {value.name}: {text_problem}"
                )
    if problems:
        raise SpecError(f"{'; '.join(dict.fromkeys(problems))}.", "Nothing was run.")


def _wrong_text(value: Value, argument: object) -> str:
    """Say what is wrong with text, or with what should be none: only inert arrays of bounded size reach a notebook."""
    if not isinstance(argument, np.ndarray):
        return ""
    # Arrays cross the border as `.npy` without pickles, which hold no objects (ADR 1).
    if argument.dtype.hasobject:
        return "an array of Python objects; make one of text with np.array(list_of_str)"
    if (argument.dtype.kind == "U") != (value.dtype == "str"):
        return f"an array of {argument.dtype}, while assignment.toml says {value.dtype}"
    if argument.dtype.kind == "U" and argument.nbytes > MAX_TEXT_BYTES:
        # numpy pads all texts to the longest, at four bytes a character.
        longest = argument.dtype.itemsize // 4
        return (
            f"{argument.size} texts of up to {longest} characters take more than {MAX_TEXT_BYTES // 2**20} MiB: "
            "every one takes as much as the longest"
        )
    return ""


def graded_cells(notebook: NotebookNode) -> list[dict[str, Any]]:
    """Return nbgrader's metadata of a notebook's graded cells, those graded by hand included."""
    cells = [cell.get("metadata", {}).get("nbgrader", {}) for cell in notebook.cells]
    return [meta for meta in cells if isinstance(meta, dict) and (meta.get("grade") or meta.get("task"))]


def exercise_notebooks(notebooks: Mapping[str, NotebookNode]) -> dict[str, str]:
    """Return by exercise the name of the notebook that holds its graded cell."""
    return {
        str(meta.get("grade_id")): name
        for name, notebook in notebooks.items()
        for meta in graded_cells(notebook)
    }


def require_cells(folder: Path, notebooks: Mapping[str, NotebookNode], assignment: Assignment) -> None:
    """Make sure that released notebooks have one graded cell for each exercise, with its points; else SpecError.

    Args:
        folder: the release's, for messages.
        notebooks: those of the release, by name.
        assignment: what its `assignment.toml` says.
    """
    graded = [meta for notebook in notebooks.values() for meta in graded_cells(notebook)]
    counts = Counter(str(meta.get("grade_id")) for meta in graded)
    points = {str(meta.get("grade_id")): meta.get("points") for meta in graded}
    problems = [f"{count} graded cells are called {name}" for name, count in counts.items() if count > 1]
    for exercise in (*assignment.exercises, *assignment.manual):
        if exercise.id not in counts:
            problems.append(f"no graded cell for the exercise {exercise.id} of assignment.toml")
        elif points[exercise.id] != exercise.points:
            problems.append(
                f"the cell {exercise.id} is worth {points[exercise.id]} points, assignment.toml says {exercise.points:g}"
            )
    if problems:
        path = folder / f"{assignment.notebooks[0]}.ipynb" if len(notebooks) == 1 else folder
        raise SpecError(
            f"{path}: {'; '.join(problems)}.", f"Run `pawgrade release {shlex.quote(assignment.id)}`."
        )


def marked(module: ModuleType) -> Iterator[Marked]:
    """List the checks of a file as pytest would collect them, in their order."""
    yield from _marked(vars(module), [])


def _marked(names: Mapping[str, Any], around: Sequence[Any]) -> Iterator[Marked]:
    for name, member in names.items():
        marks = [*around, *_marks(member)]
        if inspect.isclass(member) and name.startswith("Test"):
            yield from _marked(vars(member), marks)
        elif inspect.isfunction(member) and name.startswith("test"):
            # Marks of the class come first: those of the function itself win, as in pytest.
            exercise_marks = [read_mark(mark) for mark in marks if mark.name == "exercise" and mark.args]
            sets = [mark for mark in marks if mark.name == "parametrize"]
            yield Marked(
                name.removeprefix("test_"), exercise_marks[-1] if exercise_marks else Mark(), _times(sets)
            )


def _marks(member: object) -> list[Any]:
    marks = getattr(member, "pytestmark", [])
    return marks if isinstance(marks, list) else [marks]


def _times(parametrized: Sequence[Any]) -> int | None:
    try:
        # Each `parametrize` multiplies; one without a length tells its number only when it runs.
        return math.prod(len(mark.args[1]) for mark in parametrized)
    except (IndexError, TypeError):
        return None


def _wrong_marks(checks: Sequence[Marked], assignment: Assignment) -> Iterator[str]:
    exercise_ids, before = [exercise.id for exercise in assignment.exercises], set[str]()
    for check in checks:
        if not check.mark.exercise:
            yield f"test_{check.name} has no @pytest.mark.exercise(...)"
        elif check.mark.exercise not in exercise_ids:
            yield f"test_{check.name}: no exercise {check.mark.exercise!r} in assignment.toml; it has {', '.join(exercise_ids)}"
        for name in check.mark.after:
            # Checks run in the order of their file.
            if name not in before:
                yield f"test_{check.name} comes after {name!r}, and no check above it is called so: it would never run"
        before.add(check.name)


def _wrong_points(folder: Path, checks: Sequence[Marked], assignment: Assignment) -> Iterator[str]:
    for exercise in assignment.exercises:
        mine = [check for check in checks if check.mark.exercise == exercise.id and not check.mark.unreported]
        if not mine:
            yield f"{folder / 'assignment.toml'}: exercise {exercise.id!r} has no check in {' or '.join(CHECKS)}"
            continue
        if any(check.times is None for check in mine):
            continue
        worth = sum(check.mark.points * (check.times or 0) for check in mine)
        # Decimal fractions of points do not add up exactly in binary.
        if not abs(worth - exercise.points) <= 1e-6:
            yield (
                f"{folder / 'assignment.toml'}: exercise {exercise.id!r} is worth {exercise.points:g} points, "
                f"its checks are worth {worth:g}"
            )
