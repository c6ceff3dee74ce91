"""Data cards: what a data set is, what its file names mean, and how it is split.

Labels come from the official file names: `Maine_Coon_12.jpg` is a cat (upper case), `pug_3.jpg` a dog. The label
space `breeds37` reads the whole name; `breeds35` only its first word, which merges the two *american* and the two
*english* breeds. The label space `species2` reads the folder: `Cat/12.jpg`, `Dog/3.jpg`. A name that is no photo of a
known class is ignored and counted: it never becomes a class.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated

from grader import files as packaged
from grader.errors import SpecError

SPLITS = ("train", "validation", "holdout", "second_holdout")
LABEL_SPACES = ("breeds35", "breeds37", "species2")
SPECIES_FOLDERS = ("Cat", "Dog")
CATS = (
    "Abyssinian",
    "Bengal",
    "Birman",
    "Bombay",
    "British_Shorthair",
    "Egyptian_Mau",
    "Maine_Coon",
    "Persian",
    "Ragdoll",
    "Russian_Blue",
    "Siamese",
    "Sphynx",
)
DOGS = (
    "american_bulldog",
    "american_pit_bull_terrier",
    "basset_hound",
    "beagle",
    "boxer",
    "chihuahua",
    "english_cocker_spaniel",
    "english_setter",
    "german_shorthaired",
    "great_pyrenees",
    "havanese",
    "japanese_chin",
    "keeshond",
    "leonberger",
    "miniature_pinscher",
    "newfoundland",
    "pomeranian",
    "pug",
    "saint_bernard",
    "samoyed",
    "scottish_terrier",
    "shiba_inu",
    "staffordshire_bull_terrier",
    "wheaten_terrier",
    "yorkshire_terrier",
)

_IN_FOLDER = re.compile(r"(?P<species>Cat|Dog)/\d+\.jpe?g")
_PHOTO = re.compile(r"(?P<breed>[A-Za-z]+(?:_[A-Za-z]+)*)_\d+\.(?:jpe?g|png)", re.IGNORECASE)
_OFFICIAL = {name.lower(): name for name in CATS + DOGS}
_STRICT = ConfigDict(extra="forbid")
_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Text = Annotated[str, Field(min_length=1)]


@validated(frozen=True, config=_STRICT)
class SourceFile:
    """One official file.

    Attributes:
        name: file name.
        url: where it is published.
        size_bytes: its size.
        sha256: its checksum, lower-case hex.
        md5: the checksum that its publishers give, where they give one.
    """

    name: _Text
    url: _Text
    size_bytes: _Positive
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    md5: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""


@validated(frozen=True, config=_STRICT)
class Source:
    """Where people get the data.

    Attributes:
        url: page about it.
        files: the archives, all of them needed.
        torchvision: torchvision's class that reads what is in them, or "" when there is none.
    """

    url: _Text
    files: tuple[SourceFile, ...] = ()
    torchvision: Literal["", "OxfordIIITPet"] = ""


@validated(frozen=True, config=_STRICT)
class Drawing:
    """How a generated set is drawn: the seed and the number of pictures a class."""

    seed: _Count
    per_class: _Positive


@validated(frozen=True, config=_STRICT)
class Tier:
    """How many photos a class go where, once the smallest class has `min_per_class`.

    Attributes:
        min_per_class: photos that each class must have.
        holdout: for judging.
        second_holdout: for judging, with no more than an accuracy shown.
        validation: public.
        train: public, the others are left unused; None: all the rest.
    """

    min_per_class: _Positive
    holdout: _Positive
    second_holdout: _Count
    validation: _Count
    train: _Positive | None = None

    @pydantic.model_validator(mode="after")
    def _leaves_training_photos(self) -> Tier:
        if self.reserved + (self.train or 1) > self.min_per_class:
            wanted = "none for training" if self.train is None else f"less than {self.train} for training"
            raise ValueError(f"{self.reserved} of {self.min_per_class} photos a class leave {wanted}")
        return self

    @property
    def reserved(self) -> int:
        """Photos a class that are not for training."""
        return self.holdout + self.second_holdout + self.validation


@validated(frozen=True, config=_STRICT)
class SplitRule:
    """How the photos are divided.

    Attributes:
        salt: of the ranking.
        tiers: to choose from.
        leave_out: photos that are in no split, for example because another shows the same picture.
    """

    salt: _Text
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    leave_out: tuple[str, ...] = ()


@validated(frozen=True, config=_STRICT)
class DataCard:
    """One data set: where it comes from, what it is called, how it is split.

    Attributes:
        id: name of the card, the stem of its file.
        title: one line for people.
        licence: of the pictures.
        citation: whom to cite.
        label_spaces: label spaces that its file names support; the first is the default.
        splits: how the photos are divided.
        source: the published files, or None for a set that is drawn.
        drawing: how it is drawn, or None for a set of photos.
        photos: name of the folder with the photos, inside the data folder.
        unreadable_at_most: share of a hidden split that may be broken files, which are left out and counted. More is
            an error, so that nobody is judged on what remains of a damaged disk.
    """

    id: _Name
    title: _Text
    licence: _Text
    citation: _Text
    label_spaces: Annotated[tuple[str, ...], Field(min_length=1)]
    splits: SplitRule
    source: Source | None = None
    drawing: Drawing | None = None
    photos: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "images"
    unreadable_at_most: Annotated[float, Field(ge=0, le=0.1)] = 0.0

    @pydantic.model_validator(mode="after")
    def _is_complete(self) -> DataCard:
        if (self.source is None) == (self.drawing is None):
            raise ValueError("expected either [source] or [drawing]")
        if unknown := set(self.label_spaces) - set(LABEL_SPACES):
            raise ValueError(
                f"label_spaces: expected some of {', '.join(LABEL_SPACES)}, found {sorted(unknown)}"
            )
        if "species2" in self.label_spaces and len(self.label_spaces) > 1:
            raise ValueError(
                "label_spaces: species2 reads folders, breeds read file names; expected one kind"
            )
        return self


@dataclass(frozen=True)
class Split:
    """Who is in which split: sorted file names, disjoint.

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
        lines = [f"{part}\t{name}\n" for part in SPLITS for name in self.names(part)]
        lines += [self.contents] if self.contents else []
        return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


def cards_folder() -> Path:
    """Return the folder of the data cards: package data, or the checkout's `datasets`."""
    return packaged.public_parts() / "datasets"


def load_card(card_id: str, folder: Path | None = None) -> DataCard:
    """Read and validate `<folder>/<card_id>.toml`.

    Args:
        card_id: for example `toy_pets`.
        folder: folder of the cards; the project's own by default.

    Raises:
        SpecError: when there is no such card or it is not valid, with file, key and what was found.
    """
    folder = folder or cards_folder()
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if card_id not in known:
        raise SpecError(
            f"data card: expected one of {', '.join(known) or 'none'} in {folder}, found {card_id!r}."
        )
    path = folder / f"{card_id}.toml"
    try:
        card = pydantic.TypeAdapter(DataCard).validate_python(tomllib.loads(path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SpecError(f"{path}: not valid TOML: {exc}.") from exc
    except pydantic.ValidationError as exc:
        raise SpecError(f"{path}: {_first_problem(exc)}.") from exc
    if card.id != card_id:
        raise SpecError(f"{path}: id: expected {card_id!r} like the file's name, found {card.id!r}.")
    return card


@functools.cache
def breeds(label_space: str = "breeds35") -> tuple[str, ...]:
    """Return the sorted lower-case class names; a label is a position in them."""
    if label_space == "species2":
        return tuple(name.lower() for name in SPECIES_FOLDERS)
    return tuple(sorted({_breed(stem, label_space) for stem in _OFFICIAL}))


@functools.cache
def species(label_space: str = "breeds35") -> tuple[bool, ...]:
    """Return for each class whether it is a cat."""
    if label_space == "species2":
        return (True, False)
    cats = {_breed(name.lower(), label_space) for name in CATS}
    return tuple(breed in cats for breed in breeds(label_space))


def label_of(file_name: str, label_space: str = "breeds35") -> int:
    """Return the label of a photo by its official file name, for `species2` with its folder.

    Raises:
        SpecError: when the name is no photo of a known class.
    """
    stem = _stem(file_name, label_space)
    if stem is None:
        classes = "a cat or a dog" if label_space == "species2" else "one of the 37 breeds"
        raise SpecError(f"{file_name!r}: expected a name such as {example(label_space)}, of {classes}.")
    return breeds(label_space).index(_breed(stem, label_space))


def example(label_space: str) -> str:
    """Return a name such as photos have."""
    return "Cat/12.jpg" if label_space == "species2" else "Maine_Coon_12.jpg"


def is_pet(file_name: str, label_space: str = "breeds35") -> bool:
    """Say whether the name is that of a photo of a known class."""
    return _stem(file_name, label_space) is not None


def is_cat(file_name: str) -> bool:
    """Say whether the official file name is that of a cat: its first letter is upper case."""
    return file_name[:1].isupper()


def split(names: Iterable[str], card: DataCard, label_space: str = "breeds35") -> Split:
    """Divide photos by the rank of their salted hash within each class, so that classes are balanced.

    Args:
        names: file names in any order; those that are no photo of a known class are ignored.
        card: has the salt and the tiers.
        label_space: which classes to balance.

    Raises:
        SpecError: when a class has too few photos for every tier of the card, or the label space is not the card's.
    """
    if label_space not in card.label_spaces:
        allowed = ", ".join(card.label_spaces)
        raise SpecError(f"{card.id}: expected one of the label spaces {allowed}, found {label_space!r}.")
    found = set(names)
    photos = {name for name in found if is_pet(name, label_space)}
    used = photos.difference(card.splits.leave_out)
    classes: dict[int, list[str]] = defaultdict(list)
    for name in sorted(used, key=lambda name: hashlib.sha256((card.splits.salt + name).encode()).digest()):
        classes[label_of(name, label_space)].append(name)
    tier = _tier(classes, card, label_space)
    last = None if tier.train is None else tier.reserved + tier.train
    ends = (0, tier.holdout, tier.holdout + tier.second_holdout, tier.reserved, last)
    parts = [
        tuple(sorted(name for ranked in classes.values() for name in ranked[start:stop]))
        for start, stop in itertools.pairwise(ends)
    ]
    holdout, second_holdout, validation, train = parts
    unused = len(photos) - sum(map(len, parts))
    return Split(train, validation, holdout, second_holdout, tuple(sorted(found - photos)), unused)


def _tier(classes: dict[int, list[str]], card: DataCard, label_space: str) -> Tier:
    counts = [(len(classes.get(label, ())), breed) for label, breed in enumerate(breeds(label_space))]
    fewest, breed = min(counts)
    fitting = [tier for tier in card.splits.tiers if tier.min_per_class <= fewest]
    if not fitting:
        needed = min(tier.min_per_class for tier in card.splits.tiers)
        kind = "species" if label_space == "species2" else "breeds"
        raise SpecError(
            f"{card.id}: expected at least {needed} photos of each of {len(counts)} {kind}, found {fewest} of {breed!r}.",
            "Is this the folder with the photos, and is it complete?",
        )
    return max(fitting, key=lambda tier: tier.min_per_class)


def _stem(file_name: str, label_space: str) -> str | None:
    """Return the lower-case official class name in a file name, or None when there is none."""
    if label_space == "species2":
        inside = _IN_FOLDER.fullmatch(file_name)
        return inside["species"].lower() if inside else None
    match = _PHOTO.fullmatch(file_name)
    stem = match["breed"].lower() if match else ""
    return stem if stem in _OFFICIAL else None


def _breed(stem: str, label_space: str) -> str:
    if label_space not in LABEL_SPACES:
        raise SpecError(f"label space: expected one of {', '.join(LABEL_SPACES)}, found {label_space!r}.")
    return stem.split("_", maxsplit=1)[0] if label_space == "breeds35" else stem


def _first_problem(exc: pydantic.ValidationError) -> str:
    problem = exc.errors()[0]
    key = ".".join(str(step) for step in problem["loc"]) or "card"
    found = "" if problem["type"] in {"missing", "value_error"} else f", found {problem['input']!r}"
    return f"{key}: {problem['msg']}{found}"
