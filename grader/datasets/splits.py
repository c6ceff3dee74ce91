"""Splits: photos divided into training, validation and two holdouts, by the rank of a salted hash."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from grader.datasets import labels
from grader.datasets.cards import DataCard, Tier
from grader.errors import SpecError

# In the order in which `Split.digest` reads them: grades keep these digests.
SPLITS = ("train", "validation", "holdout", "second_holdout")


@dataclass(frozen=True)
class Split:
    """The file names of each split, sorted and disjoint.

    Attributes:
        train: public, with labels.
        validation: public, with labels.
        holdout: judges submissions; student code never meets its labels or names.
        second_holdout: no report shows more of it than the overall accuracy; may be empty.
        ignored: names that are no photo of a known class.
        unused: how many photos are in no split, because the card bounds the training set or leaves them out.
        contents: digest of the photos that came from elsewhere and not from the card; "" when there are none.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    holdout: tuple[str, ...]
    second_holdout: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    unused: int = 0
    contents: str = ""

    def names(self, split_name: str) -> tuple[str, ...]:
        """Return the file names of one of `SPLITS`."""
        if split_name not in SPLITS:
            raise SpecError(f"split: expected one of {', '.join(SPLITS)}, found {split_name!r}.")
        return tuple(getattr(self, split_name))

    @property
    def digest(self) -> str:
        """16 hex characters that change when a name moves, comes or goes, or a photo that is not the card's changes."""
        lines = [f"{split_name}\t{name}\n" for split_name in SPLITS for name in self.names(split_name)]
        # Added only where photos are the course's own, so that the digests of all other splits stay as stored.
        lines += [self.contents] if self.contents else []
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def split(names: Iterable[str], card: DataCard, label_space: str) -> Split:
    """Divide photos by the rank of their salted hash within each class, so that classes are balanced.

    Args:
        names: file names in any order; those that are no photo of a known class are ignored.
        card: has the salt and the tiers.
        label_space: which classes to balance.

    Raises:
        SpecError: when a class has too few photos for every tier of the card, or the label space is not the card's.
    """
    # For its SpecError: an unknown label space is named before anything is counted.
    labels.part_of(card, label_space)
    file_names = set(names)
    photos = {name for name in file_names if labels.is_known(card, name)}
    used = photos.difference(card.splits.leave_out)
    classes: dict[int, list[str]] = defaultdict(list)
    # The hash depends on salt and name alone, not on the order of the files or on what else is there.
    for name in sorted(used, key=lambda name: hashlib.sha256((card.splits.salt + name).encode()).digest()):
        classes[labels.label_of(card, name, label_space)].append(name)
    tier = _tier(classes, card, label_space)
    last = None if tier.train is None else tier.reserved + tier.train
    # The first ranks judge, the next validate, the rest trains, without an end where `last` is None.
    ends = (0, tier.holdout, tier.holdout + tier.second_holdout, tier.reserved, last)
    parts = [
        tuple(sorted(name for ranked in classes.values() for name in ranked[start:stop]))
        for start, stop in itertools.pairwise(ends)
    ]
    holdout, second_holdout, validation, train = parts
    unused = len(photos) - sum(map(len, parts))
    return Split(train, validation, holdout, second_holdout, tuple(sorted(file_names - photos)), unused)


def _tier(classes: dict[int, list[str]], card: DataCard, label_space: str) -> Tier:
    named = enumerate(labels.classes(card, label_space))
    # A class without any photo counts, too, although it is no key of `classes`.
    counts = [(len(classes.get(label, ())), name) for label, name in named]
    fewest, rarest = min(counts)
    fitting = [tier for tier in card.splits.tiers if tier.min_per_class <= fewest]
    if not fitting:
        needed = min(tier.min_per_class for tier in card.splits.tiers)
        raise SpecError(
            f"{card.id}: expected at least {needed} photos of each of {len(counts)} classes, found {fewest} of {rarest!r}.",
            "Is this the folder with the photos, and is it complete?",
        )
    # The largest tier that the rarest class allows.
    return max(fitting, key=lambda tier: tier.min_per_class)
