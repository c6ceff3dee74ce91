"""What every source notebook of the course keeps: valid metadata, one locked cell an exercise, stubs that compile."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.nbgraderformat.v3 import MetadataValidatorV3

from grader.assignment.course import packaged_course
from grader.assignment.quizzes.bank import bank_of
from grader.assignment.spec import Assignment, load_assignment
from grader.authoring.variants import Variant, apply, read_variants
from grader.notebooks.cells import code_cells, grade_id, is_locked

COURSE = packaged_course()
STUB = "pass  # YOUR CODE HERE"
REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?^[ \t]*### END SOLUTION$", re.MULTILINE | re.DOTALL)
KINDS = ("mutants", "recipes")
QUIZZES = tuple(name for name in COURSE.assignments() if bank_of(COURSE.source(name)) is not None)
LABS = tuple(name for name in COURSE.assignments() if name not in QUIZZES)


@pytest.fixture(scope="module", params=COURSE.assignments())
def assignment(request: pytest.FixtureRequest) -> Assignment:
    return load_assignment(COURSE.source(request.param))


@pytest.fixture(scope="module")
def path(assignment: Assignment) -> Path:
    return COURSE.source(assignment.id) / f"{assignment.id}.ipynb"


@pytest.fixture(scope="module")
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, 4)


def variants(path: Path) -> list[Variant]:
    return [variant for kind in KINDS for variant in read_variants(path.parent, kind)]


def graded(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]


def stubbed(source: str) -> str:
    return REGION.sub(rf"\1{STUB}", source)


def test_the_notebook_is_valid_and_nbgrader_accepts_its_metadata(notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    MetadataValidatorV3().validate_nb(notebook)

    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"


def test_cell_ids_are_unique_and_equal_the_grade_ids(notebook: NotebookNode) -> None:
    ids = [cell.id for cell in notebook.cells]

    assert len(set(ids)) == len(ids)
    assert all(cell.id == grade_id(cell) for cell in notebook.cells if grade_id(cell))


def test_it_lies_without_outputs_as_jupyter_would_write_it(path: Path, notebook: NotebookNode) -> None:
    text = path.read_text(encoding="utf-8")

    assert text == json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n"
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code_cells(notebook))


def test_every_exercise_has_one_locked_cell_that_only_checks(
    notebook: NotebookNode, assignment: Assignment
) -> None:
    locked = [cell for cell in graded(notebook) if is_locked(cell)]

    found = [(grade_id(cell), cell.source, cell.metadata.nbgrader.points) for cell in locked]

    assert found == [(one.id, f'lab.check("{one.id}")', one.points) for one in assignment.exercises]


def test_the_reflection_is_graded_by_hand(notebook: NotebookNode, assignment: Assignment) -> None:
    by_hand = [cell for cell in graded(notebook) if not is_locked(cell)]

    found = [(grade_id(cell), cell.metadata.nbgrader.points) for cell in by_hand]

    assert found == [(one.id, one.points) for one in assignment.manual]
    assert all(cell.cell_type == "markdown" and REGION.search(cell.source) for cell in by_hand)


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
    for cell in code_cells(notebook):
        if grade_id(cell) and not is_locked(cell):
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
        names = [argument.arg for argument in function.args.args]
        assert names == [value.name for value in entry_point.inputs]
        assert ast.get_docstring(function)


def test_variants_replace_solutions_and_compile(notebook: NotebookNode, path: Path) -> None:
    for variant in variants(path):
        changed = {grade_id(cell): cell for cell in apply(variant, notebook, notebook).cells}

        for name in variant.cells:
            assert not is_locked(changed[name]), variant.name
            ast.parse(changed[name].source, filename=f"{variant.name} {name}")


def test_mutants_say_what_they_lose_and_recipes_do_not(path: Path, assignment: Assignment) -> None:
    exercises = {one.id for one in assignment.exercises}

    assert all(one.loses and set(one.loses) <= exercises for one in read_variants(path.parent, "mutants"))
    assert all(one.loses is None for one in read_variants(path.parent, "recipes"))


@pytest.mark.parametrize("assignment", LABS, indirect=True)
def test_at_least_six_students_play_in_the_demo(path: Path) -> None:
    cast = sorted(variant.student for variant in variants(path) if variant.student)

    assert cast == [f"student{number:02}" for number in range(3, 3 + len(cast))]  # 01: source, 02: release
    assert len(cast) + 2 >= 6


LIBRARIES = ("numpy", "scipy", "torch", "torchvision", "timm", "scikit-image", "pillow", "matplotlib")


def allowances(assignment: Assignment) -> str:
    """Return what a notebook must say of what it may use, from its `assignment.toml`."""
    limits, drawn = assignment.limits_on("oxford_pets"), assignment.limits_on("toy_pets")
    budgets: dict[float, list[str]] = {}
    for one in assignment.entry_points:
        budgets.setdefault(one.budget_s, []).append(f"`{one.name}`")
    told = "; ".join(f"{', '.join(names)} {seconds:g} s" for seconds, names in sorted(budgets.items()))
    return (
        f"**What it may use while it is graded.** {limits.wall_s:g} s in all and {limits.cell_s:g} s a cell (on drawn pets "
        f"{drawn.wall_s:g} s and {drawn.cell_s:g} s), {limits.memory_mb} MB of memory, no network. To answer the questions of one "
        f"exercise: {told}. Seconds that a busy machine takes are not yours. The libraries are {', '.join(LIBRARIES[:-1])} and "
        f"{LIBRARIES[-1]}; nothing else can be installed."
    )


@pytest.mark.parametrize("assignment", LABS, indirect=True)
def test_it_says_what_it_may_use_while_it_is_graded(notebook: NotebookNode, assignment: Assignment) -> None:
    text = next(cell.source for cell in notebook.cells if cell.id == "how-it-works")

    assert text.endswith(allowances(assignment))


def test_the_libraries_that_notebooks_name_are_what_students_install() -> None:
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = {re.split(r"[^A-Za-z0-9-]", one)[0].lower() for one in project["dependencies"]}
    page = (root / "docs" / "students.md").read_text(encoding="utf-8")

    assert set(LIBRARIES) <= installed
    assert all(name in page for name in LIBRARIES)
