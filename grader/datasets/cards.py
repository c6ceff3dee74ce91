"""Data cards: what a data set is, where its photos come from, what their names mean, and how they are split.

A card is a file `datasets/<id>.toml`, of the package or of a course: the framework knows none by name.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated
from pydantic_core import ErrorDetails

from grader import files as packaged
from grader.errors import SpecError
from grader.schema import refuse, told

# An unknown key is a misspelt one: it is refused, not ignored.
_STRICT = ConfigDict(extra="forbid")
_Count = Annotated[int, Field(ge=0)]
_Positive = Annotated[int, Field(ge=1)]
_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Text = Annotated[str, Field(min_length=1)]


@validated(frozen=True, config=_STRICT)
class SourceFile:
    """One file that the publishers of a data set offer for download.

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
    """Where a data set is published, and how torchvision reads it.

    Attributes:
        url: page about it.
        files: the archives, all of them needed.
        torchvision: torchvision's class that reads what is in them, or "" when there is none.
        folder: in which that class looks for them.
        lists: by split of that class, the file in which its photos are listed.
    """

    url: _Text
    files: tuple[SourceFile, ...] = ()
    torchvision: Annotated[str, Field(pattern=r"^\w*$")] = ""
    folder: Annotated[str, Field(pattern=r"^[\w-]*$")] = ""
    lists: dict[str, str] = Field(default_factory=dict)


@validated(frozen=True, config=_STRICT)
class Drawing:
    """The program that draws a data set, for which nothing is downloaded.

    Attributes:
        program: `module:function`, or `file.py:function` beside the card; it is called with a folder, `per_class` and `seed`, and
            writes `<folder>/<photos>/`, whole or not at all.
        seed: the same seed draws the same pictures.
        per_class: pictures a class.
    """

    program: Annotated[str, Field(pattern=r"^[\w.]+:[a-z_]\w*$")]
    seed: _Count
    per_class: _Positive


@validated(frozen=True, config=_STRICT)
class Tier:
    """Sizes of the splits, in photos a class, for sets whose smallest class has `min_per_class`.

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
        # Where all the rest trains, at least one photo a class must be left.
        if self.reserved + (self.train or 1) > self.min_per_class:
            remainder = "none for training" if self.train is None else f"less than {self.train} for training"
            raise ValueError(f"{self.reserved} of {self.min_per_class} photos a class leave {remainder}")
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
        same_picture: when two files show the same one. `looks`: also when one was resized, cropped or encoded anew. `pixels`: when all
            pixels are equal, for tiny pictures that resemble each other whatever they show.
    """

    salt: _Text
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    leave_out: tuple[str, ...] = ()
    same_picture: Literal["looks", "pixels"] = "looks"


@validated(frozen=True, config=_STRICT)
class Labels:
    """How the label of a photo is read from its file name, its folder or a table.

    Attributes:
        layout: `names`: in its file name. `folders`: by the folder that it lies in, as torchvision's `ImageFolder` has it. `table`: by
            a file `labels.csv` beside the photos, with the columns `file` and `class`.
        names: what there is, as written in names, folders or table; others are no photo of the set.
        pattern: what a whole file name, or `folder/name`, is like, whatever its case; its first group is one of `names`.
        groups: names by what is common to them.
    """

    names: Annotated[tuple[_Text, ...], Field(min_length=2)]
    layout: Literal["names", "folders", "table"] = "names"
    pattern: str = ""
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @pydantic.model_validator(mode="after")
    def _fit_together(self) -> Labels:
        problems = []
        try:
            # The first group becomes the label (`labels.label_of`), so there must be one.
            if re.compile(self.rule).groups < 1:
                problems.append("pattern: expected a group that holds the name, such as (.+)_[0-9]+[.]jpg")
        except re.error as exc:
            problems.append(f"pattern: {exc}")
        grouped = [name for names in self.groups.values() for name in names]
        problems += [
            f"groups: {name!r} is not among the names" for name in sorted(set(grouped) - set(self.names))
        ]
        # Photos are labelled in lower case, so names that differ in case alone are the same.
        if len({name.lower() for name in self.names}) < len(self.names) or len(set(grouped)) < len(grouped):
            problems.append("names: expected each one once, and in at most one group")
        refuse(type(self), problems)
        return self

    @property
    def rule(self) -> str:
        """The pattern, or what is usual for the layout."""
        # `name_12.jpg` in one folder, or `name/anything.jpg`.
        return self.pattern or (
            r"(.+)_\d+\.(?:jpe?g|png)" if self.layout == "names" else r"([^/]+)/[^/]+\.(?:jpe?g|png)"
        )


@validated(frozen=True, config=_STRICT)
class LabelSpace:
    """A way to group the names of a data set into classes.

    Attributes:
        part: the part of a name, in lower case, that is the name of its class: a pattern, found from the beginning.
    """

    part: _Text = ".+"


@validated(frozen=True, config=_STRICT)
class DataCard:
    """One data set: where it comes from, what it is called, how it is split.

    Attributes:
        id: name of the card, the stem of its file.
        title: one line for people.
        licence: of the pictures.
        citation: whom to cite.
        labels: how the label of a photo is read.
        label_spaces: ways to make classes of the names, by name; the first is the default.
        splits: how the photos are divided.
        source: the published files, or None for a set that is drawn.
        drawing: how it is drawn, or None for a set of photos.
        photos: name of the folder with the photos, inside the data folder.
        unreadable_at_most: share of a hidden split that may be broken files, which are left out and counted. More is
            an error, so that nobody is judged on what remains of a damaged disk.
        home: the folder that the card was read from.
    """

    id: _Name
    title: _Text
    licence: _Text
    citation: _Text
    labels: Labels
    label_spaces: Annotated[dict[str, LabelSpace], Field(min_length=1)]
    splits: SplitRule
    source: Source | None = None
    drawing: Drawing | None = None
    photos: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")] = "images"
    unreadable_at_most: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    home: Path | None = None

    @pydantic.model_validator(mode="after")
    def _is_complete(self) -> DataCard:
        if (self.source is None) == (self.drawing is None):
            raise ValueError("expected either [source] or [drawing]")
        return self

    @property
    def default_space(self) -> str:
        """Name of the first label space."""
        return next(iter(self.label_spaces))


def cards_folder() -> Path:
    """Return the folder of the data cards: package data, or the checkout's `datasets`."""
    return packaged.public_parts() / "datasets"


def load_card(card_id: str, own: Path | None = None) -> DataCard:
    """Read and validate `<card_id>.toml`.

    Args:
        card_id: the stem of its file.
        own: folder with a course's own cards, or None; the package's cards are known besides.

    Raises:
        SpecError: when there is no such card, or it is not valid: each mistake with file, key and what was found.
    """
    # The course's folder comes first: its card wins over the package's card of the same id.
    folders = [folder for folder in (own, cards_folder()) if folder is not None]
    # Compared with the names of the files that are there, so an id such as `../other` never becomes a path.
    if card_id not in known(own):
        where = " or ".join(map(str, folders))
        raise SpecError(
            f"data card: expected one of {', '.join(known(own)) or 'none'} in {where}, found {card_id!r}."
        )
    path = next(path for folder in folders if (path := folder / f"{card_id}.toml").is_file())
    try:
        text = tomllib.loads(path.read_text("utf-8"))
        # `home` comes last, so that no card can choose it.
        card = pydantic.TypeAdapter(DataCard).validate_python({**text, "home": path.parent})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SpecError(f"{path}: not valid TOML: {exc}.") from exc
    except pydantic.ValidationError as exc:
        raise SpecError(told(str(path), _mistakes(exc, text, card_id))) from exc
    if problem := _wrong_id(card.id, card_id):
        raise SpecError(told(str(path), [problem]))
    return card


def _wrong_id(card_id: object, stem: str) -> str:
    """Say that a card is not called as its file is; "" where it is."""
    return f"id: expected {stem!r} like the file's name, found {card_id!r}" if card_id != stem else ""


def _mistakes(exc: pydantic.ValidationError, text: Mapping[str, object], stem: str) -> list[str]:
    """Say each mistake of a card: key, what is allowed, what was found."""
    errors = exc.errors()
    wrong = {error["loc"] for error in errors}
    # pydantic calls a list too short when all that is in it is wrong: that would be told twice.
    inside = {where[:length] for where in wrong for length in range(len(where))}
    problems = [
        _problem(error) for error in errors if error["type"] != "too_short" or error["loc"] not in inside
    ]
    card_id = text.get("id")
    # An id of another type, or none, is among the mistakes already.
    if isinstance(card_id, str) and ("id",) not in wrong:
        problems += filter(None, [_wrong_id(card_id, stem)])
    return problems


def program_file(card: DataCard) -> Path | None:
    """Return the file beside a card that draws its set; None where a module draws it, or it is not drawn."""
    file_name = card.drawing.program.partition(":")[0] if card.drawing is not None else ""
    return card.home / file_name if card.home is not None and file_name.endswith(".py") else None


def program_mark(card: DataCard) -> str:
    """Return a suffix for folder names, made of the digest of the program beside a card; "" where a module draws."""
    program = program_file(card)
    # A changed program draws into another folder, so no old pictures are taken for new ones.
    return f"-{hashlib.sha256(program.read_bytes()).hexdigest()[:8]}" if program and program.is_file() else ""


def drawn_folder(card: DataCard, drawing: Drawing) -> str:
    """Return the name of the folder that a set is drawn into."""
    return f"{card.id}-{drawing.seed}-{drawing.per_class}{program_mark(card)}"


def known(own: Path | None = None) -> tuple[str, ...]:
    """Return the ids of a course's own cards and of the package's, sorted."""
    folders = [folder for folder in (own, cards_folder()) if folder is not None]
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.toml")}))


def drawn() -> tuple[str, ...]:
    """Return the ids of the package's own cards that need no download."""
    return tuple(name for name in known() if load_card(name).drawing is not None)


def _problem(error: ErrorDetails) -> str:
    key = ".".join(str(step) for step in error["loc"]) or "card"
    # The input of a missing key is the whole table around it; our own errors say themselves what was found.
    if error["type"] in {"missing", "value_error", "inconsistent"}:
        return f"{key}: {error['msg']}"
    return f"{key}: {error['msg']}, found {error['input']!r}"
