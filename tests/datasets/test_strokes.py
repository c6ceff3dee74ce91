"""What toy pets are drawn with: shapes that close, colours that differ, a brush that stays inside its stencil."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from grader.datasets.toypets.strokes import (
    TUFTS,
    WHITE,
    Brush,
    curve,
    ellipse,
    furry,
    mix,
    palette,
    ribbon,
)

INK = (1, 2, 3)


def canvas(seed: int = 0) -> tuple[Image.Image, Brush]:
    picture = Image.new("RGB", (256, 256), WHITE)
    return picture, Brush(picture, INK, np.random.default_rng(seed))


def drawn(picture: Image.Image) -> int:
    """Count the pixels that are not blank any more."""
    return int((np.asarray(picture) != WHITE).any(axis=2).sum())


def test_a_turned_ellipse_keeps_its_half_axes() -> None:
    points = ellipse(3, -2, 2, 0.5, tilt=0.7, count=400) - (3, -2)

    distance = np.hypot(*points.T)

    assert (distance.min(), distance.max()) == pytest.approx((0.5, 2), abs=1e-3)
    assert points[distance.argmax()] == pytest.approx(2 * np.array([np.cos(0.7), np.sin(0.7)]), abs=0.02)


def test_a_curve_goes_from_its_start_to_its_end_and_leaves_towards_its_bend() -> None:
    points = curve((0, 0), (1, 0), (1, 1), 50)

    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert points[1][0] > 10 * points[1][1]


def test_a_ribbon_is_as_wide_as_it_is_told_and_survives_equal_points() -> None:
    straight = np.stack([np.linspace(0, 1, 5), np.zeros(5)], axis=1)

    outline = ribbon(straight, np.full(5, 0.2))

    assert sorted(set(outline[:, 1].round(6))) == [-0.2, 0.2]
    assert np.isfinite(ribbon(np.zeros((5, 2)), np.full(5, 0.2))).all()


@pytest.mark.parametrize("coat", TUFTS)
def test_fur_stands_out_of_the_outline_and_no_further_than_its_tufts(coat: str) -> None:
    rough = furry(ellipse(0, 0, 1, 1, count=400), coat, np.random.default_rng(0))

    radius = np.hypot(*rough.T)

    assert radius.min() > 0.99
    assert 1 + TUFTS[coat].depth / 2 < radius.max() <= 1 + 1.4 * TUFTS[coat].depth + 0.01


def test_a_smooth_coat_leaves_the_outline_as_it_is() -> None:
    shape = ellipse(0, 0, 1, 1)

    assert furry(shape, "smooth", np.random.default_rng(0)) is shape


def test_markings_are_clearly_darker_or_lighter_than_the_fur() -> None:
    found = [palette(np.random.default_rng(seed)) for seed in range(200)]

    gaps = [sum(colours.fur) - sum(colours.mark) for colours in found]
    assert min(map(abs, gaps)) > 60
    assert {gap > 0 for gap in gaps} == {True, False}
    assert all(0 <= channel <= 255 for colours in found for colour in colours for channel in colour)


def test_a_mixture_lies_between_its_colours() -> None:
    assert mix((0, 100, 200), (100, 0, 200), 0.25) == (25, 75, 200)
    assert mix((1, 2, 3), (9, 9, 9), 0) == (1, 2, 3)


def test_a_mark_is_painted_inside_its_region_only() -> None:
    picture, brush = canvas()
    region, mark = ellipse(0, 0, 0.5, 0.5), ellipse(0.4, 0, 0.5, 0.5)
    inside = np.asarray(brush.stencil([region])) > 0

    brush.paint(region, brush.stencil([mark]), (200, 0, 0))

    painted = (np.asarray(picture) != WHITE).any(axis=2)
    assert painted.any()
    assert not (painted & ~inside).any()


def test_an_outline_is_inked_unless_its_line_has_no_width() -> None:
    with_line, without = canvas(), canvas()

    with_line[1].fill(ellipse(0, 0, 0.5, 0.5), (200, 0, 0))
    without[1].fill(ellipse(0, 0, 0.5, 0.5), (200, 0, 0), line=0)

    inked = [(np.asarray(picture) == INK).all(axis=2).sum() for picture, _ in (with_line, without)]
    assert inked[0] > 0
    assert inked[1] == 0


def test_poses_differ_in_place_and_size_and_half_of_them_are_mirrored() -> None:
    right = ellipse(0.6, 0, 0.1, 0.1)
    columns = [
        np.flatnonzero(np.asarray(canvas(seed)[1].stencil([right])).any(axis=0)).mean() for seed in range(40)
    ]

    mirrored = sum(column < 128 for column in columns)
    assert 8 <= mirrored <= 32
    assert len({round(column) for column in columns}) > 10
