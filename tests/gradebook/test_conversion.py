"""Notebooks as nbgrader's own preprocessors make them, and the settings that they need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.errors import SpecError
from grader.gradebook.conversion import adds_missing_cells, course_config, read_source, record_source
from grader.gradebook.nbgrader import open_gradebook
from tests.support.classic import classic_course
from tests.support.notebooks import (
    toy_course,
)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return toy_course(tmp_path / "course")


def test_the_course_is_where_its_settings_lie(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    config = course_config(Path("course"))

    assert config.CourseDirectory.root == str(course)


def test_recording_the_source_twice_changes_nothing(course: Path, tmp_path: Path) -> None:
    db_url = f"sqlite:///{tmp_path}/gradebook.db"

    record_source(course, "toy", db_url)
    record_source(course, "toy", db_url)

    with open_gradebook(db_url) as gradebook:
        notebook = gradebook.find_notebook("toy", "toy")
        assert sorted(cell.name for cell in notebook.grade_cells) == ["double", "reflection", "square"]
        assert notebook.max_score == 15
        assert not notebook.submissions


def test_a_source_whose_cells_have_no_usable_ids_gets_the_same_ones_each_time(tmp_path: Path) -> None:
    cell = {"cell_type": "markdown", "metadata": {}, "source": "words"}
    cells = [{**cell, "id": "a"}, {**cell, "id": "a"}, cell, {**cell, "id": ""}]
    path = tmp_path / "toy.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}))

    first, again = (read_source(path) for _ in range(2))

    assert [one.id for one in first.cells] == ["a", "cell-2", "cell-3", "cell-4"]
    assert first == again
    assert first.nbformat_minor >= 5


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"cells": 3}', '{"cells": [], "nbformat_minor": []}'])
def test_a_source_that_is_no_notebook_is_told_with_its_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "toy.ipynb"
    path.write_text(text)

    with pytest.raises(SpecError, match=r"toy\.ipynb is not a notebook of format 4"):
        read_source(path)


def test_a_course_without_settings_is_told_which_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nbgrader_config\.py does not exist"):
        course_config(tmp_path)


def test_whether_nbgrader_puts_deleted_tests_back_is_a_setting_of_the_course(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course")
    settings = course.folder / "nbgrader_config.py"
    before = adds_missing_cells(course.folder)
    settings.write_text(settings.read_text() + "c.OverwriteCells.add_missing_cells = True\n")

    assert (before, adds_missing_cells(course.folder)) == (False, True)
