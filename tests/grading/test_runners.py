"""Runners: calls are submitted ahead, their futures come in order, each with what tells it from the others."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from grader.grading.runners import Call, InlineExecutor, default_jobs, in_order, local


def square(number: int) -> int:
    if number == 13:
        raise ValueError("unlucky")
    return number**2


def calls(executor: Executor, numbers: list[int], asked: list[int]) -> Iterator[tuple[int, Call[int]]]:
    for number in numbers:
        asked.append(number)
        yield number, functools.partial(executor.submit, square, number)


@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_futures_come_in_the_order_of_the_calls(ahead: int) -> None:
    with ThreadPoolExecutor(3) as executor:
        pairs = [
            (number, future.result()) for number, future in in_order(calls(executor, [3, 1, 2], []), ahead)
        ]

    assert pairs == [(3, 9), (1, 1), (2, 4)]


def test_a_call_that_fails_stops_no_other() -> None:
    futures = dict(in_order(calls(InlineExecutor(), [1, 13, 2], []), 1))

    assert (futures[1].result(), futures[2].result()) == (1, 4)
    with pytest.raises(ValueError, match="unlucky"):
        futures[13].result()


def test_no_more_calls_are_asked_for_than_are_to_be_ahead() -> None:
    asked: list[int] = []
    futures = in_order(calls(InlineExecutor(), [1, 2, 3, 4], asked), 2)

    next(futures)

    assert asked == [1, 2]


def test_who_stops_early_leaves_nothing_waiting() -> None:
    started, go_on = threading.Event(), threading.Event()

    def blocked() -> None:
        started.set()
        go_on.wait(30)

    with ThreadPoolExecutor(1) as executor:
        executor.submit(blocked)
        started.wait(30)
        later: list[Future[int]] = []

        def submitted(number: int) -> Future[int]:
            later.append(executor.submit(square, number))
            return later[-1]

        done: Future[int] = Future()
        done.set_result(0)
        futures = in_order([(0, lambda: done), (1, lambda: submitted(1)), (2, lambda: submitted(2))], 3)
        assert next(futures)[0] == 0
        futures.close()  # type: ignore[attr-defined] # a generator
        go_on.set()

    assert [future.cancelled() for future in later] == [True, True]


def test_one_job_needs_no_process_of_its_own() -> None:
    assert isinstance(local(1), InlineExecutor)
    assert default_jobs() >= 2
