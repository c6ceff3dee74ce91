"""What a student should mend first, and what hangs on it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from markupsafe import Markup

from grader.feedback.beginning import beginning, other_notices
from grader.messages import Message
from grader.notebooks.notebook_html import CellView
from grader.records import Check, ExerciseGrade, FailedCell, Grade, Limit, Status
from tests.support import pages

CELLS = tuple(
    CellView(index, "code", index + 1, grade_id, Markup("x"), (), "x")
    for index, grade_id in enumerate(["a-code", "first", "b-code", "second"])
)
PLACES = {"first": CELLS[0], "second": CELLS[2]}
RAISED = FailedCell(2, 3, None, "KeyError", Message("'x'"))


def check(name: str, exercise: str, status: Status, points: float, after: str = "") -> Check:
    hint = Message("First make this pass: {titles}", titles=f"The {after}.") if after else Message.of("Try.")
    return Check(name, exercise, status, 0, points, hint=hint, title=f"The {name}.")


def grade(*checks: Check, **changes: object) -> Grade:
    exercises = (
        ExerciseGrade("first", Status.FAILED, 4, 10),
        ExerciseGrade("second", Status.FAILED, 0, 20),
    )
    values = {"checks": checks, "failed_cells": (), "status": Status.FAILED, "exercises": exercises}
    return replace(pages.grade(pictures=()), **{**values, **changes})  # type: ignore[arg-type]


CHAIN = (
    check("alone", "first", Status.FAILED, 6),
    check("guard", "second", Status.FAILED, 0),
    check("accuracy", "second", Status.SKIPPED, 15, after="guard"),
    check("bonus", "second", Status.SKIPPED, 5, after="accuracy"),
    check("elsewhere", "first", Status.SKIPPED, 9, after="stranger"),
)


def test_the_first_check_that_others_wait_for_costs_what_waits_for_it_in_turn() -> None:
    begin = beginning(grade(*CHAIN), CELLS, PLACES)

    assert begin is not None
    assert str(begin.what) == "The guard."
    assert begin.waiting == ("The accuracy.", "The bonus.")
    assert (begin.points, begin.is_bound, begin.index) == (20, False, 2)


def test_where_nothing_waits_it_is_the_first_check_that_failed() -> None:
    begin = beginning(grade(CHAIN[0], check("other", "second", Status.FAILED, 20)), CELLS, PLACES)

    assert begin is not None
    assert (str(begin.what), begin.points) == ("The alone.", 6)


def test_a_cell_that_failed_above_comes_first_and_costs_what_may_depend_on_it() -> None:
    begin = beginning(grade(*CHAIN[1:], failed_cells=(RAISED,)), CELLS, PLACES)

    assert begin is not None
    assert str(begin.what) == "KeyError: 'x'"
    assert (begin.points, begin.is_bound, begin.index) == (20, True, 2)  # not the 6 of the exercise above it


def test_a_cell_that_failed_further_down_does_not() -> None:
    late = replace(RAISED, index=3)

    begin = beginning(grade(*CHAIN, failed_cells=(late,)), CELLS, PLACES)

    assert begin is not None
    assert str(begin.what) == "The guard."


@pytest.mark.parametrize(
    ("status", "points", "believed", "what"),
    [
        (Status.PASSED, 10, False, "The other."),
        (Status.FAILED, 4, True, "The other."),
        (Status.FAILED, 4, False, "NameError: 'x'"),
        (Status.FAILED, 0, True, "NameError: 'x'"),
    ],
)
def test_a_test_cell_that_fails_without_its_hidden_tests_alone_is_nothing_to_mend(
    status: Status, points: float, believed: bool, what: str
) -> None:
    # Its last value is set among hidden tests: without them the cell misses a name.
    cell = replace(RAISED, index=1, grade_id="first", error="NameError")
    exercises = (ExerciseGrade("first", status, points, 10), ExerciseGrade("second", Status.FAILED, 0, 20))
    lost = check("other", "second", Status.FAILED, 20)

    begin = beginning(
        grade(lost, failed_cells=(cell,), exercises=exercises, believed=believed), CELLS, PLACES
    )

    assert begin is not None
    assert str(begin.what) == what


def test_of_several_notebooks_too_the_cell_that_failed_first_is_told_once() -> None:
    notice = Message(
        "{notebook}: {words}", notebook="Part 1", words=Message("Cell 5 failed first (KeyError).")
    )
    stays = Message("Cells differ.")
    told = grade(*CHAIN, notices=(notice, stays))

    assert other_notices(told, beginning(told, CELLS, PLACES)) == [stays]


def test_a_missing_name_is_explained() -> None:
    missing = replace(RAISED, error="NameError", raised="NameError")

    begin = beginning(grade(*CHAIN, failed_cells=(missing,)), CELLS, PLACES)

    assert begin is not None
    assert "Restart and Run All" in str(begin.advice)


def test_a_limit_without_a_cell_is_told_with_all_that_is_lost() -> None:
    begin = beginning(grade(*CHAIN, limit=Limit.WALL), CELLS, PLACES)

    assert begin is not None
    assert begin.index is None
    assert begin.points == 26
    assert "longer" in str(begin.what)


@pytest.mark.parametrize("status", [Status.PASSED, Status.ERROR])
def test_what_a_student_cannot_mend_is_no_beginning(status: Status) -> None:
    exercises = (ExerciseGrade("first", status, 0, 10),)

    begin = beginning(
        grade(check("x", "first", status, 10), failed_cells=(RAISED,), exercises=exercises), CELLS, PLACES
    )

    assert begin is None
