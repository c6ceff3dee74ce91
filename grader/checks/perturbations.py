"""Perturbations of 8-bit images, in whole grey levels, and how rough an image is. Numpy in, numbers out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


def largest_change(photo: Pixels, changed: Pixels) -> int:
    """Return the largest difference between two images of one shape, in grey levels: the L-infinity norm.

    Args:
        photo: uint8 `[h, w, 3]`.
        changed: uint8 `[h, w, 3]`.

    Raises:
        ValueError: the images are of other types, or of different shapes.
    """
    if photo.dtype != np.uint8 or changed.dtype != np.uint8 or photo.shape != changed.shape:
        raise ValueError(
            f"expected two uint8 images of one shape, found {photo.dtype} {photo.shape} and {changed.dtype} {changed.shape}"
        )
    # In uint8 a difference would wrap: 3 - 5 is 254.
    return int(np.abs(photo.astype(np.int16) - changed.astype(np.int16)).max())


def total_variation(image: npt.NDArray[np.floating]) -> float:
    """Return the mean absolute difference of horizontal neighbours plus that of vertical ones, halved.

    Args:
        image: float `[h, w, 3]`; h and w are at least 2.
    """
    across = np.abs(np.diff(image, axis=1)).mean()
    down = np.abs(np.diff(image, axis=0)).mean()
    return float(across + down) / 2


def roughness(image: Pixels) -> float:
    """Return the total variation of an image in units of its standard deviation; infinite for a constant one.

    Less contrast lowers both alike, so that it wins nothing.

    Args:
        image: uint8 `[h, w, 3]`.
    """
    scaled = image / 255.0
    spread = float(scaled.std())
    return total_variation(scaled) / spread if spread > 0 else float("inf")
