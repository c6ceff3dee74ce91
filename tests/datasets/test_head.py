"""Heads of toy pets: every trait of a breed can be seen, and no other one moves with it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from grader.datasets.toypets.breeds import BREEDS, Breed
from grader.datasets.toypets.head import EXTRAS, draw_head
from grader.datasets.toypets.strokes import WHITE, Brush, Palette

COLOURS = Palette((240, 200, 120), (90, 40, 20), (230, 150, 150), (0, 200, 0), (0, 0, 200))
DOG = Breed("drop", "long", "smooth", "saddle", "none", "thin", (1, 1, 1, 1))
SEEN = 60  # pixels of 256 x 256


def drawn(breed: Breed, *, is_cat: bool = False, seed: int = 3) -> npt.NDArray[np.int64]:
    picture = Image.new("RGB", (256, 256), WHITE)
    brush = Brush(picture, (10, 10, 10), np.random.default_rng(0))
    rng = np.random.default_rng(seed)
    draw_head(brush, breed, COLOURS, (0.0, 0.0), 0.6, is_cat=is_cat, rng=rng)
    return np.asarray(picture).astype(np.int64)


def different(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> int:
    return int((np.abs(one - other).sum(axis=2) > 60).sum())


@pytest.mark.parametrize("trait", ["ears", "muzzle", "face", "extra"])
def test_two_values_of_a_trait_never_look_alike(trait: str) -> None:
    values = sorted({getattr(breed, trait) for breed in BREEDS.values()} - {"cat", "socks"})

    heads = {value: drawn(DOG._replace(**{trait: value})) for value in values}

    assert [
        (one, other)
        for one in heads
        for other in heads
        if one < other and different(heads[one], heads[other]) < SEEN
    ] == []


def test_every_breed_wears_something_that_there_is() -> None:
    assert {breed.extra for breed in BREEDS.values()} == set(EXTRAS)


def test_a_cat_has_a_cats_face() -> None:
    cat = DOG._replace(ears="pointed", muzzle="cat")

    assert different(drawn(cat, is_cat=True), drawn(DOG._replace(ears="pointed"))) > SEEN
    assert (drawn(cat, is_cat=True) == COLOURS.iris).all(axis=2).any()
    assert not (drawn(DOG) == COLOURS.iris).all(axis=2).any()


@pytest.mark.parametrize("name", sorted(BREEDS))
def test_a_head_of_any_breed_is_the_same_for_the_same_lot_and_fits_the_picture(name: str) -> None:
    is_cat = BREEDS[name].muzzle == "cat"

    head = drawn(BREEDS[name], is_cat=is_cat)

    assert (head == drawn(BREEDS[name], is_cat=is_cat)).all()
    edge = np.concatenate([head[0], head[-1], head[:, 0], head[:, -1]])
    assert (edge == WHITE).all()
