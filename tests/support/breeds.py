"""The Oxford-IIIT pets' names, as their data card has them, for tests that need classes of photos."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from grader.datasets import cards, labels, splits
from grader.datasets.cards import DataCard
from grader.datasets.splits import Split

OXFORD = cards.load_card("oxford_pets")
SPECIES = cards.load_card("cats_and_dogs")
CATS, DOGS = (OXFORD.labels.groups[group] for group in ("cat", "dog"))
SPECIES_FOLDERS = SPECIES.labels.names


def _card(label_space: str) -> DataCard:
    return next(card for card in (OXFORD, SPECIES) if label_space in card.label_spaces)


def breeds(label_space: str = "breeds35") -> tuple[str, ...]:
    return labels.classes(_card(label_space), label_space)


def groups(label_space: str = "breeds35") -> tuple[str, ...]:
    return labels.groups(_card(label_space), label_space)


def label_of(name: str, label_space: str = "breeds35") -> int:
    return labels.label_of(_card(label_space), name, label_space)


def is_pet(name: str, label_space: str = "breeds35") -> bool:
    return labels.is_known(_card(label_space), name)


def split(names: Iterable[str], card: DataCard, label_space: str = "breeds35") -> Split:
    return splits.split(names, card, label_space)


def some_photos(folder: Path, per_class: int = 10) -> Path:
    """Write small plain photos of all 37"""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem in CATS + DOGS:
        for number in range(per_class):
            colour = tuple(int(value) for value in rng.integers(0, 256, 3))
            Image.new("RGB", (8, 6), colour).save(folder / f"{stem}_{number}.jpg")
    return folder


def some_cats_and_dogs(folder: Path, per_class: int = 100) -> Path:
    """Write small plain photos the way the public set has them, with the strange files in it."""
    for shift, species in enumerate(SPECIES_FOLDERS):
        (folder / species).mkdir(parents=True)
        for number in range(per_class):
            Image.new("RGB", (8, 6), (number, 99, 255 * shift)).save(folder / species / f"{number}.jpg")
        (folder / species / "Thumbs.db").write_bytes(b"not a photo")
    return folder
