"""One course for all exports: a new gradebook costs seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.assignment.course import Course
from tests.support.marks import exported_course


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The course, to be read only."""
    return exported_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def course(template: Course, tmp_path: Path) -> Course:
    """A copy of it, to be changed."""
    return Course(Path(shutil.copytree(template.folder, tmp_path / "course")))
