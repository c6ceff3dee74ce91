"""Metrics against loops that anyone can read."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.checks.metrics import Floats, Ints, confusion, correct_top_k, predictions


@st.composite
def scored(draw: st.DrawFn) -> tuple[Floats, Ints]:
    """Draw scores with many ties, and labels."""
    rows, classes = draw(st.integers(1, 12)), draw(st.integers(1, 6))
    values = st.sampled_from([-1.5, 0.0, 0.25, 1.0, 7.0])
    scores = draw(hnp.arrays(np.float64, (rows, classes), elements=values))
    labels = draw(hnp.arrays(np.int64, rows, elements=st.integers(0, classes - 1)))
    return scores, labels


def slow_top_k(scores: Floats, labels: Ints, k: int) -> int:
    hits = 0
    for row, label in zip(scores, labels, strict=True):
        hits += sum(1 for score in row if score >= row[label]) <= k
    return hits


@given(scored(), st.integers(1, 6))
def test_top_k_equals_a_loop_over_rows(case: tuple[Floats, Ints], k: int) -> None:
    scores, labels = case

    assert correct_top_k(scores, labels, k) == slow_top_k(scores, labels, k)


@given(scored(), st.integers(1, 5))
def test_more_guesses_never_hit_less(case: tuple[Floats, Ints], k: int) -> None:
    assert correct_top_k(*case, k + 1) >= correct_top_k(*case, k)


@given(scored())
def test_as_many_guesses_as_classes_always_hit(case: tuple[Floats, Ints]) -> None:
    scores, labels = case

    assert correct_top_k(scores, labels, scores.shape[1]) == len(labels)


def test_constant_scores_earn_nothing() -> None:
    labels = np.arange(35)

    assert correct_top_k(np.zeros((35, 35)), labels, 1) == 0
    assert correct_top_k(np.zeros((35, 35)), labels, 34) == 0


def test_a_tie_with_the_true_class_counts_against_the_student() -> None:
    scores = np.array([[0.5, 0.5, 0.0]])

    assert correct_top_k(scores, np.array([0]), 1) == 0
    assert correct_top_k(scores, np.array([0]), 2) == 1


def test_the_prediction_is_the_first_of_equal_scores() -> None:
    assert predictions(np.array([[0.0, 2.0, 2.0], [1.0, 1.0, 1.0]])).tolist() == [1, 0]


@given(scored())
def test_confusion_equals_a_loop_over_photos(case: tuple[Floats, Ints]) -> None:
    scores, labels = case
    classes, predicted = scores.shape[1], predictions(scores)
    expected = [[0] * classes for _ in range(classes)]
    for label, guess in zip(labels, predicted, strict=True):
        expected[label][guess] += 1

    assert confusion(labels, predicted, classes).tolist() == expected


@given(scored())
def test_confusion_counts_every_photo_once_and_hits_on_its_diagonal(case: tuple[Floats, Ints]) -> None:
    scores, labels = case
    matrix = confusion(labels, predictions(scores), scores.shape[1])

    assert matrix.sum() == len(labels)
    assert np.trace(matrix) >= correct_top_k(scores, labels, 1)
