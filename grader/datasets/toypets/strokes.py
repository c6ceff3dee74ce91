"""Shapes, colours and a brush: what every part of a toy pet is drawn with.

A shape is a float64 array `[k, 2]` of outline points in the pet's own coordinates: x to the right, y down, the pet
within about -1..1.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw

Shape = npt.NDArray[np.float64]
Colour = tuple[int, int, int]
Point = tuple[float, float]

WHITE: Colour = (255, 252, 245)
BLACK: Colour = (12, 10, 14)


class Tuft(NamedTuple):
    """Locks of fur on an outline: distance between two, and how far they stand out."""

    gap: float
    depth: float


TUFTS = {"fluffy": Tuft(0.13, 0.035), "shaggy": Tuft(0.09, 0.08), "curly": Tuft(0.10, 0.05)}


def ellipse(x: float, y: float, rx: float, ry: float, tilt: float = 0.0, count: int = 40) -> Shape:
    """Return an ellipse about (x, y) with half-axes rx and ry, turned by `tilt` radians."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    px, py = rx * np.cos(angle), ry * np.sin(angle)
    c, s = np.cos(tilt), np.sin(tilt)
    return np.stack([x + c * px - s * py, y + s * px + c * py], axis=1)


def curve(start: Point, bend: Point, end: Point, count: int = 12) -> Shape:
    """Return an open quadratic curve that leaves `start` towards `bend` and arrives at `end`."""
    t = np.linspace(0, 1, count)[:, None]
    points: Shape = (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(bend) + t**2 * np.array(end)
    return points


def ribbon(spine: Shape, width: Shape) -> Shape:
    """Return the outline of a band of half-width `width[k]` along an open curve."""
    step = np.gradient(spine, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], axis=1)
    # Two equal points have no direction; the summand keeps the division finite.
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    # Along one side and back along the other: a closed outline.
    return np.vstack([spine + normal * width[:, None], (spine - normal * width[:, None])[::-1]])


def furry(shape: Shape, coat: str, rng: np.random.Generator) -> Shape:
    """Roughen a closed outline as the coat demands."""
    if coat == "smooth":
        return shape
    closed = np.vstack([shape, shape[:1]])
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    # A whole number of tufts, so that the outline closes without a break; eight points for each.
    count = max(4, round(along[-1] / TUFTS[coat].gap))
    at = np.linspace(0, count, count * 8, endpoint=False)
    spots = at / count * along[-1]
    outline = np.stack([np.interp(spots, along, closed[:, axis]) for axis in (0, 1)], axis=1)
    out = outline - outline.mean(axis=0)
    out /= np.linalg.norm(out, axis=1, keepdims=True) + 1e-9
    phase = at % 1
    wave = phase if coat == "shaggy" else np.abs(np.sin(np.pi * phase))  # leaning saw teeth, or scallops
    # Each tuft has a length of its own.
    size = TUFTS[coat].depth * rng.uniform(0.6, 1.4, count)[at.astype(int)]
    rough: Shape = outline + out * (wave * size)[:, None]
    return rough


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Return `a` with `share` of `b` in it."""
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


class Palette(NamedTuple):
    """The colours of one pet."""

    fur: Colour
    mark: Colour
    skin: Colour
    iris: Colour
    toy: Colour


def palette(rng: np.random.Generator) -> Palette:
    """Draw colours by lot; markings are clearly darker or clearly lighter than the fur."""
    # Three pets in five have a brown or yellow hue, as fur has, the others any.
    hue = rng.uniform(0.03, 0.14) if rng.random() < 0.6 else rng.uniform()
    pale = _hsv(hue, rng.uniform(0.05, 0.55), rng.uniform(0.70, 0.98))
    deep = _hsv(hue + rng.uniform(-0.06, 0.06), rng.uniform(0.2, 0.7), rng.uniform(0.18, 0.42))
    fur, mark = (pale, deep) if rng.random() < 0.7 else (deep, pale)
    mark = mix(mark, fur, rng.uniform(0, 0.1))
    skin = _hsv(rng.uniform(0.94, 1.02), 0.42, 0.92)
    return Palette(fur, mark, skin, _hsv(rng.uniform(), 0.75, 0.92), _hsv(rng.uniform(), 0.75, 0.92))


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    # Hues may leave 0 to 1 by a little: they go around.
    red, green, blue = (round(255 * c) for c in colorsys.hsv_to_rgb(hue % 1, saturation, value))
    return red, green, blue


class Brush:
    """Draws shapes on one picture; owns the picture and the pose (place, size, tilt, mirroring) by lot."""

    def __init__(self, picture: Image.Image, ink: Colour, rng: np.random.Generator) -> None:
        self.picture = picture
        self.ink = ink
        self._pen = ImageDraw.Draw(picture)
        self._unit_px = picture.width * rng.uniform(*SIZES)
        # One pose for all parts of the pet; every other picture is mirrored, on average.
        tilt = rng.normal(0, 0.07)
        turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
        self._matrix = self._unit_px * turn @ np.diag([rng.choice([-1, 1]), 1])
        self._offset = picture.width * (0.5 + rng.uniform(-0.05, 0.05, 2))

    def fill(self, shape: Shape, colour: Colour, *, line: float = 0.016) -> None:
        """Fill a closed shape; `line` is the width of its inked outline, 0 for none."""
        points = self._place(shape)
        self._pen.polygon(points, fill=colour)
        if line:
            self._pen.line([*points, *points[:2]], fill=self.ink, width=self._width(line), joint="curve")

    def line(self, shape: Shape, colour: Colour, width: float) -> None:
        """Draw an open line."""
        self._pen.line(self._place(shape), fill=colour, width=self._width(width), joint="curve")

    def stencil(
        self, shapes: Sequence[Shape], lines: Sequence[Shape] = (), width: float = 0.02
    ) -> Image.Image:
        """Return a mask (mode L) that is white on closed shapes and on lines."""
        mask = Image.new("L", self.picture.size)
        pen = ImageDraw.Draw(mask)
        for shape in shapes:
            pen.polygon(self._place(shape), fill=255)
        for line in lines:
            pen.line(self._place(line), fill=255, width=self._width(width))
        return mask

    def paint(self, region: Shape, marks: Image.Image, colour: Colour) -> None:
        """Paint `marks`, a stencil, inside `region` only."""
        # The product of two masks is white only where both are.
        self.picture.paste(colour, (0, 0), ImageChops.multiply(self.stencil([region]), marks))

    def _place(self, shape: Shape) -> list[Point]:
        return [(x, y) for x, y in (shape @ self._matrix.T + self._offset).tolist()]

    def _width(self, width: float) -> int:
        return max(1, round(width * self._unit_px))


SIZES = (0.29, 0.35)  # pixels of a pet's unit, as a share of the picture's width
