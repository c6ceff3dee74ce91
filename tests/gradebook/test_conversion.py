"""Notebooks as nbgrader's own preprocessors make them, and the settings that they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.gradebook.conversion import course_config, record_source
from grader.gradebook.nbgrader import open_gradebook
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
