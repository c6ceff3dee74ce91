"""Which photos an assignment is graded with: public ones for everybody, hidden ones by the course secret."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from grader.assignment import spec
from grader.errors import SpecError
from grader.grading import asked_photos
from grader.judging.plan import public_material
from grader.settings import Settings
from tests.support.tiny import SECRET, tiny_course


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny_course(tmp_path / "course").source("tiny")


@pytest.fixture
def settings(toy_cache: Path) -> Settings:
    return Settings(None, toy_cache, sandbox="none")


def test_without_a_card_there_are_no_photos_and_another_salt_is_another_split(
    source: Path, settings: Settings
) -> None:
    usual, same, salted = (
        asked_photos.of_card(source, spec.NO_CARD, "", settings, salt) for salt in (None, "", "another")
    )

    assert (usual.view, usual.division) == (None, None)
    assert usual.split == same.split != salted.split


def test_hidden_photos_are_those_of_the_holdout_and_public_ones_are_not(
    source: Path, settings: Settings
) -> None:
    photos = asked_photos.of_card(source, "toy_pets", "", settings, None)
    public = public_material(photos.view, {})
    hidden = spec.load_hidden(source)

    material = asked_photos.with_hidden(public, photos.division, hidden, SECRET.encode(), "drawn")
    others = asked_photos.with_hidden(public, photos.division, hidden, b"another secret", "drawn")

    assert len(material.images) == len(material.labels) > 0
    assert material.shown is public.shown
    assert {image.tobytes() for image in material.images}.isdisjoint(
        image.tobytes() for image in public.images
    )
    assert material.images.tobytes() != others.images.tobytes()  # crops are drawn with the secret
    assert asked_photos.with_hidden(public, None, hidden, SECRET.encode(), "drawn") is public


def test_another_salt_hides_other_photos(source: Path, settings: Settings) -> None:
    usual, salted = (asked_photos.divide(source, "toy_pets", settings, salt) for salt in (None, "another"))

    assert usual.split.digest != salted.split.digest


def test_own_hidden_photos_in_a_folder_that_is_released_are_refused(source: Path, settings: Settings) -> None:
    mine = dataclasses.replace(settings, holdout=source / "holdout")

    with pytest.raises(SpecError, match="would be released"):
        asked_photos.divide(source, "toy_pets", mine)
