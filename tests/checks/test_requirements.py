"""What checks demand: bounds, counts and levels, and what is told of them."""

from __future__ import annotations

import pytest

from grader.assignment.spec import Levels
from grader.checks.requirements import Shortfall, require_parts
from grader.checks.session import (
    require,
    require_count,
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
