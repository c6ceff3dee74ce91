"""The cells of an assignment in nbgrader's gradebook: they may change, but not come or go under anybody's scores."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from grader.errors import SpecError
from grader.gradebook.conversion import gradebook_notebooks
from grader.gradebook.nbgrader import open_gradebook, record
from grader.gradebook.source_cells import save_cells
from tests.support.gradebooks import known_course, row
from tests.support.notebooks import answered, manual_cell, solution_cell, toy_grade


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def db_url(course: Path, tmp_path: Path) -> str:
    shutil.copy(course / "gradebook.db", tmp_path / "gradebook.db")
    return f"sqlite:///{tmp_path}/gradebook.db"


@pytest.fixture
def gradebook(db_url: str) -> Iterator[Any]:
    with open_gradebook(db_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def source(course: Path) -> NotebookNode:
    return gradebook_notebooks(course, "toy")["toy"]


@pytest.fixture
def submission(source: NotebookNode) -> NotebookNode:
    return answered(source)


def test_points_and_texts_of_cells_may_change_while_submissions_exist(
    gradebook: Any, source: NotebookNode, submission: NotebookNode
) -> None:
    record(gradebook, toy_grade(), {"toy": submission})
    changed = nbformat.from_dict(source)
    changed.cells[4].metadata.nbgrader["points"] = 7

    save_cells(gradebook, "toy", {"toy": changed})

    assert gradebook.find_grade_cell("double", "toy", "toy").max_score == 7
    assert row(gradebook, "double").auto_score == 6.0


def test_cells_may_not_come_or_go_while_submissions_exist(
    gradebook: Any, source: NotebookNode, submission: NotebookNode
) -> None:
    record(gradebook, toy_grade(), {"toy": submission})
    changed = nbformat.from_dict(source)
    changed.cells.append(manual_cell("second_thoughts", 2, "YOUR ANSWER HERE"))

    with pytest.raises(SpecError, match=r"second_thoughts.*gradebook rebuild"):
        save_cells(gradebook, "toy", {"toy": changed})

    assert gradebook.find_assignment("toy").max_score == 15


def test_cells_come_and_go_while_there_are_no_submissions(gradebook: Any, source: NotebookNode) -> None:
    changed = nbformat.from_dict(source)
    changed.cells = [cell for cell in changed.cells if cell.id != "square"]
    changed.cells.append(solution_cell("extra_answer", "pass"))

    save_cells(gradebook, "toy", {"toy": changed})

    notebook = gradebook.find_notebook("toy", "toy")
    assert sorted(cell.name for cell in notebook.grade_cells) == ["double", "reflection"]
    assert "extra_answer" in {cell.name for cell in notebook.source_cells}
