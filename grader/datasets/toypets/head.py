"""The head of a toy pet: ears, skull, face, muzzle, and what a breed wears.

Inside this module points are in units of the head's radius, from the middle of the head; `_Head` places them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grader.datasets.toypets.breeds import Breed
from grader.datasets.toypets.strokes import (
    BLACK,
    WHITE,
    Brush,
    Colour,
    Palette,
    Point,
    Shape,
    curve,
    ellipse,
    furry,
    mix,
    ribbon,
)

# Shapes are given for the right; `_Head.at` mirrors them.
SIDES = (-1, 1)
UPRIGHT = {  # inner base, tip, outer base of the right ear
    "pointed": ((0.18, -0.85), (0.82, -1.45), (0.98, -0.25)),
    "tufted": ((0.22, -0.85), (0.80, -1.55), (0.98, -0.30)),
    "bat": ((0.15, -0.80), (1.30, -1.50), (1.02, 0.05)),
    "cropped": ((0.35, -0.80), (0.62, -1.75), (0.86, -0.45)),
}
HANGING = {
    "long": (0.50, 0.30, 0.95),
    "drop": (0.02, 0.27, 0.55),
}  # height of the middle, half-width, half-length
FOLD = ((0.30, -0.95), (1.02, -0.72), (1.12, -0.22), (0.78, -0.42))
SNOUTS = {  # half-width, half-height, height of the middle
    "short": (0.40, 0.32, 0.38),
    "long": (0.36, 0.50, 0.52),
    "jowls": (0.62, 0.42, 0.45),
    "beard": (0.52, 0.62, 0.62),
    "flat": (0.44, 0.27, 0.28),
}
WIDTHS = {"jowls": 1.08, "flat": 1.1, "long": 0.92}  # of the skull; 1 for the others


@dataclass(frozen=True)
class _Head:
    """The head that is being drawn: its place and size, with brush, breed and colours."""

    brush: Brush
    breed: Breed
    colours: Palette
    middle: Point
    radius: float
    is_cat: bool
    rng: np.random.Generator

    def at(self, points: Shape | tuple[Point, ...], side: int = 1) -> Shape:
        """Place points given in head units; `side` -1 mirrors them."""
        placed: Shape = np.asarray(points, np.float64) * [side * self.radius, self.radius] + self.middle
        return placed

    def oval(self, x: float, y: float, rx: float, ry: float, tilt: float = 0.0) -> Shape:
        return self.at(ellipse(x, y, rx, ry, tilt))

    def arc(self, start: Point, bend: Point, end: Point, width: float, colour: Colour) -> None:
        self.brush.line(self.at(curve(start, bend, end, 8)), colour, width)


def draw_head(
    brush: Brush,
    breed: Breed,
    colours: Palette,
    middle: Point,
    radius: float,
    *,
    is_cat: bool,
    rng: np.random.Generator,
) -> None:
    """Draw a head of a breed about `middle`."""
    head = _Head(brush, breed, colours, middle, radius, is_cat, rng)
    # From back to front: upright ears stand behind the skull, hanging ones lie over it.
    _upright_ears(head)
    skull = ellipse(0, 0, WIDTHS.get(breed.muzzle, 1.0), 0.88 if is_cat else 0.98)
    outline = furry(head.at(skull), breed.coat, rng)
    brush.fill(outline, colours.fur)
    _face_markings(head, outline)
    _hanging_ears(head)
    _eyes(head)
    _muzzle(head)
    EXTRAS[breed.extra](head)


def _upright_ears(head: _Head) -> None:
    kind, colours, brush = head.breed.ears, head.colours, head.brush
    colour = colours.mark if head.breed.markings in {"points", "saddle", "patches"} else colours.fur
    for side in SIDES:
        if kind in UPRIGHT:
            ear = np.array(UPRIGHT[kind])
            # The inner ear is the same triangle, shrunk about its middle.
            inside = ear.mean(axis=0) + (ear - ear.mean(axis=0)) * 0.55
            brush.fill(head.at(ear, side), colour)
            brush.fill(head.at(inside, side), colours.skin, line=0)
        if kind == "tufted":
            for lean in (-0.12, 0.02, 0.16):
                brush.line(head.at(((0.80, -1.5), (0.80 + lean, -1.95)), side), brush.ink, 0.018)
        if kind == "round":
            brush.fill(head.oval(side * 0.66, -0.78, 0.34, 0.38), colour)
            brush.fill(head.oval(side * 0.66, -0.76, 0.19, 0.22), colours.skin, line=0)
        if kind == "butterfly":
            wing = head.oval(side * 1.10, -0.35, 0.42, 0.70, side * 0.55)
            brush.fill(furry(wing, "shaggy", head.rng), colour)


def _hanging_ears(head: _Head) -> None:
    kind, colours = head.breed.ears, head.colours
    marked = head.breed.markings in {"saddle", "patches", "spots"}
    colour = colours.mark if marked else mix(colours.fur, BLACK, 0.18)
    for side in SIDES:
        if kind == "fold":
            head.brush.fill(head.at(FOLD, side), colour)
        if kind in HANGING:
            y, width, length = HANGING[kind]
            flap = head.oval(side * 1.02, y, width, length, -side * 0.16)
            head.brush.fill(furry(flap, head.breed.coat, head.rng), colour)


def _face_markings(head: _Head, outline: Shape) -> None:
    # `spectacles` and `brows` are drawn with the eyes.
    kind, brush, mark = head.breed.face, head.brush, head.colours.mark
    if kind == "blaze":
        # The whole face in the colour of the markings, a light stripe over it.
        blaze = ribbon(head.at(((0, -1), (0, 0), (0, 1))), np.array([0.12, 0.14, 0.5]) * head.radius)
        brush.paint(outline, brush.stencil([outline]), mark)
        brush.paint(outline, brush.stencil([blaze]), mix(head.colours.fur, WHITE, 0.6))
    elif kind == "mask":
        brush.paint(outline, brush.stencil([head.oval(0, 0.35, 0.72, 0.62)]), mark)
    elif kind == "patch":
        brush.paint(outline, brush.stencil([head.oval(0.45, -0.2, 0.46, 0.5)]), mark)
    elif kind == "tabby":
        lines = [head.at(((u, -1), (u * 0.6, -0.45))) for u in (-0.5, -0.25, 0, 0.25, 0.5)]
        lines += [head.at(((1, v), (0.6, v - 0.06)), side) for side in SIDES for v in (0.05, 0.25)]
        brush.paint(outline, brush.stencil([], lines, 0.03), mark)


def _eyes(head: _Head) -> None:
    brush, mark = head.brush, head.colours.mark
    big = 1.25 if head.breed.muzzle in {"flat", "short"} else 1.0
    for side in SIDES:
        x, y = side * 0.40, -0.14
        if head.is_cat:
            brush.fill(head.oval(x, y, 0.19 * big, 0.17 * big, side * 0.25), head.colours.iris)
            brush.fill(head.oval(x, y, 0.055, 0.15), BLACK, line=0)
        else:
            brush.fill(head.oval(x, y, 0.135 * big, 0.15 * big), (34, 22, 18))
        # The reflection lies on the same side of both eyes, not mirrored.
        brush.fill(head.oval(x - 0.04, y - 0.06, 0.04, 0.04), WHITE, line=0)
        if head.breed.face == "spectacles":
            # Lines are open: the first point once more closes the ring.
            rim = head.oval(x, y, 0.28, 0.28)
            brush.line(np.vstack([rim, rim[:1]]), mark, 0.028)
        if head.breed.face == "brows":
            brush.fill(head.oval(x, y - 0.30, 0.13, 0.08, side * 0.3), mark, line=0)


def _muzzle(head: _Head) -> None:
    kind, brush = head.breed.muzzle, head.brush
    light = head.colours.mark if head.breed.face == "mask" else mix(head.colours.fur, WHITE, 0.5)
    nose = 0.22 if kind == "cat" else 0.06
    if head.is_cat:
        for side in SIDES:
            brush.fill(head.oval(side * 0.19, nose + 0.20, 0.24, 0.18), light, line=0.008)
        brush.fill(head.at(((-0.1, nose - 0.05), (0.1, nose - 0.05), (0, nose + 0.09))), head.colours.skin)
        # Of the cats only the sphynx has wrinkles, and it has no whiskers.
        if head.breed.extra != "wrinkles":
            _whiskers(head, nose)
    else:
        width, height, y = SNOUTS[kind]
        coat = "shaggy" if kind == "beard" else "smooth"
        brush.fill(furry(head.oval(0, y, width, height), coat, head.rng), light)
        nose = y - height * 0.45
        brush.fill(head.oval(0, nose, 0.24 if kind == "jowls" else 0.19, 0.13), BLACK)
    mouth = nose + 0.30
    for side in SIDES:
        head.arc((0, mouth - 0.16), (side * 0.02, mouth + 0.08), (side * 0.24, mouth), 0.016, brush.ink)
        if kind == "jowls":
            corner, hang = (side * 0.24, mouth), (side * 0.52, mouth + 0.3)
            head.arc(corner, (side * 0.5, mouth + 0.05), hang, 0.016, brush.ink)


def _whiskers(head: _Head, nose: float) -> None:
    for side in SIDES:
        for rise in (-0.14, 0.02, 0.18):
            bend, end = (side * 0.8, nose + 0.15 + rise * 0.5), (side * 1.25, nose + 0.2 + rise)
            head.arc((side * 0.3, nose + 0.2), bend, end, 0.010, WHITE)


def _bow(head: _Head) -> None:
    for side in SIDES:
        head.brush.fill(head.at(((0, -0.95), (0.5, -1.25), (0.5, -0.7)), side), head.colours.toy)
    head.brush.fill(head.oval(0, -0.95, 0.12, 0.12), head.colours.toy)


def _ruff(head: _Head) -> None:
    angle = np.linspace(0.35, np.pi - 0.35, 24)
    for radius in (1.28, 1.05):
        spine = head.at(radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
        collar = ribbon(spine, np.full(24, 0.13 * head.radius))
        head.brush.fill(furry(collar, "shaggy", head.rng), mix(head.colours.fur, WHITE, 0.25))


def _keg(head: _Head) -> None:
    head.brush.fill(head.oval(0.1, 1.25, 0.38, 0.26), (150, 95, 50))
    for x in (-0.05, 0.25):
        head.arc((x, 1.02), (x + 0.4 * (x - 0.1), 1.25), (x, 1.48), 0.03, (230, 200, 90))


def _fringe(head: _Head) -> None:
    hair = mix(head.colours.fur, head.colours.mark, 0.35)
    for u in np.linspace(-0.75, 0.75, 13).tolist():
        head.arc((u * 0.4, -1.0), (u, -0.6), (u * 1.1, head.rng.uniform(-0.1, 0.15)), 0.03, hair)


def _tongue(head: _Head) -> None:
    head.brush.fill(head.oval(0.05, 0.92, 0.13, 0.22), (230, 100, 120))


def _wrinkles(head: _Head) -> None:
    for y in (-0.62, -0.78):
        head.arc((-0.4, y), (0, y + 0.18), (0.4, y), 0.018, head.brush.ink)


def _nothing(head: _Head) -> None:
    """Wear nothing: socks are painted with the legs."""


EXTRAS = {
    "bow": _bow,
    "fringe": _fringe,
    "keg": _keg,
    "none": _nothing,
    "ruff": _ruff,
    "socks": _nothing,
    "tongue": _tongue,
    "wrinkles": _wrinkles,
}
