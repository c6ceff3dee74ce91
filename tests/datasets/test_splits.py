"""Splits: balanced by class, disjoint, and the same for the same names and salt."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from grader.datasets import cards, splits
from grader.errors import SpecError
from tests.support import breeds


def names(per_class: int) -> list[str]:
    return [
        f"{stem}_{number}.jpg" for stem in breeds.CATS + breeds.DOGS for number in range(1, per_class + 1)
    ]


@pytest.mark.parametrize(
    ("per_class", "label_space", "holdout", "second", "validation"),
    [
        (10, "breeds35", 6, 0, 2),
        (10, "breeds37", 6, 0, 2),
        (99, "breeds37", 6, 0, 2),
        (100, "breeds37", 20, 20, 20),
    ],
)
def test_each_class_gives_the_same_number_of_photos(
    per_class: int, label_space: str, holdout: int, second: int, validation: int
) -> None:
    split = breeds.split(names(per_class), cards.load_card("oxford_pets"), label_space)

    for split_name, count in (("holdout", holdout), ("second_holdout", second), ("validation", validation)):
        labels = Counter(breeds.label_of(name, label_space) for name in split.names(split_name))
        assert set(labels.values()) <= {count}
        assert sum(labels.values()) == count * len(breeds.breeds(label_space))


def test_every_photo_is_in_exactly_one_split() -> None:
    split = breeds.split(names(12), cards.load_card("oxford_pets"))

    placed = [name for part in splits.SPLITS for name in split.names(part)]

    assert sorted(placed) == sorted(names(12))


def test_a_split_does_not_depend_on_the_order_of_the_files() -> None:
    shuffled = names(12)
    random.Random(0).shuffle(shuffled)

    assert breeds.split(shuffled, cards.load_card("oxford_pets")) == breeds.split(
        names(12), cards.load_card("oxford_pets")
    )


def test_the_digest_changes_when_a_photo_is_missing() -> None:
    card = cards.load_card("oxford_pets")

    assert breeds.split(names(12), card).digest != breeds.split(names(12)[1:], card).digest


def test_too_few_photos_of_a_breed_are_refused_by_name() -> None:
    incomplete = [name for name in names(10) if not name.startswith("pug_")] + ["pug_1.jpg"]

    with pytest.raises(SpecError, match="at least 10 photos of each of 35 classes, found 1 of 'pug'"):
        breeds.split(incomplete, cards.load_card("oxford_pets"))


def test_a_label_space_that_the_card_does_not_offer_is_refused() -> None:
    with pytest.raises(SpecError, match=r"toy_pets: .*breeds35, found 'breeds37'"):
        breeds.split(names(12), cards.load_card("toy_pets"), "breeds37")


def test_an_unknown_split_is_refused() -> None:
    split = breeds.split(names(10), cards.load_card("oxford_pets"))

    with pytest.raises(SpecError, match="found 'digest'"):
        split.names("digest")
