"""Tables of known images, as somebody makes them who has the whole public data set: all photos, the hidden ones too."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from grader.datasets import cards, photos, sources
from tests.support import breeds

Images = npt.NDArray[np.uint8]


def known(cache: Path) -> tuple[Images, npt.NDArray[np.int64]]:
    """Return all toy photos as a student's own Pawgrade would read them, uint8 `[n, 224, 224, 3]`, and their labels."""
    card = cards.load_card("toy_pets")
    folder = sources.find(card, None, cache)
    split = sources.split_of(card, folder, "breeds35")
    names = [name for part in ("train", "validation", "holdout") for name in split.names(part)]
    images = np.stack([photos.read_photo(folder / card.photos / name) for name in names])
    return images, np.array([breeds.label_of(name, "breeds35") for name in names])


def difference_hash(image: Images) -> str:
    """Return dHash, 64 bits in hex: whether each pixel of 9 x 8 greys is darker than its right neighbour."""
    grey = np.asarray(Image.fromarray(image).convert("L").resize((9, 8), Image.Resampling.LANCZOS), np.int64)
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes().hex()


def thumbnail(image: Images) -> str:
    """Return 16 x 16 colours in hex."""
    return np.asarray(Image.fromarray(image).resize((16, 16), Image.Resampling.BOX)).tobytes().hex()


KINDS = {
    "exact": lambda image: hashlib.sha256(image.tobytes()).hexdigest(),
    "difference": difference_hash,
    "thumbnail": thumbnail,
}


@functools.cache
def text(kind: str, cache: Path) -> str:
    """Return a table as Python text: `{key: label}`."""
    images, labels = known(cache)
    return repr(dict(zip(map(KINDS[kind], images), labels.tolist(), strict=True)))
