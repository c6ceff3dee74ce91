"""Nothing dangerous survives, nothing odd raises, and what is harmless stays."""

from __future__ import annotations

import base64
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.notebooks.notebook_html import cell_views
from grader.notebooks.sanitise import CELL_TEXT_CHARS, IMAGES_BYTES, sanitise_notebook
from grader.notebooks.sanitise_text import BREAK
from tests.support import pages
from tests.support.hostile import TEXTS, dangerous


def code_cell(*outputs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"cell_type": "code", "source": "x", "metadata": {}, "outputs": list(outputs), **changes}


def book(*cells: Any, **changes: Any) -> Any:
    return sanitise_notebook(
        {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **changes}
    )


def shown(data: dict[str, Any]) -> dict[str, str]:
    bundle = (
        book(code_cell({"output_type": "display_data", "data": data, "metadata": {}}))
        .cells[0]
        .outputs[0]
        .data
    )
    return dict(bundle)


class TestNotebook:
    def test_the_pictures_of_a_notebook_share_one_limit(self) -> None:
        one = base64.b64encode(base64.b64decode(pages.png()) + bytes(1_900_000)).decode()
        outputs = [{"output_type": "display_data", "data": {"image/png": one}, "metadata": {}}] * 8

        kept = [output for output in book(code_cell(*outputs)).cells[0].outputs if "image/png" in output.data]

        assert len(kept) == IMAGES_BYTES // 1_900_000

    def test_the_hostile_notebook_becomes_a_valid_one(self) -> None:
        clean = sanitise_notebook(pages.hostile_notebook())

        nbformat.validate(clean)
        assert len(clean.cells) == len(pages.hostile_notebook().cells)

    def test_sanitising_again_changes_nothing(self) -> None:
        once = sanitise_notebook(pages.hostile_notebook())

        assert sanitise_notebook(once) == once

    def test_an_honest_notebook_keeps_code_outputs_and_nbgrader(self) -> None:
        honest = pages.notebook()

        clean = sanitise_notebook(honest)

        assert [cell.source for cell in clean.cells] == [
            cell.source.replace("a<b", f"a<{BREAK}b") for cell in honest.cells
        ]
        assert clean.cells[5].metadata.nbgrader == honest.cells[5].metadata.nbgrader
        assert clean.cells[1].outputs[3].data["image/png"] == pages.png()
        assert [cell.id for cell in clean.cells] == [cell.id for cell in honest.cells]

    def test_the_given_notebook_is_left_alone(self) -> None:
        given_book, same = pages.hostile_notebook(), pages.hostile_notebook()

        sanitise_notebook(given_book)

        assert given_book == same

    @pytest.mark.parametrize(
        "mime",
        [
            "image/svg+xml",
            "application/javascript",
            "application/pdf",
            "application/vnd.vega.v5+json",
            "text/x",
        ],
    )
    def test_an_unknown_kind_is_left_out_and_named(self, mime: str) -> None:
        assert shown({mime: "<svg onload=pwn()>"}) == {"text/plain": f"[not shown here: {mime}]"}

    def test_a_fake_picture_is_left_out_and_named(self) -> None:
        assert shown({"image/png": 'x" onerror="pwn()'}) == {"text/plain": "[not shown here: image/png]"}

    def test_values_of_other_types_become_text(self) -> None:
        assert shown({"text/plain": ["a\n", "b"]}) == {"text/plain": "a\nb"}
        assert shown({"text/plain": {"x": [1, None]}}) == {"text/plain": '{"x": [1, null]}'}
        assert shown({"text/plain": "\ud800\x00!"}) == {"text/plain": "?!"}

    def test_terminal_colours_stay_text(self) -> None:
        stream = {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred <b>\x1b[0m"}

        assert book(code_cell(stream)).cells[0].outputs[0].text == "\x1b[31mred <b>\x1b[0m"

    def test_a_long_stream_is_cut_where_one_can_see_it(self) -> None:
        stream = {"output_type": "stream", "name": "stdout", "text": "line\n" * 50_000}
        drawing = {"output_type": "display_data", "data": {"image/png": pages.png()}, "metadata": {}}

        outputs = book(code_cell(stream, stream, drawing)).cells[0].outputs

        assert sum(len(output.get("text", "")) for output in outputs) <= CELL_TEXT_CHARS
        assert "cut here" in outputs[1].text
        assert "image/png" in outputs[-1].data

    def test_a_cut_notebook_is_not_cut_again(self) -> None:
        stream = {"output_type": "stream", "name": "stdout", "text": "x" * 300_000}
        once = book(code_cell(*[stream] * 400))

        assert sanitise_notebook(once) == once

    def test_ids_are_unique_and_stay_so(self) -> None:
        clean = book(
            *(
                {"cell_type": "raw", "source": "", "metadata": {}, "id": name}
                for name in ("a", "a", "<b>", None)
            )
        )

        assert len({cell.id for cell in clean.cells}) == 4
        nbformat.validate(clean)

    def test_metadata_that_hides_or_injects_goes(self) -> None:
        evil = {
            "jupyter": {"source_hidden": True},
            "tags": ["ok", "<b>", 3],
            "name": "<i>",
            "collapsed": True,
        }
        evil["nbgrader"] = {"grade_id": "<img src=x onerror=pwn()>", "grade": True}

        assert book(code_cell(metadata=evil)).cells[0].metadata == {"tags": ["ok"]}

    def test_a_raw_cell_is_exported_to_no_format(self) -> None:
        raw = {"cell_type": "raw", "source": "<script>x</script>", "metadata": {"raw_mimetype": "text/html"}}

        cell = book(raw).cells[0]

        assert cell.metadata.raw_mimetype == "text/plain"
        assert "<script" not in cell.source

    def test_an_attachment_stays_only_as_a_real_picture(self) -> None:
        files = {"a.png": {"image/png": pages.png()}, "b.svg": {"image/svg+xml": "<svg>"}}
        text = "![a](attachment:a.png) ![b](attachment:b.svg)"

        cell = book({"cell_type": "markdown", "source": text, "metadata": {}, "attachments": files}).cells[0]

        assert list(cell.attachments) == ["a.png"]
        assert "![a](attachment:a.png)" in cell.source
        assert "attachment:b.svg" not in cell.source

    @pytest.mark.parametrize(
        "cells", [None, 3, "x", [None, 3, [], {}, {"cell_type": "code", "outputs": [None, {}, 3]}]]
    )
    def test_a_misshapen_notebook_does_not_raise(self, cells: Any) -> None:
        clean = sanitise_notebook({"cells": cells})

        nbformat.validate(clean)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "cell_type",
                            "source",
                            "outputs",
                            "metadata",
                            "data",
                            "text/html",
                            "output_type",
                            "tags",
                        ]
                    )
                    | st.text(max_size=5),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ),
        st.sampled_from(["code", "markdown", "raw"]),
        st.sampled_from(["stream", "error", "display_data", "execute_result"]),
    )
    @settings(max_examples=120, deadline=None)
    def test_any_json_in_any_place_gives_a_valid_safe_notebook(
        self, value: Any, kind: str, shape: str
    ) -> None:
        output = {
            "output_type": shape,
            "data": value,
            "text": value,
            "traceback": value,
            "ename": value,
            "evalue": value,
        }
        output |= {"metadata": value, "execution_count": value}
        bundle = {
            "output_type": shape,
            "data": {"text/html": value, "text/markdown": value, "image/png": value},
        }
        cell = {"cell_type": kind, "source": value, "metadata": value, "id": value, "attachments": value}

        clean = book(
            {**cell, "outputs": [output, bundle]}, {**cell, "metadata": {"nbgrader": value}, "outputs": value}
        )

        nbformat.validate(clean)
        assert sanitise_notebook(clean) == clean
        for view in cell_views(clean):
            assert dangerous(view.html) == []
            assert all(dangerous(shown.html) == [] for shown in view.outputs)
