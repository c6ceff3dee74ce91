"""The make-believe breeds: one for each class of the card, told apart by shape and texture."""

from __future__ import annotations

from grader.datasets.toypets.breeds import BREEDS
from tests.support import breeds


def test_there_is_a_drawing_for_each_breed() -> None:
    assert sorted(BREEDS) == list(breeds.breeds("breeds35"))


def test_no_two_breeds_are_drawn_alike() -> None:
    assert len(set(BREEDS.values())) == len(BREEDS)
