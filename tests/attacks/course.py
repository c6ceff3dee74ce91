"""A course to attack: two exercises that grade in a second, short limits, and one that needs labels of hidden photos."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from grader.assignment.course import Course
from grader.assignment.spec import CALIBRATED
from grader.authoring.release import build_release
from grader.calibration.statistics import measured_version
from tests.support import tiny
from tests.support.notebooks import REPOSITORY, graded_cell, solution_cell

LIMITS = """
[limits]
wall_s = 8
cell_s = 2.5
memory_mb = 800
disk_mb = 24
processes = 48
output_kb = 64
"""
HIDDEN = '''\
"""@CANARY@"""

import numpy as np
import pytest

from grader.checks import require
from grader.checks.questions import Question


def questions(material):
    grey = material.rng.integers(40, 200, 3)
    images = np.broadcast_to(grey[:, None, None, None], (3, 224, 224, 3)).astype(np.uint8)
    return {"fog": [Question("classify", (images,), {"grey": grey})]}


@pytest.mark.exercise("brightness", points=2, asks="fog")
def test_fog(answers):
    """In fog all pixels are alike."""
    (answer,) = answers("fog")
    gap = float(np.abs(answer.value - answer.key["grey"][:, None] * np.arange(35)).max())
    require(gap, at_most=1e-6, what="largest error in fog", hint="Nothing is added.")
'''
LOOKUP = """\
id = "lookup"
title = "Name the breed"
points = 10
pass_points = 5
{limits}
[[exercises]]
id = "breeds"
title = "Name the breed"
points = 10

[[entry_points]]
name = "classify"
budget_s = 6
inputs = [{{ name = "images", dtype = "uint8", shape = ["n", 224, 224, 3] }}]
output = {{ dtype = "float", shape = ["n", 35] }}

[data.toy_pets.levels]
breeds = {{ zero_at = 0.35, full_at = 0.80 }}
"""
LOOKUP_CHECKS = '''\
"""How often the breed is named: the levels are those that the 35-breed lab has on these photos."""

import numpy as np
import pytest

from grader.checks import require_count
from grader.checks.questions import Question


def questions(material):
    return {"photos": [Question("classify", (material.images,), {"labels": material.labels})]}


@pytest.mark.exercise("breeds", points=10, asks="photos")
def test_top_1(answers, levels):
    """Your function names the breed."""
    (answer,) = answers("photos")
    labels = answer.key["labels"]
    right = int((answer.value.argmax(axis=1) == labels).sum())
    require_count(right, of=len(labels), levels=levels["breeds"], what="top-1 accuracy", hint="Train longer.")
'''


CALIBRATION = """
date = "2026-01-15"
digest = "{digest}"
runs = 30
lost = 0
seeds = 10
splits = 1
recipes = ["source", "a", "b"]
machine = "made up: as good as a network that gets full marks"
rate = 0.001

[calibration.toy_pets.measures."top_1/breeds"]
level = "breeds"
mean = 0.85
sd = 0.02
quantiles = [0.81, 0.82, 0.85, 0.88, 0.89]
trials = 105
weakest = 0.84
seed_sd = 0.01
split_sd = 0.0
holdout_sd = 0.035
rate = 0.001
"""


def hostile_course(folder: Path, canary: str) -> Course:
    """Write both assignments, released, and return the course.

    Args:
        folder: where the course is to lie.
        canary: a word that stands in everything that only staff may read.
    """
    limits, hidden = LIMITS.strip() + "\n", HIDDEN.replace("@CANARY@", canary)
    old = tiny.ASSIGNMENT[tiny.ASSIGNMENT.index("[limits]") : tiny.ASSIGNMENT.index("[[exercises]]")]
    text = tiny.ASSIGNMENT.replace(old, f"{limits}\n").replace('id = "tiny"', 'id = "attacks"')
    text = text.replace("pass_points = 9", "pass_points = 12")
    text = text.replace("budget_s = 6", "budget_s = 2.5").replace("budget_s = 12", "budget_s = 5")
    _write(folder, "attacks", tiny.source_notebook(), text, tiny.CHECKS, hidden)
    lookup = LOOKUP.format(limits=limits)
    _write(folder, "lookup", _lookup_notebook(), lookup, LOOKUP_CHECKS, None)
    _calibrate(folder / "solutions" / "lookup")
    return Course(folder.resolve())


def solved(
    source: NotebookNode, cells: dict[str, str], *, reflection: str = "I learned a lot."
) -> NotebookNode:
    """Return a full solution in which the named cells have other sources."""
    notebook = nbformat.from_dict(source)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in cells:
            cell.source = cells[name]
        elif name == "reflection":
            cell.source = reflection
    return notebook


def _write(
    folder: Path, name: str, notebook: NotebookNode, text: str, checks: str, hidden: str | None
) -> None:
    source = folder / "solutions" / name
    (source / "staff").mkdir(parents=True)
    config = folder / "nbgrader_config.py"
    config.write_bytes((REPOSITORY / "nbgrader_config.py").read_bytes())
    nbformat.write(notebook, source / f"{name}.ipynb")
    (source / "assignment.toml").write_text(text)
    (source / "check_public.py").write_text(checks)
    if hidden is not None:
        (source / "staff" / "check_hidden.py").write_text(hidden)
    build_release(folder, name, folder / "assignments")


def _calibrate(source: Path) -> None:
    """Say what honest work reaches, as `pawgrade calibrate` does."""
    (source / "staff" / "hidden.toml").touch()
    text = CALIBRATION.format(digest=measured_version(source, "toy_pets"))
    head = f"{CALIBRATED.decode()}\n[calibration.toy_pets]"
    (source / "staff" / "hidden.toml").write_text(head + text)


def _lookup_notebook() -> NotebookNode:
    parameters = next(
        cell for cell in tiny.source_notebook().cells if cell.metadata.get("tags") == ["parameters"]
    )
    code = "def classify(images):\n    ### BEGIN SOLUTION\n    return 'a network'\n    ### END SOLUTION"
    cells = [
        parameters,
        solution_cell("classify-code", code),
        graded_cell("breeds", 10, "print('judged after the notebook has run')"),
    ]
    return new_notebook(cells=cells, metadata=tiny.source_notebook().metadata)
