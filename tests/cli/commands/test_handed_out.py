"""`pawgrade release` of a quiz says for whom it drew, and `new assignment --bank` what is wrong with a bank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from grader.cli.app import app
from grader.errors import SpecError
from tests.support.quiz_course import quiz_course
from tests.support.quizzes import bank_text


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_release_draws_for_the_roster_and_says_so_and_says_where_there_is_none(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course", roster="")

    for_all = run("release", "--course", course.folder)
    (course.folder / "roster.csv").write_text("id\nstudent01\nstudent02\n")
    own = run("release", "week1", "--course", course.folder)

    assert for_all.exit_code == own.exit_code == 0
    assert for_all.output.count("one drawing for all") == 1  # the other assignment is no quiz
    assert "drew the questions of 2 students of roster.csv" in own.output
    assert (course.folder / "handed_out" / "student02" / "week1" / "week1.ipynb").is_file()


def test_a_bank_is_read_from_where_it_lies(tmp_path: Path) -> None:
    run("new", "course", tmp_path / "course")
    (tmp_path / "good.toml").write_text(bank_text(questions=2))
    (tmp_path / "bad.toml").write_text(bank_text(questions=2).replace("right = true", ""))
    options = ("--kind", "quiz", "--course", tmp_path / "course", "--bank")

    bad = run("new", "assignment", "week1", *options, tmp_path / "bad.toml")
    good = run("new", "assignment", "week1", *options, tmp_path / "good.toml")

    assert isinstance(bad.exception, SpecError)
    assert "2 mistakes" in str(bad.exception)
    assert good.exit_code == 0
    assert "wrote solutions/week1/staff/bank.toml" in good.output
