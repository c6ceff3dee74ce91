"""How a class stands: who is counted where, how points lie, which checks fail."""

from __future__ import annotations

import dataclasses
import math

import pytest

from grader.assignment import spec
from grader.assignment.course import Course
from grader.gradebook import attempts
from grader.gradebook.roster import course_roster
from grader.records import NOT_RUN, Check, Status
from grader.reports.exports.rows import read_gradebook
from grader.reports.overview.history import read_history
from grader.reports.overview.standings import (
    Bin,
    Entry,
    Material,
    Standing,
    State,
    failing_checks,
    histogram,
    read_submitted,
    standing,
)
from tests.support.handed_in import folder_of
from tests.support.marks import exported_course
from tests.support.notebooks import toy_grade


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    made = exported_course(tmp_path_factory.mktemp("course"))
    folder_of(made.submitted, {"student06/toy/toy.ipynb": "{}"})
    (made.submitted / "student03" / "toy").mkdir(parents=True)  # an empty folder is no hand-in
    attempts.write(made.folder, toy_grade("student07"), submitted={}, executed={}, answers={})
    attempts.set_current(made.folder, toy_grade("student07"))
    (attempts.root(made.folder, "toy", "student07") / "first" / "grade.json").write_text("[]")
    return made


def standing_of(course: Course) -> Standing:
    people = course_roster(course.folder, course.db_url(None))
    submitted, pending, notes = read_submitted(course, "toy")
    histories = {
        student: read_history(course, "toy", student, "latest")
        for student in attempts.students(course.folder, "toy")
    }
    recorded = read_gradebook("toy", course.db_url(None))
    assignment = spec.load_assignment(course.source("toy"))
    return standing(
        course.folder, Material(assignment, histories, recorded, submitted, notes, pending), people
    )


def test_everybody_is_in_one_state(course: Course) -> None:
    entries = {entry.row.student.id: entry.state for entry in standing_of(course).entries}

    assert entries == {
        "student01": State.PASSED,
        "student02": State.FAILED,
        "student03": State.MISSING,
        "student04": State.UNDECIDED,
        "student05": State.PASSED,
        "student06": State.UNGRADED,
        "student07": State.DAMAGED,
    }


def test_the_counts_are_those_of_the_class(course: Course) -> None:
    found = standing_of(course)

    assert (found.handed_in, found.graded, found.undecided) == (6, 4, 1)
    assert (
        found.waiting == 2
    )  # student02 and student05; student04 left the release's words, which are worth 0
    assert found.points == [3.3333 + 4 + 4 + 0.5, 4.0, 10.0]
    assert found.median == 10.0
    assert found.mean == pytest.approx((11.8333 + 4 + 10) / 3)
    assert any("student07" in note and "damaged" in note for note in found.notes)


def test_a_student_with_a_damaged_attempt_has_no_points_though_the_gradebook_has(course: Course) -> None:
    entry = next(entry for entry in standing_of(course).entries if entry.row.student.id == "student01")

    assert entry.points is not None
    assert dataclasses.replace(entry, state=State.DAMAGED).points is None


def test_checks_are_ranked_by_the_share_that_failed_of_those_that_were_judged(course: Course) -> None:
    made = standing_of(course)
    rows = [
        ("often", Status.FAILED),
        ("often", Status.SKIPPED),
        ("seldom", Status.FAILED),
        ("seldom", Status.PASSED),
        ("never", Status.PASSED),
    ]
    entries = [with_check(made.entries[0], name, status) for name, status in rows]

    found = failing_checks(made.assignment, entries)

    assert [(row.id, row.failed, row.judged, row.share) for row in found] == [
        ("often", 1, 1, 1.0),
        ("seldom", 1, 2, 0.5),
    ]
    assert found[0].exercise == "Twice a number"


def test_a_file_of_which_nothing_ran_fails_at_no_check(course: Course) -> None:
    made = standing_of(course)
    ran, unreadable = (
        with_check(made.entries[0], "often", Status.FAILED),
        with_check(made.entries[0], "x", Status.FAILED),
    )
    assert unreadable.row.grade is not None
    grade = dataclasses.replace(unreadable.row.grade, sandbox=NOT_RUN)
    unreadable = dataclasses.replace(unreadable, row=dataclasses.replace(unreadable.row, grade=grade))

    assert [row.id for row in failing_checks(made.assignment, [ran, unreadable])] == ["often"]


def with_check(entry: Entry, name: str, status: Status) -> Entry:
    assert entry.row.grade is not None
    grade = dataclasses.replace(entry.row.grade, checks=(Check(name, "double", status, 0, 1),))
    return dataclasses.replace(entry, row=dataclasses.replace(entry.row, grade=grade))


def test_full_points_lie_in_the_last_bin_and_extra_credit_has_its_own() -> None:
    assert [entry.count for entry in histogram([0, 9.9, 10, 90], 90)] == [2, 1, 0, 0, 0, 0, 0, 0, 1]
    assert histogram([92], 90)[-1] == Bin(90, 100, 1)
    assert [entry.count for entry in histogram([], 15)] == [0] * 8


def test_a_slip_of_a_million_points_makes_no_million_bins() -> None:
    bins = histogram([1e6, 50], 100)

    assert len(bins) == 20
    assert bins[-1] == Bin(190, math.inf, 1)
    assert bins[-1].is_open
