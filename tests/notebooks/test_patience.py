"""Shares of processor time for many small works."""

from __future__ import annotations

import re
import signal

from grader.notebooks.patience import Patience, Slow


def forever() -> str:
    while True:
        pass


def swallowing() -> str:
    try:
        forever()
    except Slow:  # as Rust does with what a filter of ours raises
        return "half done"
    return "done"


def test_a_work_within_its_share_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGPROF)

    assert Patience(5, 5).grant(lambda: "done", lambda: "instead") == "done"
    assert signal.getsignal(signal.SIGPROF) is before
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0


def test_a_work_without_end_is_replaced() -> None:
    assert Patience(0.05, 5).grant(forever, lambda: "instead") == "instead"


def test_a_regular_expression_that_searches_for_minutes_is_interrupted() -> None:
    def search() -> str:
        return str(re.search("(a+)+$", "a" * 60 + "b"))

    assert Patience(0.05, 5).grant(search, lambda: "instead") == "instead"


def test_what_swallowed_the_sign_does_not_count() -> None:
    assert Patience(0.05, 5).grant(swallowing, lambda: "instead") == "instead"


def test_when_all_time_is_used_nothing_is_tried_any_more() -> None:
    patience, asked = Patience(0.05, 0.08), list[int]()

    def note() -> str:
        asked.append(1)
        return forever()

    assert [patience.grant(note, lambda: "instead") for _ in range(20)] == ["instead"] * 20
    assert 1 <= len(asked) < 8  # a timer ticks coarser than it measures
