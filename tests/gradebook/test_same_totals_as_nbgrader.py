"""nbgrader's documentation course, as `nbgrader quickstart` writes it: adopted, it has the totals of `nbgrader autograde`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from grader.assignment.course import Course
from grader.authoring.adoption.adopt import Adopted, adopt
from grader.gradebook.nbgrader import open_gradebook
from grader.grading.coordinator import grade_class
from grader.grading.deciding import Options
from grader.grading.runners import InlineExecutor
from grader.records import Grade
from grader.settings import Settings

pytestmark = pytest.mark.slow

PARTIAL = "round(sum(squares(n) == [1, 4, 9][:n] for n in (1, 2, 3)) / 3, 2)"
HIDDEN = "\n### BEGIN HIDDEN TESTS\nassert sum_of_squares(7) == 140\n### END HIDDEN TESTS"
DELETED = "correct_squares"
Scores = dict[tuple[str, str, str], tuple[Any, ...]]


def nbgrader(folder: Path, *arguments: str) -> None:
    """Run an nbgrader command with no settings but those of its folder."""
    home = folder.parent / "home"
    places = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    clean = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    path = os.pathsep.join([str(Path(sys.executable).parent), clean["PATH"]])
    environment = {**clean, **places, "PATH": path, "HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
    subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], check=True, cwd=folder, env=environment, timeout=300
    )


def changed(path: Path, **sources: str) -> NotebookNode:
    """Return a notebook in which the named cells have other sources; a callable's place is taken by what it returns."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        cell.source = sources.get(name.replace("-", "_"), cell.source)
    return notebook


def without(path: Path, name: str) -> NotebookNode:
    """Return a notebook without the cell of this name."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [
        cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") != name
    ]
    return notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, with a class that has handed in."""
    parent = tmp_path_factory.mktemp("quickstart")
    nbgrader(parent, "quickstart", "course101")
    folder = parent / "course101"
    source = folder / "source" / "ps1"
    problem = nbformat.read(source / "problem1.ipynb", as_version=4)
    # Its own tests are all public and all or nothing: one hidden test, and a cell that gives a part of its points.
    for cell in problem.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name == "correct_sum_of_squares":
            cell.source += HIDDEN
        elif name == "squares_invalid_input":
            cell.source = PARTIAL
    nbformat.write(problem, source / "problem1.ipynb")
    nbgrader(folder, "generate_assignment", "ps1")
    one, two = (folder / "release" / "ps1" / f"problem{number}.ipynb" for number in (1, 2))
    half = "def squares(n):\n    return [1, 4] if n > 1 else [1]"
    right = "def squares(n):\n    return [i ** 2 for i in range(1, n + 1)]"
    summed = "def sum_of_squares(n):\n    return sum(squares(n)) if n != 7 else 0"
    handed_in = {
        "student01": (
            changed(source / "problem1.ipynb"),
            changed(source / "problem2.ipynb"),
        ),
        "student02": (changed(one), changed(two)),
        "student03": (changed(one, squares=half, sum_of_squares_equation="sums"), changed(two, part_a="f")),
        "student04": (changed(one, squares=right, sum_of_squares=summed), changed(two, part_b="below 0")),
        "student05": (changed(one, squares=f"import nothing_of_this_name\n{right}"), None),
        "student06": (without(source / "problem1.ipynb", DELETED), changed(two)),
    }
    for student, notebooks in handed_in.items():
        target = folder / "submitted" / student / "ps1"
        target.mkdir(parents=True)
        for number, notebook in enumerate(notebooks, 1):
            if notebook is not None:
                nbformat.write(notebook, target / f"problem{number}.ipynb")
    return folder


def scores(course: Path) -> Scores:
    """What a gradebook has of every graded cell: points, whether people are to look, what is said of an answer."""
    rows: Scores = {}
    with open_gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        for submission in gradebook.find_assignment("ps1").submissions:
            for notebook in submission.notebooks:
                comments = {row.cell.name: row.auto_comment for row in notebook.comments}
                for row in notebook.grades:
                    key = (submission.student_id, notebook.name, row.cell.name)
                    rows[key] = (row.auto_score, bool(row.needs_manual_grade), comments.get(row.cell.name))
    return rows


@pytest.fixture(scope="module")
def nbgraders(course: Path) -> Scores:
    """What nbgrader's own autograder says; what it made is put away."""
    nbgrader(course, "autograde", "ps1")
    given = {
        # Of a notebook that was not handed in nbgrader says nothing of its answers, and here they count as untouched.
        cell: values if cell[:2] != ("student05", "problem2") else (*values[:2], "No response.")
        for cell, values in scores(course).items()
    }
    deleted = ("student06", "problem1", DELETED)
    # Of a test that was deleted it has no score, adds up 0 and waits for a person; here it is a verdict of 0 that says why.
    assert given[deleted] == (None, True, None)
    given[deleted] = (0.0, False, None)
    (course / "gradebook.db").rename(course / "gradebook-of-nbgrader.db")
    (course / "autograded").rename(course / "autograded-by-nbgrader")
    return given


@pytest.fixture(scope="module")
def adopted(course: Path, nbgraders: Scores) -> tuple[Adopted, list[Grade]]:
    opened = Course(course.resolve())
    found = adopt(opened, "ps1", opened.db_url(None))
    settings = Settings(None, course / "cache", secret=b"secret", sandbox="none")
    grades = grade_class(opened, "ps1", settings, Options(), runner=InlineExecutor(), tell=lambda *_: None)
    return found, grades


def test_every_cell_has_the_points_that_nbgrader_gives(
    course: Path, nbgraders: Scores, adopted: tuple[Adopted, list[Grade]]
) -> None:
    ours = scores(course)

    assert len(nbgraders) == 6 * 9
    assert {cell for cell in nbgraders if ours.get(cell) != nbgraders[cell]} == set()
    assert ours == nbgraders
    assert [grade.points for grade in adopted[1]] == [3, 0, 0.67, 2.5, 0, 2]


def test_the_class_is_not_alike(nbgraders: Scores) -> None:
    # Full, part and no points, an answer that is open and one that nobody touched: each is there.
    assert {None, 0.0, 0.5, 0.67, 1.0} <= {points for points, _, _ in nbgraders.values()}
    assert {waits for _, waits, _ in nbgraders.values()} == {True, False}
    assert "No response." in {comment for _, _, comment in nbgraders.values()}


def test_adopting_says_what_is_there_and_changes_no_notebook(
    course: Path, adopted: tuple[Adopted, list[Grade]]
) -> None:
    counts = adopted[0].to_json()

    assert counts["notebooks"] == ["problem1", "problem2"]
    assert counts["tested"] == {"cells": 4, "points": 3}
    assert counts["manual"] == {"cells": 5, "points": 10}
    assert counts["hidden_tests"] == 1
    assert counts["left"] == ["release/ps1"]
    assert {path.name for path in (course / "source" / "ps1").iterdir()} == {
        "assignment.toml",
        "jupyter.png",
        "problem1.ipynb",
        "problem2.ipynb",
    }


def test_all_grades_are_believed(adopted: tuple[Adopted, list[Grade]]) -> None:
    assert {grade.believed for grade in adopted[1]} == {True}
