"""Templates escape what they are given, miss nothing in silence, and share what the feedback has."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from grader.feedback.templating import template


def test_a_page_escapes_and_a_missing_field_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<p>{{ word }}</p>{{ Message("{n} points", n=2.50 | number) }}')

    page = template("page.html", tmp_path)

    assert page.render(word="<b>") == "<p>&lt;b&gt;</p>2.5 points"
    with pytest.raises(UndefinedError):
        page.render()


def test_what_is_not_in_a_folder_is_the_feedbacks_own_and_compiled_once(tmp_path: Path) -> None:
    assert template("frame.html", tmp_path).filename == template("frame.html").filename
    assert template("frame.html") is template("frame.html")
