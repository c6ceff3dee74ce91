"""Data cards: validation, labels from file names, splits."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from grader.datasets import cards, splits
from grader.errors import SpecError
from tests.support import breeds


def names(per_class: int) -> list[str]:
    return [
        f"{stem}_{number}.jpg" for stem in breeds.CATS + breeds.DOGS for number in range(1, per_class + 1)
    ]


def edited_card(tmp_path: Path, old: str, new: str) -> Path:
    text = (cards.cards_folder() / "toy_pets.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "toy_pets.toml").write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("card_id", "label_space"),
    [("toy_pets", "breeds35"), ("oxford_pets", "breeds35"), ("cats_and_dogs", "species2")],
)
def test_the_projects_own_cards_are_valid(card_id: str, label_space: str) -> None:
    card = cards.load_card(card_id)

    assert card.id == card_id
    assert card.default_space == label_space


@pytest.mark.parametrize("card_id", ["oxford_pets", "cats_and_dogs"])
def test_every_published_file_comes_from_the_web_by_https_with_a_strong_checksum(card_id: str) -> None:
    source = cards.load_card(card_id).source

    assert source is not None
    assert source.files
    for file in source.files:
        assert file.url.startswith("https://")
        assert file.url.endswith(f"/{file.name}")
        assert len(file.sha256) == 64


def test_an_unknown_card_is_named_with_the_known_ones(tmp_path: Path) -> None:
    shutil.copy(cards.cards_folder() / "toy_pets.toml", tmp_path)

    with pytest.raises(SpecError, match=r"expected one of cats_and_dogs, .*'\.\./secrets'"):
        cards.load_card("../secrets", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title =", "tittle =", r"toy_pets\.toml: 2 mistakes:\n  - title: .*\n  - tittle: "),
        ("second_holdout = 0", "second_holdout = -1", r"splits\.tiers\.0\.second_holdout: .*found -1"),
        ("holdout = ", "holdout = 99", "leave none for training"),
        ("validation = 1", "validation = 1\ntrain = 5", "leave less than 5 for training"),
        ("validation = 1", "validation = 1\ntrain = 0", r"splits\.tiers\.0\.train: .*found 0"),
        ("_\\d+", "_\\d+(", r"labels: .*pattern: .*unterminated"),
        ("([a-z]+(?:_[a-z]+)*)", "[a-z_]+", "labels: .*pattern: expected a group"),
        ("[labels.groups]", '[labels.groups]\nbird = ["owl"]', "labels: .*'owl' is not among the names"),
        ('  "pug",\n', '  "pug",\n  "PUG",\n', "labels: .*each one once"),
        ('id = "toy_pets"', 'id = "toy_pets"\nphotos = "../x"', r"photos: .*'\.\./x'"),
        ('id = "toy_pets"', 'id = "toy_pets"\nunreadable_at_most = 0.5', r"unreadable_at_most: .*found 0\.5"),
        ("part = ", "parts = ", r"label_spaces\.breeds35\.parts: "),
        ('id = "toy_pets"', 'id = "other"', r"id: expected 'toy_pets' like the file's name, found 'other'"),
        ("[drawing]", "[drawing", "not valid TOML"),
    ],
)
def test_a_wrong_card_is_refused_with_file_and_key(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = edited_card(tmp_path, old, new)

    with pytest.raises(SpecError, match=message):
        cards.load_card("toy_pets", folder)


def test_all_mistakes_of_a_card_are_told_at_once(tmp_path: Path) -> None:
    for old, new in [
        ('id = "toy_pets"', 'id = "other"'),
        ("title =", "tittle ="),
        ("second_holdout = 0", "second_holdout = -1"),
        ("_\\d+", "_\\d+("),
        ("[labels.groups]", '[labels.groups]\nbird = ["owl", "wren"]'),
    ]:
        text = (
            tmp_path if (tmp_path / "toy_pets.toml").is_file() else cards.cards_folder()
        ) / "toy_pets.toml"
        assert old in text.read_text(encoding="utf-8")
        (tmp_path / "toy_pets.toml").write_text(text.read_text(encoding="utf-8").replace(old, new), "utf-8")

    with pytest.raises(SpecError) as caught:
        cards.load_card("toy_pets", tmp_path)

    first, *lines = str(caught.value).splitlines()
    assert first == f"{tmp_path / 'toy_pets.toml'}: 7 mistakes:"
    expected = [
        "title: ",
        "tittle: ",
        "tiers.0.second_holdout: ",
        "unterminated",
        "'owl'",
        "'wren'",
        "id: expected 'toy_pets'",
    ]
    assert len(lines) == len(expected), lines
    for word in expected:
        assert sum(word in line for line in lines) == 1, (word, lines)


@pytest.mark.parametrize(("label_space", "count"), [("breeds35", 35), ("breeds37", 37)])
def test_a_label_space_has_the_breeds_in_its_name(label_space: str, count: int) -> None:
    names = breeds.breeds(label_space)

    assert len(names) == count
    assert list(names) == sorted(set(names))
    assert breeds.groups(label_space).count("cat") == 12
    assert breeds.groups(label_space).count("dog") == count - 12


def test_breeds35_merges_the_two_american_and_the_two_english_breeds() -> None:
    assert breeds.label_of("american_bulldog_1.jpg") == breeds.label_of("american_pit_bull_terrier_2.jpg")
    assert breeds.label_of("english_setter_1.jpg") == breeds.label_of("english_cocker_spaniel_2.jpg")
    assert breeds.label_of("american_bulldog_1.jpg", "breeds37") != breeds.label_of(
        "american_pit_bull_terrier_2.jpg", "breeds37"
    )


@pytest.mark.parametrize("label_space", ["breeds35", "breeds37"])
def test_the_species_of_a_breed_agrees_with_the_case_of_the_official_name(label_space: str) -> None:
    for name in names(1):
        assert (breeds.groups(label_space)[breeds.label_of(name, label_space)] == "cat") == name[:1].isupper()


def test_species2_reads_the_folder_and_nothing_else() -> None:
    assert breeds.breeds("species2") == ("cat", "dog")
    assert breeds.groups("species2") == ("cat", "dog")
    assert [breeds.label_of(name, "species2") for name in ("Cat/0.jpg", "Dog/12499.jpg")] == [0, 1]


@pytest.mark.parametrize(
    "stray",
    ["Cat/Thumbs.db", "Cat/pug.jpg", "cat/1.jpg", "Cat/Dog/1.jpg", "../Cat/1.jpg", "1.jpg", "Fox/1.jpg"],
)
def test_a_stray_file_is_neither_cat_nor_dog(stray: str) -> None:
    assert not breeds.is_pet(stray, "species2")
    with pytest.raises(SpecError, match=r"such as Cat/12\.jpg, of one of 2 kinds"):
        breeds.label_of(stray, "species2")


def test_a_name_means_something_in_its_own_label_space_only() -> None:
    assert not breeds.is_pet("Cat/1.jpg")
    assert not breeds.is_pet("pug_1.jpg", "species2")


@pytest.mark.parametrize(
    ("per_class", "train", "validation", "holdout", "second", "unused"),
    [(100, 60, 10, 30, 0, 0), (999, 60, 10, 30, 0, 899), (12_499, 500, 100, 200, 200, 11_499)],
)
def test_a_card_may_bound_the_training_set_and_the_others_are_counted(
    per_class: int, train: int, validation: int, holdout: int, second: int, unused: int
) -> None:
    files = [f"{folder}/{number}.jpg" for folder in breeds.SPECIES_FOLDERS for number in range(per_class)]

    split = breeds.split([*files, "Cat/Thumbs.db"], cards.load_card("cats_and_dogs"), "species2")

    for split_name, count in zip(splits.SPLITS, (train, validation, holdout, second), strict=True):
        labels = Counter(breeds.label_of(name, "species2") for name in split.names(split_name))
        assert labels == Counter({0: count, 1: count} if count else {})
    assert (split.unused, split.ignored) == (2 * unused, ("Cat/Thumbs.db",))


def test_too_few_photos_of_a_species_are_refused_by_name() -> None:
    files = [f"Cat/{number}.jpg" for number in range(200)] + ["Dog/1.jpg"]

    with pytest.raises(SpecError, match="at least 100 photos of each of 2 classes, found 1 of 'dog'"):
        breeds.split(files, cards.load_card("cats_and_dogs"), "species2")


def test_the_digests_of_the_first_two_cards_are_those_that_grades_were_given_with() -> None:
    digests = [
        breeds.split(names(count), cards.load_card("oxford_pets"), "breeds37").digest for count in (10, 100)
    ]

    assert digests == ["1d5d419e270ad315", "559eb5482134ec08"]


@pytest.mark.parametrize(
    "stray",
    ["dragon_1.jpg", "notes.txt", "pug_1.mat", "._pug_1.jpg", "pug", "pug_.jpg", "pug_1.jpg.part", ""],
)
def test_a_stray_file_never_becomes_a_class(stray: str) -> None:
    card = cards.load_card("oxford_pets")

    split = breeds.split([*names(10), stray], card)

    assert split.ignored == (stray,)
    assert split.digest == breeds.split(names(10), card).digest
    with pytest.raises(SpecError, match="of one of 37 kinds"):
        breeds.label_of(stray)
