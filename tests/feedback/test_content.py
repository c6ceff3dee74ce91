"""What checks hand over to a drawing is read with care: numbers, shares, and no more rows than are drawn."""

from __future__ import annotations

import pytest

from grader.feedback.drawings import (
    finite,
    probability,
    rows_of,
    share,
)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="expected a probability"):
        share(value)


def test_a_probability_a_rounding_error_above_1_is_1() -> None:
    assert (share(1.0000002), share(-1e-9)) == (1.0, 0.0)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="expected a number"):
        finite(value)


def test_rows_are_cut_to_what_is_drawn_and_none_are_refused() -> None:
    assert rows_of({"rows": range(9)}, 3) == [0, 1, 2]
    with pytest.raises(ValueError, match="no rows"):
        rows_of({"rows": []}, 3)


@pytest.mark.parametrize(
    ("p", "written"),
    [
        (0.0, "0.000"),
        (0.0004, "< 0.001"),
        (0.0005, "0.001"),
        (0.9984, "0.998"),
        (0.99951, "> 0.999"),
        (1.0, "1.000"),
    ],
)
def test_a_probability_is_never_rounded_to_certainty(p: float, written: str) -> None:
    assert probability(p) == written
