"""Hidden photos that judge submissions: chosen, cropped, encoded anew and shuffled by the course secret.

They are the data card's, or those in a folder of the course's own. Nobody knows how many of a class there are, so that no arithmetic of
the answers makes up for what a network cannot see.

No table of known files finds them. A table of what they look like does, where they are published: only photos
that are nowhere else are beyond its reach.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from grader.datasets import labels, sources, splits
from grader.datasets import photos as photo_files
from grader.datasets.cards import DataCard
from grader.datasets.photos import SIDE_PX, Images, Photos
from grader.datasets.splits import Split
from grader.errors import SpecError

LEAST_SHARE = 0.6  # of the hidden photos of a class that judge
PRIVATE = "private/"  # before the names of photos that are the course's own


@dataclass(frozen=True)
class Division:
    """The photos of a data card, divided into splits.

    Attributes:
        card: the data card.
        label_space: which labels.
        split: names; those of the course's own photos begin with `private/`.
        places: where the photos lie, by name; those whose place others took are among them.
    """

    card: DataCard
    label_space: str
    split: Split
    places: dict[str, Path]

    def label_of(self, name: str) -> int:
        """Return a photo's label."""
        return labels.label_of(self.card, name.removeprefix(PRIVATE), self.label_space)

    def private(self, split_name: str) -> bool:
        """Say whether a split holds the course's own photos."""
        return any(name.startswith(PRIVATE) for name in self.split.names(split_name))


def divide(
    card: DataCard, folder: Path, label_space: str, own: Path | None = None, replaced: str = "holdout"
) -> Division:
    """Divide a card's photos; photos of the course's own take the place of one of its splits.

    Args:
        card: the data card.
        folder: its photos, from `sources.find`.
        label_space: which labels.
        own: folder with photos that are nowhere published, named like the card's. One of the card's name inside
            it goes before the folder itself. Without meaning for drawn photos. None: there are none.
        replaced: whose place they take: `holdout` or `second_holdout`.

    Raises:
        SpecError: the card's photos are too few, or there is a class that `own` has no photo of.
    """
    split = sources.split_of(card, folder, label_space)
    places = sources.places(
        card, folder, [name for split_name in splits.SPLITS for name in split.names(split_name)]
    )
    # A drawn set is always judged by its own holdout, whatever PAWGRADE_HOLDOUT says.
    if own is None or card.drawing is not None:
        return Division(card, label_space, split, places)
    # A course with several cards keeps a folder for each of them inside.
    private_folder = own / card.id if (own / card.id).is_dir() else own
    photos = sources.places(card, private_folder, _complete(card, private_folder, label_space))
    # The prefix tells a private photo from a published one of the same file name.
    private = {f"{PRIVATE}{name}": path for name, path in photos.items()}
    # Contents, not names alone: a photo that was replaced under its name makes another split.
    digests = (hashlib.sha256(path.read_bytes()).digest() for path in private.values())
    contents = hashlib.sha256(b"".join(digests)).hexdigest()
    judged = {split_name: split.names(split_name) for split_name in ("holdout", "second_holdout")} | {
        replaced: tuple(private)
    }
    split = dataclasses.replace(
        split, holdout=judged["holdout"], second_holdout=judged["second_holdout"], contents=contents
    )
    return Division(card, label_space, split, places | private)


def _complete(card: DataCard, folder: Path, label_space: str) -> Sequence[str]:
    """Return the names of the course's own photos; there must be some of every class."""
    names = sources.photo_names(card, folder)
    strange = sorted(name for name in sources.photo_files(card, folder) if name not in set(names))
    # Without any good name the error below shows what names are like.
    if names and strange:
        raise SpecError(
            f"{card.id}: {len(strange)} pictures in {folder} would not judge, {strange[0]} first: expected names like "
            f"{labels.example(card)}.",
            "Rename them, or take them out.",
        )
    there = {labels.label_of(card, name, label_space) for name in names}
    missing = [name for label, name in enumerate(labels.classes(card, label_space)) if label not in there]
    if missing:
        some = f"{', '.join(missing[:5])}{' and others' if missing[5:] else ''}"
        raise SpecError(
            f"{card.id}: expected photos of every class in {folder}, named like {labels.example(card)}; "
            f"found {len(names)} photos, none of {some}.",
            "Add some, or unset PAWGRADE_HOLDOUT: then the data card's own hidden photos judge.",
        )
    return names


def holdout(division: Division, secret: bytes, version: str, split_name: str = "holdout") -> Photos:
    """Return hidden photos as students' code meets them: no names, shuffled, cropped and encoded anew.

    Args:
        division: the photos.
        secret: course secret; with `version` and the split it decides crops and order, the same for everybody.
        version: what of the assignment the draws hang on (`assignment.identity`).
        split_name: `holdout` or `second_holdout`.

    Returns:
        Images and labels, of each class a number that was drawn, and how many photos were left out because they cannot be
        read, where the card allows it.

    Raises:
        SpecError: a photo cannot be read, or more than the card allows, or the split is empty.
    """
    card, examples, broken = division.card, [], 0
    names = chosen(division, secret, version, split_name)
    for name in names:
        try:
            picture = photo_files.open_photo(division.places[name])
        except SpecError:
            broken += 1
            # By default none may be: a damaged disk must not shrink the holdout in silence.
            if broken > card.unreadable_at_most * len(names):
                raise
            continue
        # One generator a photo: its crop is the same in whichever split it lies (ADR 10).
        rng = _drawn(secret, f"{version} {name}")
        examples.append((_recast(picture, rng), division.label_of(name)))
    labels = np.array([label for _, label in examples], np.int64)
    return Photos(np.stack([image for image, _ in examples]), labels, left_out=broken)


def chosen(division: Division, secret: bytes, version: str, split_name: str) -> list[str]:
    """Choose which photos of a split judge, and in which order; arguments as for `holdout`."""
    names = division.split.names(split_name)
    if not names:
        raise SpecError(
            f"{division.card.id}: the split {split_name} is empty.", "Choose another in hidden.toml."
        )
    # Another version, split or secret chooses other photos, in another order.
    rng = _drawn(secret, f"{version}{division.split.digest}{split_name}")
    chosen_names = _unequal(names, [division.label_of(name) for name in names], rng)
    # `_unequal` leaves the names sorted by class; that order would give the labels away.
    return [chosen_names[position] for position in rng.permutation(len(chosen_names))]


def _unequal(names: Sequence[str], labels: Sequence[int], rng: np.random.Generator) -> list[str]:
    """Leave some photos out, more of one class than of another.

    Who knew how many photos each class has could deal the answers out until the numbers fit, and would be right more
    often than the network is. The secret decides how many of a class stay, between `LEAST_SHARE` and all.
    """
    chosen_names: list[str] = []
    for label in sorted(set(labels)):
        of_class = [name for name, photo_label in zip(names, labels, strict=True) if photo_label == label]
        count = int(rng.integers(math.ceil(LEAST_SHARE * len(of_class)), len(of_class) + 1))
        chosen_names += [of_class[position] for position in rng.permutation(len(of_class))[:count]]
    return chosen_names


def _drawn(secret: bytes, what: str) -> np.random.Generator:
    """Return a generator that nobody without the secret can follow."""
    # HMAC: who sees what was drawn learns nothing of the secret, nor of other draws.
    seed = hmac.new(secret, what.encode(), hashlib.sha256).digest()
    return np.random.default_rng(int.from_bytes(seed[:16], "big"))


def _recast(picture: Image.Image, rng: np.random.Generator) -> Images:
    """Crop a photo by lot and encode it as JPEG anew; return uint8 `[224, 224, 3]`."""
    # 218 to 245 of the 256 pixels that `photos.open_photo` leaves on the short side, near the middle.
    side = int(rng.integers(218, 246))
    room_x, room_y = picture.width - side, picture.height - side
    left = int(np.clip(room_x // 2 + rng.integers(-12, 13), 0, room_x))
    top = int(np.clip(room_y // 2 + rng.integers(-12, 13), 0, room_y))
    crop = picture.crop((left, top, left + side, top + side)).resize(
        (SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC
    )
    # Encoded anew, so that no hidden photo has the bytes or pixels of a published file.
    buffer = io.BytesIO()
    crop.save(buffer, "JPEG", quality=int(rng.integers(88, 96)))
    return np.asarray(Image.open(buffer).convert("RGB"))
