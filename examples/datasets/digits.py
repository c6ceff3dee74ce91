"""Writes the digits that come with scikit-learn as photos, for the data card beside it."""

import shutil
import uuid
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
BRIGHTEST = 16  # of scikit-learn's pixels


def write_digits(folder: Path, per_class: int, seed: int) -> None:
    """Write `<folder>/images/<name>_<number>.png`, 8 x 8 pixels, whole or not at all.

    Args:
        folder: where to; nothing happens when it has images already.
        per_class: digits of each class, 174 at most.
        seed: decides which ones.
    """
    from sklearn.datasets import load_digits

    if (folder / "images").is_dir():
        return
    found, rng = load_digits(), np.random.default_rng(seed)
    fresh = folder.parent / f".digits-{uuid.uuid4().hex}"
    (fresh / "images").mkdir(parents=True)
    try:
        for digit, name in enumerate(NAMES):
            rows = rng.permutation(np.flatnonzero(found.target == digit))[:per_class]
            for number, row in enumerate(rows):
                pixels = (found.images[row] * (255 / BRIGHTEST)).round().astype(np.uint8)
                Image.fromarray(pixels).save(fresh / "images" / f"{name}_{number}.png")
        try:
            fresh.rename(folder)
        except OSError:  # somebody else was faster
            if not (folder / "images").is_dir():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
