"""Photos of pets: found, read, split, and the public ones prepared for notebooks."""

from __future__ import annotations

import functools
import json
import shutil
import struct
import uuid
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from grader.datasets import archives, cards, toypets
from grader.datasets.cards import DataCard, Split
from grader.errors import InfrastructureError, SpecError, SubmissionError
from grader.messages import Message

SIDE_PX = 224
SHORT_SIDE_PX = 256
MAX_PIXELS = 50_000_000  # a photo; more is a decompression bomb
PUBLIC = ("train", "validation")
UNREADABLE = (  # what Pillow raises over broken files; its own classes are OSErrors
    OSError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Photos:
    """Photos with their labels.

    Attributes:
        images: uint8 RGB `[n, 224, 224, 3]`.
        labels: int64 `[n]`, positions in the label space's breeds.
        names: official file names; empty for anonymous photos.
        left_out: how many of a hidden split could not be read.
    """

    images: Images
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class View:
    """What a notebook may see of a data card.

    Attributes:
        folder: where it lies.
        card: id of the data card.
        credit: title, licence and citation.
        label_space: one of the card's.
        breeds: class names.
        species: True for a cat, by class.
        split: digest of the split.
        members: per public split the file names and labels.
        left_out: public photos that could not be read.
    """

    folder: Path
    card: str
    credit: str
    label_space: str
    breeds: tuple[str, ...]
    species: tuple[bool, ...]
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
            images = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as exc:
            raise SubmissionError(
                Message("{path} cannot be read: {problem}.", path=str(path), problem=str(exc)),
                Message("Delete its folder: it is made anew."),
            ) from exc
        labels = np.array([label for _, label in members], np.int64)
        return Photos(images, labels, tuple(name for name, _ in members))


def find(card: DataCard, data_folder: Path | None, cache: Path) -> Path:
    """Return the folder with a card's photos: the one given, else the cache, else downloaded into it; toys are drawn.

    Args:
        card: the data card.
        data_folder: where the user says that real photos are: a folder with `images/` (or what the card calls it), or
            with the photos. When it is given, nothing else is looked at and nothing is downloaded.
        cache: folder where drawn photos, and those that were downloaded once, are kept.

    Raises:
        SpecError: there are none in `data_folder`; the message says what to do.
        InfrastructureError: they could not be downloaded.
    """
    found = at_hand(card, data_folder, cache)
    if found is not None:
        return found
    advice = f"Set PAWGRADE_DATA to the folder that has {card.photos}/, or use --data toy_pets."
    if data_folder is not None or card.source is None or not card.source.files:
        name, place = cards.example(card.label_spaces[0]), data_folder or cache / card.id
        raise SpecError(
            f"{card.id}: expected photos such as {name} in {place} or its {card.photos}/, found none.", advice
        )
    try:
        return archives.obtain(card, cache)
    except InfrastructureError as exc:
        raise InfrastructureError(
            f"{card.id}: {exc.message}", f"{exc.hint} Or do without: {advice[0].lower()}{advice[1:]}"
        ) from exc


def choose(names: Sequence[str], data_folder: Path | None) -> str:
    """Return which of several data cards to use: the one whose photos are in a folder; without a folder a drawn one.

    Args:
        names: ids of cards, the preferred one first; at least one.
        data_folder: where the user says that real photos are, or None.
    """
    known = [cards.load_card(name) for name in names]
    fitting = [card for card in known if (card.drawing is None) == (data_folder is not None)]
    there = [card for card in fitting if data_folder is not None and holds(card, data_folder)]
    return (there or fitting or known)[0].id


def at_hand(card: DataCard, data_folder: Path | None, cache: Path) -> Path | None:
    """Return what `find` returns, or None when it would have to download."""
    if card.drawing is not None:
        folder = cache / f"{card.id}-{card.drawing.seed}-{card.drawing.per_class}"
        return toypets.write_toy_pets(folder, card.drawing.per_class, card.drawing.seed)
    places = [data_folder] if data_folder else [cache / card.id, archives.home(card, cache)]
    return next((folder for folder in places if holds(card, folder)), None)


def holds(card: DataCard, folder: Path) -> bool:
    """Say whether a folder has photos of the kind that a card describes."""
    return bool(photo_names(card, folder, card.label_spaces[0]))


def photo_files(card: DataCard, folder: Path) -> tuple[str, ...]:
    """Return the sorted names of all files in a folder that look like pictures, whatever they are called."""
    known = Image.registered_extensions()
    return tuple(sorted(name for name in _names(card, folder) if Path(name).suffix.lower() in known))


def photo_names(card: DataCard, folder: Path, label_space: str) -> tuple[str, ...]:
    """Return the sorted names of the photos of known classes in a folder."""
    return tuple(sorted(name for name in _names(card, folder) if cards.is_pet(name, label_space)))


def split_of(card: DataCard, folder: Path, label_space: str) -> Split:
    """Divide the photos in a folder."""
    return cards.split(_names(card, folder), card, label_space)


def places(card: DataCard, folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Return where photos lie, by name.

    Args:
        card: the data card.
        folder: its photos, from `find`.
        names: from its split.
    """
    images = _images(card, folder)
    return {name: images / name for name in names}


def _images(card: DataCard, folder: Path) -> Path:
    return folder / card.photos if (folder / card.photos).is_dir() else folder


def _names(card: DataCard, folder: Path) -> Iterator[str]:
    """Yield the names of the files, from the folder with the photos on."""
    images = _images(card, folder)
    inside = cards.SPECIES_FOLDERS if "species2" in card.label_spaces else ()
    for place in (images, *(images / name for name in inside)):
        if place.is_dir():
            yield from (path.relative_to(images).as_posix() for path in place.iterdir() if path.is_file())


def read_photo(path: Path) -> Images:
    """Read a photo as uint8 RGB `[224, 224, 3]`: short side to 256, centre crop; raises SpecError."""
    return np.asarray(_centre(open_photo(path), SIDE_PX))


def open_photo(path: Path) -> Image.Image:
    """Read any kind of photo as RGB, upright, its short side 256 pixels."""
    try:
        # Pillow warns of damaged Exif blocks, which many photos of the public sets have, and reads the photo all the same.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as file:
            if file.width * file.height > MAX_PIXELS:
                raise SpecError(f"{path.name}: {file.width} x {file.height} pixels are too many.")
            picture = _opaque(ImageOps.exif_transpose(file))
    except UNREADABLE as exc:
        raise SpecError(
            f"{path.name} is not a photo that can be read: {exc}.", "Replace or delete the file."
        ) from exc
    scale = SHORT_SIDE_PX / min(picture.size)
    size = (
        max(SHORT_SIDE_PX, round(picture.width * scale)),
        max(SHORT_SIDE_PX, round(picture.height * scale)),
    )
    return picture.resize(size, Image.Resampling.BICUBIC)


def _opaque(picture: Image.Image) -> Image.Image:
    """Return RGB, on white where the picture is transparent."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    paper = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(paper, layer).convert("RGB")


def _centre(picture: Image.Image, side: int) -> Image.Image:
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def public_view(card: DataCard, folder: Path, label_space: str, destination: Path) -> Path:
    """Write what a notebook may see: decoded public photos, names and labels, nothing of the holdouts.

    Args:
        card: the data card.
        folder: its photos, from `find`.
        label_space: which labels.
        destination: folder to write; reused when it holds the same split.

    Returns:
        `destination`.
    """
    split = split_of(card, folder, label_space)
    wanted = (card.id, label_space, split.digest)
    if _identity(destination) == wanted:
        return destination
    fresh = destination.with_name(f".{destination.name}.{uuid.uuid4().hex}")
    fresh.mkdir(parents=True)
    try:
        _write_view(fresh, card, folder, label_space, split)
        shutil.rmtree(destination, ignore_errors=True)
        fresh.rename(destination)
    except OSError:
        if _identity(destination) != wanted:  # else another process was faster
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return destination


def _identity(view: Path) -> tuple[str, str, str] | None:
    """Return which photos a prepared folder holds, or None when it is not one."""
    try:
        found = read_view(view)
    except SubmissionError:
        return None
    return found.card, found.label_space, found.split


def _write_view(fresh: Path, card: DataCard, folder: Path, label_space: str, split: Split) -> None:
    members: dict[str, list[tuple[str, int]]] = {}
    for name in PUBLIC:
        photos = _read_all(_images(card, folder), split.names(name), label_space)
        np.save(fresh / f"{name}.npy", photos.images, allow_pickle=False)
        members[name] = list(zip(photos.names, photos.labels.tolist(), strict=True))
    kept = {name for rows in members.values() for name, _ in rows}
    facts = {
        "card": card.id,
        "credit": f"{card.title}\n{card.licence}\n{card.citation}",
        "label_space": label_space,
        "breeds": cards.breeds(label_space),
        "species": cards.species(label_space),
        "split": split.digest,
        "members": members,
        "left_out": [name for part in PUBLIC for name in split.names(part) if name not in kept],
    }
    (fresh / "view.json").write_text(json.dumps(facts), encoding="utf-8")


def _read_all(images: Path, names: Sequence[str], label_space: str) -> Photos:
    """Read public photos; those that cannot be read are left out."""
    stack = np.empty((len(names), SIDE_PX, SIDE_PX, 3), np.uint8)
    kept: list[str] = []
    for name in names:
        try:
            stack[len(kept)] = read_photo(images / name)
        except SpecError:
            continue
        kept.append(name)
    labels = np.array([cards.label_of(name, label_space) for name in kept], np.int64)
    return Photos(stack[: len(kept)], labels, tuple(kept))


def read_view(data_dir: Path) -> View:
    """Read what `public_view` wrote; raises SubmissionError when the folder is another."""
    try:
        facts = json.loads((data_dir / "view.json").read_text(encoding="utf-8"))
        return View(
            folder=data_dir,
            card=facts["card"],
            credit=facts["credit"],
            label_space=facts["label_space"],
            breeds=tuple(facts["breeds"]),
            species=tuple(facts["species"]),
            split=facts["split"],
            members={
                name: [(file, label) for file, label in rows] for name, rows in facts["members"].items()
            },
            left_out=tuple(facts.get("left_out", ())),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SubmissionError(
            Message("{folder} holds no photos that Pawgrade prepared.", folder=str(data_dir)),
            Message("Leave data_dir = None: the photos are then found by themselves."),
        ) from exc


@functools.cache
def _chelsea() -> Images:
    from skimage import data

    picture = Image.fromarray(data.chelsea())
    scale = SHORT_SIDE_PX / min(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    return np.asarray(_centre(picture.resize(size, Image.Resampling.BICUBIC), SIDE_PX))


def cat_photo() -> Images:
    """Return Chelsea, a photo of a cat by Stefan van der Walt (CC0, ships with scikit-image), uint8 `[224, 224, 3]`."""
    return _chelsea().copy()
