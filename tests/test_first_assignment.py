"""The page for a first assignment: its files are those that `new` writes, its commands do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grader.authoring.starters.new import filled_in
from tests.support.notebooks import REPOSITORY
from tests.support.transcripts import play

PAGE = (REPOSITORY / "docs" / "first-assignment.md").read_text(encoding="utf-8")
FILES = dict(
    re.findall(r"^`solutions/softmax/([^`]+)`\n\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
)


def test_the_files_on_the_page_are_all_that_a_new_assignment_has() -> None:
    assert filled_in("function", "softmax", "Softmax") == FILES


def require_same_files(folder: Path) -> None:
    """Raise AssertionError where the new assignment's files are not those of the page."""
    source = folder / "my_course" / "solutions" / "softmax"
    assert {name: (source / name).read_text() for name in FILES} == FILES


@pytest.mark.slow
@pytest.mark.sandbox
def test_the_commands_of_the_page_run_from_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    played = play(PAGE, tmp_path, monkeypatch, {"pawgrade release softmax": require_same_files})

    assert played.commands >= 10
    print(played.row("author"))  # noqa: T201 - `pytest -rP` shows it (docs/results.md)
