"""The interval against scipy's, an independent implementation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from grader.checks.intervals import wilson_interval

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999]))
def test_the_interval_is_the_one_of_scipy(count: tuple[int, int], confidence: float) -> None:
    expected = binomtest(*count).proportion_ci(confidence_level=confidence, method="wilson")

    assert wilson_interval(*count, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(counts)
def test_the_interval_holds_the_share_and_stays_within_zero_and_one(count: tuple[int, int]) -> None:
    low, high = wilson_interval(*count)

    assert 0.0 <= low <= count[0] / count[1] <= high <= 1.0


@given(st.integers(1, 500))
def test_the_ends_are_exact_when_all_or_none_succeed(trials: int) -> None:
    assert wilson_interval(0, trials)[0] == 0.0
    assert wilson_interval(trials, trials)[1] == 1.0


@given(counts)
def test_more_confidence_means_a_wider_interval(count: tuple[int, int]) -> None:
    narrow, wide = wilson_interval(*count, 0.8), wilson_interval(*count, 0.99)

    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (-1, 5), (6, 5), (1, -1)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= successes <= trials"):
        wilson_interval(successes, trials)
