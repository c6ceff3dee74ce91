"""A student's own check finds the release that a notebook belongs to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.errors import SpecError
from grader.grading.self_check import Checked, release_of
from grader.messages import Message
from grader.records import FailedCell
from tests.support.notebooks import toy_grade


def test_a_teachers_own_version_beside_the_notebook_wins_over_the_packaged_one(tmp_path: Path) -> None:
    packaged = packaged_course().release("oxford_pets")
    home = shutil.copytree(packaged, tmp_path / "homework 3")
    notebook = (home / "oxford_pets.ipynb").rename(home / "oxford_pets (1).ipynb")
    shutil.copyfile(notebook, home / "oxford_pets.ipynb")

    same = release_of(notebook)
    toml = home / "assignment.toml"
    toml.write_text(toml.read_text().replace("pass_points = 60", "pass_points = 61"))
    changed = release_of(notebook)

    assert (same, changed) == (packaged, home)


def test_a_notebook_of_no_assignment_is_told_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="oxford_pets"):
        release_of(tmp_path / "thesis.ipynb")


def test_a_cell_of_a_notebook_that_was_never_run_is_told_by_its_number() -> None:
    folder = packaged_course().release("oxford_pets")
    checked = Checked(toy_grade(), spec.load_public(folder), folder)

    assert str(checked.place(FailedCell(3, 2, None, "NameError", Message("no")))) == "code cell 2"
