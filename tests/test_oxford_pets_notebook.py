import ast
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

from grader.cells import code_cells, grade_id, is_locked
from grader.metrics import confusion, correct_top_k
from grader.spec import Assignment, load_assignment
from grader.variants import Variant, apply, read_variants

FOLDER = Path(__file__).resolve().parents[1] / "solutions" / "oxford_pets"
PATH = FOLDER / "oxford_pets.ipynb"
STUB = "pass  # YOUR CODE HERE"
REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION$", re.MULTILINE | re.DOTALL)
KINDS = ("mutants", "recipes")
DEMO_FILES = {
    f"student{number:02}" for number in range(3, 10)
}  # 01 hands in the source, 02 the empty release


@pytest.fixture(scope="module")
def notebook() -> NotebookNode:
    return nbformat.read(PATH, 4)


@pytest.fixture(scope="module")
def assignment() -> Assignment:
    return load_assignment(FOLDER)


def variants() -> list[Variant]:
    return [variant for kind in KINDS for variant in read_variants(FOLDER, kind)]


def stubbed(source: str) -> str:
    return REGION.sub(rf"\1{STUB}", source)


def solutions(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in code_cells(notebook) if grade_id(cell) and not is_locked(cell)]


def graded(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def cell_of(notebook: NotebookNode, name: str) -> NotebookNode:
    (cell,) = [cell for cell in notebook.cells if grade_id(cell) == name]
    return cell


def defined(notebook: NotebookNode, name: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"np": np}
    exec(cell_of(notebook, name).source, namespace)  # noqa: S102 - our own notebook
    return namespace


def test_the_notebook_is_valid_nbformat_4_5(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)

    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec == {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }


def test_nbgrader_accepts_its_metadata(notebook: NotebookNode) -> None:
    MetadataValidatorV3().validate_nb(notebook)


def test_cell_ids_are_unique_and_equal_the_grade_ids(notebook: NotebookNode) -> None:
    ids = [cell.id for cell in notebook.cells]

    assert len(set(ids)) == len(ids)
    assert all(cell.id == grade_id(cell) for cell in notebook.cells if grade_id(cell))


def test_no_outputs_are_stored(notebook: NotebookNode) -> None:
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_cells(notebook))


def test_it_lies_as_jupyter_would_write_it(notebook: NotebookNode) -> None:
    text = PATH.read_text(encoding="utf-8")

    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"


def test_every_exercise_has_one_locked_cell_that_only_checks(
    notebook: NotebookNode, assignment: Assignment
) -> None:
    found = [
        (grade_id(cell), cell.source, cell.metadata.nbgrader.points)
        for cell in graded(notebook)
        if is_locked(cell)
    ]

    assert found == [(one.id, f'lab.check("{one.id}")', one.points) for one in assignment.exercises]


def test_the_reflection_is_graded_by_hand(notebook: NotebookNode, assignment: Assignment) -> None:
    by_hand = [cell for cell in graded(notebook) if not is_locked(cell)]

    assert [(grade_id(cell), cell.metadata.nbgrader.points) for cell in by_hand] == [
        (one.id, one.points) for one in assignment.manual
    ]
    assert all(cell.cell_type == "markdown" and REGION.search(cell.source) for cell in by_hand)


def test_points_add_up(notebook: NotebookNode, assignment: Assignment) -> None:
    assert sum(cell.metadata.nbgrader.points for cell in graded(notebook)) == assignment.points == 100


def test_headings_name_the_points_of_the_exercises(notebook: NotebookNode, assignment: Assignment) -> None:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = [line for line in text.splitlines() if line.startswith("#") and "points)" in line]

    points = [float(re.findall(r"\((\d+) points\)", line)[0]) for line in headings]

    assert points == [one.points for one in (*assignment.exercises, *assignment.manual)]


def test_parameters_come_first_and_are_tagged_for_papermill(notebook: NotebookNode) -> None:
    first, second = list(code_cells(notebook))[:2]

    names = [node.targets[0].id for node in ast.parse(first.source).body]
    assert (grade_id(first), first.metadata.tags) == ("parameters", ["parameters"])
    assert names == ["data_dir", "scratch_dir", "seed", "device", "language"]
    assert (grade_id(second), is_locked(second)) == ("setup", True)
    assert "lab.setup(" in second.source


def test_every_solution_is_marked_and_leaves_a_cell_that_compiles(notebook: NotebookNode) -> None:
    for cell in solutions(notebook):
        released = stubbed(cell.source)

        ast.parse(cell.source, filename=cell.id)
        ast.parse(released, filename=cell.id)
        assert STUB in released
        assert "SOLUTION" not in released


def test_every_entry_point_is_still_defined_when_solutions_are_cut_out(
    notebook: NotebookNode, assignment: Assignment
) -> None:
    released = "\n".join(stubbed(cell.source) for cell in code_cells(notebook))

    functions = {node.name: node for node in ast.parse(released).body if isinstance(node, ast.FunctionDef)}

    for entry_point in assignment.entry_points:
        function = functions[entry_point.name]
        assert [argument.arg for argument in function.args.args] == [
            value.name for value in entry_point.inputs
        ]
        assert ast.get_docstring(function)


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


@pytest.mark.parametrize("variant", variants(), ids=lambda variant: variant.name)
def test_a_variant_replaces_solutions_and_compiles(variant: Variant, notebook: NotebookNode) -> None:
    changed = apply(variant, notebook, notebook)

    for name in variant.cells:
        assert not is_locked(cell_of(changed, name))
        ast.parse(cell_of(changed, name).source, filename=name)


def test_mutants_say_what_they_lose_and_recipes_do_not(assignment: Assignment) -> None:
    exercises = {one.id for one in assignment.exercises}

    assert all(
        variant.loses and set(variant.loses) <= exercises for variant in read_variants(FOLDER, "mutants")
    )
    assert all(variant.loses is None for variant in read_variants(FOLDER, "recipes"))


def test_every_part_of_the_demo_is_played_once() -> None:
    cast = [variant.student for variant in variants() if variant.student]

    assert sorted(cast) == sorted(DEMO_FILES)
