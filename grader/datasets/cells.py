"""Drawn tissue: nuclei in a stained slice, from a seed. They look like a microscope's pictures and are none.

No patient, no slice and no diagnosis stands behind them: the three classes are shapes that a program draws. Stain, light, focus and
the number of nuclei are drawn for each picture from the same ranges, so that only what the nuclei are like tells the class.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

# round: circles of nearly one size; spindle: long ones that lie in one direction; uneven: of many sizes, with dents.
CLASSES = ("round", "spindle", "uneven")
SIDE_PX = 112
DRAWN_PX = 168  # drawn larger and made smaller, so that edges are smooth
REACH_PX = 26  # farthest edge of a nucleus from its middle


def picture(name: str, rng: np.random.Generator) -> Pixels:
    """Draw one picture.

    Args:
        name: one of `CLASSES`; raises ValueError when it is none.
        rng: draws everything else.

    Returns:
        uint8 `[112, 112, 3]`.
    """
    if name not in CLASSES:
        raise ValueError(f"expected one of {', '.join(CLASSES)}, found {name!r}")
    from scipy import ndimage  # late: whoever imports this module may draw nothing

    cover, depth = np.zeros((DRAWN_PX, DRAWN_PX)), np.zeros((DRAWN_PX, DRAWN_PX))
    main = rng.uniform(0, np.pi)  # the direction of the fibres
    size = rng.uniform(7, 10)
    for _ in range(int(rng.integers(14, 40))):
        row, column = rng.uniform(0, DRAWN_PX, 2)
        # Only the square that the nucleus may reach is computed.
        window = tuple(
            slice(max(0, int(middle) - REACH_PX), min(DRAWN_PX, int(middle) + REACH_PX))
            for middle in (row, column)
        )
        rows, columns = np.mgrid[window]
        inside = _nucleus(name, rows - row, columns - column, (main, size), rng)
        depth[window] = np.where(inside > cover[window], rng.uniform(0.65, 1.0), depth[window])
        cover[window] = np.maximum(cover[window], inside)
    grain = _clouds(3, rng)
    nuclei = ndimage.gaussian_filter(cover * depth * (1 + 0.15 * grain), rng.uniform(0.6, 1.8))
    return _stained(nuclei, _tissue(main, rng), rng)


def _nucleus(
    name: str, rows: Floats, columns: Floats, fibre: tuple[float, float], rng: np.random.Generator
) -> Floats:
    """Draw one nucleus around the point 0, 0: 1 inside, 0 outside, a pixel of edge between them."""
    main, size = fibre
    long, short, angle, dents = size, size, rng.uniform(0, np.pi), 0.0
    if name == "round":
        long, short = size * rng.uniform(0.92, 1.12, 2)
    elif name == "spindle":
        long, short = size * rng.uniform(1.3, 1.8), size * rng.uniform(0.5, 0.75)
        angle = main + rng.normal(0, 0.25)
    else:
        long, short = size * rng.uniform(0.6, 1.6), size * rng.uniform(0.6, 1.4)
        dents = rng.uniform(0.08, 0.25)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    across = rows * np.cos(angle) - columns * np.sin(angle)
    turn = np.arctan2(across / short, along / long)
    edge = 1 + dents * np.sin(int(rng.integers(2, 5)) * turn + rng.uniform(0, 2 * np.pi))
    distance = np.hypot(along / long, across / short) - edge
    inside: Floats = np.clip(0.5 - distance * min(long, short), 0, 1)
    return inside


def _tissue(main: float, rng: np.random.Generator) -> Floats:
    """Draw what lies between the nuclei: fibres in the direction `main`, about 0 to 1."""
    rows, columns = np.mgrid[:DRAWN_PX, :DRAWN_PX]
    waves = np.sin(
        (rows * np.cos(main) - columns * np.sin(main) + 4 * _clouds(28, rng)) / rng.uniform(3.0, 6.0)
    )
    tissue: Floats = np.clip(0.5 + 0.22 * waves + 0.2 * _clouds(14, rng), 0, 1)
    return tissue


def _clouds(size: int, rng: np.random.Generator) -> Floats:
    """Draw smooth noise of mean 0 and spread about 1, with spots of `size` pixels."""
    from scipy import ndimage

    coarse = rng.normal(size=(DRAWN_PX // size + 4,) * 2)
    smooth: Floats = ndimage.zoom(coarse, size, order=3)
    return smooth[:DRAWN_PX, :DRAWN_PX]


def _stained(nuclei: Floats, tissue: Floats, rng: np.random.Generator) -> Pixels:
    """Colour as two stains do, a bluish one on nuclei and a pink one between them: light is absorbed, channel by channel."""
    blue = np.array([0.65, 0.70, 0.29]) + rng.normal(0, 0.05, 3)
    pink = np.array([0.07, 0.80, 0.35]) + rng.normal(0, 0.05, 3)
    absorbed = nuclei[..., None] * blue * rng.uniform(0.7, 1.5) + (tissue * (1 - 0.5 * nuclei))[
        ..., None
    ] * pink * rng.uniform(0.25, 0.8)
    light = rng.uniform(215, 250) * np.exp(-absorbed)
    smaller = Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)).resize(
        (SIDE_PX, SIDE_PX), Image.Resampling.BOX
    )
    small = np.asarray(smaller, np.float64) + rng.normal(0, 3, (SIDE_PX, SIDE_PX, 1))
    return np.clip(small.round(), 0, 255).astype(np.uint8)
