"""A share of processor time for each of many small works, so that one that never ends costs itself and nothing else.

It is for a process of its own, in which nothing else runs: the clock is a signal, which interrupts even a regular
expression that searches for minutes.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class Slow(BaseException):
    """A work took longer than its share; no `except Exception` of a library keeps it."""


@dataclass
class Patience:
    """Processor time that is left.

    Attributes:
        each_s: for one work.
        all_s: for all that are still to come.
    """

    each_s: float
    all_s: float

    def grant(self, work: Callable[[], T], instead: Callable[[], T]) -> T:
        """Return what `work` returns; what `instead` does where `work` takes too long or no time is left."""
        share_s = min(self.each_s, self.all_s)
        if share_s <= 0:
            return instead()
        begin = time.process_time()
        before = signal.signal(signal.SIGPROF, _raise)
        try:
            signal.setitimer(signal.ITIMER_PROF, share_s)
            try:
                return work()
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
        except Slow:
            return instead()
        finally:
            signal.signal(signal.SIGPROF, before)
            self.all_s -= time.process_time() - begin


def _raise(*_: object) -> None:
    raise Slow
