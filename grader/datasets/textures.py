"""Crops of three textures, under changed light, scale and rotation: pictures that ImageNet hardly holds.

Brick, grass and gravel are three photos (CC0) that ship with scikit-image, 512 x 512 grey pixels each. Pictures to learn from are cut
out of the left half of a photo, those to test with out of a quarter of the right half, those that judge out of the other quarter: two
crops of one place may show the same stone.
"""

from __future__ import annotations

import functools
import math
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Split = Literal["train", "test", "hidden"]

CLASSES = ("brick", "grass", "gravel")
SIDE_PX = 112  # of a picture
NEAREST_PX, FARTHEST_PX = (
    60,
    176,
)  # side of what a picture shows; turned by 45 degrees, the largest just fits into a quarter


@functools.cache
def photo(name: str) -> Pixels:
    """Return the photo of a texture, uint8 `[512, 512]`, not to be written to; raises KeyError when there is none of that name."""
    from skimage import data

    pixels = np.asarray({"brick": data.brick, "grass": data.grass, "gravel": data.gravel}[name]())
    pixels.setflags(write=False)
    return pixels


def crop(name: str, split: Split, rng: np.random.Generator) -> Pixels:
    """Draw one picture of a texture.

    Args:
        name: one of `CLASSES`.
        split: what the picture is for; it decides the part of the photo from which it is cut.
        rng: draws place, scale, rotation and light.

    Returns:
        uint8 `[112, 112, 3]`, grey.
    """
    pixels = photo(name)
    middle = pixels.shape[1] // 2
    parts = {
        "train": pixels[:, :middle],
        "test": pixels[:middle, middle:],
        "hidden": pixels[middle:, middle:],
    }
    pixels = parts[split]
    side = int(rng.integers(NEAREST_PX, FARTHEST_PX + 1))
    # The square that holds the picture at any angle: nothing outside it, so nothing of another part, is seen.
    window = math.ceil(side * math.sqrt(2)) + 2
    top, left = (int(rng.integers(0, size - window + 1)) for size in pixels.shape)
    square = Image.fromarray(pixels[top : top + window, left : left + window])
    turned = square.rotate(float(rng.uniform(0, 360)), Image.Resampling.BICUBIC)
    edge = (window - side) // 2
    small = turned.crop((edge, edge, edge + side, edge + side)).resize(
        (SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC
    )
    return _lit(np.asarray(small, np.float64), rng)


def _lit(grey: npt.NDArray[np.float64], rng: np.random.Generator) -> Pixels:
    """Change light: contrast, brightness, a lamp at one side, and a little grain."""
    rows, columns = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    lamp = rng.uniform(0, 30) * (np.cos(angle) * rows + np.sin(angle) * columns)
    # Mean and spread of each picture are drawn: how light or rough a texture was on its photo tells nothing.
    even = (grey - grey.mean()) / max(float(grey.std()), 1e-6)
    lit = rng.uniform(80, 170) + rng.uniform(18, 45) * even + lamp + rng.normal(0, 4, grey.shape)
    return np.repeat(np.clip(lit.round(), 0, 255).astype(np.uint8)[..., None], 3, axis=2)
