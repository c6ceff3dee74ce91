"""The assignments' own pictures say what their values say, pixel by pixel where pixels are the point."""

from __future__ import annotations

import base64
import io
import re
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from grader.checks.images import packed
from grader.datasets.photos import cat_photo
from grader.errors import InfrastructureError
from grader.feedback import figures
from grader.feedback.drawings import Drawing
from grader.records import Picture
from tests.support import pages

KINDS = [picture.kind for picture in pages.lab_pictures()]


def draw(picture: Picture) -> Drawing:
    return figures.draw(picture, pages.own_pictures())


def drawn(kind: str, **content: Any) -> Drawing:
    return draw(Picture(kind, "", packed(content)))


def of(kind: str) -> Picture:
    return next(picture for picture in pages.lab_pictures() if picture.kind == kind)


def elements(drawing: Drawing, name: str) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(drawing.content)  # noqa: S314 - our own file
    return root.findall(f".//{{http://www.w3.org/2000/svg}}{name}")


def text(drawing: Drawing) -> str:
    return " | ".join("".join(element.itertext()) for element in elements(drawing, "text"))


def images(drawing: Drawing) -> list[npt.NDArray[np.uint8]]:
    links = [element.attrib["href"].partition(",")[2] for element in elements(drawing, "image")]
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(link)))) for link in links]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_values_give_the_same_bytes(kind: str) -> None:
    assert draw(of(kind)) == draw(of(kind))


@pytest.mark.parametrize(
    ("kind", "most_bytes"),
    [
        ("attacks", 450_000),
        ("ideal_images", 400_000),
        ("feature_maps", 250_000),
        ("map_strips", 250_000),
        ("variation", 6_000),
    ],
)
def test_a_full_picture_is_small_to_send(kind: str, most_bytes: int) -> None:
    assert len(draw(of(kind)).url) < most_bytes


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_said_in_words_too(kind: str) -> None:
    assert all(line.endswith(".") for line in draw(of(kind)).says)
    assert draw(of(kind)).says


@pytest.mark.parametrize("kind", KINDS)
def test_the_url_fits_between_quotes_and_is_the_file(kind: str) -> None:
    drawing = draw(of(kind))

    head, _, body = drawing.url.partition(",")

    assert head == "data:image/svg+xml"
    assert not re.search(r"[\"'<>&#\s]", body)
    assert unquote_to_bytes(body) == drawing.content


def test_a_hostile_name_is_only_a_name() -> None:
    words = "".join(map(chr, range(32))) + "\ud800\ufffe</text><script>x</script> & \"'$x$"

    drawing = drawn("attacks", rows=[pages.attack_row(target=words)])

    assert elements(drawing, "script") == []
    assert "Make it “</text><script>x</script> &" in text(drawing)


def test_the_difference_is_exact() -> None:
    row = pages.attack_row()

    clean, changed, shown = images(drawn("attacks", rows=[row]))

    expected = 128 + 16 * (row["adversarial"].astype(int) - row["photo"].astype(int))
    assert np.array_equal(shown, np.clip(expected, 0, 255))
    assert {expected.min(), expected.max()} == {64, 192}
    assert np.abs(clean.astype(int) - row["photo"]).mean() < 3
    assert np.abs(changed.astype(int) - row["adversarial"]).mean() < 4


def test_an_unchanged_photo_has_a_grey_difference_and_a_large_change_is_clipped() -> None:
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    pairs = [(white, white), (black, white), (white, black)]

    shown = images(drawn("attacks", rows=[pages.attack_row(photo=a, adversarial=b) for a, b in pairs]))

    assert [set(difference.ravel()) for difference in shown[2::3]] == [{128}, {255}, {0}]


def test_an_attack_within_its_budget_says_so() -> None:
    drawing = drawn("attacks", rows=[pages.attack_row()])

    assert "✓ 4 of 4 grey levels used" in text(drawing)
    assert "| golden retriever | 0.998 |" in text(drawing)
    assert drawing.says == (
        "Photo 1, target golden retriever: the network said tabby (p 0.500) before and golden retriever (p 0.998)"
        " after; 4 of 4 grey levels used.",
    )


def test_an_attack_beyond_its_budget_says_so() -> None:
    assert "✗ 5 grey levels used, 4 allowed" in text(drawn("attacks", rows=[pages.attack_row(largest=5)]))


def test_a_second_network_is_shown_where_there_is_one() -> None:
    row = pages.attack_row()

    with_one = drawn("attacks", rows=[row | {"second": [["lynx", 0.61]]}])

    assert "another network says of your image | lynx | 0.610" in text(with_one)
    assert "Another network says lynx (p 0.610)." in with_one.says[0]
    assert "another network" not in text(drawn("attacks", rows=[row]))


def test_the_bar_of_the_target_is_as_long_as_its_probability_and_orange() -> None:
    bars = elements(drawn("attacks", rows=[pages.attack_row()]), "rect")

    orange = [float(one.attrib["width"]) for one in bars if one.attrib["fill"] == "#fccda3"]
    assert orange == [pytest.approx(224 * 0.0001, abs=0.01), pytest.approx(224 * 0.9984, abs=0.01)]


def test_ideal_images_show_both_runs_and_what_the_term_did() -> None:
    drawing = drawn("ideal_images", rows=[pages.ideal_row(), pages.ideal_row(name="zebra", ratio=0.9)])

    assert "p 0.994 | total variation 0.333" in text(drawing)
    assert "✓ variation per contrast: 0.53 of the left one’s, at most 0.70" in text(drawing)
    assert "✗ variation per contrast: 0.90" in text(drawing)
    assert len(images(drawing)) == 4
    assert "shifted, p falls to 0.020 and 0.600." in drawing.says[0]


def test_an_ideal_image_without_contrast_is_drawn_and_not_enough() -> None:
    grey = np.full((224, 224, 3), 128, np.uint8)

    drawing = drawn("ideal_images", rows=[pages.ideal_row(smooth=grey, ratio=float("nan"))])

    assert "✗ variation per contrast: no share of the left one’s, at most 0.70" in text(drawing)


def test_a_probability_a_rounding_error_above_1_is_1() -> None:
    drawing = drawn("attacks", rows=[pages.attack_row(after=[["cat", 1.0000002], ["dog", -1e-9]])])

    assert text(drawing).endswith("the network says | cat | 1.000 | dog | 0.000")


def test_the_curves_run_from_left_to_right_and_higher_is_surer() -> None:
    lines = elements(drawn("ideal_images", rows=[pages.ideal_row()]), "polyline")

    curves = [one.attrib for one in lines if len(one.attrib["points"].split()) == 3]
    without, with_it = (
        [tuple(map(float, place.split(","))) for place in one["points"].split()] for one in curves
    )
    assert [one["stroke"] for one in curves] == ["#d95f02", "#2166ac"]
    assert [x for x, _ in without] == sorted(x for x, _ in without)
    assert without[1][1] < min(without[0][1], without[2][1])  # sure in the middle only; y grows downwards
    assert with_it[0][1] < with_it[2][1]  # -3 is 0.91, 3 is 0.6
    assert all(high < low for (_, high), (_, low) in zip(with_it[::2], without[::2], strict=True))


def test_feature_maps_keep_their_pixels() -> None:
    ramp = np.arange(49).reshape(7, 7)

    drawing = drawn(
        "feature_maps", photo=cat_photo(), layers=[{"name": "late", "maps": [ramp.tolist()] * 32}]
    )

    _, *maps = images(drawing)
    assert len(maps) == 8
    assert np.array_equal(np.asarray(maps[0])[..., 0], ramp)
    assert "late | 7 × 7 pixels, 8 of 32 maps" in text(drawing)
    assert "pixelated" in elements(drawing, "image")[1].attrib["style"]


def test_a_map_may_be_an_image() -> None:
    drawing = drawn("feature_maps", photo=cat_photo(), layers=[{"name": "late", "maps": [cat_photo()]}])

    assert np.array_equal(images(drawing)[1], cat_photo())


def test_values_stand_beside_what_was_needed() -> None:
    drawing = drawn("variation", rows=pages.values(), tolerance=1e-3)

    assert "one grey | ✓ 0.000 | needed 0.000" in text(drawing)
    assert "stripes | ✗ 0.250 | needed 0.500" in text(drawing)
    assert "noise | ✗ no number | needed 0.333" in text(drawing)
    assert drawing.says[1] == "stripes: 0.250, needed 0.500: wrong."


def test_a_value_that_is_far_off_stays_on_the_sheet() -> None:
    rows = [{"name": "sum, not mean", "found": 1e300, "required": 0.2}]

    drawing = drawn("variation", rows=rows, tolerance=0.001)

    assert "✗ 1e+300" in text(drawing)
    assert all(0 < float(one.attrib["cx"]) < 700 for one in elements(drawing, "circle"))


def test_rows_beyond_what_a_page_can_hold_are_left_out() -> None:
    assert len(drawn("attacks", rows=[pages.attack_row()] * 9).says) == 4
    assert len(drawn("ideal_images", rows=[pages.ideal_row()] * 9).says) == 4
    assert len(drawn("variation", rows=pages.values() * 9, tolerance=0.1).says) == 12
    assert len(drawn("feature_maps", photo=cat_photo(), layers=pages.layers() * 9).says) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"photo": None},
        {"adversarial": np.zeros((2, 2, 3), np.uint8)},
        {"before": []},
        {"before": [["cat", 0.1]] * 6},
        {"after": [["cat", 1.5]]},
        {"after": [["cat", float("nan")]]},
        {"second": [["cat"]]},
        {"epsilon": -1},
        {"largest": float("inf")},
        {"epsilon": "four"},
    ],
)
def test_values_that_are_no_attack_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InfrastructureError, match="attacks"):
        drawn("attacks", rows=[pages.attack_row(**change)])


@pytest.mark.parametrize(
    "change",
    [
        {"plain": [[1, 2]]},
        {"p_smooth": -0.1},
        {"at_most": float("nan")},
        {"variation_plain": float("inf")},
        {"shift_px": []},
        {"shift_px": [0, 1]},
        {"shift_plain": [0.5, 0.5, 2]},
        {"shift_px": list(range(65)), "shift_plain": [0.5] * 65, "shift_smooth": [0.5] * 65},
        {"plain": np.zeros((600, 600, 3), np.uint8)},
    ],
)
def test_values_that_are_no_ideal_images_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InfrastructureError, match="ideal_images"):
        drawn("ideal_images", rows=[pages.ideal_row(**change)])


@pytest.mark.parametrize("maps", [[], [[]], [[[0.5]]], [[[300]]], [[[-1]]], [[[[1, 2]]]], ["x"], None])
def test_values_that_are_no_feature_maps_are_refused(maps: object) -> None:
    with pytest.raises(InfrastructureError, match="feature_maps"):
        drawn("feature_maps", photo=cat_photo(), layers=[{"name": "late", "maps": maps}])


@pytest.mark.parametrize(
    "content",
    [
        {"rows": [], "tolerance": 0.1},
        {"rows": pages.values(), "tolerance": -1},
        {"rows": pages.values()},
        {"rows": [{"name": "x", "found": 1.0, "required": float("nan")}], "tolerance": 0.1},
        {"rows": [{"name": "x", "found": "much", "required": 1.0}], "tolerance": 0.1},
    ],
)
def test_values_that_are_no_variation_are_refused(content: dict[str, Any]) -> None:
    with pytest.raises(InfrastructureError, match="variation"):
        drawn("variation", **content)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", [{}, {"rows": None}, {"rows": [1]}, {"rows": [[]]}])
def test_content_of_another_shape_is_refused(kind: str, content: dict[str, Any]) -> None:
    with pytest.raises(InfrastructureError, match=kind):
        drawn(kind, **content)
