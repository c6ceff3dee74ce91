"""Work that lies handed in and no grade is of: the first one, a newer one, and what is neither."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.gradebook import attempts, versions
from grader.messages import NOTHING
from grader.reports.ungraded import NOBODY, notes, read_ungraded
from tests.support.handed_in import folder_of
from tests.support.marks import grade_what_lies_there
from tests.support.notebooks import toy_course, toy_grade


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """student01 and student02 handed in, and student01 is graded."""
    course = Course(toy_course(tmp_path))
    folder_of(course.submitted, {"student01/toy/toy.ipynb": "{}", "student02/toy/toy.ipynb": "{}"})
    grade_what_lies_there(course, toy_grade("student01"))
    return course


def test_the_first_hand_in_is_told_from_one_that_is_graded(course: Course) -> None:
    found = read_ungraded(course, "toy")

    assert found.first == {"student02"}
    assert found.newer == set()


def test_other_files_are_newer_and_the_same_ones_at_another_time_are_not(course: Course) -> None:
    (course.submitted / "student01" / "toy" / "timestamp.txt").write_text("2026-02-01 12:00:00 UTC")
    assert read_ungraded(course, "toy").newer == set()

    (course.submitted / "student01" / "toy" / "toy.ipynb").write_text('{"cells": []}')

    assert read_ungraded(course, "toy").newer == {"student01"}


def test_a_version_that_is_kept_and_not_scored_was_looked_at(course: Course) -> None:
    (course.submitted / "student01" / "toy" / "toy.ipynb").write_text('{"cells": []}')
    submission = course.submissions("toy", ("student01",))[0]
    versions.keep(
        course.folder, submission, versions.Against("v", "s", "toy_pets"), {}, limit=5, counts=NOTHING
    )

    assert read_ungraded(course, "toy").newer == set()


def test_an_attempt_that_is_damaged_or_does_not_know_its_files_accuses_nobody(course: Course) -> None:
    grade = toy_grade("student01")
    attempts.write(course.folder, grade, submitted={}, executed={}, answers={})
    assert read_ungraded(course, "toy").newer == set()

    (attempts.root(course.folder, "toy", "student01") / "first" / "grade.json").write_text("[]")

    assert read_ungraded(course, "toy") == dataclasses.replace(NOBODY, first=frozenset({"student02"}))


def test_an_attempt_that_is_gone_is_work_without_a_grade(course: Course) -> None:
    path = attempts.root(course.folder, "toy", "student01") / "first"
    path.rename(path.with_name("elsewhere"))

    assert read_ungraded(course, "toy").first == {"student01", "student02"}


def test_folders_that_cannot_be_told_apart_are_a_note_and_no_error(course: Course) -> None:
    folder_of(course.submitted, {"Student01/toy/toy.ipynb": "{}"})

    assert "differ in nothing but case" in read_ungraded(course, "toy").notes[0]


def test_a_note_names_the_command_and_the_first_ten() -> None:
    (note,) = notes("lab 2", [f"student{number:02}" for number in range(12)], [])

    assert note.endswith("student09 and 2 more. Run `pawgrade grade 'lab 2'`.")
    assert list(notes("toy", [], [])) == []
