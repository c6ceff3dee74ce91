"""What checks demand: `require`, `require_count` and `require_level`, and the pictures they attach.

Each call leaves a `Requirement` on the running check's sheet, met or not: with its site in the check file, so that
`verify` can tell which demands no wrong solution ever fails, and with the level's name, so that `calibrate` can tell
how honest solutions are spread around it.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.images import packed
from grader.records import Picture, Requirement
from grader.scoring import credit, required_count
from grader.spec import Levels
from grader.statistics import wilson_interval


class NamedLevels(Levels):
    """Levels that know what they are called in `assignment.toml`."""

    name: str


class Shortfall(Exception):
    """A requirement was not met; raised by `require` and caught by the session."""

    def __init__(self, measured: str, required: str, hint: str, share: float = 0.0) -> None:
        super().__init__(measured, required, hint, share)
        self.measured, self.required, self.hint, self.share = measured, required, hint, share


@dataclass
class Sheet:
    """What the running check has said so far.

    Attributes:
        check: its id.
        ignored: sites of calls that demand nothing in this run: `verify` asks what would follow.
    """

    check: str = ""
    ignored: frozenset[str] = frozenset()
    measured: list[str] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)

    def note(self, measured: str, required: str, requirement: Requirement) -> bool:
        """Write a demand down; returns whether its not being met ends the check."""
        self.measured.append(measured)
        self.required.append(required)
        self.requirements.append(requirement)
        return not requirement.met and site_of(self.check, requirement) not in self.ignored


_sheet = Sheet()


def site_of(check: str, requirement: Requirement) -> str:
    """Name a demand: the check that makes it, and the place in the file."""
    return f"{check} at {requirement.site}"


def fresh_sheet(check: str, ignored: frozenset[str]) -> Sheet:
    """Start the sheet of the next check, and return it."""
    global _sheet  # noqa: PLW0603 - one check runs at a time; `require` needs no fixture
    _sheet = Sheet(check, ignored)
    return _sheet


def sheet() -> Sheet:
    """Return the sheet of the running check."""
    return _sheet


def require(
    measured: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    what: str = "value",
    hint: str,
) -> None:
    """Demand that a number lies within bounds.

    NaN and infinity lie within none. What has only an upper bound is a distance or a count: below zero it is nothing of the
    kind, but a number that wrapped, and does not pass.

    Args:
        measured: what was found.
        at_least: smallest value that passes.
        at_most: largest value that passes.
        what: name of the measure, for people.
        hint: what the student may try next.

    Raises:
        Shortfall: it does not.
        ValueError: neither bound is given.
    """
    if at_least is None and at_most is None:
        raise ValueError("require: give at_least, at_most or both")
    bounds = [("at least", at_least), ("at most", at_most)]
    required = " and ".join(f"{word} {bound:.6g}" for word, bound in bounds if bound is not None)
    measured = _finite(measured)
    found = f"{what}: {measured:.6g}"
    above = measured >= (0 if at_least is None else at_least)
    met = math.isfinite(measured) and above and (at_most is None or measured <= at_most)
    if _sheet.note(found, required, Requirement(_site(), what, bool(met), float(measured))):
        raise Shortfall(found, required, hint)


def require_count(successes: int, *, of: int, levels: Levels, what: str, hint: str) -> None:
    """Demand an accuracy; between `zero_at` and `full_at` the check earns part of its points.

    Args:
        successes: how many were right, 0 to `of`.
        of: how many were asked, at least 1.
        levels: accuracies in [0, 1] where credit starts and where it is full.
        what: name of the measure, for people.
        hint: what the student may try next.

    Raises:
        Shortfall: it is below `full_at`.
        ValueError: it is no count of `of`: a mistake of the check, which ends as ERROR.
    """
    if not 0 <= successes <= of or of < 1:
        raise ValueError(
            f"require_count: expected 0 to {of} of at least 1, found {successes}: does the check count right?"
        )
    low, high = wilson_interval(successes, of)
    found = f"{what} {successes / of:.3f} ({successes} of {of}; 95 % interval {low:.2f} to {high:.2f})"
    needed = required_count(of, levels.full_at)
    required = f"at least {levels.full_at:.3g} ({needed} of {of}) for full points, more than {levels.zero_at:.3g} for any"
    share = credit(successes, of, zero_at=levels.zero_at, full_at=levels.full_at)
    demand = Requirement(_site(), what, share >= 1.0, successes / of, _name(levels), int(successes), int(of))
    if _sheet.note(found, required, demand):
        raise Shortfall(found, required, hint, share)


def require_level(measured: float, *, levels: Levels, what: str, hint: str) -> None:
    """Demand a level of a number; between `zero_at` and `full_at` the check earns part of its points. NaN and infinity earn none.

    Args:
        measured: what was found; more is better.
        levels: where credit starts and where it is full.
        what: name of the measure, for people.
        hint: what the student may try next.

    Raises:
        Shortfall: it is below `full_at`.
    """
    measured = _finite(measured)
    found = f"{what}: {measured:.3g}"
    required = f"at least {levels.full_at:.3g} for full points, more than {levels.zero_at:.3g} for any"
    met = math.isfinite(measured) and measured >= levels.full_at
    demand = Requirement(_site(), what, bool(met), float(measured), _name(levels))
    if _sheet.note(found, required, demand):
        share = (measured - levels.zero_at) / (levels.full_at - levels.zero_at)
        raise Shortfall(found, required, hint, share if 0 < share < 1 else 0.0)


def show(kind: str, title: str, **content: Any) -> None:  # noqa: ANN401 - JSON-able, and images
    """Attach a picture's material to the verdict.

    Args:
        kind: names a drawing function of the feedback (`grader.figures.FIGURES`).
        title: caption.
        content: what that function documents: JSON-able values, and uint8 images `[h, w, 3]` anywhere in them.
    """
    _sheet.pictures.append(Picture(kind, title, packed(content), _sheet.check))


def _finite(measured: float) -> float:
    """Return a measure as a float; what is too large for one is infinite."""
    try:
        return float(measured)
    except OverflowError:
        return math.inf


def _site() -> str:
    """Return file and line of the call two frames up: the check's own."""
    frame = sys._getframe(2)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _name(levels: Levels) -> str:
    return levels.name if isinstance(levels, NamedLevels) else ""
