"""Patterns on the body: each function paints one inside the body's outline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import ImageFilter

from grader.datasets.toypets.strokes import WHITE, Brush, Palette, Shape, curve, ellipse, mix, ribbon


@dataclass(frozen=True)
class Body:
    """Outline, place and size of the body that a pattern is painted on.

    Attributes:
        outline: its closed outline, tufts included.
        x: centre.
        y: centre.
        rx: half its length.
        ry: half its height.
        colours: of the pet.
    """

    outline: Shape
    x: float
    y: float
    rx: float
    ry: float
    colours: Palette


Pattern = Callable[[Brush, Body, np.random.Generator], None]


def _grid(body: Body, gap: float, jitter: float, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Yield points all over the body, in rows that are shifted by half a gap."""
    x, y = np.meshgrid(np.arange(-body.rx, body.rx, gap), np.arange(-body.ry, body.ry, gap))
    x[::2] += gap / 2
    points = np.stack([body.x + x.ravel(), body.y + y.ravel()], axis=1)
    points += rng.uniform(-jitter, jitter, points.shape)
    yield from ((px, py) for px, py in points.tolist())


def _columns(body: Body, gap: float, rng: np.random.Generator) -> Iterator[float]:
    """Yield distances from the middle of the body, a gap apart, all shifted by the same lot."""
    yield from (np.arange(-body.rx, body.rx, gap) + rng.uniform(-gap, gap) / 4).tolist()


def _stripes(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    x, y, ry = body.x, body.y, body.ry
    taper = np.linspace(0.035, 0.008, 10)
    # `u` is a distance from the middle of the body, here and below.
    bands = [
        ribbon(curve((x + u, y - ry), (x + u + 0.1, y), (x + u - 0.03, y + ry * 0.7), 10), taper)
        for u in _columns(body, 0.13, rng)
    ]
    brush.paint(body.outline, brush.stencil(bands), body.colours.mark)


def _rings(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    x, y, rx = body.x, body.y, body.rx
    heights = np.arange(-body.ry, body.ry, 0.15) + rng.uniform(-0.03, 0.03)
    hoops = [curve((x - rx, y + u), (x, y + u + 0.16), (x + rx, y + u)) for u in heights.tolist()]
    brush.paint(
        body.outline, brush.stencil([ribbon(hoop, np.full(12, 0.028)) for hoop in hoops]), body.colours.mark
    )


def _spots(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    spots = [ellipse(x, y, 0.042, 0.036, count=14) for x, y in _grid(body, 0.15, 0.03, rng)]
    brush.paint(body.outline, brush.stencil(spots), body.colours.mark)


def _rosettes(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    places = list(_grid(body, 0.21, 0.03, rng))
    # Dark rims first, lighter hearts inside them.
    rims = [ellipse(x, y, 0.088, 0.074, count=18) for x, y in places]
    hearts = [ellipse(x + 0.01, y, 0.048, 0.038, count=14) for x, y in places]
    brush.paint(body.outline, brush.stencil(rims), body.colours.mark)
    brush.paint(body.outline, brush.stencil(hearts), mix(body.colours.fur, body.colours.mark, 0.25))


def _ticks(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    dashes = [np.array([[x, y], [x + 0.03, y + 0.012]]) for x, y in _grid(body, 0.065, 0.03, rng)]
    brush.paint(body.outline, brush.stencil([], dashes, 0.02), body.colours.mark)


def _hatch(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    x, y, rx, ry = body.x, body.y, body.rx, body.ry
    # Slanted lines start left of the body, so that its lower left is covered, too.
    starts = np.arange(-rx - 2 * ry, rx + ry, 0.07) + rng.uniform(-0.03, 0.03)
    lines = [np.array([[x + u, y - ry], [x + u + ry, y + ry]]) for u in starts]
    brush.paint(body.outline, brush.stencil([], lines, 0.018), body.colours.mark)


def _strands(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    x, y, ry = body.x, body.y, body.ry
    hair = [
        curve((x + u, y - ry), (x + u + rng.uniform(-0.08, 0.08), y), (x + u * 1.1, y + ry * 1.1), 8)
        for u in _columns(body, 0.045, rng)
    ]
    brush.paint(body.outline, brush.stencil([], hair, 0.014), mix(body.colours.fur, body.colours.mark, 0.7))


def _curls(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    def curl(x: float, y: float) -> Shape:
        angle = np.linspace(0, 5.2, 12) + rng.uniform(0, 6)
        return np.stack([x + 0.042 * np.cos(angle), y + 0.042 * np.sin(angle)], axis=1)

    curls = [curl(x, y) for x, y in _grid(body, 0.10, 0.015, rng)]
    brush.paint(body.outline, brush.stencil([], curls, 0.014), mix(body.colours.fur, body.colours.mark, 0.7))


def _wrinkles(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    x, y, ry = body.x, body.y, body.ry
    folds = [
        curve((x + u - 0.1, y - ry), (x + u + 0.12, y - ry * 0.2), (x + u - 0.05, y + ry * 0.6))
        for u in _columns(body, 0.22, rng)
    ]
    brush.paint(body.outline, brush.stencil([], folds, 0.016), brush.ink)


def _gloss(brush: Brush, body: Body, _: np.random.Generator) -> None:
    long = ellipse(body.x + 0.1, body.y - body.ry * 0.5, body.rx * 0.6, body.ry * 0.16)
    short = ellipse(body.x - body.rx * 0.62, body.y - body.ry * 0.1, 0.08, 0.05)
    shine = brush.stencil([long, short]).filter(ImageFilter.BoxBlur(4))
    brush.paint(body.outline, shine, mix(body.colours.fur, WHITE, 0.6))


def _saddle(brush: Brush, body: Body, _: np.random.Generator) -> None:
    # Reaches beyond the body: `Brush.paint` cuts it off at the outline.
    saddle = ellipse(body.x + 0.08, body.y - body.ry * 0.75, body.rx * 0.75, body.ry * 0.85)
    brush.paint(body.outline, brush.stencil([saddle]), body.colours.mark)


def _patches(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    places = ((-0.35, -0.6), (0.45, -0.35), (0.0, 0.35))
    blots = [
        ellipse(body.x + body.rx * u, body.y + body.ry * v, 0.2, 0.15, rng.uniform(0, 3)) for u, v in places
    ]
    brush.paint(body.outline, brush.stencil(blots), body.colours.mark)


def _belly(brush: Brush, body: Body, _: np.random.Generator) -> None:
    belly = ellipse(body.x - body.rx * 0.35, body.y + body.ry * 0.85, body.rx * 0.85, body.ry * 0.75)
    brush.paint(body.outline, brush.stencil([belly]), mix(body.colours.fur, WHITE, 0.8))


def _plain(brush: Brush, body: Body, rng: np.random.Generator) -> None:
    """Paint nothing: the fur's own colour."""


PATTERNS: dict[str, Pattern] = {
    "belly": _belly,
    "curls": _curls,
    "gloss": _gloss,
    "hatch": _hatch,
    "patches": _patches,
    "plain": _plain,
    "points": _plain,  # dark ears, paws and tail: the other parts see to it
    "rings": _rings,
    "rosettes": _rosettes,
    "saddle": _saddle,
    "spots": _spots,
    "strands": _strands,
    "stripes": _stripes,
    "ticks": _ticks,
    "wrinkles": _wrinkles,
}
