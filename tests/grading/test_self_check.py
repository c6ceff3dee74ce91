"""A student's own check finds the release that a notebook belongs to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.authoring.starters.new import filled_in
from grader.errors import SpecError
from grader.grading.self_check import Checked, check_notebook, release_of
from grader.messages import Message
from grader.records import FailedCell
from grader.settings import load
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


def test_a_notebook_with_tests_of_its_own_has_nothing_else_to_check(tmp_path: Path) -> None:
    words = 'id = "Problem Set 1"\ntitle = "Numbers"\nnotebooks = ["Part 1", "part-2"]\npoints = 2\npass_points = 1\n'
    exercise = '[[exercises]]\nid = "tests"\ntitle = "Tests"\npoints = 2\n'
    (tmp_path / "assignment.toml").write_text(f'{words}graded = "in the notebook"\n{exercise}')
    notebook = tmp_path / "Part 1.ipynb"
    notebook.write_text("{}")

    with pytest.raises(SpecError) as told:
        check_notebook(notebook, load(None, {}), card=None)

    assert "Problem Set 1 has no checks beside the notebook: the tests are in its own cells" in str(
        told.value.message
    )
    assert "Run the notebook" in str(told.value.hint)
    assert "nothing else to check" in str(told.value.hint)


def test_a_notebook_of_any_name_belongs_to_the_assignment_in_whose_folder_it_lies(tmp_path: Path) -> None:
    home = tmp_path / "softmax"
    home.mkdir()
    for name, text in filled_in("function", "softmax", "Softmax").items():
        if name in {"assignment.toml", "check_public.py"}:
            (home / name).write_text(text)

    # The only copy was renamed: no released notebook lies beside it.
    assert release_of(home / "softmax_final(2).ipynb") == home
    assert release_of(home / "homework.ipynb") == home
    # Another assignment's name at its start says more than the folder.
    assert release_of(home / "oxford_pets_final.ipynb") == packaged_course().release("oxford_pets")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty (0 bytes)"),
        ("<!DOCTYPE html><title>Log in</title>", "it is a web page"),
        ('{\n<<<<<<< HEAD\n"cells": []\n=======\n>>>>>>> mine\n}\n', "line 2 is <<<<<<< HEAD"),
    ],
)
def test_what_is_no_notebook_is_told_as_that_where_it_has_another_name(
    tmp_path: Path, text: str, reason: str
) -> None:
    for name, content in filled_in("function", "softmax", "Softmax").items():
        if name in {"assignment.toml", "check_public.py"}:
            (tmp_path / name).write_text(content)
    (tmp_path / "download.ipynb").write_text(text)

    grade = check_notebook(
        tmp_path / "download.ipynb", load(None, {"PAWGRADE_CACHE": str(tmp_path / "cache")}), card=None
    ).grade

    (notice,) = grade.notices
    assert reason in str(notice)


def test_notebooks_that_lie_where_one_was_looked_for_are_named(tmp_path: Path) -> None:
    (tmp_path / "softmax.ipynb").touch()

    with pytest.raises(SpecError, match=r"There is softmax\.ipynb in that folder"):
        check_notebook(tmp_path / "softmx.ipynb", load(None, {}), card=None)
    with pytest.raises(SpecError, match=r"expected a notebook, found a folder\. There is softmax\.ipynb"):
        check_notebook(tmp_path, load(None, {}), card=None)


def test_a_cell_of_a_notebook_that_was_never_run_is_told_by_its_number() -> None:
    folder = packaged_course().release("oxford_pets")
    checked = Checked(toy_grade(), spec.load_public(folder), folder)

    assert str(checked.place(FailedCell(3, 2, None, "NameError", Message("no")))) == "code cell 2"
