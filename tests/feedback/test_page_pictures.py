"""Each picture has words and a table in its place."""

from __future__ import annotations

from grader.feedback import page_pictures
from grader.messages import Message
from grader.records import Picture
from tests.support import pages


def test_a_confusion_matrix_has_its_numbers_in_words_and_in_a_table() -> None:
    content = {"matrix": [[3, 1], [0, 4]], "names": ["pug", "boxer"], "measured on": "8 photos"}

    (entry,) = page_pictures.entries([Picture("confusion", "Who", content)], None, {})

    assert (
        entry["alt"]
        == "Who. 2 classes of photos; 1 pairs of classes are confused. pug taken for boxer: 1 of 4."
    )
    assert entry["table"] == (
        ("class", "photos", "right", "taken for"),
        ("pug", "4", "3", "boxer 1"),
        ("boxer", "4", "4", "-"),
    )


def test_every_picture_of_the_labs_has_words_and_a_table() -> None:
    for picture in pages.lab_pictures():
        (entry,) = page_pictures.entries([picture], None, pages.own_pictures())

        assert any(character.isdigit() for character in entry["alt"]), entry["kind"]
        assert len(entry["table"]) > 1
        assert {len(row) for row in entry["table"]} == {2}


def test_a_picture_that_cannot_be_drawn_says_so() -> None:
    (entry,) = page_pictures.entries(
        [Picture("confusion", "Who", {"matrix": [[-1]], "names": ["a"]})], None, {}
    )

    assert entry["url"] is None
    assert entry["missing"] == Message("This picture could not be drawn.")


def test_photos_of_confused_classes_are_shown_where_there_are_some() -> None:
    (entry,) = page_pictures.entries([pages.confusion_picture()], pages.DrawnPhotos(), {})

    assert len(entry["pairs"]) == 5
    assert {len(pair["true"]["photos"]) for pair in entry["pairs"]} == {page_pictures.PHOTOS}
