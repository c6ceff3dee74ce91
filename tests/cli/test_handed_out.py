"""`pawgrade release` of a quiz says for whom it drew, and `new assignment --bank` what is wrong with a bank."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from typer.testing import CliRunner

from grader.authoring.quizzes.handing_out import hand_out
from grader.cli.app import app
from grader.cli.commands.check import _is_all_right
from grader.errors import SpecError
from grader.grading.self_check import _read
from grader.records import Check, Status
from tests.support.notebooks import toy_grade
from tests.support.quiz_course import SECRET, quiz_course
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


def test_at_home_the_own_questions_stand_whatever_sample_the_package_has(tmp_path: Path) -> None:
    course = quiz_course(tmp_path / "course")
    own, other = hand_out(course, "week1", SECRET)
    sample = course.release("week1") / "week1.ipynb"

    assert _read(sample, own) == nbformat.read(own, 4) != nbformat.read(other, 4)
    assert _read(sample, sample) == nbformat.read(sample, 4)


def test_a_check_that_fails_is_not_all_right_although_it_is_worth_nothing() -> None:
    check = Check("every_question_has_a_letter", "quiz", Status.PASSED, 0.0, 0.0)
    right = replace(toy_grade("student01"), points=0.0, max_points=0.0, checks=(check,))

    assert _is_all_right(right)
    assert not _is_all_right(replace(right, checks=(replace(check, status=Status.FAILED),)))
