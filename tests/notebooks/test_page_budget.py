"""A notebook on a page stays small: pictures shrink, words come first, and what is left out says so."""

from __future__ import annotations

import base64
import io
from typing import Any

import nbformat
import numpy as np
from markupsafe import Markup
from PIL import Image

from grader.notebooks.notebook_html import CellView, OutputView
from grader.notebooks.page_budget import CELLS, FRAME_CHARS, fit_cells, fit_pictures
from tests.support import pages

ROOM = 20_000


def encoded(picture: Image.Image, kind: str = "PNG") -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def static(seed: int = 0, side: int = 224) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8))


def notebook(*bundles: dict[str, str]) -> Any:
    outputs = [nbformat.v4.new_output("display_data", bundle) for bundle in bundles]
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("words"), nbformat.v4.new_code_cell("plot()", outputs=outputs)]
    )


def shown(fitted: Any) -> list[dict[str, str]]:
    return [output["data"] for output in fitted["cells"][1]["outputs"]]


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def view(index: int, html: str, *outputs: tuple[str, str]) -> CellView:
    views = tuple(OutputView(kind, Markup(text)) for kind, text in outputs)  # noqa: S704
    return CellView(index, "code", index + 1, None, Markup(html), views)  # noqa: S704


def test_pictures_that_have_room_are_left_as_they_are() -> None:
    given = pages.notebook()

    assert fit_pictures(given, 1_000_000) is given


def test_a_picture_without_room_becomes_a_smaller_jpeg_and_keeps_its_words() -> None:
    given = notebook({"image/png": encoded(static(side=1200)), "text/plain": "<Figure size 1200x1200>"})

    (data,) = shown(fit_pictures(given, ROOM))

    assert set(data) == {"image/jpeg", "text/plain"}
    assert opened(data["image/jpeg"]).size == (900, 900)
    assert "image/png" in shown(given)[0]


def test_a_plot_without_a_background_gets_a_white_one() -> None:
    clear = Image.fromarray(np.dstack([np.asarray(static()), np.zeros((224, 224), np.uint8)]), "RGBA")

    (data,) = shown(fit_pictures(notebook({"image/png": encoded(clear)}), ROOM))

    assert np.asarray(opened(data["image/jpeg"])).min() > 250


def test_a_picture_that_would_not_become_smaller_is_left_as_it_is() -> None:
    small, large = encoded(Image.new("RGB", (200, 100), "white")), encoded(static())

    first, second = shown(fit_pictures(notebook({"image/png": small}, {"image/png": large}), ROOM))

    assert set(first) == {"image/png"}
    assert set(second) == {"image/jpeg"}


def test_a_broken_picture_and_a_bomb_are_not_opened() -> None:
    broken = base64.b64encode(base64.b64decode(encoded(static()))[:60_000]).decode("ascii")
    dots = np.zeros((1001, 4000), np.uint8)
    dots[:20] = np.random.default_rng(0).integers(0, 256, (20, 4000))
    bomb = encoded(Image.fromarray(dots))

    fitted = shown(fit_pictures(notebook({"image/png": broken}, {"image/png": bomb}), ROOM))

    assert fitted == [{"image/png": broken}, {"image/png": bomb}]


def test_cells_that_have_room_are_left_as_they_are() -> None:
    cells = (view(0, "x", ("text", "1")), view(1, "y", ("image", "<img>"), ("text", "2")))

    assert fit_cells(cells, ROOM) == cells


def test_words_come_before_pictures() -> None:
    cells = [view(0, "a", ("image", "p" * 500)), view(1, "b", ("text", "t" * 500))]

    first, second = fit_cells(cells, 1002 + 3 * FRAME_CHARS)

    assert "[1 more output left out here" in first.outputs[0].html
    assert second.outputs == cells[1].outputs


def test_sources_come_before_outputs() -> None:
    cells = [view(0, "a", ("text", "t" * 500), ("text", "u" * 500)), view(1, "b" * 500)]

    first, second = fit_cells(cells, 600 + 2 * FRAME_CHARS)

    assert [output.kind for output in first.outputs] == ["stderr"]
    assert "[2 more outputs left out here" in first.outputs[0].html
    assert second == cells[1]


def test_a_source_without_room_says_so() -> None:
    first, second = fit_cells([view(0, "a" * ROOM), view(1, "b")], ROOM)

    assert "[The source left out here" in first.html
    assert second.html == "b"


def test_a_notebook_of_very_many_cells_ends_with_a_notice() -> None:
    fitted = fit_cells([view(at, "x") for at in range(CELLS + 7)], 10**9)

    assert len(fitted) == CELLS + 1
    assert "[7 more cells left out here" in fitted[-1].html
    assert [cell.index for cell in fitted] == list(range(CELLS + 1))
