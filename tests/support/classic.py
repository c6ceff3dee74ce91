"""A classic nbgrader assignment: tests and hidden tests in the notebook's cells, answers and a task that people grade."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.assignment.course import Course
from tests.support.notebooks import graded_cell, manual_cell, nbgrader_metadata, solution_cell

SECRET_INPUT = "4711"  # stands in a hidden test and nowhere else
DOUBLE = "def double(number):\n    ### BEGIN SOLUTION\n    return 2 * number\n    ### END SOLUTION"
MEAN = (
    "def mean(numbers):\n    ### BEGIN SOLUTION\n    return sum(numbers) / len(numbers)\n    ### END SOLUTION"
)
DOUBLE_TESTS = f'''\
"""Twice a number"""
assert double(2) == 4
assert double(0.5) == 1.0
### BEGIN HIDDEN TESTS
assert double({SECRET_INPUT}) == 2 * {SECRET_INPUT}
### END HIDDEN TESTS'''
MEAN_TESTS = '''\
"""The mean of some numbers"""
assert mean([1, 2, 3]) == 2
try:
    mean([])
except ZeroDivisionError:
    pass
else:
    raise AssertionError("no numbers have no mean")'''
PARTIAL_TESTS = "sum([mean([4, 8]) == 6, mean([5]) == 5]) * 1.5"
ANSWER = "The mean of a sum is the sum of the means."


def source_notebook() -> NotebookNode:
    """Return the source: 2 + 3 + 3 points by tests, 4 by people, and a task of 5."""
    task = nbgrader_metadata("essay", task=True, locked=True, points=5)
    cells = [
        new_markdown_cell("# Week 1", id="title"),
        solution_cell("double_code", DOUBLE),
        graded_cell("double_tests", 2, DOUBLE_TESTS),
        solution_cell("mean_code", MEAN),
        graded_cell("mean_tests", 3, MEAN_TESTS),
        graded_cell("mean-partly", 3, PARTIAL_TESTS),
        manual_cell("why", 4, ANSWER),
        new_markdown_cell("Write an essay.", id="essay", metadata=task),
        new_code_cell("print(double(21))", id="free"),
    ]
    return new_notebook(
        cells=cells,
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def solved(**sources: str) -> NotebookNode:
    """Return a full solution in which the named cells have other sources."""
    notebook = source_notebook()
    for cell in notebook.cells:
        cell.source = sources.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.source)
    return notebook


def classic_course(
    folder: Path, notebook: NotebookNode | None = None, *, assignment: str = "week1"
) -> Course:
    """Write a course as an nbgrader user has it, and return it: a source, and nothing of Pawgrade's."""
    source = folder / "solutions" / assignment
    source.mkdir(parents=True)
    nbformat.write(notebook or source_notebook(), source / "week1.ipynb")
    config = 'c = get_config()\nc.CourseDirectory.source_directory = "solutions"\nc.CourseDirectory.release_directory = "assignments"\n'
    (folder / "nbgrader_config.py").write_text(config)
    return Course(folder.resolve())


def hand_in(course: Course, student: str, notebook: NotebookNode) -> Path:
    """Put a notebook where a student's submission lies."""
    folder = course.folder / "submitted" / student / "week1"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "week1.ipynb")
    return folder
