"""The photos that an assignment is graded with: those that anybody may see, and the hidden ones that judge."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

from grader.assignment import spec
from grader.checks.questions import Material
from grader.datasets import holdout, views
from grader.datasets.holdout import Division
from grader.datasets.views import find_data, find_photos
from grader.errors import SpecError
from grader.settings import Settings


@dataclass(frozen=True)
class Asked:
    """The photos of a data card.

    Attributes:
        view: the public ones; None without a card.
        division: which are hidden; None without a card.
        split: digest of the split.
    """

    view: views.View | None
    division: Division | None
    split: str


def of_card(folder: Path, card_id: str, label_space: str, settings: Settings, salt: str | None) -> Asked:
    """Divide the photos of a card, and read those that are public.

    Args:
        folder: the assignment's source folder.
        card_id: id of the data card; `spec.NO_CARD` for none.
        label_space: how photos are labelled; "" for the card's first way.
        settings: where photos are, the course's own among them.
        salt: another salt for the split than the card's, or None.
    """
    if card_id == spec.NO_CARD:
        # Without photos another salt is another split all the same: other questions.
        return Asked(None, None, hashlib.sha256((salt or "").encode()).hexdigest()[:16])
    # Divided first: where the course's own hidden photos lie in a released folder, nothing is written.
    division = divide(folder, card_id, settings, salt)
    return Asked(read_view(card_id, label_space, settings, salt), division, division.split.digest)


def with_hidden(
    public: Material, division: Division | None, hidden: spec.Hidden, secret: bytes, drawn: str
) -> Material:
    """Return what all checks ask about: hidden photos, too, where there are any."""
    if division is None:
        return public
    photos = holdout.holdout(division, secret, drawn, hidden.holdout.split)
    material = dataclasses.replace(public, images=photos.images, labels=photos.labels)
    # Where the second holdout judges, none is left to be asked about for staff alone.
    at_most = hidden.holdout.second_at_most if hidden.holdout.split == "holdout" else 0
    if not at_most or not division.split.second_holdout:
        return material
    second = holdout.holdout(division, secret, drawn, "second_holdout")
    images, labels = second.images[:at_most], second.labels[:at_most]  # their order was drawn
    return dataclasses.replace(material, second_images=images, second_labels=labels)


def read_view(card_id: str, label_space: str, settings: Settings, salt: str | None = None) -> views.View:
    """Find a card's photos and return their public view; `salt` splits them otherwise than the card says."""
    _, _, _, folder = find_data(card_id, label_space, settings, salt)
    return views.read_view(folder)


def divide(source: Path, card_id: str, settings: Settings, salt: str | None = None) -> Division:
    """Divide the photos that an assignment is graded with; `salt` splits them otherwise than the card says.

    Args:
        source: the assignment's source folder.
        card_id: id of the data card.
        settings: where photos are, the course's own among them.
        salt: another salt than the card's, or None.
    """
    label_space = spec.load_assignment(source).on(card_id).label_space
    card, folder = find_photos(card_id, settings, salt)
    # The split that the course's own photos take the place of.
    replaced = spec.load_hidden(source).holdout.split
    # A release copies all files of the assignment's folder that no pattern leaves out.
    if settings.holdout is not None and settings.holdout.is_relative_to(source.parent.resolve()):
        raise SpecError(
            f"{settings.holdout}: your own hidden photos would be released with an assignment.",
            "Keep them outside the course's folders.",
        )
    return holdout.divide(card, folder, label_space or card.default_space, settings.holdout, replaced)
