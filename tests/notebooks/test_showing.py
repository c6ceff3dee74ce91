"""A notebook that ran is made safe and rendered within limits: what takes too long costs its own place on the page."""

from __future__ import annotations

from typing import Any

import pytest
from markupsafe import Markup

from grader.confined import Bounds
from grader.feedback.page import render
from grader.notebooks import notebook_html, showing
from grader.notebooks.patience import Patience
from grader.notebooks.sanitise import sanitise_notebook
from tests.support import pages

# Each took minutes, or hours, by the square or worse.
ENDLESS = {
    "blanks": "x" + " " * 40_000 + "y",
    "brackets": "[" * 600_000,
    "TeX": "\\begin{a}" * 15_000,
    "emphasis": "*_" * 90_000,
}


def text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def test_a_notebook_is_rendered_in_the_limited_process_as_in_this_one() -> None:
    given = pages.notebook()

    assert showing.page_cells(pages.stored(given)) == notebook_html.cell_views(sanitise_notebook(given))
    assert showing.safe_notebook(pages.stored(given)) == sanitise_notebook(given)


def test_html_comes_back_as_html_and_is_clean() -> None:
    cells = showing.page_cells(pages.stored(pages.hostile_notebook())) or ()

    assert cells
    assert all(isinstance(cell.html, Markup) for cell in cells)
    assert not [cell for cell in cells if "<script" in cell.html]


@pytest.mark.parametrize("name", ENDLESS)
def test_a_text_that_takes_for_ever_is_shown_as_it_was_typed_and_the_others_are_rendered(name: str) -> None:
    notebook = {"cells": [text("**before**"), text(ENDLESS[name]), text("**after**")]}

    first, typed, last = showing.page_cells(pages.stored(notebook)) or ()

    assert "<strong>before</strong>" in first.html
    assert typed.html.startswith("<pre>")
    assert "<strong>after</strong>" in last.html


def test_an_output_that_takes_for_ever_says_so() -> None:
    output = {"output_type": "display_data", "data": {"text/markdown": ENDLESS["blanks"]}, "metadata": {}}
    cell = {
        "cell_type": "code",
        "metadata": {},
        "source": "show()",
        "outputs": [output],
        "execution_count": 1,
    }

    (view,) = showing.page_cells(pages.stored({"cells": [cell]})) or ()

    assert "takes too long to be shown" in view.outputs[0].html
    assert "show" in view.html


def test_a_cell_that_takes_too_long_to_be_made_safe_keeps_its_code_and_name() -> None:
    metadata = {"nbgrader": {"grade_id": "double", "grade": False}}
    cells: list[dict[str, Any]] = [
        {"cell_type": kind, "metadata": metadata, "source": "x = 1", "outputs": []}
        for kind in ("code", "markdown")
    ]

    code, words = sanitise_notebook({"cells": cells}, Patience(0, 0)).cells

    assert (code.source, code.metadata.nbgrader.grade_id) == ("x = 1", "double")
    assert "take too long" in code.outputs[0].text
    assert "takes too long" in words.source


@pytest.mark.parametrize(
    ("stored", "bounds"),
    [
        (b"[1, 2", Bounds()),
        (b"5", Bounds()),
        (b"{}" * 99, Bounds()),
        (pages.stored(pages.notebook()), Bounds(wall_s=0.001)),
    ],
)
def test_a_notebook_that_cannot_be_shown_costs_the_page_its_notebook_alone(
    monkeypatch: pytest.MonkeyPatch, stored: bytes, bounds: Bounds
) -> None:
    monkeypatch.setattr(showing, "BOUNDS", bounds)

    html = render(pages.grade(pictures=()), title="The lab", notebook=stored)
    (notice,) = showing.safe_notebook(stored).cells

    assert str(showing.TOO_MUCH) in html
    assert "student01" in html or pages.grade().student in html
    assert notice.source == str(showing.TOO_MUCH)


def test_pictures_that_take_too_long_stay_as_they_are() -> None:
    from grader.notebooks.page_budget import fit_pictures

    data = {"image/png": "A" * 30_000}
    notebook = {"cells": [{"outputs": [{"output_type": "display_data", "data": data}]}]}

    assert fit_pictures(notebook, 10, Patience(0, 0))["cells"] == notebook["cells"]
