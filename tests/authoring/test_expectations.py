"""How a grade differs from what it is expected to be: of the source, of a release, of a mutant."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from grader.assignment.calibrated import Calibration, Spread
from grader.authoring.expectations import (
    exchanged,
    full_marks,
    measures,
    no_marks,
    slips,
    unlikely,
    wrong_failures,
    wrong_losses,
)
from grader.authoring.variants import Variant
from grader.messages import Message
from grader.records import Check, FailedCell, Grade, Requirement, StaffNotes, Status
from tests.support.notebooks import toy_grade

COUNTED = Requirement("check_public.py:9", "top-1", True, 0.9, "breeds", 189, 210)
RAISED = FailedCell(3, 2, None, "NameError", Message("name 'x' is not defined"), None, "NameError")


def check(name: str, status: Status = Status.PASSED, **changes: object) -> Check:
    points = 6.0 if status is Status.PASSED else 0.0
    made = Check(name, "double", status, points, 6.0, Message("error: 3"))
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def graded(
    *checks: Check,
    cells: tuple[FailedCell, ...] = (),
    log: str = "",
    points: Mapping[str, float] | None = None,
) -> Grade:
    grade = toy_grade("student01", "first", **(points or {}))
    return dataclasses.replace(grade, checks=checks, failed_cells=cells, staff=StaffNotes(log=log))


def mutant(**changes: object) -> Variant:
    made = Variant("tripled", "Three times", {}, loses=("double",), fails=("double",))
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


# The source and its release


def test_full_marks_say_what_was_measured() -> None:
    assert full_marks(graded(check("double", requirements=(COUNTED,)))) == (
        True,
        "10 of 10; top-1 0.9 (189 of 210)",
    )
    assert full_marks(graded(check("double"))) == (True, "10 of 10")


@pytest.mark.parametrize(
    ("grade", "said"),
    [
        (graded(check("double", Status.FAILED)), "double FAILED 0/6: error: 3"),
        (graded(check("double"), cells=(RAISED,)), "cell 2 raised NameError: name 'x' is not defined"),
        (graded(check("double"), log="Traceback"), "the checks left something in the log for staff"),
        (graded(check("double"), points={"double": 3.0}), "7 of 10"),
    ],
)
def test_what_full_marks_lack_is_named(grade: Grade, said: str) -> None:
    ok, detail = full_marks(grade)

    assert not ok
    assert said in detail


def test_a_log_of_earlier_tries_is_no_broken_check() -> None:
    grade = graded(check("double"), log="try 1: the kernel was lost")

    assert full_marks(dataclasses.replace(grade, provenance={"tries": "2"}))[0]


NOTHING = {"double": 0.0, "square": 0.0}


@pytest.mark.parametrize(
    ("grade", "ok", "said"),
    [
        (
            graded(check("double", Status.FAILED), points=NOTHING),
            True,
            "0 of 10, every check FAILED or SKIPPED",
        ),
        (graded(check("double", Status.ERROR), points=NOTHING), False, "ERROR: double"),
        (graded(check("free", points=0.0, max_points=0.0), points=NOTHING), False, "PASSED: free"),
        (graded(cells=(RAISED,), points=NOTHING), False, "cell 2 raised NameError"),
        (dataclasses.replace(graded(points=NOTHING), passed=True), False, "see pass_points"),
        (graded(points={"square": 0.0}), False, "6 of 10"),
    ],
)
def test_a_release_earns_nothing_and_breaks_nothing(grade: Grade, ok: bool, said: str) -> None:
    found, detail = no_marks(grade)

    assert found == ok
    assert said in detail


def test_measures_are_those_that_have_a_level() -> None:
    plain = Requirement("check_public.py:3", "largest error", True, 0.1)

    assert measures(graded(check("double", requirements=(plain, COUNTED)))) == {"double/breeds": COUNTED}


# Keys


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        ([[3, 1], [0, 4]], []),
        ([[0, 4], [3, 1]], ["cat and dog: 7 taken for the other, 1 for themselves"]),
        ([[4, 0], [0, 0]], ["dog: no photo is labelled so"]),
    ],
)
def test_labels_that_are_exchanged_or_never_asked_about_are_named(
    matrix: list[list[int]], said: list[str]
) -> None:
    assert list(exchanged({"matrix": matrix, "names": ["cat", "dog"]})) == said


def calibration() -> Calibration:
    spread = Spread(
        level="breeds",
        mean=0.9,
        sd=0.01,
        quantiles=(0.87, 0.88, 0.9, 0.92, 0.93),
        trials=210,
        weakest=0.9,
        seed_sd=0.004,
        split_sd=0.004,
        holdout_sd=0.02,
        rate=0.001,
    )
    values = {
        "date": "",
        "digest": "",
        "runs": 30,
        "lost": 0,
        "seeds": 10,
        "splits": 5,
        "recipes": ("source",),
    }
    return Calibration.model_validate(
        {**values, "machine": "", "rate": 0.0, "measures": {"top/breeds": spread}}
    )


@pytest.mark.parametrize(
    ("name", "value", "trials", "said"),
    [
        ("top/breeds", 0.9, 210, []),
        ("top/breeds", 0.6, 210, ["as little as this has a chance of"]),
        ("top/breeds", 0.9, 100, ["calibrated on 210 photos, counted on 100: calibrate again"]),
        ("other/breeds", 0.9, 210, ["other/breeds was not calibrated"]),
    ],
)
def test_a_measure_that_honest_work_hardly_gives_is_named(
    name: str, value: float, trials: int, said: list[str]
) -> None:
    demand = dataclasses.replace(COUNTED, value=value, successes=round(value * trials), trials=trials)

    found = list(unlikely(name, demand, calibration()))

    assert len(found) == len(said)
    assert all(words in text for words, text in zip(said, found, strict=True))


# Mutants


@pytest.mark.parametrize(
    ("variant", "points", "said"),
    [
        (mutant(), {"double": 0.0}, []),
        (mutant(), {}, ["expected to lose double, has all 6 points of it"]),
        (
            mutant(),
            {"double": 0.0, "square": 1.0},
            ["lost 3 points of square, which its header does not name"],
        ),
        (mutant(loses=("double", "moon")), {"double": 0.0}, ["its header names moon, which is no exercise"]),
        (mutant(loses=()), {}, ["its header names no exercise that it loses"]),
    ],
)
def test_what_a_mutant_loses_is_what_its_header_names(
    variant: Variant, points: dict[str, float], said: list[str]
) -> None:
    found = list(wrong_losses(variant, graded(points=points)))

    assert len(found) == len(said)
    assert all(text.startswith(words) for words, text in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("variant", "statuses", "said"),
    [
        (mutant(), {"double": "FAILED"}, []),
        (mutant(), {"double": "PASSED"}, ["the check double was expected to fail and is PASSED: error: 3"]),
        (mutant(), {}, ["its header names the check double, which there is not"]),
        (mutant(fails=None), {"double": "FAILED"}, ["its header names no checks that it fails (`fails`)"]),
        (
            mutant(),
            {"double": "FAILED", "more": "FAILED"},
            ["the check more failed, which its header does not name: error: 3"],
        ),
        (
            mutant(skips=("a",)),
            {"double": "FAILED", "a": "PASSED", "b": "SKIPPED"},
            [
                "the check a was not skipped (`skips`)",
                "the check b was skipped, which its header does not name (`skips`)",
            ],
        ),
    ],
)
def test_the_checks_that_a_mutant_fails_are_those_that_its_header_names(
    variant: Variant, statuses: dict[str, str], said: list[str]
) -> None:
    grade = graded(*(check(name, Status(status)) for name, status in statuses.items()))

    assert list(wrong_failures(variant, grade)) == said


def test_a_mutant_that_fails_for_a_slip_of_its_own_is_named_unless_it_is_about_that() -> None:
    slip = graded(check("double", Status.FAILED, raised="NameError"))

    assert list(slips(mutant(raises=("NameError",)), slip)) == []
    assert len(list(slips(mutant(), slip))) == 1
    assert list(slips(mutant(), graded(check("double", Status.FAILED, raised="ValueError")))) == []


def test_only_what_a_mutant_raises_first_is_a_slip() -> None:
    first = dataclasses.replace(RAISED, error="ValueError", raised="ValueError")

    assert list(slips(mutant(), graded(cells=(first, RAISED)))) == []
    assert "NameError in cell 2" in next(slips(mutant(), graded(cells=(RAISED, first))))
