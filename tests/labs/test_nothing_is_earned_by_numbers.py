"""Constants, extremes of a dtype, huge columns and numbers that wrap earn nothing, whatever function returns them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from grader.assignment import spec
from grader.checks.questions import Answer, Material, Question
from grader.checks.session import Case, run_checks
from grader.errors import SubmissionError
from grader.judging.answers import conform, resolve_shape
from grader.judging.plan import check_files, plan_questions
from grader.judging.probe import Answers, Plan
from grader.records import Check, Status
from tests.support import breeds

ROOT = Path(__file__).resolve().parents[2]
PX = 224
Array = npt.NDArray[np.generic]
Fill = Callable[[tuple[int, ...], np.random.Generator], Array]
LARGEST = np.iinfo(np.int64).max


def constant(value: float, dtype: str = "float64") -> Fill:
    return lambda shape, _: np.full(shape, value, dtype)


def with_column(value: float, place: int) -> Fill:
    def fill(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        found = rng.normal(size=shape)
        if len(shape) > 1:
            found[..., place] = value
        return found

    return fill


def wrapped(shape: tuple[int, ...], _: np.random.Generator) -> Array:
    """Return numbers whose differences from small counts add up to 0 in 64 bits."""
    found = np.zeros(shape, np.int64)
    found.flat[: min(3, found.size)] = 2**62
    if found.size > 3:
        found.flat[3] = 2**62 + 80
    return found


FILLS: dict[str, Fill] = {
    "0": constant(0.0),
    "-0": constant(-0.0),
    "1": constant(1.0),
    "half": constant(0.5),
    "-1": constant(-1.0),
    "denormal": constant(5e-324),
    "1e308": constant(1e308),
    "-1e308": constant(-1e308),
    "float32's largest": constant(float(np.finfo(np.float32).max), "float32"),
    "float16's largest": constant(65504.0, "float16"),
    "int64's largest": lambda shape, _: np.full(shape, LARGEST),
    "int64's smallest": lambda shape, _: np.full(shape, -LARGEST - 1),
    "uint64's largest": lambda shape, _: np.full(shape, 2**64 - 1, np.uint64),
    "int8's smallest": lambda shape, _: np.full(shape, -128, np.int8),
    "uint8's largest": lambda shape, _: np.full(shape, 255, np.uint8),
    "true": lambda shape, _: np.ones(shape, np.bool_),
    "false": lambda shape, _: np.zeros(shape, np.bool_),
    "2**62": lambda shape, _: np.full(shape, 2**62),
    "wrapped": wrapped,
    "counting": lambda shape, _: np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape),
    "in turns": lambda shape, _: (np.arange(np.prod(shape, dtype=int)) % 2).reshape(shape).astype(np.uint8),
    "dice": lambda shape, rng: rng.random(shape),
    "grey dice": lambda shape, rng: rng.integers(0, 256, shape).astype(np.uint8),
    "dice under a column of 1e9": with_column(1e9, 0),
    "dice under a column of -1e9": with_column(-1e9, 0),
    "dice under a last column of 1e300": with_column(1e300, -1),
    "dice divided by 1e9": lambda shape, rng: 0.5 + 1e-9 * rng.normal(size=shape),
}
# Where each takes the better part of a second: one of each sort.
FEWER = ("0", "1", "-1e308", "true", "wrapped", "dice")
# Exercises in which such numbers may be right, and how many points of them.
RIGHT: dict[str, dict[str, float]] = {
    "transfer_learning": {"quiz": 6.0},  # whoever chooses one answer throughout is right sometimes
    "new_images": {"brier": 5.0},  # probabilities that nobody computed are expectations, too
}
# The training tricks have 32 checks, and showing that one fails takes time: some numbers of each kind are enough.
SOME = ("0", "1", "half", "-1", "true", "1e308", "in turns", "dice", "dice under a column of -1e9")
CASES = [
    *(
        (assignment, name)
        for assignment in ("oxford_pets", "transfer_learning", "adversarial_cat", "feature_maps")
        for name in FILLS
    ),
    *(("training_tricks", name) for name in SOME),
    *(("new_images", name) for name in FEWER),
]


def card_of(assignment: spec.Assignment) -> str:
    return "toy_pets" if assignment.data else spec.NO_CARD


@functools.cache
def plan_of(assignment: str) -> Plan:
    rng = np.random.default_rng(5)
    found = spec.load_public(ROOT / "solutions" / assignment)
    labels = rng.permutation(np.repeat(np.arange(35), rng.integers(3, 5, 35)))
    images = rng.integers(0, 256, (len(labels), PX, PX, 3), np.uint8)
    names, species = breeds.breeds("breeds35"), breeds.groups("breeds35")
    # A few experiments: numbers that nobody computed are no better in thousands.
    counts = {name: min(count, 100) for name, count in found.on(card_of(found)).counts.items()}
    shown = rng.integers(0, 256, (35, PX, PX, 3), np.uint8)
    material = Material(images, labels, names, species, rng, shown, counts, shown_labels=np.arange(35))
    return plan_questions(check_files(ROOT / "solutions" / assignment, "all"), material, b"a seed")


def answer(question: Question, assignment: spec.Assignment, fill: Fill, rng: np.random.Generator) -> Answer:
    entry_point = assignment.entry_point(question.entry_point)
    sizes = spec.bind_sizes(entry_point.inputs, question.arguments)
    shape = tuple(
        entry_point.output.free[size][0] if isinstance(size, str) else size
        for size in resolve_shape(entry_point.output, sizes)
    )
    value = conform(fill(shape, rng), entry_point.output, sizes, entry_point.name)
    return Answer(value, question.key)


def judged(assignment_id: str, fill: Fill) -> tuple[Check, ...]:
    folder = ROOT / "solutions" / assignment_id
    assignment, plan = spec.load_public(folder), plan_of(assignment_id)
    rng, answers = np.random.default_rng(0), Answers()
    for name, questions in plan.items():
        try:
            with np.errstate(all="ignore"):
                answers[name] = [answer(one, assignment, fill, rng) for one in questions]
        except SubmissionError as exc:
            answers[name] = exc
    case = Case(assignment, card_of(assignment), breeds.breeds(), breeds.groups(), answers)
    verdicts = [run_checks(path, case) for path in check_files(folder, "all")]
    assert not any(one.log for one in verdicts), [one.log for one in verdicts]
    return tuple(check for one in verdicts for check in one.checks)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("assignment", "name"), CASES)
def test_numbers_that_nobody_computed_earn_nothing_and_break_nothing(assignment: str, name: str) -> None:
    checks = judged(assignment, FILLS[name])

    assert not any(check.status is Status.ERROR for check in checks)
    allowed = RIGHT.get(assignment, {})
    for exercise in {check.exercise for check in checks}:
        points = sum(check.points for check in checks if check.exercise == exercise)
        assert points <= allowed.get(exercise, 0.0), (exercise, [c for c in checks if c.points])
