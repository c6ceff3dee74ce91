"""The challenge: what its checks ask and demand, on answers whose worth is known; `pawgrade verify` runs its notebooks."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import numpy.typing as npt
import pytest

from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.checks.check_files import load_checks
from grader.checks.questions import Answer, Array, Material, Question
from grader.checks.session import Case, run_checks
from grader.notebooks.cells import grade_id
from grader.records import Check, Status

Floats = npt.NDArray[np.float64]
SOURCE = packaged_course().source("new_images")
PUBLIC, HIDDEN = SOURCE / "check_public.py", SOURCE / "staff" / "check_hidden.py"


@pytest.fixture(scope="module")
def public() -> ModuleType:
    return load_checks(PUBLIC)


@pytest.fixture(scope="module")
def hidden() -> ModuleType:
    return load_checks(HIDDEN)


@pytest.fixture(scope="module")
def functions() -> dict[str, Any]:
    """Return what the solutions of the cells without a network define."""
    notebook = nbformat.read(SOURCE / "new_images.ipynb", as_version=4)
    namespace: dict[str, Any] = {"np": np}
    for name in ("crops-code", "head-code", "curve-code", "brier-code", "wilson"):
        (cell,) = [cell for cell in notebook.cells if name in {grade_id(cell), cell.id}]
        exec(cell.source, namespace)  # noqa: S102 - our own notebook
    return namespace


def material(card: str = "toy_pets", seed: int = 0) -> Material:
    """Return material with few grey photos."""
    counts = {**spec.load_public(SOURCE).on(card).counts, "pictures": 6, "again": 2}
    photos, labels = np.zeros((20, 224, 224, 3), np.uint8), np.arange(20) % 2
    names, rng = ("a cat", "a dog"), np.random.default_rng(seed)
    return Material(photos, labels, names, ("cat", "dog"), rng, photos, counts)


def judge(path: Path, answers: dict[str, list[Answer]], exercise: str) -> dict[str, Check]:
    """Judge answers to question sets by one check file; return the verdicts of an exercise by check."""
    case = Case(spec.load_public(SOURCE), "toy_pets", ("a cat", "a dog"), ("cat", "dog"), dict(answers))
    verdicts = run_checks(path, dataclasses.replace(case, only=exercise))
    assert not verdicts.log
    return {check.id: check for check in verdicts.checks}


def answered(questions: list[Question], function: Any) -> list[Answer]:
    return [Answer(np.asarray(function(*asked.arguments)), asked.key) for asked in questions]


def passed(checks: dict[str, Check]) -> dict[str, bool]:
    return {name: check.status is Status.PASSED for name, check in checks.items()}


@pytest.mark.parametrize("seed", range(3))
def test_the_source_cuts_and_measures_as_the_checks_demand(
    public: ModuleType, functions: dict[str, Any], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    crops = answered(public.crop_questions(rng), functions["cut_crops"])
    curves = answered(public.curve_questions(rng), functions["learning_curve"])

    assert all(passed(judge(PUBLIC, {"crops": crops}, "clean_crops")).values())
    assert all(passed(judge(PUBLIC, {"curves": curves}, "learning_curve")).values())


def test_a_crop_that_shows_one_column_of_the_other_half_is_found(
    public: ModuleType, functions: dict[str, Any]
) -> None:
    def one_too_far(picture: Array, training: bool, count: int, side: int, seed: int) -> Array:
        crops: Array = functions["cut_crops"](picture, training, count, side, seed)
        if training:
            middle = picture.shape[1] // 2
            crops[0] = picture[:side, middle - side + 1 : middle + 1]
        return crops

    verdicts = passed(
        judge(
            PUBLIC,
            {"crops": answered(public.crop_questions(np.random.default_rng(0)), one_too_far)},
            "clean_crops",
        )
    )

    assert verdicts == {
        "crops_are_squares_of_the_picture": True,
        "training_crops_come_from_the_left_half": False,
    }


def test_a_curve_that_has_seen_the_test_labels_is_found(
    public: ModuleType, functions: dict[str, Any]
) -> None:
    def peeking(*tables: Any) -> Array:
        curve: Array = functions["learning_curve"](*tables)
        return np.maximum(curve, 0.5)  # the best of what was tried, on the test

    curves = answered(public.curve_questions(np.random.default_rng(0)), peeking)
    verdicts = judge(PUBLIC, {"curves": curves}, "learning_curve")

    assert not any(passed(verdicts).values())


def reference(hidden: ModuleType, card: str) -> tuple[Floats, Floats]:
    curves = hidden.measured(material(card))
    return curves, curves[:, 1, 1] - curves[:, 0, 1]


@pytest.mark.parametrize("card", ["toy_pets", "oxford_pets"])
def test_the_source_s_expectation_is_full_an_honest_half_is_about_half_and_the_opposite_is_nothing(
    hidden: ModuleType, functions: dict[str, Any], card: str
) -> None:
    gains = reference(hidden, card)[1]
    opposite = np.repeat((gains < 0.2)[:, None], 4, axis=1).astype(float)

    def points(probabilities: Array) -> float:
        answers = {"bets": [Answer(probabilities, {"gains": gains})]}
        return judge(HIDDEN, answers, "brier")["the_brier_score"].points

    assert points(functions["prediction"]()) == 5
    assert 2 <= points(np.full((3, 4), 0.5)) <= 3.5
    assert points(np.ones((3, 4))) < 5
    assert points(opposite) == 0


@pytest.mark.parametrize("card", ["toy_pets", "oxford_pets"])
def test_kinds_that_gain_alike_may_stand_in_either_order_and_no_others(hidden: ModuleType, card: str) -> None:
    gains = reference(hidden, card)[1]
    best = np.argsort(-gains)

    def is_right(order: Array) -> bool:
        answers = {"ranked": [Answer(order, {"gains": gains})]}
        return passed(judge(HIDDEN, answers, "kinds_ranked"))["the_largest_gain_stands_first"]

    assert is_right(best)
    assert not is_right(best[::-1])
    assert not is_right(np.array([1, 1, 1]))


def test_training_accuracies_are_not_what_new_pictures_show(hidden: ModuleType, public: ModuleType) -> None:
    curves, gains = reference(hidden, "toy_pets")
    answers: dict[str, list[Answer]] = {}
    for number, kind in enumerate(public.KINDS):
        labels = np.zeros(1000, np.int64)
        named = np.arange(1000)[:, None] >= 1000 * curves[number, 1][None]  # 0 where the head is right
        answers[kind] = [Answer(named.astype(np.int64), {"labels": labels})]
    key = {"curves": curves, "gains": gains}

    def is_right(claimed: Array) -> bool:
        told = {**answers, "told": [Answer(claimed, key)]}
        return passed(judge(HIDDEN, told, "own_curves"))["what_was_measured_holds_on_other_pictures"]

    assert is_right(curves)
    # One class for every picture, and curves that say so.
    guessed = (np.arange(1000)[:, None] >= np.full(4, 400)).astype(np.int64)
    lazy = {kind: [Answer(guessed, {"labels": np.zeros(1000, np.int64)})] for kind in public.KINDS}
    told = {**lazy, "told": [Answer(np.full((3, 2, 4), 0.4), key)]}
    assert not passed(judge(HIDDEN, told, "own_curves"))["what_was_measured_holds_on_other_pictures"]
    assert not is_right(np.ones((3, 2, 4)))
    assert not is_right(np.stack([curves[:, 0], np.ones((3, 4))], axis=1))
    assert not is_right(np.stack([curves[:, 1], curves[:, 1]], axis=1))
    assert not is_right(100 * curves)


def test_questions_are_few_enough_and_their_order_tells_no_class(public: ModuleType) -> None:
    asked = public.questions(material())

    pictures = sum(len(question.arguments[0]) for kind in public.KINDS for question in asked[kind])
    labels = np.concatenate([question.key["labels"] for question in asked["cells"]])
    assert pictures <= (2 + 3 + 3) * 6
    assert (np.diff(labels) < 0).any()


def test_the_interval_holds_what_it_should(functions: dict[str, Any]) -> None:
    low, high = functions["wilson"](np.array([0.0, 0.5, 1.0]), 45)

    assert low.round(3).tolist() == pytest.approx([0.0, 0.360, 0.921], abs=1e-3)
    assert high.round(3).tolist() == pytest.approx([0.079, 0.640, 1.0], abs=1e-3)
