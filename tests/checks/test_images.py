from __future__ import annotations

import json

import numpy as np
import pytest

from grader.checks.images import from_png, packed, to_png, unpacked


def noise(height: int = 5, width: int = 7) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_an_image_survives_json_pixel_by_pixel() -> None:
    content = {"rows": [{"photo": noise(), "words": ("a", 0.5), "count": np.int64(3), "curve": np.arange(2)}]}

    text = json.loads(json.dumps(packed(content)))

    assert (unpacked(text["rows"][0]["photo"]) == noise()).all()
    assert text["rows"][0]["words"] == ["a", 0.5]
    assert text["rows"][0]["count"] == 3
    assert text["rows"][0]["curve"] == [0, 1]


@pytest.mark.parametrize("form", [noise(), noise().tolist(), packed(noise())], ids=["array", "lists", "png"])
def test_an_image_is_read_in_every_form(form: object) -> None:
    assert (unpacked(form) == noise()).all()


@pytest.mark.parametrize(
    "value",
    [{}, {"png": "no base64"}, {"png": "AAAA"}, [[1, 2]], np.full((2, 2, 3), 0.5), np.full((2, 2, 3), 300)],
    ids=["empty", "letters", "bytes", "flat", "floats", "bright"],
)
def test_what_is_no_image_is_a_value_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"expected|not"):
        unpacked(value)


def test_a_picture_of_too_many_pixels_is_not_decoded() -> None:
    content = to_png(np.zeros((2001, 2000, 3), np.uint8))

    with pytest.raises(ValueError, match="at most 4000000 pixels"):
        from_png(content)
