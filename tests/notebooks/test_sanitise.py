"""Nothing dangerous survives, nothing odd raises, and what is harmless stays."""

from __future__ import annotations

import base64
import html as html_lib
import re
import struct
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.markdown import markdown2html

from grader.notebooks.notebook_html import cell_views, markdown
from grader.notebooks.sanitise import CELL_TEXT_CHARS, IMAGES_BYTES, clean_html, sanitise_notebook
from grader.notebooks.sanitise_text import BREAK, inert_markdown, picture
from tests.support import pages

FRAGMENTS = st.sampled_from(
    [
        *pages.HOSTILE,
        *(
            "<",
            ">",
            "`",
            "```",
            "~~~",
            "\n",
            "\t",
            "\\",
            "[",
            "](",
            ")",
            "![",
            "$",
            "&",
            "&amp;",
            "&lt;",
            "&#58;",
            ":",
        ),
        *(
            "javascript:",
            "java",
            "script",
            "vbscript",
            "data:",
            "mermaid",
            "attachment:",
            "a.png",
            "href",
            "<!--",
            "-->",
        ),
        *(
            "<script",
            "<img src=x onerror=pwn()",
            "onerror=",
            "<a href=",
            '"',
            "'",
            "<table>",
            "<td>",
            "<svg>",
            "</",
            " ",
        ),
        *(
            "&#x6a;",
            "&Tab;",
            "&colon;",
            "https://a.example/x",
            "data:image/png;base64,",
            pages.png(2, 2),
            BREAK,
            "é",
        ),
    ]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, max_size=12).map("".join), st.text(max_size=60))


def dangerous(html: str) -> list[str]:
    """Return what a browser could act on: tags and attributes of rendered HTML, and script links."""
    tags = re.findall(r"<[a-zA-Z/!?][^>]*", html)
    bad = re.compile(
        r"<(script|svg|iframe|object|embed|form|input|meta|link|base|style|math|video)\b", re.IGNORECASE
    )
    event = re.compile(r"\son\w+\s*=", re.IGNORECASE)
    unquoted = [re.sub(r'"[^"]*"', '""', tag) for tag in tags]
    links = [html_lib.unescape(url) for tag in tags for url in re.findall(r'(?:href|src)="([^"]*)"', tag)]
    script = re.compile(r"[\x00-\x20]*(javascript:|vbscript:|data:(?!image/(png|jpeg|gif);))", re.IGNORECASE)
    return [
        *(tag for tag in unquoted if bad.match(tag) or event.search(tag)),
        *(url for url in links if script.match(re.sub(r"[\t\r\n]", "", url))),
    ]


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


class TestCleanHtml:
    @pytest.mark.parametrize("words", pages.HOSTILE)
    def test_hostile_html_leaves_nothing_to_act_on(self, words: str) -> None:
        assert dangerous(clean_html(words)) == []

    def test_a_pandas_table_keeps_its_cells(self) -> None:
        cleaned = clean_html(pages.TABLE)

        assert '<table border="1" class="dataframe">' in cleaned
        assert "<td>abyssinian</td>" in cleaned
        assert "style" not in cleaned

    def test_a_web_link_opens_without_its_opener(self) -> None:
        cleaned = clean_html('<a href="https://example.com/a?b=c" target="_top" id="x">word</a>')

        assert cleaned == '<a href="https://example.com/a?b=c" rel="noopener noreferrer nofollow">word</a>'

    @pytest.mark.parametrize(
        "url", ["javascript:x", "/hub/logout", "//evil.example", "#top", "data:text/html,x", "ftp://x"]
    )
    def test_any_other_link_is_only_words(self, url: str) -> None:
        assert "href" not in clean_html(f'<a href="{url}">word</a>')

    def test_a_picture_shows_only_as_real_inline_data(self) -> None:
        real = clean_html(
            f'<img src="data:image/png;base64,{pages.png()}" onerror="x" style="position:fixed">'
        )
        remote = clean_html('<img src="https://evil.example/a.png">')
        fake = clean_html('<img src="data:image/png;base64,PHN2Zz4=">')

        assert real == f'<img src="data:image/png;base64,{pages.png()}">'
        assert remote == fake == "<img>"

    def test_a_class_of_our_own_pages_cannot_be_borrowed(self) -> None:
        assert clean_html('<p class="big" id="results">100 / 100 points</p>') == "<p>100 / 100 points</p>"

    @given(TEXTS)
    @settings(max_examples=150, deadline=None)
    def test_cleaning_again_changes_nothing(self, text: str) -> None:
        cleaned = clean_html(text)

        assert clean_html(cleaned) == cleaned
        assert dangerous(cleaned) == []


class TestMarkdown:
    @pytest.mark.parametrize("words", pages.HOSTILE)
    def test_hostile_markdown_is_words_in_nbconvert(self, words: str) -> None:
        assert dangerous(markdown2html(inert_markdown(words))) == []

    @given(TEXTS)
    @settings(max_examples=200, deadline=None)
    def test_no_mixture_of_fragments_becomes_active(self, text: str) -> None:
        inert = inert_markdown(text)

        assert inert_markdown(inert) == inert
        assert dangerous(markdown2html(inert)) == []
        assert dangerous(str(markdown(inert))) == []

    @pytest.mark.parametrize(
        "spelling",
        [
            "javascript:x",
            "JAVASCRIPT:x",
            "java&Tab;script:x",
            "java&#10;script:x",
            "&#106;avascript:x",
            "&#x0006A;avascript:x",
            "&amp;#106;avascript:x",
            "javascript&colon;x",
            "javascript&#0000058;x",
            "javascript\\:x",
            "java\tscript:x",
            "vbscript:x",
            "data:text/html,x",
        ],
    )
    def test_a_script_link_in_any_spelling_is_broken(self, spelling: str) -> None:
        inert = inert_markdown(f"[word]({spelling})")

        link = html_lib.unescape(html_lib.unescape(inert))
        assert not re.search(r"(script|data)[\s\\]*:", link)
        assert inert.replace(BREAK, "") == f"[word]({spelling})"

    def test_ordinary_markdown_stays_as_it_was(self) -> None:
        text = (
            "# Title\n\n*a* < b, `x = 1 < 2`, [link](https://example.com) data: none\n\n| a |\n|---|\n| 1 |\n"
        )

        assert inert_markdown(text) == text

    def test_a_tag_in_code_still_reads_as_a_tag(self) -> None:
        rendered = markdown2html(inert_markdown("use `<div>` and a<b")).strip()

        assert html_lib.unescape(rendered).replace(BREAK, "") == "<p>use <code><div></code> and a<b</p>"

    def test_a_remote_picture_becomes_a_link(self) -> None:
        rendered = markdown2html(inert_markdown("![cat](https://example.com/cat.png)"))

        assert "<img" not in rendered
        assert 'href="https://example.com/cat.png"' in rendered

    def test_a_mermaid_fence_does_not_pass_html_through(self) -> None:
        rendered = markdown2html(inert_markdown("```mermaid\n<img src=x onerror=pwn()>\n```"))

        assert "<img" not in rendered
        assert 'class="mermaid"' not in rendered

    def test_a_tex_command_that_makes_links_is_broken(self) -> None:
        assert "\\href" not in inert_markdown(r"$\href{x}{y}$ $\frac{1}{2}$")
        assert r"\frac{1}{2}" in inert_markdown(r"$\href{x}{y}$ $\frac{1}{2}$")

    @pytest.mark.parametrize(
        "junk", ["<a" * 50_000, "`" * 100_000, "java " * 20_000, "&amp;" * 20_000, "[![" * 30_000]
    )
    def test_long_junk_is_read_once(self, junk: str) -> None:
        assert inert_markdown(junk).replace(BREAK, "") == junk


class TestPictures:
    @pytest.mark.parametrize(("kind", "mode"), [("png", "PNG"), ("jpeg", "JPEG"), ("gif", "GIF")])
    def test_a_real_picture_is_one(self, kind: str, mode: str) -> None:
        assert picture(kind, pages.png(8, 8, mode)) is not None

    @pytest.mark.parametrize("text", ["", "?", "AAAA", "PHN2Zz4=", "/9j/", "iVBORw0KGgo=", "é", "A"])
    def test_anything_else_is_not(self, text: str) -> None:
        assert picture("png", text) is None
        assert picture("jpeg", text) is None

    def test_a_small_file_that_unpacks_into_gigabytes_is_refused(self) -> None:
        content = (
            b"\x89PNG\r\n\x1a\n"
            + struct.pack(">I4sII", 13, b"IHDR", 60_000, 60_000)
            + b"\x08\x02\x00\x00\x00"
        )

        assert picture("png", base64.b64encode(content).decode()) is None

    def test_the_pictures_of_a_notebook_share_one_limit(self) -> None:
        one = base64.b64encode(base64.b64decode(pages.png()) + bytes(1_900_000)).decode()
        outputs = [{"output_type": "display_data", "data": {"image/png": one}, "metadata": {}}] * 8

        kept = [output for output in book(code_cell(*outputs)).cells[0].outputs if "image/png" in output.data]

        assert len(kept) == IMAGES_BYTES // 1_900_000


class TestNotebook:
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
