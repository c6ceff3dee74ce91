"""Data cards: what a data set is, where its photos come from, what their names mean, and how they are split.

A card is a file `datasets/<id>.toml`, of the package or of a course: the framework knows none by name.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import pydantic
from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as validated

from grader import files as packaged
from grader.errors import SpecError

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
    """How a set is drawn by a program, for which nothing is downloaded.

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
        same_picture: when two files show the same one. `looks`: also when one was resized, cropped or encoded anew. `pixels`: when all
            pixels are equal, for tiny pictures that resemble each other whatever they show.
    """

    salt: _Text
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    leave_out: tuple[str, ...] = ()
    same_picture: Literal["looks", "pixels"] = "looks"


@validated(frozen=True, config=_STRICT)
class Labels:
    """How a photo says what it shows.

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
        try:
            if re.compile(self.rule).groups < 1:
                raise ValueError("pattern: expected a group that holds the name, such as (.+)_[0-9]+[.]jpg")
        except re.error as exc:
            raise ValueError(f"pattern: {exc}") from exc
        grouped = [name for names in self.groups.values() for name in names]
        if unknown := sorted(set(grouped) - set(self.names)):
            raise ValueError(f"groups: {unknown[0]!r} is not among the names")
        if len({name.lower() for name in self.names}) < len(self.names) or len(set(grouped)) < len(grouped):
            raise ValueError("names: expected each one once, and in at most one group")
        return self

    @property
    def rule(self) -> str:
        """The pattern, or what is usual for the layout."""
        return self.pattern or (
            r"(.+)_\d+\.(?:jpe?g|png)" if self.layout == "names" else r"([^/]+)/[^/]+\.(?:jpe?g|png)"
        )


@validated(frozen=True, config=_STRICT)
class LabelSpace:
    """Which names are one class.

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
        labels: how a photo says what it shows.
        label_spaces: ways to make classes of that, by name; the first is the default.
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
        SpecError: when there is no such card or it is not valid, with file, key and what was found.
    """
    folders = [folder for folder in (own, cards_folder()) if folder is not None]
    if card_id not in known(own):
        where = " or ".join(map(str, folders))
        raise SpecError(
            f"data card: expected one of {', '.join(known(own)) or 'none'} in {where}, found {card_id!r}."
        )
    path = next(path for folder in folders if (path := folder / f"{card_id}.toml").is_file())
    try:
        text = tomllib.loads(path.read_text("utf-8"))
        card = pydantic.TypeAdapter(DataCard).validate_python({**text, "home": path.parent})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SpecError(f"{path}: not valid TOML: {exc}.") from exc
    except pydantic.ValidationError as exc:
        raise SpecError(f"{path}: {_first_problem(exc)}.") from exc
    if card.id != card_id:
        raise SpecError(f"{path}: id: expected {card_id!r} like the file's name, found {card.id!r}.")
    return card


def program_file(card: DataCard) -> Path | None:
    """Return the file beside a card that draws its set; None where a module draws it, or it is not drawn."""
    place = card.drawing.program.partition(":")[0] if card.drawing is not None else ""
    return card.home / place if card.home is not None and place.endswith(".py") else None


def program_mark(card: DataCard) -> str:
    """Return what tells two programs beside cards of the same name apart, for names of folders; "" where a module draws."""
    program = program_file(card)
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


def _first_problem(exc: pydantic.ValidationError) -> str:
    problem = exc.errors()[0]
    key = ".".join(str(step) for step in problem["loc"]) or "card"
    found = "" if problem["type"] in {"missing", "value_error"} else f", found {problem['input']!r}"
    return f"{key}: {problem['msg']}{found}"
