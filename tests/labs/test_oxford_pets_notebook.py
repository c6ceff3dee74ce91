"""The functions of the 35-breed lab's notebook, as its solutions define them; what every notebook keeps: `test_source_notebooks`."""

import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode

from grader.checks.metrics import confusion, correct_top_k
from grader.notebooks.cells import grade_id

FOLDER = Path(__file__).resolve().parents[2] / "solutions" / "oxford_pets"
PATH = FOLDER / "oxford_pets.ipynb"
STUB = "pass  # YOUR CODE HERE"
REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return nbformat.read(PATH, 4)


def stubbed(source: str) -> str:
    return REGION.sub(rf"\1{STUB}", source)


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    (cell,) = [cell for cell in notebook.cells if grade_id(cell) == name]
    return cell


def defined(notebook: NotebookNode, name: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"np": np}
    exec(cell_of(notebook, name).source, namespace)  # noqa: S102 - our own notebook
    return namespace


@pytest.mark.parametrize("name", ["split-code", "topk-code", "confusion-code"])
def test_an_empty_exercise_answers_none(notebook: NotebookNode, name: str) -> None:
    namespace: dict[str, Any] = {"np": np}
    exec(stubbed(cell_of(notebook, name).source), namespace)  # noqa: S102 - our own notebook
    (function,) = [value for key, value in namespace.items() if callable(value) and not key.startswith("_")]

    answer = function(np.zeros((2, 2)), np.zeros(2, int), 1)

    assert answer is None


def test_the_split_takes_the_same_number_of_every_class(notebook: NotebookNode) -> None:
    labels = np.repeat(np.arange(4), [3, 5, 7, 4])
    validation_split = defined(notebook, "split-code")["validation_split"]

    first, again, other = (validation_split(labels, 2, seed) for seed in (1, 1, 2))

    assert first.dtype == bool
    assert np.bincount(labels[first]).tolist() == [2, 2, 2, 2]
    assert (first == again).all()
    assert (first != other).any()


def test_the_accuracy_is_the_grader_s(notebook: NotebookNode) -> None:
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 5, (50, 7)).astype(float), rng.integers(0, 7, 50)
    top_k_accuracy = defined(notebook, "topk-code")["top_k_accuracy"]

    found = [top_k_accuracy(scores, labels, k) for k in (1, 3, 7)]

    assert found == [correct_top_k(scores, labels, k) / 50 for k in (1, 3, 7)]


def test_the_confusion_matrix_is_the_grader_s(notebook: NotebookNode) -> None:
    rng = np.random.default_rng(0)
    labels, answers = rng.integers(0, 5, 60), rng.integers(0, 5, 60)

    found = defined(notebook, "confusion-code")["confusion_matrix"](labels, answers, 6)

    assert (found == confusion(labels, answers, 6)).all()


def test_the_quiz_admits_exactly_one_letter_a_question(
    notebook: NotebookNode, capsys: pytest.CaptureFixture[str]
) -> None:
    (cell,) = [cell for cell in notebook.cells if cell.id == "quiz-answers"]
    right: list[str] = []

    for letter in "abcd":
        exec(cell.source, {"my_answers": dict.fromkeys(range(1, 7), letter)})  # noqa: S102 - our own notebook
        right += [line for line in capsys.readouterr().out.splitlines() if line.endswith("right")]

    assert sorted(right) == [f"{number}: right" for number in range(1, 7)]
