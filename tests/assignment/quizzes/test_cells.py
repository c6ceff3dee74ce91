"""The cells of a quiz: plain Markdown and one line of code each, whose function says what a student chose."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from grader.assignment.quizzes.cells import drawing_number, filled, new_cells
from grader.assignment.quizzes.drawing import Drawing, draw
from tests.support.quizzes import bank


@pytest.fixture
def drawing() -> Drawing:
    return draw(bank(questions=3), b"one")


def source_notebook(drawing: Drawing) -> NotebookNode:
    notebook = new_notebook(cells=[new_markdown_cell("# Title", id="title"), *new_cells(drawing)])
    nbformat.validate(notebook)
    return notebook


def answered(notebook: NotebookNode, **letters: object) -> Any:
    """Run the code cells, then set answers, and ask."""
    names: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(cell.source, names)  # noqa: S102 - of our own
    names["answer"].update(letters)
    return names["quiz"]()


def test_a_question_is_a_heading_a_text_and_a_list_with_letters(drawing: Drawing) -> None:
    cells = {cell.id: cell.source for cell in filled(source_notebook(drawing), drawing).cells}
    drawn = drawing.questions[1]

    assert cells["q2-text"].splitlines() == [
        "### Question 2 of 3",
        "",
        drawn.question.text,
        "",
        *(f"- **{letter}.** {option.text}" for letter, option in zip("ABCD", drawn.options, strict=True)),
    ]
    assert cells["q2"] == 'answer["q2"] = ""  # A, B, C or D'


def test_the_source_knows_the_answers_and_the_release_does_not(drawing: Drawing) -> None:
    source = source_notebook(drawing)
    release = filled(source, drawing)

    assert answered(source) == [drawing.number, *(drawn.right for drawn in drawing.questions)]
    assert answered(release) == [drawing.number, 0, 0, 0]
    assert "SOLUTION" in source.cells[3].source
    assert not any("SOLUTION" in cell.source or "Because" in cell.source for cell in release.cells)


def test_letters_are_read_as_people_write_them_and_nothing_else_is_a_letter(drawing: Drawing) -> None:
    release = filled(source_notebook(drawing), drawing)

    assert answered(release, q1=" b ", q2="D", q3="E")[1:] == [2, 4, 0]
    assert answered(release, q1="AB", q2=2, q3=None)[1:] == [0, 0, 0]


def test_another_drawing_takes_the_place_of_the_first_and_leaves_the_rest(drawing: Drawing) -> None:
    other = draw(bank(questions=3), b"two")
    release = filled(source_notebook(drawing), other)

    assert drawing_number(release) == other.number != drawing.number
    assert release.cells[0].source == "# Title"
    assert filled(release, drawing, solved=True) == source_notebook(drawing)


def test_a_notebook_without_a_cell_is_refused_by_its_id(drawing: Drawing) -> None:
    notebook = source_notebook(drawing)
    notebook.cells = [cell for cell in notebook.cells if cell.id != "q3"]

    with pytest.raises(ValueError, match="q3"):
        filled(notebook, drawing)


@pytest.mark.parametrize("source", ["", "drawing =", "drawing = 'x'", "answer = {}", "drawing = other"])
def test_what_names_no_drawing_gives_none(drawing: Drawing, source: str) -> None:
    notebook = source_notebook(drawing)
    notebook.cells[1].source = source

    assert drawing_number(notebook) is None
