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
AGAIN_S = 0.1  # after a sign that a library swallowed


class Slow(BaseException):
    """A work took longer than its share; no `except Exception` of a library keeps it."""


@dataclass
class Patience:
    """A budget of processor time for many small works.

    Attributes:
        each_s: for one work.
        all_s: for all that are still to come.
    """

    each_s: float
    all_s: float

    def grant(self, work: Callable[[], T], instead: Callable[[], T]) -> T:
        """Run `work` within its share and return its answer; that of `instead` where it takes too long or no time is left."""
        share_s = min(self.each_s, self.all_s)
        if share_s <= 0:
            return instead()
        begin, clock = time.process_time(), _Clock()
        before = signal.signal(signal.SIGPROF, clock.ring)
        try:
            # ITIMER_PROF counts this process's own processor time: what others take on a busy machine is not charged.
            signal.setitimer(signal.ITIMER_PROF, share_s, AGAIN_S)
            outcome = work()
        except Slow:
            clock.quiet = True
        finally:
            # Quiet first: a signal that comes while the clock is put away must not raise.
            clock.quiet = True
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)
            # What the work took, also where it was interrupted; `instead` is not charged.
            self.all_s -= time.process_time() - begin
        # A library that swallowed the sign left something out, perhaps a filter's refusal: its result does not count.
        return instead() if clock.rang else outcome


@dataclass
class _Clock:
    rang: bool = False
    quiet: bool = False

    def ring(self, *_: object) -> None:
        if not self.quiet:
            self.rang = True
            raise Slow
