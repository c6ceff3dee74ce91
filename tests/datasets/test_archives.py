"""The official archives of a card, in small, from a server on this machine: downloaded, unpacked, read by torchvision."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from grader.datasets import archives, cards, sources
from grader.datasets.cards import DataCard, Source, SourceFile
from grader.errors import InfrastructureError, SpecError
from tests.support import breeds
from tests.support.site import Page, Site, serving

OXFORD = cards.load_card("oxford_pets")
SPECIES = cards.load_card("cats_and_dogs")
PER_CLASS = 10
IMAGES, ANNOTATIONS, ZIP = "images.tar.gz", "annotations.tar.gz", "kagglecatsanddogs_5340.zip"

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as one:
        yield one


def photo(number: int) -> bytes:
    """Return a tiny JPEG."""
    buffer = io.BytesIO()
    Image.new("RGB", (12, 9), (number % 256, 80, 160)).save(buffer, "JPEG")
    return buffer.getvalue()


def oxford_files() -> Files:
    """Return photos of all 37 breeds and torchvision's lists, as the official archives have them."""
    files: Files = {"images/Abyssinian_100.mat": b"not a photo"}
    lists: dict[str, list[str]] = {"trainval": [], "test": []}
    for label, breed in enumerate(sorted(breeds.CATS + breeds.DOGS, key=str.lower), start=1):
        species = 1 if breed[:1].isupper() else 2
        for number in range(1, PER_CLASS + 1):
            files[f"images/{breed}_{number}.jpg"] = photo(number)
            split = "trainval" if number % 2 else "test"
            lists[split].append(f"{breed}_{number} {label} {species} 1\n")
    return files | {f"annotations/{name}.txt": "".join(lines).encode() for name, lines in lists.items()}


def tarred(files: Files, folder: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as pile:
        for name, content in files.items():
            if name.startswith(folder):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                pile.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zipped(files: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as pack:
        for name, content in files.items():
            pack.writestr(name, content)
    return buffer.getvalue()


def published(site: Site, card: DataCard, contents: Files) -> DataCard:
    """Return the card with its files served by the site."""
    files = tuple(
        SourceFile(
            name=name,
            url=site.add(f"/{name}", Page(content, etag='"1"')),
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for name, content in contents.items()
    )
    assert card.source is not None
    source = Source(
        url=card.source.url,
        files=files,
        torchvision=card.source.torchvision,
        lists=card.source.lists,
        folder=card.source.folder,
    )
    return dataclasses.replace(card, source=source)


def oxford(site: Site, files: Files | None = None) -> DataCard:
    files = oxford_files() if files is None else files
    contents = {IMAGES: tarred(files, "images/"), ANNOTATIONS: tarred(files, "annotations/")}
    return published(site, OXFORD, contents)


def species_files(count: int = 3) -> Files:
    files = {
        f"PetImages/{name}/{number}.jpg": photo(number) for name in ("Cat", "Dog") for number in range(count)
    }
    return files | {
        "PetImages/Cat/Thumbs.db": b"no photo",
        "PetImages/Dog/7.jpg": b"",
        "readme[1].txt": b"Hello",
    }


def test_the_oxford_pets_are_downloaded_unpacked_and_read_by_torchvision(site: Site, tmp_path: Path) -> None:
    from torchvision.datasets import OxfordIIITPet

    card = oxford(site)

    folder = sources.find(card, None, tmp_path)

    split = sources.split_of(card, folder, "breeds37")
    assert len(split.holdout) == 6 * 37
    assert split.ignored == ("Abyssinian_100.mat",)
    for name in ("trainval", "test"):
        theirs = OxfordIIITPet(tmp_path / "oxford_pets", split=name, download=False)
        assert len(theirs) == 37 * PER_CLASS // 2
    # Only the photos stay, and locks.
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".lock") == [
        "downloads",
        "oxford_pets",
    ]
    assert list((tmp_path / "downloads").iterdir()) == []


def test_what_was_downloaded_once_is_used_again_without_the_network(site: Site, tmp_path: Path) -> None:
    card = oxford(site)
    folder = sources.find(card, None, tmp_path)
    asked = [len(page.asked) for page in site.pages.values()]

    assert sources.find(card, None, tmp_path) == folder
    assert archives.obtain(card, tmp_path) == folder  # as if another process had been faster
    assert [len(page.asked) for page in site.pages.values()] == asked == [1, 1]


def test_nothing_is_downloaded_when_a_folder_is_given(site: Site, tmp_path: Path) -> None:
    card = oxford(site)

    with pytest.raises(SpecError, match="found none"):
        sources.find(card, tmp_path / "elsewhere", tmp_path)

    assert [len(page.asked) for page in site.pages.values()] == [0, 0]


def test_an_archive_that_is_complete_is_not_asked_for_again_after_another_failed(
    site: Site, tmp_path: Path
) -> None:
    card = oxford(site)
    annotations = site.pages[f"/{ANNOTATIONS}"]
    annotations.status = 404
    with pytest.raises(InfrastructureError, match="found 404"):
        sources.find(card, None, tmp_path)
    assert not (tmp_path / "oxford_pets").exists()
    annotations.status = 200

    sources.find(card, None, tmp_path)

    assert len(site.pages[f"/{IMAGES}"].asked) == 1


def test_who_is_offline_hears_how_to_do_without(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/images.tar.gz"
        file = SourceFile(name="images.tar.gz", url=url, size_bytes=10, sha256="ab" * 32)
        card = dataclasses.replace(OXFORD, source=Source(url=url, files=(file,)))

        with pytest.raises(InfrastructureError, match=r"oxford_pets: .*found no connection") as caught:
            sources.find(card, None, tmp_path)

    assert str(caught.value.hint).endswith(
        "Or do without: set PAWGRADE_DATA to the folder that has images/, or use --data toy_pets."
    )


def without(name: str) -> Callable[[Files], Files]:
    return lambda files: {key: content for key, content in files.items() if key != name}


def renamed_breed(files: Files) -> Files:
    lists = {
        key: content.replace(b"pug_", b"pugs_")
        for key, content in files.items()
        if key.startswith("annotations/")
    }
    photos = {
        key.replace("/pug_", "/pugs_"): content for key, content in files.items() if key.startswith("images/")
    }
    return photos | lists


@pytest.mark.parametrize(
    ("damage", "missing"),
    [
        (without("images/pug_3.jpg"), r"pug_3\.jpg"),
        (without("annotations/test.txt"), r"annotations/test\.txt"),
        (renamed_breed, "pug, pugs"),
        (lambda files: {key: content for key, content in files.items() if "images/" not in key}, "images"),
        (lambda files: files | {"images/Abyssinian_1.jpg": b"broken"}, r"annotations/trainval\.txt"),
    ],
    ids=["a photo", "a list", "a breed", "all photos", "a broken photo"],
)
def test_archives_that_are_not_complete_are_refused_and_leave_nothing(
    site: Site, tmp_path: Path, damage: Callable[[Files], Files], missing: str
) -> None:
    card = oxford(site, damage(oxford_files()))

    with pytest.raises(InfrastructureError, match=f"found none of {missing}") as caught:
        sources.find(card, None, tmp_path)

    assert "update Pawgrade" in str(caught.value.hint)
    assert not (tmp_path / "oxford_pets").exists()
    assert not (tmp_path / ".oxford_pets.unpacking").exists()


def hostile_tar(name: str, link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as pile:
        member = tarfile.TarInfo(name)
        if link:
            member.type, member.linkname = tarfile.SYMTYPE, link
        else:
            member.size = 5
        pile.addfile(member, None if link else io.BytesIO(b"owned"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        hostile_tar("../../owned.txt"),
        hostile_tar("images/../../../owned.txt"),
        hostile_tar("images/link", link="/etc/passwd"),
        hostile_tar("images/link", link="../../.."),
        b"this is no archive",
    ],
    ids=["up", "round about", "link", "link up", "no archive"],
)
def test_an_archive_never_writes_outside_its_folder(site: Site, tmp_path: Path, content: bytes) -> None:
    card = published(site, OXFORD, {IMAGES: content})

    with pytest.raises(InfrastructureError, match="expected an archive of photos, found"):
        sources.find(card, None, tmp_path / "cache")

    assert not list(tmp_path.rglob("owned.txt"))
    assert not (tmp_path / "cache" / "oxford_pets").exists()


@pytest.mark.parametrize("name", ["../owned.txt", "/owned.txt", "PetImages/../../owned.txt", "..\\owned.txt"])
def test_a_zip_never_writes_outside_its_folder(site: Site, tmp_path: Path, name: str) -> None:
    card = published(site, SPECIES, {ZIP: zipped({name: b"owned"})})

    with pytest.raises(InfrastructureError, match="leads out of the folder"):
        sources.find(card, None, tmp_path / "cache")

    assert not list(tmp_path.rglob("*owned.txt"))


def test_a_damaged_zip_is_refused(site: Site, tmp_path: Path) -> None:
    whole = zipped(species_files())
    place = whole.index(photo(1)) + 30
    card = published(site, SPECIES, {ZIP: whole[:place] + b"\0\0\0\0" + whole[place + 4 :]})

    with pytest.raises(InfrastructureError, match="expected an archive of photos, found Bad CRC"):
        sources.find(card, None, tmp_path)


def test_cats_and_dogs_are_downloaded_and_unpacked_broken_files_and_all(site: Site, tmp_path: Path) -> None:
    files = species_files()
    card = published(site, SPECIES, {ZIP: zipped(files)})

    folder = sources.find(card, None, tmp_path)

    assert folder == tmp_path / "cats_and_dogs"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == set(files)


def test_a_zip_without_dogs_is_refused(site: Site, tmp_path: Path) -> None:
    card = published(site, SPECIES, {ZIP: zipped({"PetImages/Cat/1.jpg": photo(1)})})

    with pytest.raises(InfrastructureError, match="found none of Dog"):
        sources.find(card, None, tmp_path)


def test_other_peoples_files_in_the_place_are_not_touched(site: Site, tmp_path: Path) -> None:
    (tmp_path / "oxford_pets").mkdir()
    (tmp_path / "oxford_pets" / "thesis.txt").write_text("mine")

    with pytest.raises(InfrastructureError, match="found other files") as caught:
        sources.find(oxford(site), None, tmp_path)

    assert "Move them away" in str(caught.value.hint)
    assert (tmp_path / "oxford_pets" / "thesis.txt").read_text() == "mine"


def test_what_a_killed_process_left_half_unpacked_is_no_obstacle(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".oxford_pets.unpacking" / "oxford-iiit-pet" / "images").mkdir(parents=True)
    (tmp_path / "oxford_pets").mkdir()

    folder = sources.find(oxford(site), None, tmp_path)

    assert sources.holds(OXFORD, folder)
    assert not (tmp_path / ".oxford_pets.unpacking").exists()


def test_a_drawn_card_has_nothing_to_download(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"toy_pets: expected a card with \[source\]"):
        archives.obtain(cards.load_card("toy_pets"), tmp_path)
