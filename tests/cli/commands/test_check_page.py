"""The page of `pawgrade check`: one for each notebook, and a browser only where one would be seen."""

from __future__ import annotations

import dataclasses
import webbrowser
from pathlib import Path

import nbformat
import pytest
from rich.console import Console
from typer.testing import CliRunner

from grader.assignment import spec
from grader.cli import output
from grader.cli.app import app
from grader.cli.commands import check_page
from grader.grading.self_check import Checked
from grader.records import ExerciseGrade, Status
from tests.support.notebooks import toy_grade
from tests.support.problem_set import NOTEBOOKS, PROBLEM_SET, problem_set_course, sources
from tests.support.tiny import tiny_course

FIRST, SECOND = NOTEBOOKS
DESKTOP = {"DISPLAY": ":0"}


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """A check of two notebooks that ran."""
    release = problem_set_course(tmp_path_factory.mktemp("course")).release(PROBLEM_SET)
    exercises = (
        ExerciseGrade("double", Status.PASSED, 6, 6, "Twice a number", FIRST),
        ExerciseGrade("halve", Status.PASSED, 4, 4, "Half a number", SECOND),
    )
    grade = dataclasses.replace(toy_grade(), exercises=exercises, checks=(), pictures=(), notebooks=NOTEBOOKS)
    executed = {name: nbformat.writes(notebook).encode() for name, notebook in sources().items()}
    return Checked(grade, spec.load_public(release), release, executed=executed)


def test_each_notebook_has_a_page_with_its_own_cells_and_links_to_the_others(
    checked: Checked, tmp_path: Path
) -> None:
    page = check_page.write(checked, tmp_path / f"{SECOND}.ipynb", None)

    first, second = (tmp_path / f"{name}.check.html" for name in NOTEBOOKS)
    assert page == second
    cells = [[word in path.read_text() for word in ("factor", "halve")] for path in (first, second)]
    assert cells == [[True, False], [False, True]]
    assert 'href="problem-2.check.html"' in first.read_text()
    assert 'href="Problem%201.check.html"' in second.read_text()


def test_a_name_for_the_page_is_that_of_the_notebook_that_was_given() -> None:
    paths = check_page.page_paths(NOTEBOOKS, Path(f"{SECOND}.ipynb"), Path("out/page.html"))

    assert paths == {FIRST: Path(f"out/page-{FIRST}.html"), SECOND: Path("out/page.html")}
    assert check_page.page_paths(("one",), Path("mine.ipynb"), None) == {"one": Path("mine.check.html")}


@pytest.mark.parametrize(
    ("environ", "platform", "terminal", "seen"),
    [
        (DESKTOP, "linux", True, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True, True),
        ({}, "darwin", True, True),
        ({}, "win32", True, True),
        ({}, "linux", True, False),
        (DESKTOP, "linux", False, False),
        ({**DESKTOP, "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, "linux", True, False),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", True, False),
    ],
)
def test_a_browser_is_opened_only_where_one_would_be_seen(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], platform: str, terminal: bool, seen: bool
) -> None:
    monkeypatch.setattr(output, "errors", Console(stderr=True, force_terminal=terminal))

    assert check_page.is_seen(environ, platform) is seen


class Browser(webbrowser.BaseBrowser):
    """Notes what it is to open."""

    opened: list[str]

    def __init__(self, *, works: bool = True) -> None:
        super().__init__()
        self.opened, self.works = [], works

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        """Note an address."""
        self.opened.append(url)
        return self.works


def test_the_browser_gets_the_pages_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    browser = Browser()
    monkeypatch.setattr(webbrowser, "get", lambda: browser)

    check_page.show(tmp_path / "my page.html", asked=False)

    assert browser.opened == [(tmp_path / "my page.html").as_uri()]


def test_without_a_browser_it_is_said_to_who_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webbrowser, "get", lambda: Browser(works=False))

    check_page.show(Path("page.html"), asked=False)
    quiet = capsys.readouterr().err
    check_page.show(Path("page.html"), asked=True)

    assert (quiet, "open page.html yourself" in capsys.readouterr().err) == ("", True)


def test_a_text_browser_takes_no_terminal_that_nobody_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    # `false` would fail at once: had it been started, that would be said.
    started: list[str] = []
    browser = webbrowser.GenericBrowser("false")
    monkeypatch.setattr(browser, "open", started.append)
    monkeypatch.setattr(webbrowser, "get", lambda: browser)

    check_page.show(Path("page.html"), asked=False)

    assert started == []


def test_open_without_a_page_is_refused_before_anything_runs(tmp_path: Path) -> None:
    folder = tiny_course(tmp_path / "course").folder / "assignments" / "tiny"

    done = CliRunner().invoke(app, ["check", str(folder / "tiny.ipynb"), "--open"])

    assert "--open shows the page that --html writes" in str(done.exception)
