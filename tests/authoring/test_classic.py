"""A classic assignment is read as nbgrader reads it."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from nbformat import NotebookNode

from grader.assignment.course import Course
from grader.authoring.adoption.classic import ClassicNotebook, read_classic
from grader.errors import SpecError
from tests.support.classic import SECRET_INPUT, classic_course, source_notebook


def read(folder: Path, notebook: NotebookNode | None = None) -> tuple[ClassicNotebook, ...]:
    course = classic_course(folder / "course", notebook)
    return read_classic(course.folder, "week1", course.source("week1"))


def test_graded_cells_have_points_titles_and_what_is_hidden(tmp_path: Path) -> None:
    (notebook,) = read(tmp_path)

    assert notebook.name == "week1"
    assert [(cell.id, cell.points, cell.manual, cell.title) for cell in notebook.cells] == [
        ("double_tests", 2, False, "Twice a number"),
        ("mean_tests", 3, False, "The mean of some numbers"),
        ("mean-partly", 3, False, "mean-partly"),
        ("why", 4, True, "Week 1"),
        ("essay", 5, True, "Week 1"),
    ]
    hidden = {cell.id: cell.hidden for cell in notebook.cells if cell.hidden}
    assert hidden == {"double_tests": f"assert double({SECRET_INPUT}) == 2 * {SECRET_INPUT}"}
    assert all(SECRET_INPUT not in cell.source for cell in notebook.cells)
    assert "return 2 * number" in notebook.solutions[0]


def with_delimiters(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook whose hidden tests stand between delimiters of the course's own."""
    for cell in notebook.cells:
        cell.source = cell.source.replace("### BEGIN HIDDEN TESTS", "#>secret").replace(
            "### END HIDDEN TESTS", "#<secret"
        )
    return notebook


def configured(folder: Path, notebook: NotebookNode) -> Course:
    course = classic_course(folder / "course", notebook)
    settings = course.folder / "nbgrader_config.py"
    lines = 'c.ClearHiddenTests.begin_test_delimeter = "#>secret"\nc.ClearHiddenTests.end_test_delimeter = "#<secret"\n'
    settings.write_text(settings.read_text() + lines)
    return course


def test_hidden_tests_are_found_by_the_delimiters_that_the_course_chose(tmp_path: Path) -> None:
    course = configured(tmp_path, with_delimiters(source_notebook()))

    (notebook,) = read_classic(course.folder, "week1", course.source("week1"))

    assert notebook.cells[0].hidden == f"assert double({SECRET_INPUT}) == 2 * {SECRET_INPUT}"
    assert all(SECRET_INPUT not in cell.source for cell in notebook.cells)


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ("#>secret", "'#<secret' without '#>secret' before it"),
        ("#<secret", "'#>secret' without '#<secret' after it"),
    ],
)
def test_a_delimiter_without_its_other_one_names_cell_and_delimiter(
    tmp_path: Path, lacking: str, words: str
) -> None:
    notebook = with_delimiters(source_notebook())
    notebook.cells[2].source = (
        notebook.cells[2].source.replace(f"{lacking}\n", "").replace(f"\n{lacking}", "")
    )
    course = configured(tmp_path, notebook)

    with pytest.raises(SpecError) as told:
        read_classic(course.folder, "week1", course.source("week1"))

    assert f"cell 3 (double_tests): {words}" in str(told.value.message)
    assert "c.ClearHiddenTests" in str(told.value.hint)


def test_a_title_is_what_students_have_anyway(tmp_path: Path) -> None:
    notebook = source_notebook()
    notebook.cells[
        2
    ].source = '### BEGIN HIDDEN TESTS\n"""Of 4711"""\nassert double(2) == 4\n### END HIDDEN TESTS'

    (classic,) = read(tmp_path, notebook)

    assert classic.cells[0].title == "double_tests"


def test_an_id_that_is_there_twice_is_told_in_a_line(tmp_path: Path) -> None:
    notebook = source_notebook()
    notebook.cells.append(copy.deepcopy(notebook.cells[2]))
    notebook.cells[-1].id = "another"

    with pytest.raises(SpecError, match="double_tests") as told:
        read(tmp_path, notebook)

    assert "\n" not in str(told.value.message)


def test_a_notebook_without_tests_is_refused(tmp_path: Path) -> None:
    notebook = source_notebook()
    notebook.cells = [
        cell
        for cell in notebook.cells
        if not cell.metadata.get("nbgrader", {}).get("grade") or cell.metadata.nbgrader.solution
    ]

    with pytest.raises(SpecError, match="no cell has tests that give points"):
        read(tmp_path, notebook)


def test_a_folder_without_a_notebook_is_refused(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course")
    (course.folder / "solutions" / "week1" / "week1.ipynb").unlink()

    with pytest.raises(SpecError, match="no notebook"):
        read_classic(course.folder, "week1", course.source("week1"))
