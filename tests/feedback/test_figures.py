"""The drawings are what their values say, and stay small."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from grader.errors import InfrastructureError
from grader.feedback import figures
from grader.records import Picture
from tests.support import pages


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_the_confusion_of_35_breeds_is_large_to_look_at_and_small_to_send() -> None:
    content = figures.draw(pages.confusion_picture()).content

    assert content.startswith(b"\x89PNG")
    assert min(opened(content).size) > 1200
    assert len(content) < 200_000


def test_the_same_values_give_the_same_bytes() -> None:
    assert figures.draw(pages.confusion_picture()) == figures.draw(pages.confusion_picture())


def test_the_diagonal_is_blue_and_a_mistake_orange() -> None:
    content = {"matrix": [[4, 0], [4, 0]], "names": ["a", "b"], "measured on": ""}

    colours = opened(figures.confusion(content).content).convert("RGB").getcolors(1_000_000) or []
    strong = [colour for count, colour in colours if count > 2000 and isinstance(colour, tuple)]

    assert any(red < blue - 50 for red, _, blue in strong)
    assert any(red > blue + 50 for red, _, blue in strong)


def test_a_name_that_looks_like_a_formula_is_drawn_as_words() -> None:
    content = {"matrix": [[1]], "names": [r"$\frac{"], "measured on": ""}

    assert figures.confusion(content).content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"matrix": [[1, 2]], "names": ["a"]},
        {"matrix": [[-1]], "names": ["a"]},
        {"matrix": [[0.5]], "names": ["a"]},
        {"matrix": [], "names": []},
        {"matrix": [["x"]], "names": ["a"]},
        {"matrix": [[1], [1, 2]], "names": ["a", "b"]},
    ],
)
def test_values_that_are_no_confusion_are_refused(content: dict[str, object]) -> None:
    with pytest.raises(InfrastructureError, match="confusion"):
        figures.draw(Picture("confusion", "", content))


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(InfrastructureError, match="known are confusion, photo_grid"):
        figures.draw(Picture("hologram", "", {}))


def test_the_most_confused_come_first_and_ties_by_name() -> None:
    matrix = [[9, 1, 2], [3, 9, 0], [1, 0, 9]]

    found = figures.most_confused(matrix, ["c", "b", "a"], top=3)

    assert found == [(1, 0, 3), (0, 2, 2), (2, 0, 1)]


def test_a_perfect_network_confuses_nothing() -> None:
    assert figures.most_confused(np.eye(35, dtype=int) * 6, pages.BREEDS) == []


def test_a_photo_grid_holds_rows_of_unequal_length() -> None:
    photos = pages.DrawnPhotos().photos("pug", 2)
    content = {
        "rows": [{"caption": "two", "images": photos}, {"caption": "one", "images": [photos[0].tolist()]}]
    }

    drawn = figures.draw(Picture("photo_grid", "", content)).content

    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) < 200_000


@pytest.mark.parametrize("image", [[[1, 2]], [[[0.5, 0.5, 0.5]]], [[[1, 2, 300]]], [[[-1, 0, 0]]], []])
def test_what_is_no_uint8_image_is_refused(image: object) -> None:
    with pytest.raises(InfrastructureError, match="photo_grid"):
        figures.draw(Picture("photo_grid", "", {"rows": [{"caption": "", "images": [image]}]}))


def test_a_thumbnail_is_the_middle_square() -> None:
    photo = np.zeros((100, 300, 3), np.uint8)
    photo[:, 100:200] = 255

    small = np.asarray(opened(figures.thumbnail(photo, 50)))

    assert small.shape == (50, 50, 3)
    assert small[:, 2:-2].min() > 240
