"""Classes of photos by file names, by folders and by a table, as a data card of any subject says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from grader.datasets import cards, labels, sources, splits, views
from grader.datasets.cards import DataCard
from grader.errors import SpecError

CARD = """
id = "{name}"
title = "Letters"
licence = "CC0"
citation = "nobody"

[source]
url = "https://example.org"

[labels]
layout = "{layout}"
names = ["Vowel_A", "Vowel_E", "Consonant_B"]

[labels.groups]
vowel = ["Vowel_A", "Vowel_E"]

[label_spaces.letters]

[label_spaces.kinds]
part = "[a-z]+"

[splits]
salt = "letters"

[[splits.tiers]]
min_per_class = 4
holdout = 1
second_holdout = 0
validation = 1
"""
NAMES = ("Vowel_A", "Vowel_E", "Consonant_B")


def card(folder: Path, layout: str) -> DataCard:
    (folder / "own").mkdir(parents=True, exist_ok=True)
    (folder / "own" / f"{layout}.toml").write_text(CARD.format(name=layout, layout=layout))
    return cards.load_card(layout, folder / "own")


def draw(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), (number, 99, 20)).save(path)


def photos(folder: Path, layout: str) -> Path:
    rows = ["file,class"]
    for position, name in enumerate(NAMES):
        for number in range(4):
            place = {
                "names": f"{name}_{number}.png",
                "folders": f"{name}/{number}.png",
                "table": f"{position}{number}.png",
            }
            draw(folder / "images" / place[layout], 10 * position + number)
            rows.append(f"{place[layout]},{name}")
    if layout == "table":
        rows += ["gone.png,Vowel_A", "../outside.png,Vowel_A", "00.png,Digit"]
        (folder / "images" / "labels.csv").write_text("\n".join(rows))
    draw(folder / "outside.png", 1)
    return folder


@pytest.mark.parametrize("layout", ["names", "folders", "table"])
def test_photos_of_any_layout_are_found_split_and_shown(tmp_path: Path, layout: str) -> None:
    letters, folder = card(tmp_path, layout), photos(tmp_path / "data", layout)

    found = sources.split_of(letters, sources.find(letters, folder, tmp_path), "letters")
    view = views.read_view(views.public_view(letters, folder, "letters", tmp_path / "view"))

    assert [len(found.names(part)) for part in splits.SPLITS] == [6, 3, 3, 0]
    assert view.classes == ("consonant_b", "vowel_a", "vowel_e")
    assert view.groups == ("", "vowel", "vowel")
    train = view.photos("train")
    # What is in the picture belongs to the label: red tells which class it was drawn for.
    begins = {1: 0, 2: 10, 0: 20}
    for image, label in zip(train.images, train.labels.tolist(), strict=True):
        assert begins[label] <= int(np.median(image[..., 0])) < begins[label] + 4


@pytest.mark.parametrize("layout", ["names", "folders", "table"])
def test_a_label_space_makes_classes_of_parts_of_names(tmp_path: Path, layout: str) -> None:
    letters = card(tmp_path, layout)

    assert labels.classes(letters, "kinds") == ("consonant", "vowel")
    assert labels.groups(letters, "kinds") == ("", "vowel")
    name = "Vowel_E_3.png" if layout == "names" else "Vowel_E/3.png"
    assert (labels.label_of(letters, name, "letters"), labels.label_of(letters, name, "kinds")) == (2, 1)


@pytest.mark.parametrize("name", ["Digit_1.png", "Vowel_A.png", "Vowel_A_1.txt", "../Vowel_A_1.png", ""])
def test_a_name_of_no_known_class_never_becomes_one(tmp_path: Path, name: str) -> None:
    letters = card(tmp_path, "names")

    assert not labels.is_known(letters, name)
    with pytest.raises(SpecError, match=r"Vowel_A_12\.jpg, of one of 3 kinds"):
        labels.label_of(letters, name, "letters")


def test_an_unknown_label_space_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="letters, kinds, found 'words'"):
        labels.classes(card(tmp_path, "names"), "words")


def test_a_course_draws_its_own_photos(tmp_path: Path) -> None:
    card(tmp_path, "names")
    path = tmp_path / "own" / "names.toml"
    path.write_text(
        path.read_text().replace(
            '[source]\nurl = "https://example.org"',
            '[drawing]\nprogram = "letters.py:draw"\nseed = 3\nper_class = 4',
        )
    )
    (tmp_path / "own" / "letters.py").write_text(
        "from PIL import Image\n"
        "def draw(folder, per_class, seed):\n"
        "    (folder / 'images').mkdir(parents=True)\n"
        f"    for name in {NAMES}:\n"
        "        for number in range(per_class):\n"
        "            Image.new('RGB', (8, 6), (seed, 0, 0)).save(folder / 'images' / f'{name}_{number}.png')\n"
    )
    letters = cards.load_card("names", tmp_path / "own")

    folder = sources.find(letters, None, tmp_path / "cache")

    assert len(sources.photo_names(letters, folder)) == 12
    (tmp_path / "own" / "letters.py").unlink()
    with pytest.raises(SpecError, match=r"program = 'letters\.py:draw'"):
        sources.find(letters, None, tmp_path / "another")
