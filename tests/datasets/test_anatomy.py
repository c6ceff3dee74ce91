"""Toy pets as a whole: tail, legs, body and head of a breed, in the picture and in front of each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from grader.datasets.toypets.anatomy import TAILS, draw_pet
from grader.datasets.toypets.breeds import BREEDS, CATS, Breed
from grader.datasets.toypets.strokes import WHITE, Brush, Palette

COLOURS = Palette((240, 200, 120), (90, 40, 20), (230, 150, 150), (0, 200, 0), (0, 0, 200))
DOG = Breed("drop", "long", "smooth", "plain", "none", "thin", (1, 1, 1, 1))
SEEN = 60  # pixels of 256 x 256


def drawn(breed: Breed, *, is_cat: bool = False, pose: int = 0, lot: int = 3) -> npt.NDArray[np.int64]:
    picture = Image.new("RGB", (256, 256), WHITE)
    brush = Brush(picture, (10, 10, 10), np.random.default_rng(pose))
    draw_pet(brush, breed, COLOURS, is_cat=is_cat, rng=np.random.default_rng(lot))
    return np.asarray(picture).astype(np.int64)


def blank(picture: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (picture == WHITE).all(axis=2)
    return found


def different(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> int:
    return int((np.abs(one - other).sum(axis=2) > 60).sum())


def test_every_breeds_tail_can_be_drawn() -> None:
    assert {breed.tail for breed in BREEDS.values()} == {*TAILS, "curl", "stub"}


@pytest.mark.parametrize("trait", ["tail", "coat", "markings"])
def test_two_values_of_a_trait_never_look_alike(trait: str) -> None:
    values = sorted({getattr(breed, trait) for breed in BREEDS.values()})

    pets = {value: drawn(DOG._replace(**{trait: value})) for value in values}

    assert [
        (one, other)
        for one in pets
        for other in pets
        if one < other and different(pets[one], pets[other]) < SEEN
    ] == []


def test_socks_are_on_the_feet_whatever_the_paws_are() -> None:
    for markings in ("plain", "points"):
        bare = drawn(DOG._replace(markings=markings))

        socks = drawn(DOG._replace(markings=markings, extra="socks"))

        rows = np.flatnonzero((np.abs(socks - bare).sum(axis=2) > 60).any(axis=1))
        pet = np.flatnonzero((~blank(bare)).any(axis=1))
        assert rows.min() > pet.mean()


@pytest.mark.parametrize(
    ("build", "axis"), [((1.4, 1, 1, 1), 1), ((1, 1, 1.25, 1), 0)], ids=["a longer body", "longer legs"]
)
def test_a_build_is_seen_in_the_shape(build: tuple[float, float, float, float], axis: int) -> None:
    def extent(breed: Breed) -> int:
        along = np.flatnonzero((~blank(drawn(breed))).any(axis=1 - axis))
        return int(along.max() - along.min())

    assert extent(DOG._replace(build=build)) > extent(DOG)


@pytest.mark.parametrize("name", sorted(BREEDS))
def test_a_pet_of_any_breed_lies_within_the_picture_and_fills_a_part_of_it(name: str) -> None:
    for pose in range(4):
        empty = blank(drawn(BREEDS[name], is_cat=name in CATS, pose=pose))

        assert 0.08 < (~empty).mean() < 0.7
        assert empty[0].mean() > 0.9
        assert empty[:, [0, -1]].mean() > 0.9
