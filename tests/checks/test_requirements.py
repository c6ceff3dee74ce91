"""What checks demand: bounds, counts and levels, and what is told of them."""

from __future__ import annotations

import pytest

from grader.assignment.spec import Levels
from grader.checks.requirements import Shortfall, fresh_sheet, require_parts
from grader.checks.scoring import credit
from grader.checks.session import (
    require,
    require_count,
    require_level,
)


@pytest.mark.parametrize(
    ("measured", "passes"), [(1, True), (2, True), (3, True), (0.999, False), (3.001, False)]
)
def test_both_bounds_belong_to_what_is_allowed(measured: float, passes: bool) -> None:
    def demand() -> None:
        require(measured, at_least=1, at_most=3, hint="?")

    if passes:
        demand()
    else:
        with pytest.raises(Shortfall, match="at least 1 and at most 3"):
            demand()


def test_a_count_is_judged_on_whole_photos() -> None:
    levels = Levels(zero_at=0.55, full_at=0.82)

    require_count(173, of=210, levels=levels, what="top-1", hint="?")
    with pytest.raises(Shortfall) as caught:
        require_count(172, of=210, levels=levels, what="top-1", hint="?")

    assert "(173 of 210)" in str(caught.value.required)
    assert 0.9 < caught.value.share < 1.0


@pytest.mark.parametrize(("right", "of"), [(5, 4), (-1, 4), (0, 0)])
def test_what_is_no_count_of_the_parts_is_a_mistake_of_the_check(right: int, of: int) -> None:
    with pytest.raises(ValueError, match="require_parts: expected 0 to"):
        require_parts(right, of=of, what="answers", hint="")


def shortfall(successes: int, *, hidden: bool = False, near: str = "") -> str:
    """Return the hint for some right answers of 210, on levels from .55 to .82."""
    fresh_sheet("top_1", frozenset(), hidden=hidden, points=10)
    with pytest.raises(Shortfall) as caught:
        require_count(
            successes,
            of=210,
            levels=Levels(zero_at=0.55, full_at=0.82),
            what="top-1",
            hint="Look at the head.",
            near=near,
        )
    fresh_sheet("", frozenset())
    return str(caught.value.hint)


def test_near_chance_the_cause_is_told_and_near_the_level_what_is_missing() -> None:
    assert shortfall(20) == shortfall(104) == "Look at the head."
    assert shortfall(170) == (
        "Near the level: 3 more right answers of 210 give full points, so the parts work."
        " More training, examples or steps may do. If not: Look at the head."
    )


def test_just_below_where_points_begin_a_small_change_is_said_to_bring_some() -> None:
    # Two standard deviations of the luck of counting, where levels lie ten apart: from .496 on.
    for right in (105, 115):
        assert shortfall(right).startswith(
            f"Near the level: {116 - right} more right answers of 210 bring the first points,"
        )
    assert shortfall(115, near="Average over mirrored photos.").endswith(
        "first points. Average over mirrored photos."
    )
    earned = [credit(right, 210, zero_at=0.55, full_at=0.82) > 0 for right in (115, 116)]
    assert earned == [False, True]


def test_an_author_may_say_what_helps_near_the_level() -> None:
    words = shortfall(170, near="Average over mirrored photos.")

    assert words.endswith("give full points. Average over mirrored photos.")
    assert "head" not in words
    assert shortfall(20, near="Average over mirrored photos.") == "Look at the head."


def test_a_hint_on_hidden_photos_is_the_same_whatever_was_measured() -> None:
    hints = {shortfall(right, hidden=True, near="Mirror them.") for right in (20, 104, 105, 115, 170)}
    assert hints == {"Look at the head."}


def level_hint(measured: float, *, levels: Levels, hidden: bool = False, near: str = "") -> str:
    """Return the hint for a number that is below its level."""
    fresh_sheet("smooth", frozenset(), hidden=hidden, points=10)
    with pytest.raises(Shortfall) as caught:
        require_level(measured, levels=levels, what="sharpness", hint="Take more steps.", near=near)
    fresh_sheet("", frozenset())
    return str(caught.value.hint)


def test_near_a_level_of_a_number_it_is_said_how_much_is_missing() -> None:
    levels = Levels(zero_at=0.5, full_at=0.8)

    assert (
        level_hint(0.7661, levels=levels) == "Near the level: 0.034 more gives full points. Take more steps."
    )
    assert level_hint(0.7, levels=levels).startswith("Near the level: 0.1 more gives full points.")
    assert level_hint(0.46, levels=levels).startswith("Near the level: points begin above 0.04 more.")
    assert level_hint(0.5, levels=levels).startswith("Near the level: points begin right above this.")
    assert level_hint(0.7, levels=levels, near="Rest.") == "Near the level: 0.1 more gives full points. Rest."


@pytest.mark.parametrize("measured", [0.0, 0.43, float("nan"), float("inf"), float("-inf")])
def test_far_from_a_level_of_a_number_there_is_the_hint_alone(measured: float) -> None:
    assert level_hint(measured, levels=Levels(zero_at=0.5, full_at=0.8), near="Rest.") == "Take more steps."


def test_levels_below_zero_have_a_neighbourhood_too() -> None:
    levels = Levels(zero_at=-6, full_at=-1)

    assert level_hint(-2, levels=levels).startswith("Near the level: 1 more")
    assert level_hint(-7.5, levels=levels) == "Take more steps."


def test_a_hint_on_a_hidden_number_is_the_same_whatever_was_measured() -> None:
    levels = Levels(zero_at=0.5, full_at=0.8)

    assert {level_hint(value, levels=levels, hidden=True) for value in (0.0, 0.45, 0.6, 0.79)} == {
        "Take more steps."
    }
