"""A whole course that grades in seconds: real kernels, checks and gradebook, but no network to train."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.assignment.course import Course
from grader.authoring.release import build_release
from tests.support.notebooks import REPOSITORY, graded_cell, manual_cell, nbgrader_metadata, solution_cell

SECRET = "a secret of the tests"
GREEK_LETTERS = "Only the hidden check knows of these greek letters."

ASSIGNMENT = """\
id = "tiny"
title = "A tiny assignment"
points = 20
pass_points = 9

[limits]
wall_s = 40
cell_s = 12
output_kb = 64

[[exercises]]
id = "double"
title = "Twice a number"
points = 6

[[exercises]]
id = "brightness"
title = "How bright is a photo"
points = 10

[[manual]]
id = "reflection"
title = "What you learned"
points = 4

[[entry_points]]
name = "double"
budget_s = 6
inputs = [{ name = "numbers", dtype = "float64", shape = ["n"] }]
output = { dtype = "float", shape = ["n"] }

[[entry_points]]
name = "classify"
budget_s = 12
inputs = [{ name = "images", dtype = "uint8", shape = ["n", 224, 224, 3] }]
output = { dtype = "float", shape = ["n", 35] }

[[files]]
name = "notes.txt"
max_kb = 1

[data.toy_pets]
"""

CHECKS = '''\
"""Checks of the tiny assignment."""

import numpy as np
import pytest

from grader.checks import require, show
from grader.checks.questions import Question, batched, gather


def questions(material):
    numbers = material.rng.normal(size=5)
    few = material.images[:6]
    expected = few.reshape(6, -1).mean(axis=1)
    return {
        "numbers": [Question("double", (numbers,), {"expected": 2 * numbers})],
        "photos": [
            Question(one.entry_point, one.arguments, {**one.key, "expected": expected})
            for one in batched("classify", few, material.rng, again=3)
        ],
    }


@pytest.mark.exercise("double", points=6, asks="numbers")
def test_double(answers):
    """Every number is doubled."""
    (answer,) = answers("numbers")
    gap = float(np.abs(answer.value - answer.key["expected"]).max())
    require(gap, at_most=1e-9, what="largest error", hint="Multiply by two.")


@pytest.mark.exercise("brightness", asks="photos")
def test_agree(answers):
    """A photo gets the same scores again."""
    require(gather(answers("photos")).disagreement, at_most=1e-3, what="largest difference", hint="No dice.")


@pytest.mark.exercise("brightness", points=8, asks="photos", after="agree")
def test_brightness(answers):
    """Column j is the mean of the photo times j."""
    found, expected = gather(answers("photos")), answers("photos")[0].key["expected"]
    gap = float(np.abs(found.plain - expected[:, None] * np.arange(35)).max())
    show("confusion", "Who was taken for whom", matrix=[[3, 1], [0, 4]], names=["beagle", "pug"])
    require(gap, at_most=0.5, what="largest error", hint="Take the mean over height, width and channels.")
'''

HIDDEN = f'''\
"""{GREEK_LETTERS}"""

import numpy as np
import pytest

from grader.checks import require
from grader.checks.questions import Question


def questions(material):
    return {{"dark": [Question("classify", (np.zeros((2, 224, 224, 3), np.uint8),))]}}


@pytest.mark.exercise("brightness", points=2, asks="dark")
def test_night(answers):
    """At night all scores are zero."""
    (answer,) = answers("dark")
    require(float(np.abs(answer.value).max()), at_most=0.0, what="score at night", hint="Nothing is added.")
'''

DOUBLE = "def double(numbers):\n    ### BEGIN SOLUTION\n    return numbers * 2\n    ### END SOLUTION"
CLASSIFY = """\
import numpy as np

def classify(images):
    ### BEGIN SOLUTION
    mean_brightness = images.reshape(len(images), -1).mean(axis=1)
    return mean_brightness[:, None] * np.arange(35.0)
    ### END SOLUTION"""


def source_notebook() -> NotebookNode:
    """Return the source: two exercises, their graded cells (which need no photos here), a reflection."""
    parameters = new_code_cell(
        'data_dir = None\nscratch_dir = "."\nseed = 0\ndevice = "cpu"\nlanguage = "en"',
        id="parameters",
        metadata={**nbgrader_metadata("parameters", locked=True), "tags": ["parameters"]},
    )
    cells = [
        new_markdown_cell("# Tiny", id="title"),
        parameters,
        solution_cell("double-code", DOUBLE),
        graded_cell("double", 6, "print('judged after the notebook has run')"),
        solution_cell("classify-code", CLASSIFY),
        graded_cell("brightness", 10, "print('judged after the notebook has run')"),
        manual_cell("reflection", 4, "### BEGIN SOLUTION\nThe model answer.\n### END SOLUTION"),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def tiny_course(folder: Path) -> Course:
    """Write the course, released, and return it."""
    source = folder / "solutions" / "tiny"
    (source / "staff").mkdir(parents=True)
    shutil.copyfile(REPOSITORY / "nbgrader_config.py", folder / "nbgrader_config.py")
    nbformat.write(source_notebook(), source / "tiny.ipynb")
    (source / "assignment.toml").write_text(ASSIGNMENT)
    (source / "check_public.py").write_text(CHECKS)
    (source / "staff" / "check_hidden.py").write_text(HIDDEN)
    build_release(folder, "tiny", folder / "assignments")
    return Course(folder.resolve())


def solved(**cells: str) -> NotebookNode:
    """Return a full solution in which the named cells (`classify_code="..."`) have other sources."""
    notebook = source_notebook()
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "").replace("-", "_")
        if name in cells:
            cell.source = cells[name]
        elif name == "reflection":
            cell.source = "I learned a lot."
    return notebook


def hand_in(course: Course, student: str, notebook: NotebookNode | str | bytes) -> Path:
    """Put a notebook, or any text or bytes in its place, where a student's submission lies."""
    folder = course.folder / "submitted" / student / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    content = nbformat.writes(notebook) if isinstance(notebook, NotebookNode) else notebook
    if isinstance(content, str):
        content = content.encode()
    (folder / "tiny.ipynb").write_bytes(content)
    (folder / "timestamp.txt").write_text("2026-01-15 12:00:00 UTC")
    return folder
