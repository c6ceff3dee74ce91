"""The Oxford-IIIT pets' names, as their data card has them, for tests that need classes of photos."""

from __future__ import annotations

from collections.abc import Iterable

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
