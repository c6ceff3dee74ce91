"""Names that would steer a terminal, a page or a table reach none of them as they are; links are named, not followed."""

from __future__ import annotations

import io
import json
import os
import unicodedata
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.cli.options import plain
from grader.cli.output import Terminal
from grader.errors import SpecError
from grader.feedback.page import render
from grader.messages import Message
from grader.notebooks.sanitise_text import SIGN, visible
from grader.reports.other_programs import grades_junit, grades_summary
from tests.support import pages
from tests.support.tiny import SECRET, tiny_course

EVIL = "a\x1b[2J\x9b31m\u202egpj.\u2066\u2028\u200b[red]\ud800"
NAME = EVIL.replace("\ud800", "")  # as a folder of UTF-8 may be called
TURNS = {
    *map(
        chr,
        (0x1B, 0x9B, 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069, 0x2028, 0x2029),
    )
}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path) -> Course:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.setenv("PAWGRADE_SECRET", SECRET)
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    return tiny_course(tmp_path / "course")


def run(course: Course, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--course", str(course.folder)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def unreadable(course: Course, student: str, content: str = "no notebook") -> None:
    folder = course.folder / "submitted" / student / "tiny"
    folder.mkdir(parents=True)
    (folder / "tiny.ipynb").write_text(content)


@given(st.text())
def test_what_is_visible_has_a_sign_for_each_character_and_stays_as_it_is(text: str) -> None:
    shown = visible(text)

    assert len(shown) == len(text)
    assert visible(shown) == shown
    assert not [
        one for one in shown if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and one != "\n"
    ]


def test_two_names_that_differ_in_what_cannot_be_seen_do_not_look_alike() -> None:
    assert visible("anna\u200b") == f"anna{SIGN}"
    assert visible("Zoë 猫 🐈") == "Zoë 猫 🐈"


def test_no_print_steers_the_terminal_whatever_it_prints() -> None:
    table = Table(title=Text(EVIL))
    table.add_row(Text(EVIL), plain(EVIL))
    terminal = Terminal(file=io.StringIO(), force_terminal=True, width=200)

    for what in (EVIL.replace("[red]", ""), Text(EVIL, style="bold"), table, plain(EVIL)):
        terminal.print(what)
    with terminal.status(plain(EVIL)):
        pass

    printed = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b[1m" in printed  # its own codes work
    assert "\x1b[2J" not in printed
    assert not TURNS - {"\x1b"} & set(printed)
    assert "[red]" in printed


def test_rich_itself_would_pass_them_on() -> None:
    plain_console = Console(file=io.StringIO(), force_terminal=True)

    plain_console.print(Text(EVIL))

    assert "\x1b[2J" in plain_console.file.getvalue()  # type: ignore[attr-defined]


def test_a_page_and_reports_show_no_turning_of_names_notices_and_cells() -> None:
    notebook = {"cells": [{"cell_type": "code", "metadata": {}, "source": f"x = '{EVIL}'", "outputs": []}]}
    grade = pages.grade(student=EVIL, notices=(Message.of(EVIL),), pictures=())

    html = render(grade, title=EVIL, notebook=pages.stored(notebook))

    assert not TURNS & {*html, *grades_junit([grade]), *grades_summary([grade])}
    assert f"<dd><bdi>{visible(EVIL)}</bdi>" in html


def test_a_class_with_evil_names_is_graded_and_explained_and_nothing_steers(course: Course) -> None:
    unreadable(course, NAME, json.dumps({"nbformat": "<img src=x onerror=alert(1)>\u202e"}))
    unreadable(course, "student01[bold]")

    _, graded = run(course, "grade", "tiny")
    _, explained = run(course, "feedback", "tiny")
    _, reviewed = run(course, "review", "tiny")

    assert not TURNS & {*graded, *explained, *reviewed}
    assert "student01[bold]" in graded
    assert "student01[bold]" in explained
    written = [path.read_text() for path in course.folder.glob("feedback/*/tiny/tiny.html")]
    assert len(written) == 2
    assert not TURNS & {*"".join(written)}


def test_words_of_a_student_reach_the_formgrader_as_words(course: Course) -> None:
    pytest.importorskip("nbgrader")
    unreadable(course, "student01", json.dumps({"nbformat": "<img src=x onerror=alert(1)>"}))

    run(course, "grade", "tiny")

    (path,) = course.folder.glob("autograded/student01/tiny/tiny.ipynb")
    first = nbformat.read(path, as_version=4).cells[0].source
    assert "onerror" in first
    assert "<img" not in first


@pytest.mark.parametrize("part", ["student", "assignment"])
def test_a_submission_behind_a_link_is_named_and_not_read(course: Course, tmp_path: Path, part: str) -> None:
    unreadable(course, "student01")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "tiny").mkdir(parents=True)
    (elsewhere / "tiny" / "tiny.ipynb").write_text("a secret of somebody else's")
    link = course.folder / "submitted" / "student02"
    if part == "assignment":
        link.mkdir()
        (link / "tiny").symlink_to(elsewhere / "tiny")
    else:
        link.symlink_to(elsewhere)

    code, graded = run(course, "grade", "tiny")
    with pytest.raises(SpecError, match="symbolic link"):
        run(course, "grade", "tiny", "--student", "student02")

    assert code == 1
    assert "not graded: student02" in graded
    assert "is a symbolic link" in graded
    assert not list(course.folder.glob(".pawgrade/attempts/tiny/student02"))


def test_a_name_that_no_gradebook_can_hold_is_named_and_stops_nobody(course: Course) -> None:
    unreadable(course, "student01")
    try:
        (course.folder / "submitted" / os.fsdecode(b"\xff\x1b[2J") / "tiny").mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes names of UTF-8 only")

    code, graded = run(course, "grade", "tiny")

    assert code == 1
    assert "not graded" in graded
    assert "is no UTF-8" in graded
    assert "student01" in graded
    assert not TURNS & set(graded)
