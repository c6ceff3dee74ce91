"""The training tricks: what the check files compute is right, honest intervals pass, dishonest ones do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from grader.assignment.course import packaged_course
from grader.assignment.spec import load_assignment
from grader.checks.check_files import load_checks
from grader.checks.questions import Answer

FOLDER = packaged_course().source("training_tricks")
public = load_checks(FOLDER / "check_public.py")
expected = load_checks(FOLDER / "staff" / "expected.py")
reference = load_checks(FOLDER / "staff" / "reference.py")
LEVEL = load_assignment(FOLDER).levels["coverage"]


def coverage(quantile: float | None) -> float:
    """Return the share of intervals that hold the truth: Welch's, or with a fixed quantile."""
    asked = []
    for question in public._experiments(np.random.default_rng(3), 1500):
        difference, reach = public.welch(question.key["a"], question.key["b"])
        if quantile is not None:
            errors = [side.var(axis=1, ddof=1) / side.shape[1] for side in question.arguments]
            reach = quantile * np.sqrt(sum(errors))
        asked.append(Answer(np.stack([difference - reach, difference + reach], axis=1), question.key))
    right, experiments = public.held(asked)
    return float(right / experiments)


def test_an_honest_interval_is_above_the_level_and_a_normal_quantile_below_its_start() -> None:
    assert coverage(None) > LEVEL.full_at
    assert coverage(1.645) < LEVEL.zero_at


def test_the_check_files_interval_is_scipys() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(20, 5)), rng.normal(0, 3, (20, 9))
    ends = stats.ttest_ind(a, b, axis=1, equal_var=False).confidence_interval(0.9)

    difference, reach = public.welch(a, b)

    assert difference - reach == pytest.approx(ends.low)
    assert difference + reach == pytest.approx(ends.high)


def test_the_stopping_of_the_reference_is_that_of_the_example() -> None:
    assert expected.early_stopping(public.HAND, 2).tolist() == public.HAND_KEPT.tolist()


def test_the_reference_has_a_number_for_each_setting() -> None:
    assert reference.MEANS.shape == reference.DEVIATIONS.shape == (14,)
    assert public.PAIRS.shape == (12, 2)
    assert public.PAIRS.max() < 14
