"""The official archives of a data card: fetched, unpacked and checked, so that its photos are there whole or not at all."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from grader import files
from grader.datasets.cards import DataCard, Source
from grader.downloads import fetch
from grader.downloads.fetch import Tell
from grader.errors import InfrastructureError, SpecError

# What the two archive modules raise over damaged files; NotImplementedError is zipfile's for a compression method
# that it lacks.
BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)


def home(card: DataCard, cache: Path) -> Path:
    """Return the folder that has a card's photo folder once its archives were unpacked."""
    return cache / card.id / _source(card).folder


def obtain(card: DataCard, cache: Path) -> Path:
    """Download the archives of a card and unpack them; what an earlier try got is used.

    Args:
        card: one with a source.
        cache: folder for the photos; the archives are kept there only until they are unpacked.

    Returns:
        `home(card, cache)`.

    Raises:
        InfrastructureError: no network, no room, or not the files that were expected.
    """
    destination, shelf = cache / card.id, cache / "downloads" / card.id
    # The lock is a file beside the folder, so the folder itself can be renamed into place.
    with fetch.locked(destination):
        if (home(card, cache) / card.photos).is_dir():  # another process was faster
            return home(card, cache)
        # Only an empty folder is replaced: anything else in it belongs to somebody.
        if destination.is_dir() and any(destination.iterdir()):
            raise InfrastructureError(
                f"{card.id}: expected nothing or photos in {destination}, found other files.",
                "Move them away, then try again.",
            )
        archives = []
        for file in _source(card).files:
            with fetch.progress(f"{card.id}: {file.name}") as tell:
                # `fetch` verifies the checksum, and resumes what an earlier try left here.
                target = shelf / file.name
                archives.append(
                    fetch.fetch(file.url, target, sha256=file.sha256, size_bytes=file.size_bytes, tell=tell)
                )
        _install(card, archives, destination)
        # Only now: when unpacking fails, the download is still there for the next try.
        shutil.rmtree(shelf)
    return home(card, cache)


def _source(card: DataCard) -> Source:
    if card.source is None:
        raise SpecError(f"{card.id}: expected a card with [source], found one whose pictures are drawn.")
    return card.source


def _install(card: DataCard, archives: list[Path], destination: Path) -> None:
    """Unpack beside `destination`, check, and rename: a killed process leaves nothing that looks complete."""
    # On the same disk, since a rename does not cross disks. The name is fixed, so that the next process removes
    # what a killed one left half unpacked.
    staging = destination.with_name(f".{card.id}.unpacking")
    root = staging / _source(card).folder
    shutil.rmtree(staging, ignore_errors=True)
    try:
        root.mkdir(parents=True)
        for archive in archives:
            with fetch.progress(f"{card.id}: unpacking {archive.name}") as tell:
                _unpack(archive, root, tell)
        _require_complete(card, staging, root)
        if destination.is_dir():
            # Empty, as `obtain` made sure; `rmdir` refuses anything else.
            destination.rmdir()
        staging.rename(destination)
    except OSError as exc:
        raise InfrastructureError(
            f"{card.id}: its photos cannot be unpacked into {destination}: {exc}.",
            "Make room, or set PAWGRADE_CACHE to a folder of yours on a larger disk; the download is kept.",
        ) from exc
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _unpack(archive: Path, root: Path, tell: Tell) -> None:
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as pack:
                pack.extractall(root, members=_zipped(pack, tell))  # noqa: S202 - the names are checked
        else:
            with tarfile.open(archive) as pile:
                files.unpack(pile, root, _piled(pile, tell))
    except BROKEN as exc:
        raise InfrastructureError(
            f"{archive.name}: expected an archive of photos, found {exc}, in {archive}.",
            "Delete it and try again: it is downloaded afresh.",
        ) from exc


def _zipped(pack: zipfile.ZipFile, tell: Tell) -> Iterator[zipfile.ZipInfo]:
    total, done = sum(member.file_size for member in pack.infolist()), 0
    for member in pack.infolist():
        # `extractall` asks for one member at a time: a name is checked just before it is written. Backslashes
        # separate folders, too, on Windows.
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise zipfile.BadZipFile(f"{member.filename!r} leads out of the folder")
        tell(done, total)
        yield member
        done += member.file_size


def _piled(pile: tarfile.TarFile, tell: Tell) -> Iterator[tarfile.TarInfo]:
    for member in pile:
        # A tar has no table of contents: the position is known, the total is not.
        tell(member.offset_data, None)
        yield member


def _require_complete(card: DataCard, staging: Path, root: Path) -> None:
    images = root / card.photos
    folders = [images / name for name in card.labels.names] if card.labels.layout == "folders" else [images]
    missing = [folder.name for folder in folders if not folder.is_dir()]
    if not missing and _source(card).torchvision:
        missing = _not_in_torchvisions_lists(card, staging, images)
    if missing:
        raise InfrastructureError(
            f"{card.id}: expected all photos in the archives, found none of {', '.join(missing[:3])} in {root.name}.",
            "The published files have changed: update Pawgrade, or set PAWGRADE_DATA to a folder with the photos.",
        )


def _not_in_torchvisions_lists(card: DataCard, root: Path, images: Path) -> list[str]:
    """Return what torchvision's own loader would miss: photos of its lists, or classes."""
    from torchvision import datasets

    loader, missing = getattr(datasets, _source(card).torchvision), set[str]()
    for split, name_of_list in _source(card).lists.items():
        try:
            dataset = loader(root, split=split, download=False)
            named = (images.parent / name_of_list).read_text(encoding="utf-8").splitlines()
            # The first word of a line in these lists is a photo's name without its ending.
            missing |= {name for line in named if not (images / (name := f"{line.split()[0]}.jpg")).is_file()}
            if not missing:
                dataset[0], dataset[len(dataset) - 1]  # opens the files
        except (RuntimeError, OSError, ValueError, IndexError) as exc:
            return [f"{name_of_list} ({exc})"]
        # torchvision writes capitals and blanks where the names of files have underscores.
        read = {name.lower().replace(" ", "_") for name in dataset.classes}
        missing |= {name.lower() for name in card.labels.names} ^ read
    return sorted(missing)
