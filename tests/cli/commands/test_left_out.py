"""What `grade` says of what it did not grade: where it looked, what lies elsewhere, and what brings it there."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.cli.commands import left_out
from grader.records import Submission
from tests.support.classic import classic_course
from tests.support.handed_in import folder_of
from tests.support.tiny import SECRET, tiny_course


def test_hand_ins_in_other_places_are_named_and_exit_code_1_where_nobody_was_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path
) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.setenv("PAWGRADE_SECRET", SECRET)
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    course = tiny_course(tmp_path / "course")
    folder_of(course.folder / "submitted", {"Tiny/student01/x.ipynb": "{}", "student02\x1b[2J.ipynb": "{}"})

    done = CliRunner().invoke(app, ["grade", "tiny", "--course", str(course.folder), "--sandbox", "none"])

    assert done.exit_code == 1, done.output
    assert "submitted/<student>/tiny/tiny.ipynb" in done.output
    assert "not looked at: submitted/Tiny/: an assignment's name in the place of a student's" in done.output
    assert "submitted/student02" in done.output
    assert "\x1b" not in done.output
    assert "`pawgrade collect FOLDER_OR_ZIP --assignment tiny --dry-run`" in done.output


def test_folders_and_notebooks_are_those_of_the_course(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = classic_course(tmp_path / "course")
    settings = course.folder / "nbgrader_config.py"
    settings.write_text(settings.read_text() + 'c.CourseDirectory.submitted_directory = "in"\n')
    names = 'notebooks = ["problem1", "problem2"]'
    exercise = '[[exercises]]\nid = "a"\ntitle = "A"\npoints = 1\n'
    (course.source("week1") / "assignment.toml").write_text(
        f'id = "week1"\ntitle = "W"\n{names}\ngraded = "in the notebook"\npoints = 1\npass_points = 1\n{exercise}'
    )

    left_out.tell_that_nobody_handed_in(course, "week1")
    left_out.tell_strays({"x.ipynb": "why"}, course, "week1")

    printed = capsys.readouterr().err
    assert f"{course.folder}/in/<student>/week1/problem1.ipynb or problem2.ipynb" in printed
    assert "not looked at: in/x.ipynb: why" in printed
    assert "shows how hand-ins come to in/<student>/week1/" in printed
    assert "submitted" not in printed


def test_many_are_cut_and_none_is_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    course = Course(tmp_path)
    left_out.tell_strays({}, course, "tiny")
    assert capsys.readouterr().err == ""
    left_out.tell_strays({}, course, "tiny", nobody=True)
    assert capsys.readouterr().err.startswith("`pawgrade collect FOLDER_OR_ZIP --assignment tiny --dry-run`")

    left_out.tell_strays({f"{number}.ipynb": "why" for number in range(12)}, course, "tiny")
    printed = capsys.readouterr().err
    assert printed.count("not looked at:") == 10
    assert "and 2 more under submitted/" in printed


def test_who_was_left_out_and_why_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    left_out.tell_left_out({"student01": "a link"}, ["student02"], 5)

    printed = capsys.readouterr().err
    assert "not graded: student01: a link" in printed
    assert "not scored: student02: more than 5 versions" in printed


def test_a_time_that_is_none_is_named_once_with_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path
) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.setenv("PAWGRADE_SECRET", SECRET)
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    course = tiny_course(tmp_path / "course")
    times = {
        "student01": b"yesterday\x1b[2J, I think",
        "student02": b"2026-01-31 12:00:00 UTC",
        "student03": b"\xff",
    }
    for student, text in times.items():
        folder = course.folder / "submitted" / student / "tiny"
        folder.mkdir(parents=True)
        (folder / "tiny.ipynb").write_text("no notebook: refused before anything runs")
        (folder / "timestamp.txt").write_bytes(text)

    done = CliRunner().invoke(app, ["grade", "tiny", "--course", str(course.folder), "--sandbox", "none"])

    lines = [line for line in done.stderr.splitlines() if line.startswith("no time:")]
    assert len(lines) == 2, done.output
    assert "submitted/student01/tiny/timestamp.txt: expected a time such as" in lines[0]
    assert "found 'yesterday\\x1b[2J, I think'; no time is recorded" in lines[0]
    assert "submitted/student03/tiny/timestamp.txt" in lines[1]
    assert "found a file that cannot be read" in lines[1]
    assert "\x1b" not in done.output


def test_of_many_times_that_are_none_ten_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = Course(tmp_path)
    handed_in = []
    for number in range(12):
        folder = tmp_path / "submitted" / f"student{number}" / "tiny"
        folder.mkdir(parents=True)
        (folder / "timestamp.txt").write_text("soon")
        handed_in.append(Submission(f"student{number}", "tiny", folder, "soon"))

    left_out.tell_times(handed_in, course)
    printed = capsys.readouterr().err
    left_out.tell_times([], course)

    assert printed.count("no time:") == 10
    assert "and 2 more timestamp.txt" in printed
    assert capsys.readouterr().err == ""
