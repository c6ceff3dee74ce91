"""A question says nothing about its answer: not by its place, its size, its set or its company, whatever the secret."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from grader.assignment import spec
from grader.checks.questions import Material, Question
from grader.datasets import holdout
from grader.grading.asked_photos import divide
from grader.judging.plan import check_files, plan_questions
from grader.judging.probe import Plan, sequence
from grader.settings import Settings
from tests.support import breeds

ROOT = Path(__file__).resolve().parents[2]
SECRETS = range(50)
SHUFFLES = 400
PX = 32  # what photos show decides no order
Ints = npt.NDArray[np.int64]


def material(secret: int) -> Material:
    """Return photos of noise; the class of each is written into its first pixel."""
    rng = np.random.default_rng(1000 + secret)
    names, species = breeds.breeds("breeds35"), breeds.groups("breeds35")
    labels = rng.permutation(np.repeat(np.arange(35), rng.integers(3, 7, 35)))
    images = rng.integers(0, 256, (len(labels), PX, PX, 3), np.uint8)
    counts = spec.load_public(ROOT / "solutions" / "transfer_learning").on("toy_pets").counts
    shown = images[:40].copy() + np.uint8(1)
    return Material(images, labels, names, species, rng, shown, counts, shown_labels=labels[:40])


@functools.cache
def plan_of(assignment: str, secret: int) -> Plan:
    files = check_files(ROOT / "solutions" / assignment, "all")
    return plan_questions(files, material(secret), str(secret).encode())


def rows(plan: Plan, key: Callable[[Question], Ints | None], seed: int) -> Iterator[tuple[list[str], int]]:
    """Yield for each hidden photo what can be seen of its place, and its class."""
    order = sequence(plan, np.random.default_rng(seed))
    for turn, (name, number) in enumerate(order):
        question = plan[name][number]
        labels = None if question.shown else key(question)
        for row, label in enumerate(labels if labels is not None else ()):
            size = len(labels if labels is not None else ())
            yield (
                [
                    f"row {row % 2}",
                    f"row {row} of {size}",
                    f"turn {turn % 2}",
                    f"turn {turn // 4}",
                    f"size {size}",
                    f"set {name}",
                    f"third {3 * row // size}",
                ],
                int(label),
            )


def surprise(seen: Sequence[Sequence[str]], labels: Ints) -> float:
    """Return how far the share of a class goes from its mean where one thing is seen: the largest of all, in deviations."""
    where: dict[str, list[int]] = {}
    for place, words in enumerate(seen):
        for word in words:
            where.setdefault(word, []).append(place)
    mean, spread = labels.mean(), labels.std()
    return max(
        float(abs(labels[places].mean() - mean) / spread * np.sqrt(len(places)))
        for places in where.values()
        if len(places) >= 8
    )


def chance(found: Sequence[tuple[Sequence[Sequence[str]], Ints]]) -> float:
    """Return how often labels that were shuffled within each plan surprise as much as the real ones."""
    rng = np.random.default_rng(0)
    seen = [words for plan, _ in found for words in plan]
    real = surprise(seen, np.concatenate([labels for _, labels in found]))
    shuffled = [
        surprise(seen, np.concatenate([rng.permutation(labels) for _, labels in found]))
        for _ in range(SHUFFLES)
    ]
    return float(np.mean([one >= real for one in shuffled]))


def gathered(
    plans: Sequence[tuple[int, Plan]], key: Callable[[Question], Ints | None], *, by_set: bool = False
) -> float:
    """Return the chance for some plans; by set where each has classes of its own."""
    found = []
    for secret, plan in plans:
        pairs = list(rows(plan, key, secret))
        for name in sorted(plan) if by_set else ("",):
            part = [(words, label) for words, label in pairs if not name or f"set {name}" in words]
            if part:
                found.append(([words for words, _ in part], np.array([label for _, label in part])))
    return chance(found)


def of_breeds(question: Question) -> Ints | None:
    """Return for photos of the breeds' lab whether each is of the first classes."""
    if "labels" not in question.key or "index" not in question.key:
        return None
    return np.asarray(question.key["labels"][question.key["index"]] < 12, np.int64)


def dogs(question: Question) -> Ints | None:
    """Return for photos of cats and dogs which are dogs."""
    known: Mapping[str, npt.NDArray[np.generic]] = question.key
    if "dogs" not in known:
        return None
    found = np.asarray(known["dogs"], np.int64)
    return found[known["index"].astype(int)] if "index" in known else found


def targets(question: Question) -> Ints | None:
    """Return for photos whose features are read whether each is of the first classes."""
    if "targets" not in question.key:
        return None
    wanted = np.asarray(question.key["targets"])
    return np.asarray(wanted[question.key["index"].astype(int)] < wanted.max() / 2, np.int64)


@pytest.mark.parametrize(
    ("assignment", "key", "by_set"),
    [
        ("oxford_pets", of_breeds, False),
        ("transfer_learning", dogs, False),
        ("transfer_learning", targets, True),
    ],
)
def test_over_fifty_secrets_no_place_size_or_set_tells_a_label(
    assignment: str, key: Callable[[Question], Ints | None], by_set: bool
) -> None:
    plans = [(secret, plan_of(assignment, secret)) for secret in SECRETS]

    assert gathered(plans, key, by_set=by_set) > 0.001


def test_an_order_in_which_cats_and_dogs_take_turns_would_be_seen() -> None:
    turns = np.arange(22) % 2
    photos = np.zeros((22, PX, PX, 3), np.uint8)
    plans: list[tuple[int, Plan]] = [
        (secret, {"crowd": [Question("is_dog", (photos,), {"dogs": turns})]}) for secret in range(10)
    ]

    assert gathered(plans, dogs) == 0.0


def test_a_photo_in_two_sets_has_no_equal_in_the_other() -> None:
    plan = plan_of("transfer_learning", 0)
    seen: dict[str, set[bytes]] = {}
    for name in ("photos", "mirror", "crowd", "features", "dusk"):
        images = [image for one in plan[name] if not one.shown for image in np.asarray(one.arguments[0])]
        views = [view for image in images for view in (image, image[:, ::-1])]
        if name == "crowd":  # pictures without a pet, and public ones, are no secret
            views = views[2 * 10 :]
        seen[name] = {hashlib.sha256(np.ascontiguousarray(view).tobytes()).digest() for view in views}

    assert not seen["photos"] & seen["mirror"]
    assert not seen["photos"] & seen["crowd"]
    assert not seen["mirror"] & seen["crowd"]
    assert not seen["features"] & seen["dusk"]


def test_how_many_photos_a_class_has_is_unequal_and_the_secrets_to_decide(toy_cache: Path) -> None:
    division = divide(ROOT / "solutions" / "oxford_pets", "toy_pets", Settings(None, toy_cache))
    counts = []
    for secret in SECRETS:
        names = holdout.chosen(division, str(secret).encode(), "version", "holdout")
        labels = [division.label_of(name) for name in names]
        counts.append(np.bincount(labels, minlength=35))

    found = np.array(counts)
    assert found.min() >= 1
    assert all(len(set(row)) > 1 for row in found.tolist())
    assert (found.std(axis=0) > 0).all()
    assert len({tuple(row) for row in found.tolist()}) == len(SECRETS)


def test_the_order_of_hidden_photos_says_nothing_about_their_classes(toy_cache: Path) -> None:
    division = divide(ROOT / "solutions" / "oxford_pets", "toy_pets", Settings(None, toy_cache))
    found = []
    for secret in SECRETS:
        names = holdout.chosen(division, str(secret).encode(), "version", "holdout")
        labels = np.array([int(division.label_of(name) < 12) for name in names])
        found.append(([[f"row {row % 2}", f"row {row // 6}"] for row in range(len(names))], labels))

    assert chance(found) > 0.001
