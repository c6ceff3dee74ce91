"""Photos of the course's own that judge in place of published ones: found, labelled, mixed into nothing public."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader import settings
from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.authoring.near_duplicates import photo_findings
from grader.datasets import cards, sources, toypets, views
from grader.datasets.holdout import PRIVATE, divide, holdout
from grader.errors import SpecError
from grader.grading import asked_photos, preparation
from grader.settings import Settings
from tests.support import breeds
from tests.support.tiny import tiny_course

OXFORD, SPECIES, TOY = (cards.load_card(name) for name in ("oxford_pets", "cats_and_dogs", "toy_pets"))
SECRET = b"a course secret"
WHITE = (255, 255, 255)


def photos(folder: Path, per_class: int, colour: tuple[int, int, int] | None = None) -> Path:
    """Write small photos of all 37 breeds: noise, or of one colour."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for stem in breeds.CATS + breeds.DOGS:
        for number in range(per_class):
            noise = Image.fromarray(rng.integers(0, 256, (24, 18, 3), np.uint8))
            picture = noise if colour is None else Image.new("RGB", (24, 18), colour)
            picture.save(folder / f"{stem}_{number}.png")
    return folder


@pytest.fixture
def public(tmp_path: Path) -> Path:
    photos(tmp_path / "data" / "images", 10)
    return tmp_path / "data"


def test_all_photos_of_your_own_judge_with_their_labels_and_nobody_sees_them(
    public: Path, tmp_path: Path
) -> None:
    own = photos(tmp_path / "own", 2, WHITE)

    found = divide(OXFORD, public, "breeds35", own)
    judged = holdout(found, SECRET, "1")

    before = sources.split_of(OXFORD, public, "breeds35")
    assert len(found.split.holdout) == 2 * 37
    assert all(name.startswith(PRIVATE) for name in found.split.holdout)
    assert (found.split.train, found.split.validation) == (before.train, before.validation)
    there = np.bincount([breeds.label_of(path.name) for path in own.iterdir()])
    assert (np.bincount(judged.labels) <= there).all()
    assert (np.bincount(judged.labels) >= 0.6 * there).all()
    assert (judged.images >= 250).all()
    assert not [name for part in views.PUBLIC for name in found.split.names(part) if name.startswith(PRIVATE)]


def test_they_may_take_the_place_of_the_second_holdout(public: Path, tmp_path: Path) -> None:
    own = photos(tmp_path / "own", 1, WHITE)

    found = divide(OXFORD, public, "breeds35", own, "second_holdout")

    assert len(found.split.second_holdout) == 37
    assert found.split.holdout == sources.split_of(OXFORD, public, "breeds35").holdout
    assert (holdout(found, SECRET, "1", "second_holdout").images >= 250).all()


def test_another_photo_under_the_same_name_makes_another_split(public: Path, tmp_path: Path) -> None:
    own = photos(tmp_path / "own", 1)
    first = divide(OXFORD, public, "breeds35", own).split

    Image.new("RGB", (24, 18), WHITE).save(own / "beagle_0.png")

    second = divide(OXFORD, public, "breeds35", own).split
    assert second.holdout == first.holdout
    assert len({first.digest, second.digest, sources.split_of(OXFORD, public, "breeds35").digest}) == 3


def test_a_class_without_a_photo_is_named(public: Path, tmp_path: Path) -> None:
    own = photos(tmp_path / "own", 1)
    (own / "pug_0.png").unlink()

    with pytest.raises(SpecError, match="found 36 photos, none of pug") as caught:
        divide(OXFORD, public, "breeds35", own)

    assert "PAWGRADE_HOLDOUT" in str(caught.value.hint)


def test_a_folder_that_is_not_there_names_what_it_must_hold(public: Path, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"named like Abyssinian_12\.jpg; found 0 photos"):
        divide(OXFORD, public, "breeds35", tmp_path / "nowhere")


def test_a_folder_named_after_the_card_goes_first(public: Path, tmp_path: Path) -> None:
    photos(tmp_path / "own" / "oxford_pets", 1)
    for name in ("Cat/1.jpg", "Dog/1.jpg"):
        path = tmp_path / "own" / "PetImages" / name
        path.parent.mkdir(parents=True)
        Image.new("RGB", (24, 18)).save(path)
    for species in breeds.SPECIES_FOLDERS:
        (tmp_path / "two" / species).mkdir(parents=True)
        for number in range(100):
            Image.new("RGB", (8, 6), (number, 0, 0)).save(tmp_path / "two" / species / f"{number}.jpg")

    breeds_ = divide(OXFORD, public, "breeds35", tmp_path / "own")
    species_ = divide(SPECIES, tmp_path / "two", "species2", tmp_path / "own")

    assert len(breeds_.split.holdout) == 37
    assert species_.split.holdout == ("private/Cat/1.jpg", "private/Dog/1.jpg")
    assert [species_.label_of(name) for name in species_.split.holdout] == [0, 1]


def test_drawn_pets_are_judged_by_drawn_pets(toy_cache: Path, tmp_path: Path) -> None:
    folder = sources.find(TOY, None, toy_cache)

    found = divide(TOY, folder, "breeds35", photos(tmp_path / "own", 1))

    assert found.split == sources.split_of(TOY, folder, "breeds35")


def test_a_photo_of_your_own_that_is_published_is_named_wherever_the_data_set_has_it(tmp_path: Path) -> None:
    few = cards.Tier(min_per_class=3, holdout=1, second_holdout=0, validation=1)
    card = dataclasses.replace(
        OXFORD,
        label_spaces={"breeds35": OXFORD.label_spaces["breeds35"]},
        splits=dataclasses.replace(OXFORD.splits, tiers=(few,)),
    )
    toypets.write_toy_pets(tmp_path / "data", 3, 7)
    toypets.write_toy_pets(tmp_path / "own", 1, 8)
    folder, own = tmp_path / "data", tmp_path / "own" / "images"
    alone = photo_findings(divide(card, folder, "breeds35", own), tmp_path)
    mine = sorted(own.iterdir())[0]
    hidden = sources.split_of(card, folder, "breeds35").holdout
    copied = next(name for name in hidden if breeds.label_of(name) == breeds.label_of(mine.name))

    shutil.copy(folder / "images" / copied, mine)

    ok, words, _ = photo_findings(divide(card, folder, "breeds35", own), tmp_path)
    assert (alone[0], ok) == (True, False)
    assert "70 public photos against 35 of your own" in alone[1]
    assert f"{copied} (public) and private/{mine.name} (holdout)" in words
    assert "out of your folder" in words


def test_an_assignment_is_prepared_with_them(public: Path, toy_cache: Path, tmp_path: Path) -> None:
    own = photos(tmp_path / "own", 2, WHITE)
    mine = Settings(public, toy_cache, sandbox="none", holdout=own)
    course = packaged_course()

    with_own, without = (
        preparation.prepare(
            course, "oxford_pets", one, card="oxford_pets", secret=SECRET, desk=tmp_path / "desk"
        )
        for one in (mine, dataclasses.replace(mine, holdout=None))
    )

    asked = with_own.context.plan["photos"]
    assert asked
    assert all((np.asarray(question.arguments[0]) >= 250).all() for question in asked)
    assert with_own.context.split != without.context.split
    assert with_own.data_dir == without.data_dir
    assert with_own.data_dir is not None
    view = views.read_view(with_own.data_dir)
    assert not any((view.photos(part).images >= 250).all(axis=(1, 2, 3)).any() for part in views.PUBLIC)


def test_pictures_with_other_names_are_named(public: Path, tmp_path: Path) -> None:
    own = photos(tmp_path / "own", 1)
    (own / "pug_0.png").rename(own / "my pug.PNG")
    (own / "notes.txt").write_text("no picture")

    with pytest.raises(SpecError, match=r"1 pictures in .* would not judge, my pug\.PNG first"):
        divide(OXFORD, public, "breeds35", own)


def test_a_folder_that_would_be_released_is_refused(public: Path, toy_cache: Path) -> None:
    source = packaged_course().source("oxford_pets")

    with pytest.raises(SpecError, match="would be released"):
        asked_photos.divide(source, "oxford_pets", Settings(public, toy_cache, holdout=source / "holdout"))


def test_a_secret_level_that_replaces_none_is_named(tmp_path: Path, toy_cache: Path) -> None:
    course = tiny_course(tmp_path / "course")
    (course.source("tiny") / "staff" / "hidden.toml").write_text(
        "[levels.toy_pets]\nbrigth = { zero_at = 0.1, full_at = 0.2 }\n"
    )
    mine = Settings(None, toy_cache, sandbox="none")

    with pytest.raises(SpecError, match=r"\[levels\.toy_pets\] in hidden\.toml has 'brigth'"):
        preparation.prepare(course, "tiny", mine, card=None, secret=SECRET, desk=tmp_path / "desk")


def test_the_setting_comes_from_the_course_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "pawgrade.toml").write_text('holdout = "secret photos"\n')

    assert settings.load(tmp_path, {}).holdout == tmp_path / "secret photos"
    assert settings.load(tmp_path, {"PAWGRADE_HOLDOUT": str(tmp_path)}).holdout == tmp_path
    assert settings.load(None, {}).holdout is None
    assert spec.Holdout().split == "holdout"
