"""The overview reads of an attempt what it shows, and refuses a damaged one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from grader import disclosure
from grader.errors import SpecError
from grader.gradebook import attempts
from grader.messages import NOTHING, Message
from grader.records import Check, StaffNotes, Status
from grader.reports.overview import outlines
from tests.support.notebooks import toy_grade


def test_an_outline_is_the_grade_without_words_and_flags_are_read_alone(tmp_path: Path) -> None:
    check = Check("doubles", "double", Status.FAILED, 2, 6, measured=Message("half"), title="Doubled.")
    grade = dataclasses.replace(
        toy_grade(attempt="a1"), checks=(check,), staff=StaffNotes(flags=("unlikely",))
    )
    attempts.write(tmp_path, grade, submitted={}, executed={}, answers={})

    outline = outlines.outline(tmp_path, "toy", "student01", "a1")

    told = disclosure.told(grade)
    assert outline == dataclasses.replace(told, checks=(dataclasses.replace(check, measured=NOTHING),))
    assert outlines.flags(tmp_path, grade) == ("unlikely",)
    assert outlines.outline(tmp_path, "toy", "student01", "a2") is None


def test_an_outline_of_a_damaged_attempt_is_refused(tmp_path: Path) -> None:
    grade = toy_grade(attempt="a1")
    folder = attempts.write(tmp_path, grade, submitted={}, executed={}, answers={})
    (folder / "staff.json").write_text("[]")

    with pytest.raises(SpecError, match=r"staff\.json is damaged"):
        outlines.flags(tmp_path, grade)
    (folder / "grade.json").write_text("{}")
    with pytest.raises(SpecError, match=r"grade\.json is damaged"):
        outlines.outline(tmp_path, "toy", "student01", "a1")
