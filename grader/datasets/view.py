"""Where a data card's photos are, and the public view of them that notebooks read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from grader.datasets import cards
from grader.datasets import photos as pets
from grader.settings import Settings


def find_photos(card_id: str, settings: Settings, salt: str | None = None) -> tuple[cards.DataCard, Path]:
    """Find a card's photos; the card is returned with `salt` in place of its own, when one is given."""
    card = cards.load_card(card_id, settings.cards)
    if salt is not None:
        card = dataclasses.replace(card, splits=dataclasses.replace(card.splits, salt=salt))
    return card, pets.find(card, settings.data_folder, settings.cache)


def find_data(
    card_id: str, label_space: str, settings: Settings, salt: str | None = None
) -> tuple[cards.DataCard, Path, str, Path]:
    """Find a card's photos and prepare their public view; `salt` splits them otherwise than the card says.

    Returns:
        The card, the folder of the photos, the digest of their split, and the folder that a notebook may see.
    """
    card, folder = find_photos(card_id, settings, salt)
    label_space = label_space or card.default_space
    split = pets.split_of(card, folder, label_space).digest
    name = f"{card_id}-{label_space}-{split}{cards.program_mark(card)}"
    view = pets.public_view(card, folder, label_space, settings.cache / "views" / name)
    return card, folder, split, view
