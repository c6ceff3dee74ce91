"""Feature maps: the notebook's functions against the reference, what is asked, and what the checks say to the usual mistakes.

Everything runs in this process, on a few photos of noise; `pawgrade verify` grades the notebook and all its mutants for real.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode

from grader import lab
from grader.assignment.course import packaged_course
from grader.assignment.spec import bind_sizes, load_assignment
from grader.authoring import variants
from grader.checks.check_files import load_checks
from grader.checks.questions import Answer, Material, Question
from grader.checks.session import Case, Verdicts, run_checks
from grader.errors import SubmissionError
from grader.feedback.figures import draw
from grader.feedback.picture_files import load_pictures
from grader.judging.answers import conform
from grader.judging.plan import check_files, plan_questions
from grader.networks.backbones import Backbone
from grader.notebooks.cells import code_cells, grade_id
from grader.records import Status
from tests.support import breeds
from tests.support.notebooks import REPOSITORY

FOLDER = REPOSITORY / "solutions" / "feature_maps"
ASSIGNMENT = load_assignment(FOLDER)
PUBLIC = load_checks(FOLDER / "check_public.py")
REFERENCE = load_checks(FOLDER / "staff" / "reference.py")
HIDDEN = load_checks(FOLDER / "staff" / "check_hidden.py")
COUNTS = {"photos": 6, "strongest": 3, "fur": 6, "layers": 2}
ASKED = ("activations-code", "fields-code", "strongest-code", "grating", "gratings-code")
Plan = dict[str, list[Question]]
Functions = dict[str, Any]


def source() -> NotebookNode:
    return nbformat.read(FOLDER / "feature_maps.ipynb", as_version=4)


@cache
def network() -> Backbone:
    return lab.backbone("efficientnet_lite0").freeze()


def functions(notebook: NotebookNode, variant: variants.Variant | None = None) -> Functions:
    """Run the cells of the exercises that need no training photos; a variant's cells in place of the solutions."""
    import copy

    import torch
    from torch import nn

    defined: Functions = {"np": np, "torch": torch, "nn": nn, "copy": copy, "backbone": network()}
    changed = {} if variant is None else variant.cells
    for cell in code_cells(notebook):
        if grade_id(cell) in ASKED:
            code = changed.get(grade_id(cell) or "", cell.source).replace("lab.show(", "len(")
            tree = ast.parse(code)
            tree.body = [node for node in tree.body if not isinstance(node, ast.Expr)]
            exec(compile(tree, cell.id, "exec"), defined)  # noqa: S102 - our own notebook
    return defined


def mutant(name: str) -> variants.Variant:
    return next(variant for variant in variants.read_variants(FOLDER, "mutants") if variant.name == name)


@pytest.fixture(scope="module")
def plan() -> Plan:
    rng = np.random.default_rng(2)
    names, species = breeds.breeds("breeds35"), breeds.groups("breeds35")
    images = rng.integers(0, 256, (35, 224, 224, 3), np.uint8)
    labels = rng.permutation(35)
    material = Material(images, labels, names, species, rng, images[:2], COUNTS, shown_labels=labels[:2])
    return plan_questions(check_files(FOLDER, "all"), material, b"a seed")


@pytest.fixture(scope="module")
def solved() -> Functions:
    return functions(source())


def answered(defined: Functions, asked: list[Question]) -> list[Answer] | SubmissionError:
    """Ask as the probe does, and hold the answers to their contracts."""
    answers = []
    for question in asked:
        contract = ASSIGNMENT.entry_point(question.entry_point)
        array = np.asarray(defined[contract.name](*question.arguments))
        try:
            sizes = bind_sizes(contract.inputs, question.arguments)
            answers.append(Answer(conform(array, contract.output, sizes, contract.name), question.key))
        except SubmissionError as exc:
            return exc
    return answers


def judged(sets: dict[str, list[Answer] | SubmissionError], exercise: str) -> list[Verdicts]:
    case = Case(ASSIGNMENT, "toy_pets", breeds.breeds(), breeds.groups(), sets, only=exercise)
    return [run_checks(path, case) for path in check_files(FOLDER, "all")]


def asked_of(plan: Plan, entry_point: str) -> Plan:
    return {name: asked for name, asked in plan.items() if asked[0].entry_point == entry_point}


EXERCISES = (
    ("activations", "activations", 25),
    ("fields", "receptive_field", 20),
    ("strongest", "strongest", 15),
    ("gratings", "grating_answers", 15),
)


@pytest.mark.parametrize(("exercise", "entry_point", "worth"), EXERCISES)
def test_the_solution_earns_everything(
    exercise: str, entry_point: str, worth: float, plan: Plan, solved: Functions
) -> None:
    # To measure a box takes half a second: a box of each set is enough, arithmetic and measuring are compared below.
    most = 1 if exercise == "fields" else None
    sets = {name: answered(solved, asked[:most]) for name, asked in asked_of(plan, entry_point).items()}

    verdicts = judged(sets, exercise)

    assert [verdict.log for verdict in verdicts] == ["", ""]
    assert sum(check.points for verdict in verdicts for check in verdict.checks) == worth
    pictures = [picture for verdict in verdicts for picture in (*verdict.pictures, *verdict.staff_pictures)]
    assert len(pictures) == (exercise == "activations")
    assert all(draw(picture, load_pictures(FOLDER)).says for picture in pictures)


@pytest.mark.parametrize(
    ("name", "exercise", "entry_point"),
    [
        ("overwritten", "activations", "activations"),
        ("by_heart", "fields", "receptive_field"),
        ("ties_turned", "strongest", "strongest"),
        ("whole_degrees", "gratings", "grating_answers"),
    ],
)
def test_a_usual_mistake_fails_the_checks_that_its_header_names(
    name: str, exercise: str, entry_point: str, plan: Plan
) -> None:
    variant = mutant(name)
    defined = functions(source(), variant)

    verdicts = judged(
        {k: answered(defined, asked) for k, asked in asked_of(plan, entry_point).items()}, exercise
    )

    checks = [check for verdict in verdicts for check in verdict.checks]
    failed = {check.id for check in checks if check.status is Status.FAILED}
    of_exercise = {check.id for check in checks if check.exercise == exercise}
    assert failed == of_exercise & set(variant.fails or ())
    assert failed


def test_an_unfinished_exercise_answers_none() -> None:
    release = nbformat.read(packaged_course().release("feature_maps") / "feature_maps.ipynb", as_version=4)
    defined = functions(release)

    assert defined["activations"](np.zeros((1, 224, 224, 3), np.uint8), "bn1") is None
    assert defined["receptive_field"]("bn1", 0, 0) is None
    assert defined["strongest"](np.zeros((1, 224, 224, 3), np.uint8), "bn1", 0, 1) is None
    assert defined["grating_answers"]("bn1", 0, np.zeros(1)) is None


def test_no_hook_stays_behind(solved: Functions) -> None:
    def hooks() -> int:
        return sum(len(module._forward_hooks) for module in solved["backbone"].modules())

    before = hooks()
    solved["activations"](np.zeros((1, 224, 224, 3), np.uint8), "bn1")
    with pytest.raises(ValueError, match="channels"):  # what the network refuses
        solved["hooked"](solved["backbone"], _raising(), "bn1")

    assert hooks() == before == 0


def _raising() -> Any:
    class Refused:
        def __getattr__(self, name: str) -> Any:
            raise ValueError("channels")

    return Refused()


def test_boxes_by_arithmetic_are_those_that_are_measured(solved: Functions) -> None:
    layer, row, column = "blocks.3.0.conv_pwl", 7, 0
    _, steps = REFERENCE.shapes([layer])[layer]

    measured = solved["receptive_field"](layer, row, column)

    assert tuple(measured) == REFERENCE.box(steps, row, column)


def test_the_boxes_worked_by_hand_are_right() -> None:
    shapes = REFERENCE.shapes({layer for layer, *_ in PUBLIC.WORKED})

    for layer, row, column, box in PUBLIC.WORKED:
        assert REFERENCE.box(shapes[layer][1], row, column) == box


def test_hidden_layers_are_named_nowhere_in_the_notebook(plan: Plan) -> None:
    text = "\n".join(cell.source for cell in source().cells)
    hidden = [plan[name] for name in ("inner", "edge", "fur", "any_layer", "overwritten", "ties")]
    layers = {
        argument
        for asked in hidden
        for question in asked
        for argument in question.arguments
        if isinstance(argument, str)
    }
    everything = {*HIDDEN.INNER, *HIDDEN.EDGE, *HIDDEN.CUT_OFF, *HIDDEN.OVERWRITTEN, *PUBLIC.FURRY}

    assert layers
    assert {
        layer for layer in layers | everything if re.search(rf"\b{re.escape(layer)}(?![\w.])", text)
    } == set()


def test_nobody_meets_a_label(plan: Plan) -> None:
    assert all(question.arguments[1:] == () for question in plan["fur"])
    assert all(isinstance(question.arguments[0], str) for question in plan["fur"])
    assert all(not question.shown for question in plan["maps"])


def test_ties_that_are_asked_about_are_exact_and_other_photos_clearly_apart(plan: Plan) -> None:
    images, layer, channel, count = plan["ties"][0].arguments
    maxima = np.sort(REFERENCE.answers(images, layer)[:, channel].max(axis=(1, 2)))
    steps = np.diff(maxima)

    assert count == COUNTS["photos"]
    assert (steps[steps > 0] > 1e-3).all()


@pytest.mark.parametrize(
    ("order", "wrong"),
    [
        ([3, 1], 0),
        ([3, 2], 0),  # as strong as the other one, but for rounding
        ([1, 3], 1),
        ([3, 0], 2),  # two stronger ones are left out
        ([3, 3], 1),  # named twice
        ([3, 4], 2),  # there is no such photo
        ([-1, 3], 2),
    ],
)
def test_what_is_wrong_with_an_order_is_counted(order: list[int], wrong: int) -> None:
    assert PUBLIC.misplaced(np.array(order), np.array([0.0, 2.0, 2.0 - 1e-6, 5.0])) == wrong


def test_the_area_counts_a_tie_as_half() -> None:
    marked = np.array([True, True, False, False])

    assert PUBLIC.area(np.array([3.0, 2.0, 1.0, 0.0]), marked) == 1.0
    assert PUBLIC.area(np.array([0.0, 1.0, 2.0, 3.0]), marked) == 0.0
    assert PUBLIC.area(np.array([1.0, 1.0, 1.0, 1.0]), marked) == 0.5
    assert PUBLIC.area(np.array([2.0, 1.0, 1.0, 0.0]), marked) == 0.875


def _best(means: np.ndarray[Any, Any], long: np.ndarray[Any, Any]) -> int:
    return int(np.argmax([PUBLIC.area(column, long) for column in means.T]))


@pytest.mark.parametrize(
    ("choose", "earns"),
    [
        (_best, 15.0),
        (lambda means, long: _best(-means, long), 0.0),
        (lambda means, long: means.shape[1], 0.0),  # there is no such channel
        (lambda means, long: -1, 0.0),
    ],
)
def test_a_channel_is_judged_by_the_area_that_it_reaches(
    choose: Callable[..., int], earns: float, plan: Plan
) -> None:
    # On noise no channel knows fur: the best one of those that judge is told by looking at the key.
    answers = [
        Answer(np.array(choose(question.key["means"], question.key["long"].astype(bool))), question.key)
        for question in plan["fur"]
    ]

    (public, _) = judged({"fur": answers}, "fur")

    assert public.log == ""
    assert sum(check.points for check in public.checks) == earns


def test_long_fur_is_what_the_drawn_pets_have_and_the_notebook_says() -> None:
    from grader.datasets.toypets.breeds import BREEDS

    (cell,) = [cell for cell in code_cells(source()) if cell.id == "fur-data"]
    namespace: dict[str, Any] = {}
    exec(cell.source.split("breed_is_long")[0], namespace)  # noqa: S102 - our own notebook

    drawn = {name for name, breed in BREEDS.items() if breed.coat != "smooth"}
    assert set(PUBLIC.LONG_FUR) == drawn == namespace["LONG"]


def test_the_gratings_of_notebook_and_checks_are_the_same(solved: Functions) -> None:
    for angle in (0.0, 33.3, -20.0):
        assert (solved["grating"](angle) == PUBLIC.grating(angle)).all()


def test_six_students_play_in_the_demo() -> None:
    cast = [variant.student for variant in variants.read_variants(FOLDER, "mutants") if variant.student]

    assert sorted(cast) == [
        f"student{number:02}" for number in range(3, 7)
    ]  # 01: the source, 02: the release
