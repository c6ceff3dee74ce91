"""What a student is told: what the page said, and nothing newer or finer."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.assignment import spec
from grader.assignment.course import Course
from grader.errors import SpecError
from grader.gradebook import attempts
from grader.gradebook.scores import CellScore, Scores
from grader.records import Check, ExerciseGrade, Grade, Requirement, Status
from grader.reports.overview import told
from grader.reports.overview.history import History, read_history
from grader.settings import load
from tests.support.notebooks import toy_course, toy_grade


def teller(folder: Path, ladder: float = 0.0, **recorded: Scores) -> told.Teller:
    settings = dataclasses.replace(load(None, {}), ladder=ladder)
    assignment = spec.load_assignment(Course(folder).source("toy"))
    return told.Teller(folder, assignment, settings, {}, recorded)


def test_points_are_put_together_as_exports_do_and_what_is_open_is_said(tmp_path: Path) -> None:
    cell = CellScore(None, 4.0, 0.5, waits=False, by_hand=True, most=5)
    scores = Scores("first", datetime(2026, 1, 15, 12, tzinfo=UTC), 2.0, {"reflection": cell})

    record = teller(toy_course(tmp_path), student01=scores).tell({"student01": History(toy_grade())})[
        "student01"
    ]
    nothing_given = teller(tmp_path).tell({"student01": History(toy_grade())})["student01"]

    assert (record.points, record.automatic, record.manual, record.extra, record.penalty) == (
        12.5,
        10,
        4,
        0.5,
        2,
    )
    assert record.handed_in == "2026-01-15 12:00 UTC"
    assert record.pending == 0
    assert (nothing_given.points, nothing_given.manual, nothing_given.pending) == (10, None, 5)


def measured(attempt: str, turn: int, accuracy: float, points: float) -> Grade:
    demand = Requirement(
        "check_hidden.py:7", "accuracy", accuracy > 0.9, accuracy, successes=int(100 * accuracy), trials=100
    )
    status = Status.PASSED if points == 6 else Status.FAILED
    check = Check("accurate", "double", status, points, 6.0, requirements=(demand,))
    exercises = (ExerciseGrade("double", status, points, 6.0), ExerciseGrade("square", Status.FAILED, 0, 4.0))
    provenance = {
        "assignment": "v1",
        "split": "s",
        "files": attempt,
        "scored": str(turn),
        "graded_at": f"2026-01-15T1{turn}:30:00",
    }
    return dataclasses.replace(
        toy_grade(attempt=attempt),
        exercises=exercises,
        checks=(check, Check("squares", "square", Status.FAILED, 0, 4.0)),
        points=points,
        provenance=provenance,
    )


def stored(folder: Path, *grades: Grade) -> History:
    for grade in grades:
        attempts.write(folder, grade, submitted={}, executed={}, answers={})
        (attempts.root(folder, "toy", "student01") / grade.attempt / "executed.ipynb").write_text("{}")
        attempts.set_current(folder, grade)
    return read_history(Course(folder), "toy", "student01", "latest", read=attempts.read)


def test_the_history_has_every_version_with_its_points_and_no_more_than_the_hour(tmp_path: Path) -> None:
    history = stored(toy_course(tmp_path), measured("a1", 1, 0.3, 2.0), measured("a2", 2, 0.6, 4.0))

    rows = teller(tmp_path).tell({"student01": history})["student01"].attempts

    assert [(row.number, row.points, row.counts) for row in rows] == [(1, 2.0, False), (2, 4.0, True)]
    assert [row.graded_at for row in rows] == ["2026-01-15 11:00 UTC", "2026-01-15 12:00 UTC"]


def test_a_ladder_holds_back_the_points_of_every_attempt_that_did_not_improve(tmp_path: Path) -> None:
    history = stored(toy_course(tmp_path), measured("a1", 1, 0.60, 3.6), measured("a2", 2, 0.62, 4.8))

    record = teller(tmp_path, ladder=0.1).tell({"student01": history})["student01"]

    assert record.points == record.attempts[1].points == record.attempts[0].points
    assert record.points is not None
    assert record.points <= 3.6


def test_what_was_told_is_kept_for_those_who_are_told_nothing_new(tmp_path: Path) -> None:
    course = toy_course(tmp_path)
    before = teller(course).tell(
        {"student01": History(toy_grade()), "student02": History(toy_grade("student02"))}
    )
    told.add(course, "toy", before)

    told.add(course, "toy", teller(course).tell({"student02": History(toy_grade("student02", double=0.0))}))

    found = told.read(course, "toy")
    assert found["student01"] == before["student01"]
    assert found["student02"].points == 4.0


def test_a_damaged_record_is_named_and_mended_by_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / ".pawgrade" / "told" / "toy.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"student01": {}}')

    with pytest.raises(SpecError, match="toy.json cannot be read"):
        told.read(tmp_path, "toy")
    told.add(tmp_path, "toy", {})

    assert told.read(tmp_path, "toy") == {}
