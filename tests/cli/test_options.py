"""How a command opens its course: which setting goes before which, and how names are printed."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from grader.cli.options import open_course, plain
from grader.errors import SpecError
from tests.support.notebooks import toy_course


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PAWGRADE_SANDBOX", raising=False)
    return toy_course(tmp_path / "course")


def test_the_option_goes_before_the_environment_and_that_before_the_file(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_default = open_course(course)[1].sandbox
    (course / "pawgrade.toml").write_text('sandbox = "none"\n')
    by_file = open_course(course)[1].sandbox
    monkeypatch.setenv("PAWGRADE_SANDBOX", "namespaces")
    by_environment = open_course(course)[1].sandbox
    by_option = open_course(course, "none")[1].sandbox

    assert (by_default, by_file, by_environment, by_option) == ("namespaces", "none", "namespaces", "none")


def test_the_course_is_this_folder_or_one_above_it(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(course / "solutions" / "toy")

    assert open_course(None)[0].folder == course


def test_where_there_is_no_course_the_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SpecError, match="--course"):
        open_course(None)


@pytest.mark.parametrize("name", ["[red]anna[/red]", "[/]", "\\[bold]", "anna[link=https://evil.example]x"])
def test_a_name_is_no_markup(name: str) -> None:
    file = io.StringIO()

    Console(file=file, width=200).print(plain(name), highlight=False)

    assert file.getvalue() == f"{name}\n"
