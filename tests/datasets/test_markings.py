"""Patterns on the body: each is painted inside its outline, and looks like no other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from grader.datasets.toypets.breeds import BREEDS
from grader.datasets.toypets.markings import PATTERNS, Body
from grader.datasets.toypets.strokes import Brush, Palette, ellipse

FUR = (240, 200, 120)
COLOURS = Palette(FUR, (90, 40, 20), (230, 150, 150), (0, 200, 0), (0, 0, 200))
BODY = Body(ellipse(0.2, 0.3, 0.56, 0.36), 0.2, 0.3, 0.56, 0.36, COLOURS)
BARE = {"plain", "points"}  # points are ears, paws and tail


def painted(name: str, seed: int = 3) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return where a pattern has changed the fur, and where the body is."""
    picture = Image.new("RGB", (256, 256), FUR)
    brush = Brush(picture, (10, 10, 10), np.random.default_rng(0))
    inside = np.asarray(brush.stencil([BODY.outline])) > 0
    PATTERNS[name](brush, BODY, np.random.default_rng(seed))
    return (np.asarray(picture) != FUR).any(axis=2), inside


def test_every_breed_has_a_pattern_that_there_is() -> None:
    assert {breed.markings for breed in BREEDS.values()} == set(PATTERNS)


@pytest.mark.parametrize("name", sorted(set(PATTERNS) - BARE))
def test_a_pattern_covers_a_part_of_the_body_and_nothing_beside_it(name: str) -> None:
    marks, inside = painted(name)

    assert not (marks & ~inside).any()
    assert 0.02 < marks[inside].mean() < 0.95


@pytest.mark.parametrize("name", sorted(BARE))
def test_a_bare_body_keeps_the_colour_of_its_fur(name: str) -> None:
    assert not painted(name)[0].any()


def test_no_two_patterns_look_alike() -> None:
    marks = {name: painted(name)[0] for name in sorted(set(PATTERNS) - BARE)}
    body = painted("plain")[1].sum()

    alike = [
        (one, other)
        for one in marks
        for other in marks
        if one < other and (marks[one] ^ marks[other]).sum() < 0.05 * body
    ]
    assert alike == []


def test_two_pets_of_a_breed_are_not_marked_alike() -> None:
    assert (painted("spots", 1)[0] ^ painted("spots", 2)[0]).any()
