"""Kinds of pictures: as many of each class as asked for, in no order, small, and the public ones are everybody's."""

from __future__ import annotations

import numpy as np
import pytest

from grader.datasets import kinds
from grader.errors import SpecError


@pytest.mark.parametrize("kind", kinds.DRAWN)
def test_as_many_as_asked_for_in_no_order(kind: str) -> None:
    drawn = kinds.draw_kind(kind, (3, 5, 4), np.random.default_rng(0))

    assert drawn.images.shape == (12, 112, 112, 3)
    assert np.bincount(drawn.labels).tolist() == [3, 5, 4]
    assert (np.diff(drawn.labels) < 0).any()


def test_the_same_seed_draws_the_same_pictures() -> None:
    first, again = (kinds.draw_kind("cells", (1, 1, 1), kinds.public_rng("cells", "test")) for _ in range(2))

    assert (first.images == again.images).all()


@pytest.mark.parametrize(("kind", "counts"), [("faces", (1, 1, 1)), ("cells", (1, 1))])
def test_what_is_not_drawn_is_refused(kind: str, counts: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="expected textures or cells"):
        kinds.draw_kind(kind, counts, np.random.default_rng(0))


def test_groups_are_equally_many_and_at_half_their_size() -> None:
    labels = np.array([0, 1, 2, 2, 1, 2, 0])
    images = np.repeat(labels.astype(np.uint8) * 40, 8 * 8 * 3).reshape(7, 8, 8, 3)

    chosen = kinds.of_groups(images, labels, ("wolf", "fox", "fox"), 4, np.random.default_rng(0))

    assert chosen.images.shape == (4, 4, 4, 3)
    assert np.bincount(chosen.labels).tolist() == [2, 2]
    assert ((chosen.images[:, 0, 0, 0] == 0) == (chosen.labels == 1)).all()  # sorted: fox, wolf


def test_half_the_size_is_the_mean_of_each_square() -> None:
    image = np.zeros((1, 2, 4, 3), np.uint8)
    image[0, :, :2] = np.array([[[0], [100]], [[200], [255]]])

    assert kinds.half_size(image)[0, 0, :, 0].tolist() == [139, 0]
