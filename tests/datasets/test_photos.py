"""Photos: found, read whatever they are, split between what a notebook sees and what it does not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.datasets import cards, sources, views
from grader.datasets import holdout as hidden_photos
from grader.datasets import photos as pets
from grader.datasets.cards import DataCard
from grader.datasets.holdout import LEAST_SHARE
from grader.errors import SpecError
from tests.support.breeds import some_cats_and_dogs, some_photos

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "oxford_pets"
TOY = cards.load_card("toy_pets")
OXFORD = cards.load_card("oxford_pets")
SPECIES = cards.load_card("cats_and_dogs")
SECRET = b"a course secret"


@pytest.fixture(scope="module")
def toy_folder(toy_cache: Path) -> Path:
    return sources.find(TOY, None, toy_cache)


def gradient(width: int, height: int) -> Image.Image:
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - x], axis=2).astype(np.uint8))


def holdout(
    card: DataCard, folder: Path, label_space: str, secret: bytes, version: str, part: str = "holdout"
) -> pets.Photos:
    return hidden_photos.holdout(hidden_photos.divide(card, folder, label_space), secret, version, part)


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "RGBA", "LA", "1"])
@pytest.mark.parametrize("size", [(300, 200), (40, 90)])
def test_a_photo_of_any_mode_and_size_becomes_rgb(tmp_path: Path, mode: str, size: tuple[int, int]) -> None:
    path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
    gradient(*size).convert(mode).save(path)

    pixels = pets.read_photo(path)

    assert pixels.shape == (224, 224, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 20


def test_a_photo_is_shown_upright_whatever_its_exif_orientation(tmp_path: Path) -> None:
    upright = gradient(300, 256)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    upright.save(tmp_path / "upright.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "lying.png", exif=exif)

    first, second = (pets.read_photo(tmp_path / name) for name in ("upright.png", "lying.png"))

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("damage", ["empty", "text", "cut"])
def test_a_broken_photo_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "pug_1.jpg"
    gradient(300, 200).save(path)
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "text": b"not a photo", "cut": whole[: len(whole) // 2]}[damage])

    with pytest.raises(SpecError, match=r"pug_1\.jpg is not a photo that can be read"):
        pets.read_photo(path)


def test_a_broken_holdout_photo_is_never_left_out(tmp_path: Path) -> None:
    images = some_photos(tmp_path / "images")
    broken = sources.split_of(OXFORD, tmp_path, "breeds35").holdout[0]
    (images / broken).write_bytes(b"")

    with pytest.raises(SpecError, match=broken):
        holdout(OXFORD, tmp_path, "breeds35", SECRET, "1")


def test_cats_and_dogs_become_a_view_and_a_holdout_of_two_classes(tmp_path: Path) -> None:
    some_cats_and_dogs(tmp_path / "PetImages")

    view = views.read_view(views.public_view(SPECIES, tmp_path, "species2", tmp_path / "view"))
    hidden = holdout(SPECIES, tmp_path, "species2", SECRET, "1")

    assert (view.classes, view.groups) == (("cat", "dog"), ("cat", "dog"))
    train = view.photos("train")
    assert [name.startswith("Dog/") for name in train.names] == train.labels.astype(bool).tolist()
    # The photos of dogs are bluer: the labels belong to the images.
    assert (train.images.mean(axis=(1, 2))[:, 2] > 128).tolist() == train.labels.astype(bool).tolist()
    assert (hidden.images.mean(axis=(1, 2))[:, 2] > 128).tolist() == hidden.labels.astype(bool).tolist()
    assert all(LEAST_SHARE * 30 <= count <= 30 for count in np.bincount(hidden.labels))
    assert (hidden.names, hidden.left_out) == ((), 0)


BROKEN_FILES = [b"", b"GIF89a but no more", b"\xff\xd8\xff\xe0 the head of a JPEG"]


def break_files(images: Path, names: tuple[str, ...]) -> dict[Path, bytes]:
    """Put unreadable files in the place of photos and return them."""
    broken = {images / name: content for name, content in zip(names, BROKEN_FILES, strict=False)}
    for path, content in broken.items():
        path.write_bytes(content)
    return broken


def test_broken_files_of_a_set_known_for_them_are_left_out_counted_and_never_deleted(tmp_path: Path) -> None:
    images = some_cats_and_dogs(tmp_path / "PetImages")
    card = dataclasses.replace(SPECIES, unreadable_at_most=0.1)
    split = sources.split_of(card, tmp_path, "species2")
    judging = hidden_photos.chosen(hidden_photos.divide(card, tmp_path, "species2"), SECRET, "1", "holdout")
    broken = break_files(images, split.train[:3]) | break_files(images, tuple(judging[:3]))

    view = views.read_view(views.public_view(card, tmp_path, "species2", tmp_path / "view"))
    hidden = holdout(card, tmp_path, "species2", SECRET, "1")

    assert view.left_out == split.train[:3]
    assert len(view.photos("train").images) == len(view.photos("train").names) == 120 - 3
    left = len(judging) - 3
    assert (len(hidden.images), len(hidden.labels), hidden.left_out) == (left, left, 3)
    assert {path: path.read_bytes() for path in broken} == broken
    assert sources.split_of(card, tmp_path, "species2") == split


def test_more_broken_hidden_photos_than_the_card_allows_are_refused(tmp_path: Path) -> None:
    images = some_cats_and_dogs(tmp_path / "PetImages")
    division = hidden_photos.divide(SPECIES, tmp_path, "species2")
    names = hidden_photos.chosen(division, SECRET, "1", "holdout")
    break_files(images, tuple(names[:1]))  # one of at most 60 is more than 1 %

    with pytest.raises(SpecError, match=rf"{Path(names[0]).name} is not a photo that can be read"):
        holdout(SPECIES, tmp_path, "species2", SECRET, "1")


def test_a_photo_with_a_damaged_exif_block_is_read_without_a_warning(tmp_path: Path) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x0f\0\x02"  # five entries are announced, none is whole
    gradient(300, 200).save(tmp_path / "pug_1.jpg", exif=exif)

    assert pets.read_photo(tmp_path / "pug_1.jpg").std() > 20


def test_the_holdout_is_anonymous_of_all_classes_and_the_same_for_everybody(toy_folder: Path) -> None:
    first, again = (holdout(TOY, toy_folder, "breeds35", SECRET, "1") for _ in range(2))

    assert first.names == ()
    assert np.bincount(first.labels, minlength=35).min() >= 2
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.labels, again.labels)


@pytest.mark.parametrize(("secret", "version"), [(b"another", "1"), (SECRET, "2")])
def test_another_secret_or_version_gives_another_choice_and_order(
    toy_folder: Path, secret: bytes, version: str
) -> None:
    first = holdout(TOY, toy_folder, "breeds35", SECRET, "1")
    other = holdout(TOY, toy_folder, "breeds35", secret, version)

    counts = [np.bincount(photos.labels, minlength=35).tolist() for photos in (first, other)]
    assert counts[0] != counts[1]  # nobody can deal answers out by how many of a class there are
    assert first.labels.tolist() != other.labels.tolist()


def test_no_holdout_image_is_a_crop_that_reading_the_file_gives(toy_folder: Path) -> None:
    known = {pets.read_photo(path).tobytes() for path in (toy_folder / "images").iterdir()}

    hidden = holdout(TOY, toy_folder, "breeds35", SECRET, "1")

    assert not [image for image in hidden.images if image.tobytes() in known]


def test_an_empty_second_holdout_is_refused(toy_folder: Path) -> None:
    with pytest.raises(SpecError, match="the split second_holdout is empty"):
        holdout(TOY, toy_folder, "breeds35", SECRET, "1", "second_holdout")


def test_the_cat_photo_may_be_written_on() -> None:
    cat = pets.cat_photo()
    cat[:] = 0

    assert pets.cat_photo().shape == (224, 224, 3)
    assert pets.cat_photo().std() > 20


@pytest.mark.skipif(not REAL.is_dir(), reason="the real photos lie beside the makers' checkout only")
def test_the_real_subset_gives_210_holdout_photos() -> None:
    folder = sources.find(OXFORD, REAL, REAL)

    split = sources.split_of(OXFORD, folder, "breeds35")

    assert (len(split.train), len(split.validation), len(split.holdout)) == (552, 70, 210)
    assert split.second_holdout == ()
