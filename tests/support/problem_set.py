"""A course in nbgrader's layout whose assignment has two notebooks, and a name with blanks and capitals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment.course import Course
from grader.authoring.release import build_release
from tests.support.notebooks import graded_cell, manual_cell, nbgrader_metadata, solution_cell

PROBLEM_SET = "Problem Set 1"
NOTEBOOKS = ("Problem 1", "problem-2")

# nbgrader's own folders, but for one.
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "course101"
c.CourseDirectory.feedback_directory = "pages"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "staff"]
"""

ASSIGNMENT = """\
id = "Problem Set 1"
title = "Twice and half"
notebooks = ["Problem 1", "problem-2"]
points = 12
pass_points = 5

[limits]
wall_s = 40
cell_s = 12

[[exercises]]
id = "double"
title = "Twice a number"
points = 6

[[exercises]]
id = "halve"
title = "Half a number"
points = 4

[[manual]]
id = "reflection"
title = "What you learned"
points = 2

[[entry_points]]
name = "double"
notebook = "Problem 1"
budget_s = 6
inputs = [{ name = "numbers", dtype = "float64", shape = ["n"] }]
output = { dtype = "float", shape = ["n"] }

[[entry_points]]
name = "halve"
notebook = "problem-2"
budget_s = 6
inputs = [{ name = "numbers", dtype = "float64", shape = ["n"] }]
output = { dtype = "float", shape = ["n"] }
"""

CHECKS = '''\
"""Checks of the problem set."""

import numpy as np
import pytest

from grader.checks import require
from grader.checks.questions import Question


def questions(material):
    numbers = material.rng.normal(size=5)
    return {
        "doubles": [Question("double", (numbers,), {"expected": 2 * numbers})],
        "halves": [Question("halve", (numbers,), {"expected": numbers / 2})],
    }


def gap(answers, name):
    (answer,) = answers(name)
    return float(np.abs(answer.value - answer.key["expected"]).max())


@pytest.mark.exercise("double", points=6, asks="doubles")
def test_double(answers):
    """Every number is doubled."""
    require(gap(answers, "doubles"), at_most=1e-9, what="largest error", hint="Multiply by two.")


@pytest.mark.exercise("halve", points=4, asks="halves")
def test_halve(answers):
    """Every number is halved."""
    require(gap(answers, "halves"), at_most=1e-9, what="largest error", hint="Divide by two.")
'''


def _notebook(*cells: NotebookNode) -> NotebookNode:
    parameters = new_code_cell(
        'data_dir = None\nscratch_dir = "."\nseed = 0\ndevice = "cpu"\nlanguage = "en"',
        id="parameters",
        metadata={**nbgrader_metadata("parameters", locked=True), "tags": ["parameters"]},
    )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return new_notebook(cells=[parameters, *cells], metadata=metadata)


def sources() -> dict[str, NotebookNode]:
    """Return the source notebooks by name; a name that the first one defines is not there in the second."""
    print_ = "print('judged after the notebook has run')"
    body = "\n    ### BEGIN SOLUTION\n    return numbers {}\n    ### END SOLUTION"
    first = _notebook(
        solution_cell("double-code", "factor = 2\n\ndef double(numbers):" + body.format("* factor")),
        graded_cell("double", 6, print_),
        manual_cell("reflection", 2, "### BEGIN SOLUTION\nThe model answer.\n### END SOLUTION"),
    )
    second = _notebook(
        solution_cell("halve-code", "def halve(numbers):" + body.format("/ 2")),
        graded_cell("halve", 4, print_),
    )
    return dict(zip(NOTEBOOKS, (first, second), strict=True))


def problem_set_course(folder: Path) -> Course:
    """Write the course, released, and return it."""
    source = folder / "source" / PROBLEM_SET
    source.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(CONFIG)
    for name, notebook in sources().items():
        nbformat.write(notebook, source / f"{name}.ipynb")
    (source / "assignment.toml").write_text(ASSIGNMENT)
    (source / "check_public.py").write_text(CHECKS)
    build_release(folder, PROBLEM_SET, folder / "release")
    return Course(folder.resolve())


def hand_in(course: Course, student: str, notebooks: Mapping[str, NotebookNode]) -> Path:
    """Put notebooks where a student's submission lies."""
    folder = course.folder / "submitted" / student / PROBLEM_SET
    folder.mkdir(parents=True, exist_ok=True)
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / f"{name}.ipynb")
    (folder / "timestamp.txt").write_text("2026-01-15 12:00:00 UTC")
    return folder
