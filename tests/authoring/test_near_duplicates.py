"""Copies of a photo are found whatever was done to them; other photos, and other drawings of a breed, are not."""

from __future__ import annotations

import dataclasses
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from grader.authoring.near_duplicates import Twins, near_duplicates, photo_findings
from grader.datasets import cards, sources, splits, toypets
from grader.datasets.holdout import Division
from grader.datasets.splits import Split
from tests.support import breeds
from tests.support.notebooks import REPOSITORY

REAL = REPOSITORY.parent / "shared" / "data" / "oxford_pets"
CARD = dataclasses.replace(cards.load_card("toy_pets"), source=None)
Picture = Image.Image


def encoded_anew(picture: Picture) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=50)
    return Image.open(buffer).convert("RGB")


def cropped(picture: Picture, share: float = 0.85) -> Picture:
    side = round(min(picture.size) * share)
    return picture.crop((10, 25, 10 + side, 25 + side))


def mirrored(picture: Picture) -> Picture:
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def brighter(picture: Picture) -> Picture:
    return ImageEnhance.Brightness(picture).enhance(1.3)


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "untouched": lambda picture: picture,
    "encoded anew": encoded_anew,
    "half the size": lambda picture: picture.resize((128, 128)),
    "cropped": cropped,
    "mirrored": mirrored,
    "brighter": brighter,
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "all at once": lambda picture: encoded_anew(brighter(mirrored(cropped(picture, 0.93)))),
}


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw three pets a breed, and make changed copies of the first drawings of nine breeds."""
    folder = tmp_path_factory.mktemp("pets")
    toypets.write_toy_pets(folder / "toys", 3, 7)
    images = sources._images(CARD, folder / "toys")
    for number, (copy, change) in enumerate(COPIES.items()):
        name = first_names(images)[number]
        change(Image.open(images / name).convert("RGB")).save(images / copied(name, copy))
    return folder


def first_names(images: Path) -> list[str]:
    return sorted(path.name for path in images.iterdir() if path.stem.endswith("_1"))


def copied(name: str, copy: str) -> str:
    return f"{name.rpartition('_')[0]}_{100 + list(COPIES).index(copy)}.png"


def divided(folder: Path) -> Split:
    """Return a split with first drawings for training, and all others hidden."""
    names = sorted(path.name for path in sources._images(CARD, folder).iterdir())
    train = tuple(name for name in names if "_1." in name)
    hidden = [name for name in names if name not in train]
    second = tuple(name for name in hidden if "_3." in name)
    return Split(train, (), tuple(name for name in hidden if name not in second), second)


def found(folder: Path, split: Split, cache: Path) -> list[Twins]:
    return near_duplicates(division(CARD, folder, split), cache)


def division(card: cards.DataCard, folder: Path, split: Split) -> Division:
    names = [name for part in splits.SPLITS for name in split.names(part)]
    return Division(card, "breeds35", split, sources.places(card, folder, names))


def test_every_kind_of_copy_is_found_and_no_other_drawing(looked_at: Path) -> None:
    toys = looked_at / "toys"
    firsts = first_names(sources._images(CARD, toys))
    expected = {(name, copied(name, copy)) for name, copy in zip(firsts, COPIES, strict=False)}

    twins = found(toys, divided(toys), looked_at)

    assert {(one.public, one.hidden) for one in twins} == expected
    assert not any(one.two_labels for one in twins)


def test_a_copy_in_the_second_holdout_with_another_label_comes_first_and_is_named(
    looked_at: Path, tmp_path: Path
) -> None:
    shutil.copytree(looked_at / "toys", tmp_path / "toys")
    images = sources._images(CARD, tmp_path / "toys")
    original, other = first_names(images)[-1], f"{first_names(images)[0].rpartition('_')[0]}_3.jpg"
    mirrored(Image.open(images / original)).save(images / other)
    split = divided(tmp_path / "toys")

    ok, words, twins = photo_findings(division(CARD, tmp_path / "toys", split), looked_at)

    assert not ok
    assert (twins[0].public, twins[0].hidden, twins[0].split) == (original, other, "second_holdout")
    assert twins[0].two_labels
    assert f"{original} (public) and {other} (second_holdout), with two labels" in words
    assert "leave_out" in words


def test_photos_without_copies_are_in_order(looked_at: Path) -> None:
    split = divided(looked_at / "toys")
    clean = dataclasses.replace(split, holdout=tuple(name for name in split.holdout if "_2." in name))

    ok, words, twins = photo_findings(division(CARD, looked_at / "toys", clean), looked_at)

    assert (ok, twins) == (True, [])
    assert "35 public photos against 35 holdout, 35 second holdout" in words


def test_a_second_look_computes_nothing_and_finds_the_same(looked_at: Path) -> None:
    toys, kept = looked_at / "toys", sorted((looked_at / "looks").glob("*"))
    first = found(toys, divided(toys), looked_at)
    before = [path.stat().st_mtime_ns for path in kept]

    again = found(toys, divided(toys), looked_at)

    assert again == first
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert len(kept) == 2


def test_what_was_kept_may_be_damaged(looked_at: Path, tmp_path: Path) -> None:
    toys = looked_at / "toys"
    few = Split(("Abyssinian_1.jpg",), (), ("Abyssinian_100.png",), ())
    (tmp_path / "looks").mkdir()
    (tmp_path / "looks" / "toy_pets.npz").write_bytes(b"PK\x03\x04 not an archive")
    (tmp_path / "looks" / "toy_pets.json").write_text('{"1": [')

    assert len(found(toys, few, tmp_path)) == 1
    assert np.load(tmp_path / "looks" / "toy_pets.npz")["features"].shape == (2, 1280)


def test_a_photo_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.fromarray(toypets.draw(0, np.random.default_rng(1))).save(tmp_path / "images" / "Abyssinian_1.png")
    (tmp_path / "images" / "Abyssinian_2.png").write_bytes(b"no picture")

    assert found(tmp_path, Split(("Abyssinian_1.png",), (), ("Abyssinian_2.png",), ()), tmp_path) == []


def test_a_photo_that_the_card_leaves_out_is_in_no_split() -> None:
    rule = dataclasses.replace(CARD.splits, leave_out=("pug_3.jpg", "not_there_1.jpg"))
    card = dataclasses.replace(CARD, splits=rule)
    names = toypets.file_names(9)

    split = breeds.split(names, card)

    assert not any("pug_3.jpg" in split.names(part) for part in splits.SPLITS)
    assert split.unused == 1
    assert len(split.holdout) == len(breeds.split(names, CARD).holdout)


@pytest.mark.skipif(not REAL.is_dir(), reason="needs real pet photos beside the checkout")
def test_the_real_photos_that_show_the_same_picture_are_found_and_similar_ones_are_not(
    tmp_path: Path,
) -> None:
    # Two of one animal, and two of one dog on one lawn, are other photos; the mirrored cat was cropped elsewhere, too.
    card = cards.load_card("oxford_pets")
    public = ("Egyptian_Mau_138.jpg", "Egyptian_Mau_100.jpg", "keeshond_158.jpg", "american_bulldog_10.jpg")
    hidden = ("Egyptian_Mau_219.jpg", "Egyptian_Mau_44.jpg", "keeshond_173.jpg", "american_bulldog_9.jpg")

    twins = near_duplicates(division(card, REAL, Split(public, (), hidden, ())), tmp_path)

    assert [(one.public, one.hidden) for one in twins] == sorted(zip(public[:2], hidden[:2], strict=True))
