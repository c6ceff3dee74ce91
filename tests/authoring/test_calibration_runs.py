"""Honest runs: which seeds share a split, what one lost, and what is kept of it."""

from __future__ import annotations

from grader.authoring.calibration_runs import Run


def test_two_seeds_share_a_split() -> None:
    assert [Run("r", seed).split for seed in range(5)] == [0, 0, 1, 1, 2]
