"""What a notebook may see: public photos in order, nothing of the holdout, made anew when it does not fit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.datasets import cards, sources, views
from grader.datasets import photos as pets
from grader.errors import SubmissionError
from tests.support import breeds

TOY = cards.load_card("toy_pets")


OXFORD = cards.load_card("oxford_pets")


@pytest.fixture(scope="module")
def toy_folder(toy_cache: Path) -> Path:
    return sources.find(TOY, None, toy_cache)


@pytest.fixture(scope="module")
def view_folder(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return views.public_view(TOY, toy_folder, "breeds35", tmp_path_factory.mktemp("views") / "toy")


def some_photos(folder: Path, per_class: int = 10) -> Path:
    """Write small plain photos of all 37 breeds."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem in breeds.CATS + breeds.DOGS:
        for number in range(per_class):
            colour = tuple(int(value) for value in rng.integers(0, 256, 3))
            Image.new("RGB", (8, 6), colour).save(folder / f"{stem}_{number}.jpg")
    return folder


def test_a_view_holds_the_public_photos_in_the_order_of_their_names(
    toy_folder: Path, view_folder: Path
) -> None:
    split = sources.split_of(TOY, toy_folder, "breeds35")

    view = views.read_view(view_folder)

    assert (view.card, view.split, view.classes) == ("toy_pets", split.digest, breeds.breeds("breeds35"))
    for split_name in views.PUBLIC:
        photos = view.photos(split_name)
        assert photos.names == split.names(split_name)
        assert photos.labels.tolist() == [breeds.label_of(name) for name in photos.names]
    np.testing.assert_array_equal(photos.images[0], pets.read_photo(toy_folder / "images" / photos.names[0]))


def test_a_view_says_nothing_about_the_holdout(toy_folder: Path, view_folder: Path) -> None:
    split = sources.split_of(TOY, toy_folder, "breeds35")

    text = (view_folder / "view.json").read_text(encoding="utf-8")

    assert not [name for name in split.holdout if f'"{name}"' in text]
    assert sorted(path.name for path in view_folder.iterdir()) == ["train.npy", "validation.npy", "view.json"]
    with pytest.raises(SubmissionError, match="found 'holdout'"):
        views.read_view(view_folder).photos("holdout")


def test_a_view_is_used_again_while_it_fits(toy_folder: Path, view_folder: Path) -> None:
    before = (view_folder / "train.npy").stat().st_mtime_ns

    views.public_view(TOY, toy_folder, "breeds35", view_folder)

    assert (view_folder / "train.npy").stat().st_mtime_ns == before


def test_a_view_is_made_anew_when_it_is_damaged_or_another(tmp_path: Path) -> None:
    some_photos(tmp_path / "images")
    destination = tmp_path / "view"
    for label_space in ("breeds35", "breeds37"):
        views.public_view(OXFORD, tmp_path, label_space, destination)
        assert views.read_view(destination).label_space == label_space
    (destination / "view.json").write_text("{}", encoding="utf-8")

    views.public_view(OXFORD, tmp_path, "breeds37", destination)

    assert views.read_view(destination).label_space == "breeds37"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "view"]


def test_a_broken_public_photo_is_left_out_and_said_so(tmp_path: Path) -> None:
    images = some_photos(tmp_path / "images")
    broken = sources.split_of(OXFORD, tmp_path, "breeds35").train[0]
    (images / broken).write_bytes(b"")

    view = views.read_view(views.public_view(OXFORD, tmp_path, "breeds35", tmp_path / "view"))

    assert view.left_out == (broken,)
    assert broken not in view.photos("train").names
    assert len(view.photos("train").images) == len(view.photos("train").labels)


@pytest.mark.parametrize("content", [None, "{}", "[]", "not json", '{"members": 3}'])
def test_a_folder_that_is_no_view_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "view.json").write_text(content, encoding="utf-8")

    with pytest.raises(SubmissionError, match="holds no photos that Pawgrade prepared"):
        views.read_view(tmp_path)


def test_a_view_without_its_arrays_is_refused(tmp_path: Path, view_folder: Path) -> None:
    view = dataclasses.replace(views.read_view(view_folder), folder=tmp_path)

    with pytest.raises(SubmissionError, match=r"train\.npy cannot be read"):
        view.photos("train")
