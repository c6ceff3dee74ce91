"""Norms against numpy's own, total variation against a loop, roughness against what it must not reward."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.checks.perturbations import largest_change, roughness, total_variation

IMAGES = hnp.arrays(np.uint8, st.tuples(st.integers(2, 6), st.integers(2, 6), st.just(3)))


@given(IMAGES, st.integers(0, 255), st.data())
def test_the_largest_change_is_the_largest_norm_of_the_integers(
    photo: np.ndarray, epsilon: int, data: st.DataObject
) -> None:
    change = data.draw(hnp.arrays(np.int64, photo.shape, elements=st.integers(-epsilon, epsilon)))
    changed = np.clip(photo.astype(int) + change, 0, 255).astype(np.uint8)

    found = largest_change(photo, changed)

    assert found == np.linalg.norm((changed.astype(float) - photo).ravel(), np.inf)
    assert found <= epsilon


def test_a_change_across_the_whole_range_does_not_wrap_around() -> None:
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)

    assert largest_change(black, white) == largest_change(white, black) == 255


@pytest.mark.parametrize(
    "changed", [np.zeros((2, 3, 3), np.uint8), np.zeros((2, 2, 3), np.int64), np.zeros((2, 2, 3))]
)
def test_only_8_bit_images_of_one_shape_are_compared(changed: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected two uint8 images of one shape"):
        largest_change(np.zeros((2, 2, 3), np.uint8), changed)


@given(IMAGES)
def test_the_total_variation_is_that_of_a_loop(image: np.ndarray) -> None:
    pixels = image / 255
    height, width, _ = pixels.shape
    across = [abs(pixels[y, x + 1] - pixels[y, x]).mean() for y in range(height) for x in range(width - 1)]
    down = [abs(pixels[y + 1, x] - pixels[y, x]).mean() for y in range(height - 1) for x in range(width)]

    found = total_variation(pixels)

    assert found == pytest.approx((np.mean(across) + np.mean(down)) / 2)


def test_less_contrast_wins_nothing() -> None:
    image = (2 * np.random.default_rng(0).integers(0, 100, (20, 30, 3))).astype(np.uint8)

    assert total_variation(image / 510) == pytest.approx(total_variation(image / 255) / 2)
    assert roughness(image // 2) == pytest.approx(roughness(image))


def test_one_colour_everywhere_is_no_smooth_image() -> None:
    assert total_variation(np.full((4, 4, 3), 0.5)) == 0
    assert roughness(np.full((4, 4, 3), 128, np.uint8)) == float("inf")
