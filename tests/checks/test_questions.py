"""The same photo gets the same answer, whoever it is asked with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks.questions import Answer, Gathered, batched, gather

Scores = npt.NDArray[np.float64]
Photos = npt.NDArray[np.uint8]
COUNT = 60


def photos(count: int = COUNT) -> Photos:
    return np.random.default_rng(1).integers(0, 256, (count, 4, 6, 3), np.uint8)


def honest(images: Photos) -> Scores:
    """Score each photo by itself: a linear model of its pixels."""
    weights = np.random.default_rng(2).normal(size=(72, 5))
    return images.reshape(len(images), -1) / 255.0 @ weights


def asked(model: Callable[[Photos], Scores], images: Photos, *, mirrored: bool = True) -> Gathered:
    plan = batched("classify", images, np.random.default_rng(3), mirrored=mirrored)
    answers = []
    for question in plan:
        (batch,) = question.arguments
        assert isinstance(batch, np.ndarray)
        answers.append(Answer(model(batch.astype(np.uint8)), question.key))
    return gather(answers)


@given(st.integers(1, 70), st.booleans(), st.integers(0, 30), st.integers(0, 2**32))
def test_gathering_undoes_batching(count: int, mirrored: bool, again: int, seed: int) -> None:
    images = photos(count)
    plan = batched("classify", images, np.random.default_rng(seed), mirrored=mirrored, again=again)

    found = gather([Answer(question.arguments[0], question.key) for question in plan])  # type: ignore[arg-type]

    assert (found.plain == images).all()
    assert found.disagreement == 0.0
    if mirrored:
        assert found.mirrored is not None
        assert (found.mirrored == images[:, :, ::-1]).all()
    else:
        assert found.mirrored is None


def test_a_plan_asks_in_unequal_batches_and_about_some_photos_twice() -> None:
    plan = batched("classify", photos(), np.random.default_rng(0), again=24)
    sizes = [len(question.key["index"]) for question in plan]

    assert len(set(sizes)) > 3
    assert 1 in sizes
    assert sum(sizes) == 2 * COUNT + 24


def test_the_order_of_a_plan_is_decided_by_its_generator() -> None:
    first, again, other = (
        np.concatenate(
            [q.key["index"] for q in batched("classify", photos(), np.random.default_rng(seed))]
        ).tolist()
        for seed in (1, 1, 2)
    )

    assert first == again != other


def test_planning_does_not_change_the_photos() -> None:
    images = photos()
    before = images.copy()

    batched("classify", images, np.random.default_rng(0))

    assert (images == before).all()


def test_what_crosses_the_border_is_a_copy_in_one_piece() -> None:
    images = photos()

    for question in batched("classify", images, np.random.default_rng(0)):
        (batch,) = question.arguments
        assert isinstance(batch, np.ndarray)
        assert batch.flags.c_contiguous
        assert not np.shares_memory(batch, images)


def test_an_honest_model_agrees_with_itself() -> None:
    found = asked(honest, photos())

    assert found.disagreement < 1e-6
    assert found.plain == pytest.approx(honest(photos()))


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_float_noise_is_no_disagreement(scale: float) -> None:
    rng = np.random.default_rng(4)

    def noisy(images: Photos) -> Scores:
        scores = honest(images) * scale
        return scores + rng.normal(size=scores.shape) * 1e-5 * scale

    assert asked(noisy, photos()).disagreement < 1e-3


@pytest.mark.parametrize("kind", ["logits of 1000", "probabilities", "sure probabilities", "log", "features"])
def test_what_float32_rounds_is_no_disagreement(kind: str) -> None:
    rng, weights = np.random.default_rng(6), np.random.default_rng(7).normal(size=(48, 35))

    def scores(images: Photos) -> Scores:
        logits = (images.reshape(len(images), -1)[:, :48] / 255.0) @ weights
        logits = logits * (1 + rng.normal(size=logits.shape) * 3e-7)
        if kind == "logits of 1000":
            return logits * 1000
        if kind == "features":
            return np.maximum(np.repeat(logits, 4, axis=1), 0)
        sharp = logits * (10 if kind == "sure probabilities" else 1)
        p = np.exp(sharp - sharp.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return np.asarray(np.log(p) if kind == "log" else p)

    assert asked(scores, photos(60)).disagreement < 1e-3


STEERING: dict[str, Callable[[Scores], Scores]] = {
    "one column is -1e9": lambda s: np.concatenate([np.full((len(s), 1), -1e9), s[:, 1:]], axis=1),
    "one more column of 1e9": lambda s: np.concatenate([s, np.full((len(s), 1), 1e9)], axis=1),
    "all divided by 10^6": lambda s: s * 1e-6,
    "all times 10^9": lambda s: s * 1e9,
    "an offset that differs by photo": lambda s: s + 1e9 * (s[:, :1] > np.median(s[:, :1])),
    "probabilities that are nearly equal": lambda s: np.asarray(
        np.exp(1e-5 * s) / np.exp(1e-5 * s).sum(axis=1, keepdims=True)
    ),
    "two columns of 1e300 and -1e300": lambda s: np.concatenate(
        [np.full((len(s), 1), 1e300), np.full((len(s), 1), -1e300), s[:, 2:]], axis=1
    ),
    "half of the columns lifted": lambda s: s + 1e6 * (np.arange(s.shape[1]) < s.shape[1] // 2),
}


@pytest.mark.parametrize("way", STEERING)
@pytest.mark.parametrize("columns", [35, 320])
def test_no_scale_column_or_offset_buys_tolerance_for_dropout(way: str, columns: int) -> None:
    rng, weights = np.random.default_rng(8), np.random.default_rng(9).normal(size=(48, columns))

    def scores(images: Photos) -> Scores:
        seen = images.reshape(len(images), -1)[:, :48] / 255.0
        return STEERING[way]((seen * (rng.random(seen.shape) < 0.8)) @ weights)

    assert asked(scores, photos(60)).disagreement > 1e-2


@pytest.mark.parametrize("scale", [1.0, 1e-6, 1e6])
def test_one_number_a_photo_hides_no_dropout_either(scale: float) -> None:
    rng, weights = np.random.default_rng(8), np.random.default_rng(9).normal(size=48)

    def probability(images: Photos) -> Scores:
        seen = images.reshape(len(images), -1)[:, :48] / 255.0
        return np.asarray(0.5 + scale * np.tanh((seen * (rng.random(seen.shape) < 0.8)) @ weights))

    assert asked(probability, photos(60)).disagreement > 1e-2


def dropout(images: Photos, rng: np.random.Generator) -> Scores:
    return honest(images * (rng.random(images.shape) < 0.5))


def test_dropout_is_a_disagreement() -> None:
    rng = np.random.default_rng(5)

    assert asked(lambda images: dropout(images, rng), photos()).disagreement > 1e-2


def test_softmax_over_the_batch_is_a_disagreement() -> None:
    def softmax(images: Photos) -> Scores:
        scores = np.exp(honest(images))
        return np.asarray(scores / scores.sum(axis=0))

    assert asked(softmax, photos()).disagreement > 1e-2


def test_batch_statistics_are_a_disagreement() -> None:
    def normalised(images: Photos) -> Scores:
        scores = honest(images)
        return np.asarray((scores - scores.mean(axis=0)) / (scores.std(axis=0) + 1e-3))

    assert asked(normalised, photos()).disagreement > 1e-2


def test_answers_that_depend_on_the_place_in_the_batch_are_a_disagreement() -> None:
    def counted(images: Photos) -> Scores:
        return honest(images) + np.arange(len(images))[:, None] * 0.1

    assert asked(counted, photos()).disagreement > 1e-2


def test_answers_that_depend_on_how_often_was_asked_are_a_disagreement() -> None:
    calls = iter(range(1000))

    assert asked(lambda images: honest(images) + next(calls) * 0.01, photos()).disagreement > 1e-2


def test_a_single_photo_that_is_answered_otherwise_is_found() -> None:
    def moody(images: Photos) -> Scores:
        scores = honest(images)
        scores[0] += 0.01 if len(images) == 1 else 0.0
        return scores

    assert asked(moody, photos()).disagreement > 1e-3


def test_nan_agrees_with_nothing() -> None:
    found = asked(lambda images: np.full((len(images), 5), np.nan), photos())

    assert not found.disagreement <= 1e-3
