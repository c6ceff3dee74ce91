"""Progress in a log: a line for each grade, with no second told that a student's notebook could speak by."""

from __future__ import annotations

import dataclasses

import pytest

from grader.cli.progress import Progress
from grader.records import Grade, Seconds
from tests.support.notebooks import toy_grade


def slow_grade(student: str = "student01") -> Grade:
    return dataclasses.replace(toy_grade(student), seconds=Seconds(total=41.3))


def test_a_grade_is_a_line_whose_seconds_are_coarse(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1) as tell:
        tell("graded", "student01", slow_grade())

    said = capsys.readouterr().err
    assert "student01, toy: 10/10 PASSED (graded, up to " in said
    assert "41" not in said


def test_seconds_of_honest_solutions_are_told_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1, exact=True) as tell:
        tell("graded", "toy: source, seed 3", slow_grade())

    assert "toy: source, seed 3: 10/10 PASSED (graded, 41 s)" in capsys.readouterr().err


def test_what_is_not_scored_is_a_step_and_is_remembered() -> None:
    progress = Progress(2)

    with progress as tell:
        tell("total", "3", None)
        tell("started", "student01", None)
        tell("unscored", "student01", None)
        tell("known", "student02", None)

    assert progress.unscored == ["student01"]
    assert (progress.progress.tasks[0].completed, progress.progress.tasks[0].total) == (2, 3)


def test_a_name_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as tell:
        tell("started", "[/]", None)
        tell("graded", "[red]anna[/red]", slow_grade())

    assert "[red]anna[/red], toy" in capsys.readouterr().err
