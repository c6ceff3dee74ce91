"""Checks that students do not see: corner cases of the small functions. Never released."""

import numpy as np
import pytest

from grader.checks import (
    Material,
    Question,
    batched,
    confusion,
    correct_top_k,
    different,
    gather,
    largest_gap,
    require,
    require_count,
)


def questions(material: Material) -> dict[str, list[Question]]:
    """Plan what each entry point is asked."""
    rng = material.rng
    labels = np.sort(np.repeat(np.arange(12), rng.integers(4, 9, 12)))
    scores, truth = -5.0 - rng.random((40, 7)), rng.integers(0, 7, 40)
    seen, predicted = rng.integers(0, 4, 50), rng.integers(2, 9, 50)
    return {
        "sorted_split": [
            Question("validation_split", (labels, 2, int(seed)), {"labels": labels})
            for seed in rng.integers(0, 10**6, 3)
        ],
        "negative_scores": [
            Question(
                "top_k_accuracy",
                (scores, truth, k),
                {"expected": np.array(correct_top_k(scores, truth, k) / 40)},
            )
            for k in (1, 2, 7)
        ],
        "absent_classes": [
            Question("confusion_matrix", (seen, predicted, 9), {"expected": confusion(seen, predicted, 9)})
        ],
        "visitors": [
            Question(one.entry_point, one.arguments, {**one.key, "labels": material.second_labels})
            for one in batched("classify", material.second_images, rng, mirrored=False, again=0)
        ],
    }


@pytest.mark.exercise("split", points=4, asks="sorted_split")
def test_validation_is_drawn_at_random(answers):
    """The photos of a breed are drawn at random, not taken from the start or the end."""
    found = answers("sorted_split")
    wrong = sum(int((np.bincount(one.key["labels"][one.value], minlength=12) != 2).sum()) for one in found)
    require(
        wrong,
        at_most=0,
        what="breeds with another number of validation photos",
        hint="It must work for any number of classes and photos, sorted or not.",
    )
    places = {tuple(np.flatnonzero(one.value)) for one in found}
    require(
        len(places),
        at_least=2,
        what="different splits from three seeds",
        hint="Shuffle within each class with a generator made from the seed.",
    )


@pytest.mark.exercise("top_k", points=3, asks="negative_scores")
def test_scores_may_be_negative(answers):
    """Scores may be negative, k may be the number of classes."""
    gap = max(largest_gap(answer.value, answer.key["expected"]) for answer in answers("negative_scores"))
    require(
        gap,
        at_most=1e-6,
        what="largest error of the accuracy",
        hint="Only the order of the scores counts; with k = all classes the accuracy is 1.",
    )


@pytest.mark.exercise("confusion", points=3, asks="absent_classes")
def test_classes_without_photos(answers):
    """Classes that do not occur keep their row and column."""
    (answer,) = answers("absent_classes")
    require(
        different(answer.value, answer.key["expected"]),
        at_most=0,
        what="places with a wrong count",
        hint="The matrix has `classes` rows and columns even where no photo falls.",
    )


@pytest.mark.exercise("breeds", asks="visitors", unreported=True)
def test_visitors(answers, levels):
    """The breeds of the second holdout: no points, in no report."""
    scores, labels = gather(answers("visitors")).plain, answers("visitors")[0].key["labels"]
    require_count(
        correct_top_k(scores, labels, 1),
        of=len(labels),
        levels=levels["breeds"],
        what="top-1 accuracy",
        hint="For staff: compare with the holdout.",
    )
