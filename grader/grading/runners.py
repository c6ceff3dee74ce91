"""Spread one function over many submissions. Any `concurrent.futures.Executor` is a runner."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from typing import Any, TypeVar

from grader.kernel_env import leave_out_iri_grammar

T = TypeVar("T")
Key = TypeVar("Key")
Call = Callable[[], Future[T]]


class InlineExecutor(Executor):
    """Runs each call in this process, at once: no parallelism, nothing to set up."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:  # noqa: ANN401
        """Run the call now and return its finished future."""
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        # As in other executors: who asks for the result gets the exception.
        except Exception as exc:
            future.set_exception(exc)
        return future


def local(jobs: int) -> Executor:
    """Return an executor for this machine: inline for one job, else fresh processes that take one call at a time.

    Args:
        jobs: notebooks at a time; 0: half as many as there are cores, two at least.
    """
    jobs = jobs or default_jobs()
    if jobs == 1:
        return InlineExecutor()
    # Not forked: a grading process has threads.
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=spawn, initializer=leave_out_iri_grammar)


def default_jobs() -> int:
    """Return how many notebooks this machine runs at a time: each has two threads, and waits now and then."""
    return max(2, len(os.sched_getaffinity(0)) // 2)


def in_order(calls: Iterable[tuple[Key, Call[T]]], ahead: int) -> Iterator[tuple[Key, Future[T]]]:
    """Yield the futures of calls in their order, each when it is done, with some of them submitted ahead.

    Args:
        calls: each with what tells it from the others; it submits something and returns its future. It is asked for as
            late as can be.
        ahead: how many are submitted and not yet yielded, at least 1.
    """
    waiting: deque[tuple[Key, Future[T]]] = deque()
    try:
        for key, call in calls:
            waiting.append((key, call()))
            if len(waiting) >= ahead:
                yield _done(*waiting.popleft())
        while waiting:
            yield _done(*waiting.popleft())
    finally:
        # Also when the caller stops halfway; a call that has begun goes on.
        for _, future in waiting:
            future.cancel()


def _done(key: Key, future: Future[T]) -> tuple[Key, Future[T]]:
    wait([future])
    return key, future
