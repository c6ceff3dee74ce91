"""Grades are values: written, read and pickled without a change, and public only where the contract says so."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.messages import Message
from grader.records import (
    Check,
    ExerciseGrade,
    FailedCell,
    Grade,
    Limit,
    Picture,
    Repair,
    Requirement,
    Seconds,
    StaffNotes,
    Status,
)
from tests.support.notebooks import toy_grade

# DESIGN, section 7: these names are what programs of others read.
PUBLIC_FIELDS = {
    "student",
    "assignment",
    "attempt",
    "status",
    "points",
    "max_points",
    "manual_points",
    "passed",
    "exercises",
    "checks",
    "failed_cells",
    "limit",
    "seconds",
    "sandbox",
    "device",
    "seed",
    "data",
    "believed",
}
EXERCISE_FIELDS = {"id", "status", "points", "max_points"}
CHECK_FIELDS = {"id", "exercise", "status", "points", "max_points", "measured", "required", "hint"}
SECONDS_FIELDS = {"queue", "kernel", "execute", "probe", "evaluate", "total"}

text = st.text(max_size=12)
points = st.floats(0, 1000, allow_nan=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
status = st.sampled_from(Status)
values = text | st.integers() | points
flat = st.builds(
    lambda words, inner: (
        Message("{words} {inner:}", words=words, inner=inner) if words else Message.of(words)
    ),
    text,
    values,
)
messages = flat | st.builds(
    lambda one, value: Message("{{{one}}} {value}", one=one, value=value), flat, values
)
checks = st.builds(
    Check, text, text, status, points, points, messages, messages, messages, text, exact=messages
)
exercises = st.builds(ExerciseGrade, text, status, points, points, text)
cells = st.builds(
    FailedCell,
    st.integers(0),
    st.integers(1),
    st.none() | text,
    text,
    messages,
    st.none() | st.sampled_from(Limit),
    text,
    text,
)
pictures = st.builds(Picture, text, text, st.dictionaries(text, json_values, max_size=3))
seconds = st.builds(Seconds, *[points] * 6)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=3).map(tuple)


demands = st.builds(
    Requirement,
    text,
    text,
    st.booleans(),
    points,
    text,
    st.none() | st.integers(0),
    st.none() | st.integers(0),
)
grades = st.builds(
    Grade,
    student=text,
    assignment=text,
    attempt=text,
    status=status,
    points=points,
    max_points=points,
    manual_points=st.none() | points,
    passed=st.booleans(),
    exercises=some(exercises),
    checks=some(checks),
    failed_cells=some(cells),
    limit=st.none() | st.sampled_from(Limit),
    seconds=seconds,
    sandbox=text,
    device=text,
    seed=st.integers(),
    data=text,
    repairs=some(st.builds(Repair, text, messages)),
    notices=some(messages),
    pictures=some(pictures),
    provenance=st.dictionaries(text, text, max_size=3),
    staff=st.builds(
        StaffNotes,
        usage=st.dictionaries(text, points, max_size=3),
        flags=some(text),
        second=some(demands),
        log=text,
        pictures=some(pictures),
    ),
)


@given(grades)
def test_a_grade_that_was_written_is_read_as_an_equal_grade(grade: Grade) -> None:
    assert Grade.from_record(json.loads(json.dumps(grade.to_record()))) == grade


@given(grades)
def test_a_grade_crosses_a_process_border_unchanged(grade: Grade) -> None:
    assert pickle.loads(pickle.dumps(grade)) == grade


@given(grades)
def test_the_public_object_has_the_fields_of_the_contract_and_no_others(grade: Grade) -> None:
    public = json.loads(json.dumps(grade.to_json()))

    assert set(public) == PUBLIC_FIELDS
    assert set(public["seconds"]) == SECONDS_FIELDS
    assert all(set(exercise) == EXERCISE_FIELDS for exercise in public["exercises"])
    assert all(set(check) == CHECK_FIELDS for check in public["checks"])


def test_the_public_object_says_nothing_that_is_for_staff_or_feedback_only() -> None:
    grade = dataclasses.replace(
        toy_grade(),
        notices=(Message("PRIVATE"),),
        provenance={"PRIVATE": "PRIVATE"},
        repairs=(Repair("PRIVATE", Message("PRIVATE")),),
        pictures=(Picture("PRIVATE", "PRIVATE", {}),),
        staff=StaffNotes(log="PRIVATE", second=(Requirement("PRIVATE", "PRIVATE", True, 1.0),)),
    )

    assert "PRIVATE" not in json.dumps(grade.to_json())


def test_writing_a_grade_does_not_change_it() -> None:
    grade = dataclasses.replace(toy_grade(), checks=(Check("a", "double", Status.PASSED, 1, 1, title="A"),))

    grade.to_json()

    assert grade.checks[0].title == "A"
    assert grade.to_record()["checks"][0]["title"] == "A"


def test_a_limit_is_written_by_its_short_name() -> None:
    written = [dataclasses.replace(toy_grade(), limit=limit).to_json()["limit"] for limit in Limit]

    assert written == ["wall", "cell", "memory", "disk", "processes", "output"]


def damage(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    record = toy_grade().to_record()
    change(record)
    return record


DAMAGED: list[Any] = [
    [],
    {},
    None,
    5,
    "grade",
    damage(lambda record: record.pop("seconds")),
    damage(lambda record: record.update(status="GOOD")),
    damage(lambda record: record.update(status=None)),
    damage(lambda record: record.update(limit="patience")),
    damage(lambda record: record.update(unknown=1)),
    damage(lambda record: record.update(seconds=None)),
    damage(lambda record: record.update(seconds={"eternity": 1})),
    damage(lambda record: record.update(checks=None)),
    damage(lambda record: record.update(checks=[5])),
    damage(lambda record: record.update(checks=[{"status": "PASSED"}])),
    damage(lambda record: record.update(failed_cells=["text"])),
]


@pytest.mark.parametrize("record", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_record_is_refused_with_one_of_three_errors(record: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Grade.from_record(record)
