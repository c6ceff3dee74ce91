"""Points are exact, monotone, and never more than there are."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.assignment.spec import Levels
from grader.checks.scoring import credit, exercise_grade, overall_status, required_count
from grader.records import Check, ExerciseGrade, Status

percents = st.integers(0, 99).flatmap(lambda low: st.tuples(st.just(low), st.integers(low + 1, 100)))
levels = percents.map(lambda pair: Levels(zero_at=pair[0] / 100, full_at=pair[1] / 100))
counts = st.integers(1, 4000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def earned(successes: int, trials: int, level: Levels) -> float:
    return credit(successes, trials, zero_at=level.zero_at, full_at=level.full_at)


@pytest.mark.parametrize(
    ("trials", "level", "needed"),
    [
        (210, 0.82, 173),
        (100, 0.29, 29),  # 0.29 * 100 is 28.999999999999996
        (100, 0.07, 7),  # 0.07 * 100 is 7.000000000000001
        (1000, 0.57, 570),
        (210, 1.0, 210),
        (210, 0.0, 0),
        (210, 0.95, 200),
        (3, 0.3333333333, 1),
        (3, 1 / 3, 1),
    ],
)
def test_an_accuracy_is_demanded_as_a_whole_number_of_photos(trials: int, level: float, needed: int) -> None:
    assert required_count(trials, level) == needed


@given(counts, st.integers(0, 100))
def test_the_demanded_count_is_the_smallest_that_reaches_the_level(
    count: tuple[int, int], percent: int
) -> None:
    trials, level = count[1], Decimal(percent) / 100
    needed = required_count(trials, percent / 100)

    assert Decimal(needed) >= level * trials
    assert Decimal(needed - 1) < level * trials


def test_one_photo_decides_between_all_points_and_almost_all() -> None:
    assert credit(173, 210, zero_at=0.55, full_at=0.82) == 1.0
    assert 0.97 < credit(172, 210, zero_at=0.55, full_at=0.82) < 1.0


def test_credit_starts_above_zero_at_and_not_at_it() -> None:
    assert credit(55, 100, zero_at=0.55, full_at=0.82) == 0.0
    assert credit(56, 100, zero_at=0.55, full_at=0.82) > 0.0


@given(counts, levels)
def test_credit_is_between_nothing_and_everything(count: tuple[int, int], level: Levels) -> None:
    assert 0.0 <= earned(*count, level) <= 1.0


@given(counts, levels)
def test_one_more_success_never_costs_credit(count: tuple[int, int], level: Levels) -> None:
    successes, trials = count

    assert earned(min(successes + 1, trials), trials, level) >= earned(successes, trials, level)


@given(counts, levels)
def test_credit_is_full_exactly_from_the_demanded_count_on(count: tuple[int, int], level: Levels) -> None:
    successes, trials = count

    assert (earned(successes, trials, level) == 1.0) == (successes >= required_count(trials, level.full_at))


def test_credit_in_the_middle_is_half() -> None:
    assert credit(70, 100, zero_at=0.6, full_at=0.8) == 0.5


def check(points: float, most: float, status: Status = Status.FAILED, exercise: str = "breeds") -> Check:
    return Check("a", exercise, status, points, most)


def test_an_exercise_sums_its_own_checks_only() -> None:
    checks = [check(2, 4), check(1, 4), check(9, 9, exercise="other")]

    found = exercise_grade("breeds", "Name the breed", 8, checks)

    assert found == ExerciseGrade("breeds", Status.FAILED, 3.0, 8, "Name the breed")


def test_an_exercise_with_all_its_points_passed() -> None:
    thirds = [check(10 / 3, 10 / 3, Status.PASSED)] * 3

    assert exercise_grade("breeds", "", 10, thirds).status is Status.PASSED


def test_an_exercise_worth_an_endless_fraction_can_be_passed() -> None:
    found = exercise_grade("breeds", "", 20 / 3, [check(20 / 3, 20 / 3, Status.PASSED)])

    assert found.status is Status.PASSED


def test_an_exercise_that_nobody_checked_is_an_error_and_not_a_zero() -> None:
    assert exercise_grade("breeds", "", 10, []).status is Status.ERROR


@pytest.mark.parametrize("others", [[], [check(10, 10, Status.PASSED)]])
def test_one_undecided_check_makes_the_exercise_undecided(others: list[Check]) -> None:
    undecided = check(0, 0, Status.ERROR)

    assert exercise_grade("breeds", "", 10, [*others, undecided]).status is Status.ERROR


def test_a_skipped_check_fails_its_exercise() -> None:
    assert exercise_grade("breeds", "", 10, [check(0, 10, Status.SKIPPED)]).status is Status.FAILED


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=6))
def test_an_exercise_never_earns_more_than_its_checks_are_worth(pairs: list[tuple[int, int]]) -> None:
    checks = [check(min(pair) / 8, max(pair) / 8) for pair in pairs]
    worth = sum(one.max_points for one in checks)

    found = exercise_grade("breeds", "", worth, checks)

    assert 0 <= found.points <= worth
    assert (found.status is Status.PASSED) == (found.points == worth)


@pytest.mark.parametrize("passed", [True, False])
def test_a_grade_is_an_error_when_anything_is(passed: bool) -> None:
    good, bad = check(1, 1, Status.PASSED), check(0, 1, Status.ERROR)
    exercise = ExerciseGrade("breeds", Status.PASSED, 1, 1)
    undecided = dataclasses.replace(exercise, status=Status.ERROR)

    assert overall_status([good, bad], [exercise], passed=passed) is Status.ERROR
    assert overall_status([good], [undecided], passed=passed) is Status.ERROR


def test_a_grade_passes_by_its_points_even_when_an_exercise_failed() -> None:
    failed = ExerciseGrade("breeds", Status.FAILED, 1, 2)

    assert overall_status([check(1, 2)], [failed], passed=True) is Status.PASSED
    assert overall_status([check(1, 2)], [failed], passed=False) is Status.FAILED
