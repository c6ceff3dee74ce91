"""What moved and was not told stays to be told, whatever happens in between."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from grader.gradebook import attempts
from grader.grading.anew import reporting
from grader.grading.anew.reporting import Unreported
from tests.support.notebooks import toy_grade


@pytest.fixture
def course(tmp_path: Path) -> Path:
    attempts.write(tmp_path, toy_grade("student01", "a1"), submitted={}, executed={}, answers={})
    return tmp_path


def test_the_grade_that_was_told_last_stays_until_the_next_report(course: Path) -> None:
    told = dataclasses.replace(toy_grade("student01", "a1"), points=7.0)
    later = dataclasses.replace(told, points=9.0)

    reporting.mark(course, Unreported("judged anew", "", told))
    reporting.mark(course, Unreported("executed anew", "--force", later))

    mark = reporting.read(course, "toy", "student01")
    assert mark is not None
    assert (mark.what, mark.before.points) == ("judged anew", 7.0)
    reporting.reported(course, "toy", ["student01", "student02"])
    assert reporting.read(course, "toy", "student01") is None


def test_while_another_run_writes_records_marks_stay(course: Path) -> None:
    reporting.mark(course, Unreported("judged anew", "", toy_grade("student01", "a1")))

    with attempts.sole_writer(course):
        reporting.reported(course, "toy", ["student01"])

    assert reporting.read(course, "toy", "student01") is not None


@pytest.mark.parametrize("content", ["", "{", "[]", "5", "{}", '{"what": 1, "reason": 2, "before": {}}'])
def test_a_damaged_mark_is_none_and_stops_nobody(course: Path, content: str) -> None:
    mark = Unreported("judged anew", "", toy_grade("student01", "a1"))
    reporting.mark(course, mark)
    (attempts.root(course, "toy", "student01") / reporting.UNREPORTED).write_text(content)

    assert reporting.read(course, "toy", "student01") is None
    reporting.mark(course, mark)
    assert reporting.read(course, "toy", "student01") is not None
