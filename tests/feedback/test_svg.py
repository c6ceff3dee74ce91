"""The words that pictures are drawn with: whatever they are given, one file that browsers show and nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import numpy as np
import pytest

from grader.feedback import drawings
from grader.feedback.drawings import (
    Drawing,
    bar,
    exact,
    photo,
    sheet,
    short,
    words,
)

HOSTILE = "".join(map(chr, range(32))) + "\ud800\ufffe</text><script>x</script> & \"'$x$"


def root(drawing: Drawing) -> ElementTree.Element:
    return ElementTree.fromstring(drawing.content)  # noqa: S314 - our own file


def test_what_picture_files_import_is_pinned_and_there() -> None:
    assert drawings.__all__ == sorted(drawings.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(drawings, name) for name in drawings.__all__)


def test_the_file_is_well_formed_and_only_says_a_hostile_name() -> None:
    drawing = sheet(100, 50, [words((0, 10), HOSTILE), bar((0, 0), (3, 3), "#000")], ["Words."])

    (text,) = root(drawing).findall("{http://www.w3.org/2000/svg}text")

    assert text.text == "</text><script>x</script> & \"'$x$"
    assert root(drawing).findall("{http://www.w3.org/2000/svg}script") == []


def test_the_url_fits_between_quotes_and_is_the_file() -> None:
    drawing = sheet(100, 50, [words((0, 10), HOSTILE)], [])

    head, _, body = drawing.url.partition(",")

    assert head == "data:image/svg+xml"
    assert not re.search(r"[\"'<>&#\s]", body)
    assert unquote_to_bytes(body) == drawing.content


def test_a_sheet_carries_what_it_says_and_how_it_is_read() -> None:
    drawing = sheet(10, 10, [], ["A line."], seen="Longer is better.")

    assert (drawing.says, drawing.seen) == (("A line.",), "Longer is better.")


@pytest.mark.parametrize("show", [photo, exact])
def test_a_photo_larger_than_a_page_needs_is_refused(show: Callable[..., str]) -> None:
    with pytest.raises(ValueError, match="at most 512 x 512"):
        show((0, 0), 224, np.zeros((513, 2, 3), np.uint8))


def test_a_photo_of_noise_is_stored_small() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (224, 224, 3)).astype(np.uint8)

    assert len(photo((0, 0), 224, noise)) < 80_000


def test_a_long_name_becomes_one_short_line() -> None:
    assert short("a\n b" + "c" * 40, 10) == "a bcccccc…"
