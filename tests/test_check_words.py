"""The page of the words of check files is what their docstrings say, and lacks none."""

from __future__ import annotations

import runpy

from grader import checks
from tests.support.notebooks import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "check-words"))
PAGE = (REPOSITORY / "docs" / "checks.md").read_text(encoding="utf-8")


def test_the_page_is_as_the_docstrings_are() -> None:
    assert SCRIPT["page"]() == PAGE, "run scripts/check-words"


def test_every_word_has_its_signature_and_a_sentence() -> None:
    entries = {entry.split("`")[1]: entry.partition("```\n\n")[2] for entry in PAGE.split("\n### ")[1:]}

    assert set(entries) == set(checks.__all__)
    assert [name for name, entry in entries.items() if len(entry.strip()) < 15] == []
    assert [name for name in entries if f"\n{name}(" not in PAGE and f"\nclass {name}:" not in PAGE] == [
        "SIDE_PX"
    ]


def test_the_page_tells_marks_and_arguments() -> None:
    for word in ("`unreported`", "- `answers`: ", "- `levels`: ", "- `classes`: ", "- `groups`: "):
        assert word in PAGE
