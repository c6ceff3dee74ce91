"""The photos of a card are found where they are, and their absence is told with what to do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from grader.datasets import cards, sources
from grader.datasets.cards import DataCard, Source
from grader.errors import SpecError
from tests.support import breeds
from tests.support.breeds import some_cats_and_dogs, some_photos

TOY = cards.load_card("toy_pets")


OXFORD = cards.load_card("oxford_pets")


SPECIES = cards.load_card("cats_and_dogs")


@pytest.fixture(scope="module")
def toy_folder(toy_cache: Path) -> Path:
    return sources.find(TOY, None, toy_cache)


def test_toy_pets_are_drawn_where_the_cache_is_and_ignore_the_data_folder(
    toy_folder: Path, toy_cache: Path, tmp_path: Path
) -> None:
    assert sources.find(TOY, tmp_path, toy_cache) == toy_folder
    assert toy_folder.parent == toy_cache


@pytest.mark.parametrize("inside", ["", "images"])
def test_photos_are_found_with_or_without_an_images_folder(tmp_path: Path, inside: str) -> None:
    some_photos(tmp_path / "here" / inside)

    folder = sources.find(OXFORD, tmp_path / "here", tmp_path / "cache")

    assert len(sources.split_of(OXFORD, folder, "breeds37").holdout) == 6 * 37


def test_photos_are_found_in_the_cache(tmp_path: Path) -> None:
    some_photos(tmp_path / "oxford_pets" / "images")

    assert sources.find(OXFORD, None, tmp_path) == tmp_path / "oxford_pets"


@pytest.mark.parametrize(
    ("card", "missing"),
    [(OXFORD, r"Abyssinian_12\.jpg in .* or its images/"), (SPECIES, r"Cat/12\.jpg in .* PetImages/")],
)
def test_missing_photos_are_refused_with_what_to_do(tmp_path: Path, card: DataCard, missing: str) -> None:
    with pytest.raises(SpecError, match=rf"{missing}, found none.*PAWGRADE_DATA.*toy_pets"):
        sources.find(card, tmp_path / "nothing", tmp_path)


def test_a_card_without_published_files_is_not_downloaded(tmp_path: Path) -> None:
    card = dataclasses.replace(OXFORD, source=Source(url="https://example.org"))

    with pytest.raises(SpecError, match="found none"):
        sources.find(card, None, tmp_path)


def test_a_stray_directory_is_no_class(tmp_path: Path) -> None:
    images = some_photos(tmp_path / "images")
    (images / "dragon_1.jpg").mkdir()
    (images / "pug_99.jpg").mkdir()

    split = sources.split_of(OXFORD, tmp_path, "breeds37")

    assert split.ignored == ()
    assert split == breeds.split(
        (path.name for path in images.iterdir() if path.is_file()), OXFORD, "breeds37"
    )


@pytest.mark.parametrize("inside", ["", "PetImages"])
def test_cats_and_dogs_are_found_in_their_two_folders(tmp_path: Path, inside: str) -> None:
    some_cats_and_dogs(tmp_path / inside)

    folder = sources.find(SPECIES, tmp_path, tmp_path / "cache")
    split = sources.split_of(SPECIES, folder, "species2")

    assert (len(split.train), len(split.validation), len(split.holdout)) == (120, 20, 60)
    assert split.ignored == ("Cat/Thumbs.db", "Dog/Thumbs.db")


def test_a_folder_may_hold_the_photos_of_two_cards(tmp_path: Path) -> None:
    some_photos(tmp_path / "images")
    some_cats_and_dogs(tmp_path / "PetImages", per_class=1)

    assert sources.holds(OXFORD, tmp_path)
    assert sources.holds(SPECIES, tmp_path)
    assert not sources.holds(SPECIES, tmp_path / "images")
    assert not sources.holds(OXFORD, tmp_path / "PetImages")
