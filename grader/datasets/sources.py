"""Finding the photos of a data card: in a folder or the cache, downloaded or drawn; and listing them."""

from __future__ import annotations

import csv
import importlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from grader import files
from grader.datasets import archives, cards, labels, splits
from grader.datasets.cards import DataCard
from grader.datasets.splits import Split
from grader.errors import InfrastructureError, SpecError


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
    folder = at_hand(card, data_folder, cache)
    if folder is not None:
        return folder
    drawn = cards.drawn()
    advice = f"Set PAWGRADE_DATA to the folder that has {card.photos}/{f', or use --data {drawn[0]}' if drawn else ''}."
    if data_folder is not None or card.source is None or not card.source.files:
        name, searched_folder = labels.example(card), data_folder or cache / card.id
        raise SpecError(
            f"{card.id}: expected photos such as {name} in {searched_folder} or its {card.photos}/, found none.",
            advice,
        )
    try:
        return archives.obtain(card, cache)
    except InfrastructureError as exc:
        raise InfrastructureError(
            f"{card.id}: {exc.message}", f"{exc.hint} Or do without: {advice[0].lower()}{advice[1:]}"
        ) from exc


def choose(names: Sequence[str], data_folder: Path | None, own: Path | None = None) -> str:
    """Return which of several data cards to use: the one whose photos are in a folder; without a folder a drawn one.

    Args:
        names: ids of cards, the preferred one first; at least one.
        data_folder: where the user says that real photos are, or None.
        own: folder with the course's own data cards, or None.
    """
    candidates = [cards.load_card(name, own) for name in names]
    # A folder of photos can only belong to a card that is not drawn.
    fitting = [card for card in candidates if (card.drawing is None) == (data_folder is not None)]
    there = [card for card in fitting if data_folder is not None and holds(card, data_folder)]
    # Where no card's photos are there, the preferred card is taken: `find` then says what is missing.
    return (there or fitting or candidates)[0].id


def at_hand(card: DataCard, data_folder: Path | None, cache: Path) -> Path | None:
    """Return what `find` returns, or None when it would have to download."""
    if card.drawing is not None:
        folder = cache / cards.drawn_folder(card, card.drawing)
        return folder if (folder / card.photos).is_dir() else _draw(card, folder)
    # With a folder given, the cache is not looked into: the user means these photos.
    places = [data_folder] if data_folder else [cache / card.id, archives.home(card, cache)]
    return next((folder for folder in places if holds(card, folder)), None)


def holds(card: DataCard, folder: Path) -> bool:
    """Say whether a folder has photos of the kind that a card describes."""
    return bool(photo_names(card, folder))


def photo_files(card: DataCard, folder: Path) -> tuple[str, ...]:
    """Return the sorted names of all files in a folder that look like pictures, whatever they are called."""
    # All formats that Pillow knows, those of its plugins included.
    extensions = Image.registered_extensions()
    return tuple(sorted(name for name in _names(card, folder) if Path(name).suffix.lower() in extensions))


def photo_names(card: DataCard, folder: Path) -> tuple[str, ...]:
    """Return the sorted names of the photos of known classes in a folder."""
    return tuple(sorted(name for name in _names(card, folder) if labels.is_known(card, name)))


def split_of(card: DataCard, folder: Path, label_space: str) -> Split:
    """Divide the photos in a folder."""
    return splits.split(_names(card, folder), card, label_space)


def places(card: DataCard, folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """Return where photos lie, by name.

    Args:
        card: the data card.
        folder: its photos, from `find`.
        names: from its split.
    """
    images = _images(card, folder)
    return {name: images / _file(card, name) for name in names}


def _images(card: DataCard, folder: Path) -> Path:
    # People name either this folder or the one above it.
    return folder / card.photos if (folder / card.photos).is_dir() else folder


def _names(card: DataCard, folder: Path) -> Iterator[str]:
    """Yield the names of the files, relative to the folder with the photos."""
    images = _images(card, folder)
    if card.labels.layout == "table":
        yield from _listed(card, images)
        return
    # Only folders of known names are looked into: a stray one never becomes a class.
    inside = card.labels.names if card.labels.layout == "folders" else ()
    for directory in (images, *(images / name for name in inside)):
        if directory.is_dir():
            yield from (path.relative_to(images).as_posix() for path in directory.iterdir() if path.is_file())


def _file(card: DataCard, name: str) -> str:
    """Return the path of a photo below the folder with the photos: a table names photos `class/file`, and has no folders."""
    return name.partition("/")[2] if card.labels.layout == "table" else name


def _listed(card: DataCard, images: Path) -> Iterator[str]:
    """Yield `class/file` for each row of `labels.csv` whose file is there."""
    try:
        with (images / "labels.csv").open(encoding="utf-8", newline="") as file:
            named = [(row["class"], row["file"]) for row in csv.DictReader(file)]
    # No table, no photos: whoever asked says what was expected.
    except FileNotFoundError:
        return
    except (KeyError, ValueError, csv.Error) as exc:
        raise SpecError(
            f"{card.id}: {images / 'labels.csv'} cannot be read: {exc}.", "Its columns are file and class."
        ) from exc
    # A row may hold any path: it counts only when it leads to a file of this very folder.
    inside = images.resolve()
    for kind, name in named:
        if (images / name).resolve().parent == inside and (images / name).is_file():
            yield f"{kind}/{name}"


def _draw(card: DataCard, folder: Path) -> Path:
    """Let a card's program draw its photos into a folder; return the folder."""
    if card.drawing is None:
        raise SpecError(f"{card.id} is not drawn.")
    module_name, _, function = card.drawing.program.partition(":")
    try:
        program_path = cards.program_file(card)
        module = (
            files.import_file(program_path)
            if program_path is not None
            else importlib.import_module(module_name)
        )
        program = getattr(module, function)
    except (ImportError, AttributeError) as exc:
        raise SpecError(f"{card.id}: [drawing] program = {card.drawing.program!r}: {exc}.") from exc
    # It leaves the folder whole or not at all (`cards.Drawing`), so nothing is tidied up here.
    program(folder, card.drawing.per_class, card.drawing.seed)
    return folder
