"""The parts of a toy pet, drawn from back to front: tail, legs, body, ears, head, face, extras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grader.datasets.toypets.breeds import Breed
from grader.datasets.toypets.head import draw_head
from grader.datasets.toypets.markings import PATTERNS, Body
from grader.datasets.toypets.strokes import (
    BLACK,
    WHITE,
    Brush,
    Palette,
    Point,
    Shape,
    curve,
    ellipse,
    furry,
    mix,
    ribbon,
)

STEPS = 24  # points along a tail


@dataclass(frozen=True)
class Tail:
    """A tail that is one bent band: where it bends and ends, from its root, and its half-width along the way."""

    bend: Point
    end: Point
    width: Shape


_T = np.linspace(0, 1, STEPS)
# Bend and end are measured from the root: x away from the head, y down.
TAILS = {
    "thin": Tail((0.45, 0.15), (0.42, -0.62), 0.055 - 0.02 * _T),
    "thick": Tail((0.36, -0.1), (0.34, -0.60), np.full(STEPS, 0.085)),
    "bushy": Tail((0.46, 0.2), (0.48, -0.42), 0.07 + 0.13 * np.sin(np.pi * _T * 0.9)),
    "whip": Tail((0.12, 0.6), (0.50, 0.42), 0.05 - 0.042 * _T),
    "plume": Tail((0.3, -0.5), (0.46, -0.30), 0.05 + 0.11 * _T * (1.25 - _T)),
}


def draw_pet(brush: Brush, breed: Breed, colours: Palette, *, is_cat: bool, rng: np.random.Generator) -> None:
    """Draw one pet of a breed.

    Args:
        brush: knows the picture and the pose.
        breed: decides shape and texture.
        colours: of this pet.
        is_cat: decides eyes, nose and whiskers.
        rng: draws the small differences between two pets of one breed.
    """
    # Two pets of one breed differ by up to 5 %.
    length, height, legs, head = np.array(breed.build) * rng.uniform(0.95, 1.05, 4)
    # y points down: longer legs lift the body.
    y = 0.30 - 0.12 * (legs - 1)
    # `_torso` draws the outline; the other parts need centre, size and colours alone.
    body = Body(np.empty((0, 2)), 0.20, y, 0.56 * length, 0.36 * height, colours)
    floor = y + body.ry * 0.75 + 0.42 * legs
    nose = (body.x - body.rx * 0.82, y - body.ry * 0.55 - 0.36 * head)
    radius = 0.37 * head
    _shadow(brush, body, floor)
    _tail(brush, breed, body, rng)
    # The far legs, darker and behind the body; the near ones follow after it.
    for offset in (-0.58, 0.78):
        _leg(brush, breed, body, (body.x + body.rx * offset, floor), mix(colours.fur, BLACK, 0.22), rng)
    _torso(brush, breed, body, nose, radius, rng)
    for offset in (-0.78, 0.56):
        _leg(brush, breed, body, (body.x + body.rx * offset, floor), colours.fur, rng)
    draw_head(brush, breed, colours, nose, radius, is_cat=is_cat, rng=rng)


def _shadow(brush: Brush, body: Body, floor: float) -> None:
    # A mask of 2/5, so that the ground is seen through the shadow.
    mask = brush.stencil([ellipse(body.x, floor, body.rx * 1.25, 0.09)]).point(lambda value: value * 2 // 5)
    brush.picture.paste((0, 0, 0), (0, 0), mask)


def _leg(
    brush: Brush,
    breed: Breed,
    body: Body,
    foot: Point,
    colour: tuple[int, int, int],
    rng: np.random.Generator,
) -> None:
    x, floor = foot
    width = 0.085 * (breed.build[1] * 0.5 + 0.55)
    spine = np.stack([np.full(8, x), np.linspace(body.y + body.ry * 0.35, floor - 0.04, 8)], axis=1)
    brush.fill(furry(ribbon(spine, np.linspace(width * 1.25, width, 8)), breed.coat, rng), colour)
    # Socks go over points.
    paw = colour
    if breed.markings == "points":
        paw = body.colours.mark
    if breed.extra == "socks":
        paw = WHITE
    brush.fill(ellipse(x - 0.03, floor - 0.03, width * 1.45, 0.07), paw)
    for toe in (x - 0.065, x - 0.005):
        brush.line(
            curve((toe, floor - 0.045), (toe - 0.005, floor), (toe, floor + 0.02), 4), brush.ink, 0.012
        )


def _tail(brush: Brush, breed: Breed, body: Body, rng: np.random.Generator) -> None:
    x, y = body.x + body.rx * 0.88, body.y - body.ry * 0.25
    colour = body.colours.mark if breed.markings in {"points", "saddle"} else body.colours.fur
    if breed.tail == "stub":
        brush.fill(ellipse(x + 0.06, y - 0.02, 0.10, 0.07, -0.5), colour)
        return
    if breed.tail == "curl":
        # A spiral: the radius shrinks while the angle turns not quite once around.
        angle, radius = np.linspace(0.5, -5.2, 30), np.linspace(0.26, 0.09, 30)
        spine = np.stack([x - 0.08 + radius * np.cos(angle), y - 0.24 + radius * np.sin(angle)], axis=1)
        brush.fill(furry(ribbon(spine, np.linspace(0.10, 0.06, 30)), breed.coat, rng), colour)
        return
    tail = TAILS[breed.tail]
    sway_x, sway_y = rng.uniform(-0.07, 0.07, 2)
    end = (x + tail.end[0] + sway_x, y + tail.end[1] + sway_y)
    spine = curve((x, y), (x + tail.bend[0], y + tail.bend[1]), end, STEPS)
    outline = furry(ribbon(spine, tail.width), "shaggy" if breed.tail == "plume" else breed.coat, rng)
    brush.fill(outline, colour)
    if breed.markings in {"stripes", "rosettes", "rings"}:
        # Short bands across the tail, at every fourth point.
        bands = [ribbon(spine[at : at + 2], np.full(2, 0.3)) for at in range(3, STEPS - 1, 4)]
        brush.paint(outline, brush.stencil(bands), body.colours.mark)


def _torso(
    brush: Brush, breed: Breed, body: Body, nose: Point, radius: float, rng: np.random.Generator
) -> None:
    spine = curve((body.x - body.rx * 0.55, body.y), (nose[0] + 0.1, body.y - 0.1), nose, 16)
    neck = ribbon(spine, np.linspace(body.ry * 0.8, radius * 0.62, 16))
    brush.fill(furry(neck, breed.coat, rng), body.colours.fur)
    outline = furry(ellipse(body.x, body.y, body.rx, body.ry), breed.coat, rng)
    brush.fill(outline, body.colours.fur)
    marked = Body(outline, body.x, body.y, body.rx, body.ry, body.colours)
    PATTERNS[breed.markings](brush, marked, rng)
