"""Builders of small courses and notebooks: two graded exercises, one reflection, locked parameters."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.records import ExerciseGrade, Grade, Seconds, Status

REPOSITORY = Path(__file__).resolve().parents[2]
HIDDEN_CHECK = "assert measured_by_the_hidden_check > 41"
SOLUTION = "result_of_doubling = 2 * number"
MODEL_ANSWER = "The model answer that only staff should read."
PUBLIC_CHECKS = """\
import pytest


def questions(material):
    return {}


@pytest.mark.exercise("double", points=6)
def test_double():
    pass


@pytest.mark.exercise("square", points=3)
def test_square():
    pass
"""
HIDDEN_CHECKS = f"""\
import pytest


def questions(material):
    return {{}}


@pytest.mark.exercise("square", points=1)
def test_hidden():
    measured_by_the_hidden_check = 42
    {HIDDEN_CHECK}
"""
ASSIGNMENT_TOML = """\
id = "toy"
title = "A toy assignment"
points = 15
pass_points = 8

[[exercises]]
id = "double"
title = "Twice a number"
points = 6

[[exercises]]
id = "square"
title = "A number times itself"
points = 4

[[manual]]
id = "reflection"
title = "What you learned"
points = 5

[data.toy_pets]
"""


def nbgrader_metadata(grade_id: str, **changes: Any) -> dict[str, Any]:
    """Return nbgrader's metadata of a cell that is neither graded nor a solution, with changes."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
    return {"nbgrader": {**plain, "grade_id": grade_id, **changes}}


def solution_cell(grade_id: str, source: str) -> NotebookNode:
    return new_code_cell(source, id=grade_id, metadata=nbgrader_metadata(grade_id, solution=True))


def graded_cell(grade_id: str, points: float, source: str) -> NotebookNode:
    metadata = nbgrader_metadata(grade_id, grade=True, locked=True, points=points)
    return new_code_cell(source, id=grade_id, metadata=metadata)


def manual_cell(grade_id: str, points: float, source: str) -> NotebookNode:
    metadata = nbgrader_metadata(grade_id, grade=True, solution=True, points=points)
    return new_markdown_cell(source, id=grade_id, metadata=metadata)


def source_notebook() -> NotebookNode:
    """Return the source of the toy assignment, as a teacher's Jupyter would save it: with outputs and versions."""
    parameters = new_code_cell(
        "# parameters\nseed = 0", id="parameters", metadata=nbgrader_metadata("parameters", locked=True)
    )
    double = "def double(number):\n    ### BEGIN SOLUTION\n    {}\n    return result_of_doubling\n    ### END SOLUTION"
    square = "def square(number):\n    ### BEGIN SOLUTION\n    return number * number  # the square\n    ### END SOLUTION"
    executed = new_code_cell("1 + 1", id="sum", execution_count=1)
    executed.metadata["execution"] = {"iopub.execute_input": "2026-01-31T12:00:00Z"}
    executed.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    cells = [
        new_markdown_cell("# Toy", id="title"),
        parameters,
        executed,
        solution_cell("double_answer", double.format(SOLUTION)),
        graded_cell("double", 6, "assert double(2) == 4"),
        solution_cell("square_answer", square),
        graded_cell("square", 4, "assert square(3) == 9"),
        manual_cell("reflection", 5, MODEL_ANSWER),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    language = {"name": "python", "version": "3.11.2"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})


def toy_course(folder: Path, notebook: NotebookNode | None = None) -> Path:
    """Write a course with the toy assignment and return its folder."""
    source = folder / "solutions" / "toy"
    (source / "staff").mkdir(parents=True)
    shutil.copyfile(REPOSITORY / "nbgrader_config.py", folder / "nbgrader_config.py")
    nbformat.write(notebook or source_notebook(), source / "toy.ipynb")
    (source / "assignment.toml").write_text(ASSIGNMENT_TOML)
    (source / "check_public.py").write_text(PUBLIC_CHECKS)
    (source / "staff" / "check_hidden.py").write_text(HIDDEN_CHECKS)
    return folder


def answered(release: NotebookNode, answer: str | None = "I learned a lot.") -> NotebookNode:
    """Return a submission made from a release notebook: exercises solved, the reflection answered."""
    submission = copy.deepcopy(release)
    for cell in submission.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id == "double_answer":
            cell.source = "def double(number):\n    return number + number"
        if grade_id == "reflection" and answer is not None:
            cell.source = answer
    return submission


def toy_grade(student: str = "student01", attempt: str = "first", **points: float) -> Grade:
    """Return a grade for the toy assignment; `double=3.0` and `square=0.0` change the points."""
    full = {"double": 6.0, "square": 4.0}
    earned = {**full, **points}
    exercises = tuple(
        ExerciseGrade(name, Status.PASSED if earned[name] == most else Status.FAILED, earned[name], most)
        for name, most in full.items()
    )
    total = sum(earned.values())
    return Grade(
        student=student,
        assignment="toy",
        attempt=attempt,
        status=Status.PASSED if total >= 8 else Status.FAILED,
        points=total,
        max_points=10.0,
        manual_points=None,
        passed=total >= 8,
        exercises=exercises,
        checks=(),
        failed_cells=(),
        limit=None,
        seconds=Seconds(),
        sandbox="none",
        device="cpu",
        seed=0,
        data="toy_pets",
    )
