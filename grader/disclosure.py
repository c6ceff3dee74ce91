"""The one place that decides what students may be told about hidden questions.

Feedback is a channel: a notebook that has seen the hidden photos can choose its answers so that the verdicts spell something,
and what was hidden is the same in the next attempt. So whatever a student may read (page, JSON, terminal, the notebook in
`autograded/`, reports of CI) says of hidden questions only: a status for each check, points in steps, and a number rounded to the
same step; of `require` whether it was met; hints that stand in the check file; of exceptions their class and the notebook's own
line; times in coarse steps. Everything else is for staff: `Check.exact`, `Check.requirements`, pictures that depend on hidden
photos, flags. Of public questions everything may be said. `docs/adr/0011-disclosure.md` gives reasons and sums the bits.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from grader.messages import NOTHING, Message
from grader.records import Check, Grade, Seconds, StaffNotes

STEPS = 10  # at most, of the points of a check: on 200 photos an accuracy is not known better than that
LEAST_STEP = 1.0  # points
CLASSES = (  # of exceptions, that are named; others are "an exception of its own"
    "AssertionError",
    "AttributeError",
    "IndexError",
    "KeyError",
    "MemoryError",
    "NameError",
    "OutOfMemoryError",
    "RuntimeError",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
)
LINES = 512  # of a notebook, that are named
PARTS = (  # of the questions that were answered in time
    Message("none"),
    Message("less than half"),
    Message("more than half"),
    Message("all"),
)
FINE_S = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)  # before any hidden photo came
COARSE_S = (60, 600, 6000)  # while functions were asked, and in all
BITS = 88  # over five attempts, of anything that a notebook knows about hidden photos; one set of 35 classes
MANY_SETS_BITS = 230  # the same over five attempts, where seven sets of photos are judged or refused
LABEL_BITS = 61  # the same, of what only the judge knows: labels
HINT_CHARS, HINT_PARTS = (
    12,
    3,
)  # a hint is at most so many literals of at least so many characters, one after the other
OTHER_HINT = Message("`lab.check` and `pawgrade check` ask the same of what is public, and tell more.")
OTHER_ERROR = Message("the answer does not keep the contract")
BELIEVED = Message(  # where the notebook's own kernel says what its points are
    "These points are believed: they are what the tests in your notebook said when it ran, and nothing looked at it from outside."
)
OLD = Message("told when your work is graded again")


def steps(max_points: float) -> int:
    """Return in how many equal steps the points of a check are given: tenths, or whole points where there are fewer."""
    return max(2, min(STEPS, int(max_points // LEAST_STEP)))


def step(share: float, max_points: float) -> int:
    """Return the step, 0 to `steps`, that is nearest to a share of the points; the last one only for the whole share.

    To the nearest, so that on average nobody wins or loses by it; NaN is no share.
    """
    most = steps(max_points)
    if share >= 1:
        return most
    return min(most - 1, math.floor(share * most + 0.5)) if share > 0 else 0


def points(share: float, max_points: float) -> float:
    """Return the points that a share of them earns."""
    return round(step(share, max_points) / steps(max_points) * max_points, 2)


def band(share: float, max_points: float, zero_at: float, full_at: float) -> Message:
    """Say a measure no better than the points say it: `about 0.66`, `0.78 or more`, `less than 0.57`."""
    taken, most = step(share, max_points), steps(max_points)
    if taken == most:
        return Message("{value:.3g} or more", value=cut(full_at, 3))
    if taken == 0:
        return Message("less than {value:.2g}", value=cut(zero_at + (full_at - zero_at) / most / 2, 2))
    return Message("about {value:.2g}", value=cut(zero_at + (full_at - zero_at) * taken / most, 2))


def cut(value: float, digits: int) -> float:
    """Return a number with no more digits than are shown: what is stored of a message says no more than its words."""
    return float(f"{value:.{digits}g}")


def count(share: float, max_points: float, of: int) -> Message:
    """Say how many parts of an answer are right, no better than the points say it."""
    taken, most = step(share, max_points), steps(max_points)
    right = round(taken / most * of)
    if of <= most:
        return Message("{right} of {total}", right=right, total=of)
    return Message("about {right} of {total}", right=right, total=of)


def part(answered: int, asked: int) -> Message:
    """Say how many questions were answered in time: one of `PARTS`."""
    if answered in (0, asked):
        return PARTS[3 if answered else 0]
    return PARTS[1 if 2 * answered < asked else 2]


def upto(seconds: float, scale: Iterable[int]) -> float:
    """Return the first step of a scale that is not exceeded; 0 stays 0, and beyond the last it is the last."""
    return 0.0 if seconds <= 0 else float(next((bound for bound in scale if seconds <= bound), max(scale)))


def times(seconds: Seconds) -> Seconds:
    """Return times as they may be told: fine before hidden photos come, coarse from then on; the total follows from these."""
    kernel, execute = upto(seconds.kernel, FINE_S), upto(seconds.execute, FINE_S)
    probe = upto(seconds.probe, COARSE_S)
    return Seconds(kernel=kernel, execute=execute, probe=probe, total=kernel + execute + probe)


def told(grade: Grade) -> Grade:
    """Return a grade without what is for staff alone, so that it may be shown in any form."""
    when = grade.provenance.get("graded_at", "")
    hour = {"graded_at": f"{when[:10]} {when[11:13]}:00 UTC"} if len(when) >= len("2026-01-15T12") else {}
    return replace(
        grade,
        checks=tuple(map(_told, grade.checks)),
        seconds=times(grade.seconds),
        provenance={**grade.provenance, **hour},
        staff=StaffNotes(),
    )


def _told(check: Check) -> Check:
    # Of a class there are a hundred thousand, and an outline's have nothing to take away.
    if not (check.exact or check.requirements or check.raised):
        return check
    return replace(check, exact=NOTHING, requirements=(), raised="")


def of_old(grade: Grade) -> Grade:
    """Return a grade that was stored before this rule, its exact words and pictures kept for staff."""
    checks = tuple(_of_old(check) for check in grade.checks)
    notes = replace(grade.staff, pictures=(*grade.staff.pictures, *grade.pictures))
    return replace(grade, checks=checks, pictures=(), staff=notes)


def _of_old(check: Check) -> Check:
    return replace(check, measured=OLD if check.measured else NOTHING, exact=check.exact or check.measured)


def hint(words: Message, known: frozenset[str]) -> Message:
    """Return a hint if it stands in a check file, else one that says nothing: a number in it would be no step.

    Args:
        words: the hint; one with parameters stands in no file.
        known: what `literals` gives for the check files.
    """
    return words if not words or _stands(words, known) else OTHER_HINT


def error(words: Message, known: frozenset[str]) -> Message:
    """Return what a check says of an answer that it refuses, if that stands in a check file."""
    return words if _stands(words, known) else OTHER_ERROR


def _stands(words: Message, allowed: frozenset[str]) -> bool:
    return not words.parameters and _fixed(words.template, allowed, HINT_PARTS)


def _fixed(text: str, allowed: frozenset[str], parts: int) -> bool:
    if text in allowed:
        return True
    # Every cut into few long pieces is tried: of short ones any text could be put together.
    positions = range(HINT_CHARS, len(text) - HINT_CHARS + 1) if parts > 1 else ()
    return any(
        text[:position] in allowed and _fixed(text[position:], allowed, parts - 1) for position in positions
    )


def literals(path: Path) -> frozenset[str]:
    """Return the texts that stand in a check file, and in the public one beside a hidden one."""
    beside = path.resolve().parent.parent / "check_public.py"
    files = {path, beside} if beside.is_file() else {path}
    return frozenset().union(*(_literals(str(file), file.stat().st_mtime_ns) for file in files))


@functools.cache
def _literals(path: str, changed_ns: int) -> frozenset[str]:
    del changed_ns  # whoever edits a check meets the new one
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return frozenset(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
