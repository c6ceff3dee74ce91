"""Photos that judge: read, shuffled, cropped and encoded anew, so that no table of known files finds them."""

from __future__ import annotations

import hashlib
import hmac
import io
from pathlib import Path

import numpy as np
from PIL import Image

from grader import cards, pets
from grader.cards import DataCard
from grader.errors import SpecError
from grader.pets import SIDE_PX, Images, Photos


def holdout(
    card: DataCard, folder: Path, label_space: str, secret: bytes, version: str, split_name: str = "holdout"
) -> Photos:
    """Return the hidden photos as students' code meets them: no names, shuffled, cropped and encoded anew.

    Args:
        card: the data card.
        folder: its photos.
        label_space: which labels.
        secret: course secret; with `version` and the split it decides crops and order, the same for everybody.
        version: the assignment's version.
        split_name: `holdout` or `second_holdout`.

    Returns:
        Images and labels, and how many photos were left out because they cannot be read, where the card allows it.

    Raises:
        SpecError: a photo cannot be read, or more than the card allows, or the split is empty.
    """
    split = pets.split_of(card, folder, label_space)
    names = split.names(split_name)
    if not names:
        raise SpecError(f"{card.id}: the split {split_name} is empty.", "Choose another in hidden.toml.")
    places = pets.places(card, folder, names)
    rng = _drawn(secret, f"{version}{split.digest}{split_name}")
    order = [names[place] for place in rng.permutation(len(names))]
    kept, broken = [], 0
    for name in order:
        try:
            picture = pets.open_photo(places[name])
        except SpecError:
            broken += 1
            if broken > card.unreadable_at_most * len(names):
                raise
            continue
        own = _drawn(secret, f"{version} {name}")  # whatever else is in the split
        kept.append((_recast(picture, own), cards.label_of(name, label_space)))
    labels = np.array([label for _, label in kept], np.int64)
    return Photos(np.stack([image for image, _ in kept]), labels, left_out=broken)


def _drawn(secret: bytes, what: str) -> np.random.Generator:
    """Return a generator that nobody without the secret can follow."""
    seed = hmac.new(secret, what.encode(), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(seed[:16], "big"))


def _recast(picture: Image.Image, rng: np.random.Generator) -> Images:
    side = int(rng.integers(218, 246))
    room_x, room_y = picture.width - side, picture.height - side
    left = int(np.clip(room_x // 2 + rng.integers(-12, 13), 0, room_x))
    top = int(np.clip(room_y // 2 + rng.integers(-12, 13), 0, room_y))
    crop = picture.crop((left, top, left + side, top + side)).resize(
        (SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC
    )
    buffer = io.BytesIO()
    crop.save(buffer, "JPEG", quality=int(rng.integers(88, 96)))
    return np.asarray(Image.open(buffer).convert("RGB"))
