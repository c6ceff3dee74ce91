"""`pawgrade adopt` says what it found and what to do next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.cli.app import _warn as tell_of_points
from grader.cli.app import app
from tests.support.classic import classic_course
from tests.support.pages import grade


def test_adopting_tells_cells_points_files_and_what_comes_next(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course")

    done = CliRunner().invoke(app, ["adopt", "week1", "--course", str(course.folder)])

    assert done.exit_code == 0, done.output
    for words in (
        "week1: 1 notebook (week1)",
        "3 cells with tests, 8 points, 1 of them with hidden tests",
        "2 cells graded by hand, 9 points",
        "wrote solutions/week1/assignment.toml",
        "next: pawgrade grade week1",
    ):
        assert words in done.output


def test_drafting_checks_counts_what_is_to_be_completed(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course")
    with (course.folder / "nbgrader_config.py").open("a") as file:
        file.write('c.CourseDirectory.ignore = ["staff"]\n')

    done = CliRunner().invoke(
        app, ["adopt", "week1", "--checks", "--course", str(course.folder), "--json", "-"]
    )

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["todo"]["check_public.py"] == 4
    again = CliRunner().invoke(app, ["adopt", "week1", "--checks", "--course", str(course.folder)])
    assert again.exit_code != 0


def test_a_name_of_several_words_can_be_pasted_with_every_command_that_is_told(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course", assignment="Problem Set 1")
    with (course.folder / "nbgrader_config.py").open("a") as file:
        file.write('c.CourseDirectory.ignore = ["staff"]\n')
    where = ["--course", str(course.folder)]
    written = course.source("Problem Set 1") / "assignment.toml"

    done = CliRunner().invoke(app, ["adopt", "Problem Set 1", *where])
    head = written.read_text()
    checks = CliRunner().invoke(app, ["adopt", "Problem Set 1", "--checks", *where])

    assert "next: pawgrade grade 'Problem Set 1'\n" in done.output
    assert "`pawgrade adopt 'Problem Set 1' --checks`" in head
    assert "then pawgrade verify 'Problem Set 1'\n" in checks.output
    staff = (written.parent / "staff" / "assignment.toml").read_text()
    assert "`pawgrade verify 'Problem Set 1'`" in staff


def test_the_line_about_believed_points_names_a_command_that_can_be_pasted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    believed = grade(assignment="Problem Set 1", believed=True)

    tell_of_points([believed], flagged=True, logs=[])

    told = capsys.readouterr().err.replace("\n", " ")
    assert "`pawgrade adopt 'Problem Set 1' --checks`" in told
    assert "`pawgrade review 'Problem Set 1'`" in told
