"""A set that a program beside its card draws: what tells two programs apart, and when two of its pictures are the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from grader.authoring.near_duplicates import photo_findings
from grader.calibration.statistics import measured_version
from grader.datasets import cards, sources
from grader.datasets.holdout import divide
from tests.support.notebooks import REPOSITORY

CARD = """\
id = "dots"
title = "Dots"
licence = "none"
citation = "none"

[labels]
names = ["one", "two"]

[label_spaces.both]

[drawing]
program = "dots.py:draw"
seed = 3
per_class = 6

[splits]
salt = "dots"
same_picture = "pixels"

[[splits.tiers]]
min_per_class = 6
holdout = 2
second_holdout = 0
validation = 2
"""
PROGRAM = """\
import numpy as np
from PIL import Image


def draw(folder, per_class, seed):
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for name in ("one", "two"):
        for number in range(per_class):
            pixels = rng.integers(100, 104, (8, 8), np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{name}_{number}.png")
"""


@pytest.fixture
def card(tmp_path: Path) -> cards.DataCard:
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "dots.toml").write_text(CARD)
    (tmp_path / "datasets" / "dots.py").write_text(PROGRAM)
    return cards.load_card("dots", tmp_path / "datasets")


def test_another_program_draws_into_another_folder(card: cards.DataCard, tmp_path: Path) -> None:
    first = sources.find(card, None, tmp_path / "cache")
    program = cards.program_file(card)
    assert program is not None
    program.write_text(PROGRAM.replace("100, 104", "0, 256"))

    assert sources.find(card, None, tmp_path / "cache") != first


def test_pictures_that_resemble_each_other_are_not_the_same_where_only_pixels_count(
    card: cards.DataCard, tmp_path: Path
) -> None:
    folder = sources.find(card, None, tmp_path / "cache")

    ok, said, _ = photo_findings(divide(card, folder, "both"), tmp_path / "cache")

    assert ok, said


def test_equal_pixels_are_the_same_picture_and_two_labels_come_first(
    card: cards.DataCard, tmp_path: Path
) -> None:
    folder = sources.find(card, None, tmp_path / "cache")
    division = divide(card, folder, "both")
    hidden, public = division.split.holdout[0], division.split.train
    same = next(name for name in public if name[:3] == hidden[:3])
    other = next(name for name in public if name[:3] != hidden[:3])
    for name in (same, other):
        Image.open(division.places[hidden]).save(division.places[name])

    ok, _, found = photo_findings(division, tmp_path / "cache")

    assert not ok
    assert [(twins.public, twins.two_labels) for twins in found] == [(other, True), (same, False)]


def test_without_a_file_beside_it_a_card_keeps_its_folders_name() -> None:
    toys = cards.load_card("toy_pets")

    assert cards.program_mark(toys) == ""
    assert cards.program_file(toys) is None


def test_levels_of_an_assignment_without_a_card_do_not_touch_its_calibration(tmp_path: Path) -> None:
    public = (REPOSITORY / "examples/solutions/words/assignment.toml").read_text()
    (tmp_path / "assignment.toml").write_text(public)
    before = measured_version(tmp_path, "none")

    (tmp_path / "assignment.toml").write_text(public.replace("full_at = 0.90", "full_at = 0.91"))

    assert public != (tmp_path / "assignment.toml").read_text()
    assert measured_version(tmp_path, "none") == before
