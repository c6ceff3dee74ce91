"""The ideal image of a class without and with the variation term, and what a shift does to both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grader.checks.images import unpacked
from grader.feedback.drawings import svg
from grader.feedback.drawings.content import (
    COLUMNS,
    MARGIN,
    NAME_CHARS,
    TILE,
    WIDTH,
    finite,
    probability,
    rows_of,
    share,
)
from grader.feedback.drawings.svg import Drawing, Pixels, Point, curve, dot, photo, short, words

IDEALS, SHIFTS = 4, 64  # drawn at most; accepted at most


@dataclass(frozen=True)
class _Ideal:
    """One class's two ideal images, as `ideal_images` documents them."""

    name: str
    images: tuple[Pixels, Pixels]
    p: tuple[float, float]
    variation: tuple[float, float]
    ratio: float
    at_most: float
    curves: tuple[tuple[Point, ...], tuple[Point, ...]]

    @property
    def share(self) -> str:
        return f"{self.ratio:.2f}" if math.isfinite(self.ratio) else "no share"


_WAYS = ("plain", "smooth")


def _ideal(row: Any) -> _Ideal:  # noqa: ANN401 - JSON
    shifts = [finite(shift) for shift in row["shift_px"]]
    if not 0 < len(shifts) <= SHIFTS:
        raise ValueError(f"expected 1 to {SHIFTS} shifts, found {len(shifts)}")
    plain, smooth = (
        tuple(sorted(zip(shifts, map(share, row[f"shift_{way}"]), strict=True))) for way in _WAYS
    )
    return _Ideal(
        name=short(str(row["name"]), NAME_CHARS),
        images=(unpacked(row["plain"]), unpacked(row["smooth"])),
        p=(share(row["p_plain"]), share(row["p_smooth"])),
        variation=(finite(row["variation_plain"]), finite(row["variation_smooth"])),
        ratio=float(row["ratio"]),
        at_most=finite(row["at_most"]),
        curves=(plain, smooth),
    )


def ideal_images(content: dict[str, Any]) -> Drawing:
    """Draw the ideal image of a class without and with the variation term, and what shifting does to both.

    Args:
        content: `rows`, a list of {`name`: class; `plain`, `smooth`: the images made without and with the term, as
            `images.unpacked` takes them; `p_plain`, `p_smooth`: probability of the class; `variation_plain`,
            `variation_smooth`: total variation; `ratio`: variation per contrast of the smooth image as a share of the
            plain one's, NaN when one has no contrast, `at_most` what it may be; `shift_px`: pixels by which the images
            were moved; `shift_plain`, `shift_smooth`: probability of the class at each shift}. Four rows are drawn.
    """
    rows = [_ideal(row) for row in rows_of(content, IDEALS)]
    pieces, says, height = list[str](), list[str](), 48 + TILE + 74
    for place, row in enumerate(rows):
        pieces += _ideal_pieces(row, MARGIN + place * height)
        says.append(_ideal_said(row))
    return svg.sheet(WIDTH, MARGIN + len(rows) * height - 12, pieces, says)


def _ideal_pieces(row: _Ideal, top: float) -> list[str]:
    under = top + 48 + TILE
    enough = row.ratio <= row.at_most
    mark, colour = ("✓", svg.BLUE) if enough else ("✗", svg.ALARM)
    pieces = [words((MARGIN, top + 14), f"Ideal “{row.name}”", size=15, bold=True)]
    for x, image, title, p, variation in zip(
        COLUMNS[:2], row.images, ("without the term", "with the term"), row.p, row.variation, strict=True
    ):
        pieces += [
            words((x, top + 40), title, colour=svg.SOFT),
            photo((x, top + 48), TILE, image),
            words((x, under + 19), f"p {probability(p)}", bold=True),
            words((x + TILE, under + 19), f"total variation {variation:.3f}", anchor="end"),
        ]
    verdict = f"{mark} variation per contrast: {row.share} of the left one’s, at most {row.at_most:.2f}"
    pieces += [
        words((COLUMNS[0], under + 41), verdict, colour=colour, bold=True),
        words((COLUMNS[2], top + 40), "p when the image is shifted", colour=svg.SOFT),
        *_chart((COLUMNS[2] + 26, top + 56), (TILE - 32, TILE - 26), row.curves),
        curve([(COLUMNS[2] + 26, under + 37), (COLUMNS[2] + 50, under + 37)], svg.BLUE),
        words((COLUMNS[2] + 55, under + 41), "with", size=12),
        curve([(COLUMNS[2] + 104, under + 37), (COLUMNS[2] + 128, under + 37)], svg.ORANGE, dashed=True),
        words((COLUMNS[2] + 133, under + 41), "without", size=12),
    ]
    return pieces


def _chart(at: Point, size: Point, curves: Sequence[Sequence[Point]]) -> list[str]:
    """Draw probability against shift: without the term orange and dashed, with it blue and solid."""
    (left, top), (width, height) = at, size
    shifts = [shift for points in curves for shift, _ in points]
    low, high = min(shifts), max(shifts)
    span = high - low or 1.0

    def place(shift: float, p: float) -> Point:
        return left + width * ((shift - low) / span if high > low else 0.5), top + height * (1 - p)

    pieces = []
    for p, label in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        y = place(low, p)[1]
        pieces.append(curve([(left, y), (left + width, y)], svg.GRID, width=1))
        pieces.append(words((left - 6, y + 4), label, size=11, colour=svg.SOFT, anchor="end"))
    ticks = {low, high, 0.0} if low <= 0 <= high else {low, high}
    for shift in sorted(ticks):
        at_tick = (place(shift, 0)[0], top + height + 15)
        pieces.append(
            words(at_tick, f"{shift:+g}" if shift else "0", size=11, colour=svg.SOFT, anchor="middle")
        )
    axis = "pixels to the side"
    pieces.append(
        words((left + width / 2, top + height + 31), axis, size=11, colour=svg.SOFT, anchor="middle")
    )
    for points, colour, dashed in zip(curves, (svg.ORANGE, svg.BLUE), (True, False), strict=True):
        places = [place(*point) for point in points]
        pieces.append(curve(places, colour, dashed=dashed))
        pieces += [dot(one, colour, hollow=dashed) for one in places]
    return pieces


def _ideal_said(row: _Ideal) -> str:
    lowest = [min(p for _, p in points) for points in row.curves]
    return (
        f"{row.name}: p {probability(row.p[0])} without the term and {probability(row.p[1])} with it; total variation"
        f" {row.variation[0]:.3f} and {row.variation[1]:.3f}; per contrast {row.share} of the former, at most"
        f" {row.at_most:.2f} is needed; shifted, p falls to {probability(lowest[0])} and {probability(lowest[1])}."
    )
