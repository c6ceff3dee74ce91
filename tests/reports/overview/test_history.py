"""What a student handed in, attempt by attempt, and those that cannot be read."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from pydantic_core import from_json

from grader.assignment.course import Course
from grader.gradebook import attempts
from grader.records import Grade, StaffNotes
from grader.reports.overview import outlines
from grader.reports.overview.history import read_history
from tests.support.notebooks import toy_grade


def stored(course: Path, attempt: str, files: str, hour: int, **points: float) -> Grade:
    grade = toy_grade("student01", attempt, **points)
    provenance = {
        "assignment": "v1",
        "split": "s",
        "files": files,
        "ran": "1",
        "graded_at": f"2026-01-15T{hour:02}:30:00",
    }
    grade = dataclasses.replace(grade, provenance=provenance, staff=StaffNotes(flags=("unlikely",)))
    attempts.write(course, grade, submitted={}, executed={}, answers={})
    attempts.set_current(course, grade)
    return grade


def test_attempts_are_numbered_and_a_version_that_was_graded_again_counts_once(tmp_path: Path) -> None:
    for attempt, files, hour, points in (("a1", "x", 9, 0.0), ("a2", "y", 10, 6.0), ("a3", "x", 11, 3.0)):
        stored(tmp_path, attempt, files, hour, double=points)

    history = read_history(Course(tmp_path), "toy", "student01", "latest")

    assert [grade.attempt for grade in history.latest] == ["a3", "a2"]
    assert history.counting is not None
    assert (history.counting.attempt, history.number) == ("a3", 1)
    assert history.flags == ("unlikely",)
    assert history.damaged == ()
    best = read_history(Course(tmp_path), "toy", "student01", "best").counting
    assert best is not None
    assert best.attempt == "a2"


def test_a_damaged_attempt_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    stored(tmp_path, "a1", "x", 9)
    stored(tmp_path, "a2", "y", 10)
    (attempts.root(tmp_path, "toy", "student01") / "a1" / "grade.json").write_text("{")

    history = read_history(Course(tmp_path), "toy", "student01", "latest")

    assert not history.lost
    assert len(history.damaged) == 1
    assert "a1/grade.json is damaged" in history.damaged[0]


def test_nothing_counts_while_the_current_attempt_is_damaged_in_what_staff_read_of_it(tmp_path: Path) -> None:
    stored(tmp_path, "a1", "x", 9)
    stored(tmp_path, "a2", "y", 10)
    (attempts.root(tmp_path, "toy", "student01") / "a2" / "staff.json").unlink()

    history = read_history(Course(tmp_path), "toy", "student01", "latest")

    assert history.lost
    assert history.counting is None
    assert "a2/staff.json is damaged" in history.damaged[0]


def test_each_file_of_an_attempt_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(tmp_path, "a1", "x", 9)
    contents: list[bytes] = []

    def parse(content: bytes) -> object:
        contents.append(content)
        return from_json(content)

    monkeypatch.setattr(outlines, "from_json", parse)

    assert read_history(Course(tmp_path), "toy", "student01", "latest").counting is not None

    folder = attempts.root(tmp_path, "toy", "student01") / "a1"
    assert contents == [(folder / name).read_bytes() for name in ("grade.json", "staff.json")]
