"""Where a data card's photos are, and the public view of them that notebooks read."""

from __future__ import annotations

import dataclasses
import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grader.datasets import cards, labels, sources
from grader.datasets.cards import DataCard
from grader.datasets.photos import SIDE_PX, Photos, read_photo
from grader.datasets.sources import places, split_of
from grader.datasets.splits import Split
from grader.errors import SpecError, SubmissionError
from grader.messages import Message
from grader.settings import Settings

PUBLIC = ("train", "validation")


def find_photos(card_id: str, settings: Settings, salt: str | None = None) -> tuple[cards.DataCard, Path]:
    """Find a card's photos; the card is returned with `salt` in place of its own, when one is given."""
    card = cards.load_card(card_id, settings.cards)
    if salt is not None:
        card = dataclasses.replace(card, splits=dataclasses.replace(card.splits, salt=salt))
    return card, sources.find(card, settings.data_folder, settings.cache)


def find_data(
    card_id: str, label_space: str, settings: Settings, salt: str | None = None
) -> tuple[cards.DataCard, Path, str, Path]:
    """Find a card's photos and prepare their public view; `salt` splits them otherwise than the card says.

    Returns:
        The card, the folder of the photos, the digest of their split, and the folder that a notebook may see.
    """
    card, folder = find_photos(card_id, settings, salt)
    label_space = label_space or card.default_space
    split = sources.split_of(card, folder, label_space)
    # Another split, or pictures that another program drew, make another folder.
    name = f"{card_id}-{label_space}-{split.digest}{cards.program_mark(card)}"
    view = public_view(card, folder, label_space, settings.cache / "views" / name, split)
    return card, folder, split.digest, view


@dataclass(frozen=True)
class View:
    """What a notebook may see of a data card.

    Attributes:
        folder: where it lies.
        card: id of the data card.
        credit: title, licence and citation.
        label_space: one of the card's.
        classes: their names.
        groups: name of the group of each class, "" without one.
        split: digest of the split.
        members: per public split the file names and labels.
        left_out: public photos that could not be read.
    """

    folder: Path
    card: str
    credit: str
    label_space: str
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    split: str
    members: dict[str, list[tuple[str, int]]]
    left_out: tuple[str, ...] = ()

    def photos(self, split_name: str) -> Photos:
        """Return the photos of `train` or `validation`, memory-mapped; raises SubmissionError for others."""
        if split_name not in self.members:
            raise SubmissionError(
                Message("expected the split train or validation, found {found!r}.", found=split_name)
            )
        path, members = self.folder / f"{split_name}.npy", self.members[split_name]
        try:
            # Mapped, not read: processes that use the same view share its memory.
            images = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as exc:
            raise SubmissionError(
                Message("{path} cannot be read: {problem}.", path=str(path), problem=str(exc)),
                Message("Delete its folder: it is made anew."),
            ) from exc
        numbers = np.array([label for _, label in members], np.int64)
        return Photos(images, numbers, tuple(name for name, _ in members))


def public_view(
    card: DataCard, folder: Path, label_space: str, destination: Path, split: Split | None = None
) -> Path:
    """Write what a notebook may see: decoded public photos, names and labels, nothing of the holdouts.

    Args:
        card: the data card.
        folder: its photos, from `find`.
        label_space: which labels.
        destination: folder to write; reused when it holds the same split.
        split: of these photos, where it is known already.

    Returns:
        `destination`.
    """
    split = split or split_of(card, folder, label_space)
    identity = (card.id, label_space, split.digest)
    if _identity(destination) == identity:
        return destination
    # A name of its own, since several processes may prepare the same view at once.
    staging = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}")
    staging.mkdir(parents=True)
    try:
        _write_view(staging, card, folder, label_space, split)
        # An old or damaged view goes first: a folder cannot be renamed over one with files in it.
        shutil.rmtree(destination, ignore_errors=True)
        staging.rename(destination)
    except OSError:
        if _identity(destination) != identity:  # else another process was faster
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return destination


def _identity(view: Path) -> tuple[str, str, str] | None:
    """Return card, label space and split of a prepared folder, or None when it is none."""
    try:
        prepared = read_view(view)
    except SubmissionError:
        return None
    return prepared.card, prepared.label_space, prepared.split


def _write_view(staging: Path, card: DataCard, folder: Path, label_space: str, split: Split) -> None:
    members: dict[str, list[tuple[str, int]]] = {}
    for name in PUBLIC:
        photos = _read_all(card, folder, split.names(name), label_space)
        np.save(staging / f"{name}.npy", photos.images, allow_pickle=False)
        members[name] = list(zip(photos.names, photos.labels.tolist(), strict=True))
    readable = {name for rows in members.values() for name, _ in rows}
    facts = {
        "card": card.id,
        "credit": f"{card.title}\n{card.licence}\n{card.citation}",
        "label_space": label_space,
        "classes": labels.classes(card, label_space),
        "groups": labels.groups(card, label_space),
        "split": split.digest,
        "members": members,
        "left_out": [
            name for split_name in PUBLIC for name in split.names(split_name) if name not in readable
        ],
    }
    (staging / "view.json").write_text(json.dumps(facts), encoding="utf-8")


def _read_all(card: DataCard, folder: Path, names: Sequence[str], label_space: str) -> Photos:
    """Read public photos; those that cannot be read are left out."""
    # One block that is filled as photos come: stacking a list would need the memory twice.
    stack = np.empty((len(names), SIDE_PX, SIDE_PX, 3), np.uint8)
    readable, where = list[str](), places(card, folder, names)
    for name in names:
        try:
            stack[len(readable)] = read_photo(where[name])
        except SpecError:
            continue
        readable.append(name)
    numbers = np.array([labels.label_of(card, name, label_space) for name in readable], np.int64)
    return Photos(stack[: len(readable)], numbers, tuple(readable))


def read_view(data_dir: Path) -> View:
    """Read what `public_view` wrote; raises SubmissionError when the folder is another."""
    try:
        facts = json.loads((data_dir / "view.json").read_text(encoding="utf-8"))
        return View(
            folder=data_dir,
            card=facts["card"],
            credit=facts["credit"],
            label_space=facts["label_space"],
            classes=tuple(facts["classes"]),
            groups=tuple(facts["groups"]),
            split=facts["split"],
            members={
                name: [(file, label) for file, label in rows] for name, rows in facts["members"].items()
            },
            left_out=tuple(facts.get("left_out", ())),
        )
    # Students name this folder as `data_dir`, so anything may be in it.
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SubmissionError(
            Message("{folder} holds no photos that Pawgrade prepared.", folder=str(data_dir)),
            Message("Leave data_dir = None: the photos are then found by themselves."),
        ) from exc
