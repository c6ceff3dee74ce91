"""What `grade` says of what it did not grade: where it looked, what lies elsewhere, and what brings it there."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.cli.app import app
from grader.cli.commands import left_out
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


def test_many_are_cut_and_none_is_silence(capsys: pytest.CaptureFixture[str]) -> None:
    left_out.tell_strays({}, "tiny")
    assert capsys.readouterr().err == ""
    left_out.tell_strays({}, "tiny", nobody=True)
    assert capsys.readouterr().err.startswith("`pawgrade collect FOLDER_OR_ZIP --assignment tiny --dry-run`")

    left_out.tell_strays({f"{number}.ipynb": "why" for number in range(12)}, "tiny")
    printed = capsys.readouterr().err
    assert printed.count("not looked at:") == 10
    assert "and 2 more under submitted/" in printed


def test_who_was_left_out_and_why_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    left_out.tell_left_out({"student01": "a link"}, ["student02"], 5)

    printed = capsys.readouterr().err
    assert "not graded: student01: a link" in printed
    assert "not scored: student02: more than 5 versions" in printed
