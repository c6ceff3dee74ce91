"""Words and pictures of anybody's: what could act is broken, what is harmless reads as it did."""

from __future__ import annotations

import base64
import html as html_lib
import re
import struct

import pytest
from hypothesis import given, settings
from nbconvert.filters.markdown import markdown2html

from grader.notebooks.notebook_html import markdown
from grader.notebooks.sanitise_text import BREAK, clean_html, inert_markdown, picture
from tests.support import pages
from tests.support.hostile import TEXTS, dangerous


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
