"""The adversarial cat: its functions are asked in this process, its checks judge the answers, its tricks do not win."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode

from grader import lab
from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.assignment.spec import bind_sizes, load_assignment
from grader.authoring import variants
from grader.checks import reference
from grader.checks.check_files import load_checks
from grader.checks.questions import Answer, Material, Question
from grader.checks.session import Case, Verdicts, run_checks
from grader.datasets import holdout, views
from grader.errors import SubmissionError
from grader.feedback.figures import draw
from grader.feedback.picture_files import load_pictures
from grader.judging.answer_notes import Sources, explain_note
from grader.judging.answers import conform
from grader.judging.in_kernel import Unusable, call
from grader.notebooks.cells import code_cells, grade_id
from grader.records import Check, Status
from grader.settings import Settings
from tests.support import breeds
from tests.support.notebooks import REPOSITORY

FOLDER = REPOSITORY / "solutions" / "adversarial_cat"
REAL = REPOSITORY.parent / "shared" / "data" / "oxford_pets"
needs_photos = pytest.mark.skipif(not REAL.is_dir(), reason="needs real pet photos beside the checkout")
ASSIGNMENT = load_assignment(FOLDER)
COUNTS = {**ASSIGNMENT.on("toy_pets").counts, "attack_photos": 2, "half_photos": 1, "ideal_classes": 1}
PICTURED = {"variation": ("drawn",), "attack": ("pictured",)}  # sets that only a picture needs
Plan = dict[str, list[Question]]
Functions = dict[str, Any]


def source() -> NotebookNode:
    return nbformat.read(FOLDER / "adversarial_cat.ipynb", as_version=4)


def release() -> NotebookNode:
    return nbformat.read(packaged_course().release("adversarial_cat") / "adversarial_cat.ipynb", as_version=4)


def mutants() -> dict[str, variants.Variant]:
    return {one.name: one for one in variants.read_variants(FOLDER, "mutants")}


def material(seed: int, **changes: Any) -> Material:
    """One grey photo that is no dog for the network, so that the cat is asked about."""
    grey = np.full((1, 224, 224, 3), 128, np.uint8)
    facts: dict[str, Any] = {"images": grey, "labels": np.zeros(1, np.int64), "shown": grey, "counts": COUNTS}
    rng = np.random.default_rng(seed)
    return Material(**{"classes": ("beagle",), "groups": ("dog",), "rng": rng, **facts, **changes})


@pytest.fixture(scope="module")
def plan() -> Plan:
    found: Plan = load_checks(FOLDER / "check_public.py").questions(material(3))
    return found


def functions(notebook: NotebookNode, variant: variants.Variant | None = None) -> Functions:
    """Define what the notebook defines, without running its cells; a variant's cells are run whole."""
    import torch
    from torch.nn import functional

    backbone = lab.backbone("efficientnet_lite0")
    found: Functions = {
        "np": np,
        "torch": torch,
        "F": functional,
        "lab": lab,
        "seed": 0,
        "backbone": backbone,
    }
    changed = {} if variant is None else variant.cells
    for cell in code_cells(notebook):
        tree = ast.parse(changed.get(grade_id(cell) or "", cell.source))
        if grade_id(cell) not in changed:
            tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        exec(compile(tree, cell.id, "exec"), found)  # noqa: S102 - our own notebook
    return found


@pytest.fixture(scope="module")
def optimised() -> dict[tuple[object, ...], Any]:
    """Images that each version of the loop optimised, once for all tests: 40 steps take seconds."""
    return {}


@pytest.fixture
def defined(optimised: dict[tuple[object, ...], Any]) -> Callable[..., Functions]:
    def define(variant: variants.Variant | None = None) -> Functions:
        found = functions(source(), variant)
        optimise, cells = found["optimise"], () if variant is None else variant.cells.values()
        loop = tuple(code for code in cells if "def optimise" in code or "def total_variation" in code)

        def remembered(noise: np.ndarray, class_index: int, tv_weight: float = 0.0, **more: Any) -> Any:
            key = (loop, noise.tobytes(), class_index, tv_weight, *sorted(more.items()))
            if key not in optimised:
                optimised[key] = optimise(noise, class_index, tv_weight, **more)
            return optimised[key]

        found["optimise"] = remembered
        return found

    return define


def answered(defined: Functions, asked: list[Question]) -> list[Answer] | SubmissionError:
    """Ask as the probe does."""
    found = []
    for question in asked:
        contract = ASSIGNMENT.entry_point(question.entry_point)
        sizes = bind_sizes(contract.inputs, question.arguments)
        try:
            array = call(defined.get(question.entry_point), question.arguments)
            found.append(Answer(conform(array, contract.output, sizes, contract.name), question.key))
        except Unusable as exc:
            return explain_note({"kind": exc.kind, "text": exc.text}, contract, sizes, Sources(), told=True)
        except SubmissionError as exc:
            return exc
    return found


def judged(defined: Functions, plan: Plan, exercise: str, file: str = "check_public.py") -> Verdicts:
    """Ask for one exercise's questions and run its checks on the answers."""
    names = {exercise, *PICTURED.get(exercise, ())}
    sets = {name: answered(defined, asked) for name, asked in plan.items() if name in names}
    if file != "check_public.py":
        sets = {name: answered(defined, asked) for name, asked in plan.items()}
    case = Case(ASSIGNMENT, "toy_pets", ("beagle",), ("dog",), sets, only=exercise)
    return run_checks(FOLDER / file, case)


def failed(verdicts: Verdicts) -> Check:
    """Return the first check that failed; none may be an ERROR."""
    assert verdicts.log == ""
    return next(check for check in verdicts.checks if check.status is Status.FAILED)


def points(verdicts: Verdicts) -> float:
    return sum(check.points for check in verdicts.checks)


# --- what is asked


def test_the_cat_is_asked_about_where_no_photo_is_a_dog(plan: Plan) -> None:
    photos = np.stack([question.arguments[0] for question in plan["attack"]])

    said = reference.probabilities(photos).argmax(axis=1)

    assert len(photos) == COUNTS["attack_photos"]
    assert set(said.tolist()) <= set(range(281, 286))
    assert all(151 <= int(question.arguments[1]) <= 268 for question in plan["attack"])
    assert (photos[0] != photos[1]).any()
    assert all(question.shown for question in plan["attack"])


def test_counts_and_budgets_come_from_the_assignment(plan: Plan) -> None:
    assert [question.arguments[2] for question in plan["attack"]] == [COUNTS["attack_epsilon"]] * 2
    assert [question.arguments[2] for question in plan["half"]] == [COUNTS["half_epsilon"]]
    assert [question.arguments[2] for question in plan["ideal"]] == [0.0, COUNTS["tv_weight"], 5.0]


def test_nobody_is_asked_for_a_class_that_the_notebook_makes() -> None:
    checks = load_checks(FOLDER / "check_public.py")
    text = "\n".join(cell.source for cell in code_cells(source()))
    pool = set(checks.ANIMALS) - set(checks.NAMED)
    many = material(0, counts={**COUNTS, "ideal_classes": len(pool)})

    asked = {question.arguments[1] for question in checks._ideal_questions(many)}

    assert asked == pool
    assert all(str(number) in text for number in checks.NAMED)


def test_another_seed_asks_for_other_noise_and_another_class(plan: Plan) -> None:
    other = load_checks(FOLDER / "check_public.py").questions(material(4))

    assert other["ideal"][0].arguments[1] != plan["ideal"][0].arguments[1]
    assert (other["ideal"][0].arguments[0] != plan["ideal"][0].arguments[0]).any()


# --- the reference


@pytest.mark.slow
@pytest.mark.parametrize(("exercise", "worth"), [("variation", 6), ("attack", 30), ("half", 10)])
def test_the_reference_earns_everything(
    exercise: str, worth: float, defined: Callable[..., Functions], plan: Plan
) -> None:
    found = judged(defined(), plan, exercise)

    assert found.log == ""
    assert points(found) == worth, [check.measured for check in found.checks]
    assert len(found.pictures) == (exercise != "half")
    assert all(draw(picture, load_pictures(FOLDER)) for picture in found.pictures)


def test_the_reference_earns_the_hidden_checks_of_the_variation(defined: Callable[..., Functions]) -> None:
    hidden = load_checks(FOLDER / "staff" / "check_hidden.py").questions(material(1))

    found = judged(defined(), hidden, "variation", "staff/check_hidden.py")

    assert (found.log, points(found)) == ("", 4)


@needs_photos
@pytest.mark.slow
def test_dogs_that_nobody_has_seen_become_cats(tmp_path: Path, defined: Callable[..., Functions]) -> None:
    card, folder, _, _ = views.find_data("oxford_pets", "breeds35", Settings(REAL, tmp_path))
    division = holdout.divide(card, folder, "breeds35")
    photos = holdout.holdout(division, b"a secret of the tests", spec.version(FOLDER))
    facts = {"images": photos.images, "labels": photos.labels, "shown": photos.images[:8]}
    known = {"classes": breeds.breeds("breeds35"), "groups": breeds.groups("breeds35")}
    asked = load_checks(FOLDER / "check_public.py").questions(material(0, **facts, **known))

    found = judged(defined(), asked, "attack")

    assert points(found) == 30, [check.measured for check in found.checks]
    assert all(281 <= question.arguments[1] <= 285 for question in asked["attack"])


# --- the tricks

TRICKS = (  # mutant, exercise, the check that finds it, and of its hint
    ("one_axis", "variation", "neighbours_differ_by", "beside each other only"),
    ("off_by_a_hair", "variation", "neighbours_differ_by", ""),
    ("range_guessed", "variation", "neighbours_differ_by", "Take the absolute differences"),
    ("small_left_out", "variation", "small_and_long_images", "Take height and width from the image"),
    ("equal_pairs_left_out", "variation", "stripes_and_plain_colours", "all three channels belong"),
    ("equal_pairs_left_out", "ideal", "it_starts_from_the_noise", "one colour everywhere"),
    ("small_left_out", "ideal", "it_starts_from_the_noise", "Start from the argument `noise`"),
    ("grey_start", "ideal", "it_starts_from_the_noise", "not from grey"),
    ("copy_optimised", "ideal", "the_network_is_sure", "The noise came back as it was"),
    ("blurred", "ideal", "the_network_is_sure", "do not blur afterwards"),
    ("less_contrast", "ideal", "the_term_smooths_it", "does not grow with it"),
    ("barely_smoothed", "ideal", "the_term_smooths_it", "Less contrast wins nothing"),
    ("truncation", "attack", "the_network_says_the_target", "round to whole numbers"),
    ("epsilon_plus_one", "attack", "the_network_says_the_target", "project to exactly epsilon"),
    ("normalised_space", "attack", "the_network_says_the_target", "before any normalisation"),
    ("no_projection", "attack", "the_network_says_the_target", "Project after every step"),
    ("copy_optimised", "attack", "the_network_says_the_target", "between 0 and 1"),
    ("untargeted_step", "attack", "the_network_says_the_target", "not to the target"),
    (
        "equal_pairs_left_out",
        "attack",
        "the_network_says_the_target",
        "same picture came back for every photo",
    ),
    ("small_left_out", "attack", "the_network_says_the_target", "It is another picture"),
    ("clean_photo", "attack", "the_network_says_the_target", "came back unchanged"),
    ("barely", "attack", "it_is_sure_of_it", "More and smaller steps"),
    ("epsilon_ignored", "half", "less_is_enough", "with the argument `epsilon`"),
)


# Tricks on the ideal image that take long: `pawgrade verify` holds what they lose and fail.
LEFT_TO_VERIFY = {"no_jitter": "ideal", "roughened": "ideal"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "exercise", "check", "hint"), TRICKS)
def test_a_trick_does_not_win_and_is_told_what_to_do(
    name: str, exercise: str, check: str, hint: str, defined: Callable[..., Functions], plan: Plan
) -> None:
    file = "check_public.py"
    if check in ("small_and_long_images", "stripes_and_plain_colours"):
        file = "staff/check_hidden.py"
        plan = load_checks(FOLDER / file).questions(material(1))

    found = judged(defined(mutants()[name]), plan, exercise, file)

    first = failed(found)
    assert (first.id, check in (mutants()[name].fails or ())) == (check, True)
    assert first.points <= first.max_points / 2
    assert hint in str(first.hint)
    if exercise in ("attack", "half") and name != "barely":
        assert points(found) == 0


def test_every_mutant_is_a_trick_that_is_tried_or_a_crash() -> None:
    found = mutants()

    assert set(found) == {*(name for name, *_ in TRICKS), *LEFT_TO_VERIFY, "crashing_cell"}
    assert all(exercise in (found[name].loses or ()) for name, exercise, *_ in TRICKS)
    assert all(exercise in (found[name].loses or ()) for name, exercise in LEFT_TO_VERIFY.items())


def test_an_image_of_another_kind_is_refused_with_the_contract(
    defined: Callable[..., Functions], plan: Plan
) -> None:
    floats = {**defined(), "adversarial_image": lambda photo, class_index, epsilon: photo / 255}

    first = failed(judged(floats, plan, "attack"))

    assert "adversarial_image: expected uint8 of shape (224, 224, 3), found dtype float64" in str(
        first.measured
    )


@pytest.mark.parametrize("exercise", ["variation", "ideal", "attack", "half"])
def test_an_unfinished_exercise_earns_nothing_and_is_no_error(exercise: str, plan: Plan) -> None:
    found = judged(functions(release()), plan, exercise)

    assert found.log == ""
    assert points(found) == 0
    assert {check.status for check in found.checks} <= {Status.FAILED, Status.SKIPPED}


# --- the notebook


def test_six_students_and_more_play_in_the_demo() -> None:
    kinds = ("mutants", "recipes")
    cast = [one.student for kind in kinds for one in variants.read_variants(FOLDER, kind) if one.student]

    assert sorted(cast) == [
        f"student{number:02}" for number in range(3, 8)
    ]  # 01: the source, 02: the release
