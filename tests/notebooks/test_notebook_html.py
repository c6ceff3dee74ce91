"""The cells of a notebook as HTML of our own page: numbered, readable, and clean whatever libraries made of them."""

from __future__ import annotations

import html
from typing import Any

import pytest
from hypothesis import given

from grader.notebooks import notebook_html
from grader.notebooks.notebook_html import OutputView, cell_views, markdown
from grader.notebooks.sanitise_text import inert_markdown
from tests.support import pages
from tests.support.hostile import TEXTS, dangerous


def code(source: str = "x = 1", *outputs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": list(outputs), **changes}


def display(**data: str) -> dict[str, Any]:
    bundle = {name.replace("_", "/"): text for name, text in data.items()}
    return {"output_type": "display_data", "data": bundle, "metadata": {}}


def outputs(*given: dict[str, Any]) -> tuple[OutputView, ...]:
    (cell,) = cell_views({"cells": [code("x", *given)]})
    return cell.outputs


def test_code_cells_are_numbered_as_people_count_them() -> None:
    words = {"cell_type": "markdown", "metadata": {}, "source": "words"}
    raw = {"cell_type": "raw", "metadata": {}, "source": "<b>raw</b>"}

    injected = code(metadata={"tags": ["injected-parameters"]})
    empty = {**code(), "source": ""}
    named = code(metadata={"nbgrader": {"grade_id": "double"}})

    views = cell_views({"cells": [words, named, raw, code(), injected, empty, code()]})

    assert [(view.index, view.kind, view.number, view.grade_id) for view in views] == [
        (0, "markdown", None, None),
        (1, "code", 1, "double"),
        (2, "raw", None, None),
        (3, "code", 2, None),
        (4, "code", None, None),
        (5, "code", None, None),
        (6, "code", 3, None),
    ]
    assert views[2].html == "<pre>&lt;b&gt;raw&lt;/b&gt;</pre>"


def test_code_is_coloured_unless_it_is_very_long() -> None:
    long = "x = 1\n" * (notebook_html.HIGHLIGHT_CHARS // 6 + 1)

    short_view, long_view = cell_views({"cells": [code("for x in y: pass  # <b>"), code(long)]})

    assert '<span class="k">for</span>' in short_view.html
    assert "&lt;b&gt;" in short_view.html
    assert long_view.html == f"<pre>{long.rstrip()}</pre>"


def test_headings_of_a_student_are_below_those_of_the_page_and_formulas_stay_as_typed() -> None:
    found = markdown("# Title\n\n###### Deep\n\n$a<b$ and\n\n$$x^2$$")

    assert "<h3>Title</h3>" in found
    assert "<h6>Deep</h6>" in found
    assert "<h1" not in found
    assert "<code>a&lt;b</code>" in found
    assert "<pre>x^2</pre>" in found


def test_a_broken_attachment_costs_nothing_but_its_picture() -> None:
    text = "before ![cat](attachment:gone.png) after"

    assert markdown(text) == f"<pre>{text}</pre>"


@given(TEXTS)
def test_no_mixture_of_fragments_becomes_active_on_the_page(text: str) -> None:
    assert dangerous(str(markdown(inert_markdown(text)))) == []
    assert all(dangerous(str(view.html)) == [] for view in outputs({**display(text_html=text)}))


def test_of_a_value_the_best_form_is_shown_and_no_other() -> None:
    everything = {
        "image_png": pages.png(2, 2),
        "text_html": "<b>html</b>",
        "text_markdown": "*mark*",
        "text_plain": "plain",
    }

    shown = []
    while everything:
        (view,) = outputs(display(**everything))
        shown.append(view.kind)
        del everything[next(iter(everything))]

    assert shown == ["image", "rich", "rich", "text"]
    assert outputs(display()) == ()


def test_a_picture_says_what_it_is_without_breaking_out_of_its_words() -> None:
    (view,) = outputs(display(image_png=pages.png(2, 2), text_plain='"><script>x</script>' + "y" * 300))

    assert "<script>" not in view.html
    assert 'alt="Picture made by this cell: &#34;&gt;&lt;script&gt;' in view.html
    assert len(view.html.partition("alt=")[2]) < 300


def test_a_progress_bar_is_shown_as_the_terminal_leaves_it() -> None:
    (view,) = outputs({"output_type": "stream", "name": "stdout", "text": "\r1/3\r2/3\r3/3\ndone\r\n"})

    assert view.kind == "text"
    assert view.html == "<pre>3/3\ndone</pre>"


@pytest.mark.parametrize(
    ("traceback", "text"),
    [([], "NameError: name 'x' is not defined"), (["\x1b[31mred\x1b[0m"], "ansi-red")],
)
def test_an_error_is_shown_with_its_colours_and_without_a_traceback_by_its_words(
    traceback: list[str], text: str
) -> None:
    error = {"output_type": "error", "ename": "NameError", "evalue": "name 'x' is not defined"}

    (view,) = outputs({**error, "traceback": traceback})

    assert view.kind == "error"
    assert text in html.unescape(view.html)
    assert "\x1b" not in view.html
