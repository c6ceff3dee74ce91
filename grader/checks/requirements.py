"""What checks demand: `require`, `require_count`, `require_level` and `require_parts`, and the pictures they attach.

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

from grader import disclosure
from grader.assignment.spec import Levels
from grader.checks.images import packed
from grader.checks.intervals import wilson_interval
from grader.checks.scoring import credit, near_from, required_count
from grader.messages import NOTHING, Message
from grader.records import Picture, Requirement


class NamedLevels(Levels):
    """Levels that know what they are called in `assignment.toml`."""

    name: str


class Shortfall(Exception):
    """A requirement was not met; raised by `require` and caught by the session."""

    def __init__(self, measured: Message, required: Message, hint: Message, share: float = 0.0) -> None:
        # What the student reads, and the share of the points that is earned all the same.
        super().__init__(measured, required, hint, share)
        self.measured, self.required, self.hint, self.share = measured, required, hint, share

    def __str__(self) -> str:
        return f"{self.measured}, needs {self.required}; {self.hint}"


@dataclass
class Sheet:
    """The record of the running check: its demands, messages and pictures so far.

    Attributes:
        check: its id.
        ignored: sites of calls that demand nothing in this run: `verify` asks what would follow.
        hidden: whether what it judges is hidden, so that `measured` may say no more than `disclosure` allows.
        points: what it is worth.
        seen: whether it has taken answers to questions that are hidden: pictures of it are for staff from then on.
        exact: what was found, in full.
    """

    check: str = ""
    ignored: frozenset[str] = frozenset()
    hidden: bool = False
    points: float = 0.0
    seen: bool = False
    exact: list[Message] = field(default_factory=list)
    measured: list[Message] = field(default_factory=list)
    required: list[Message] = field(default_factory=list)
    requirements: list[Requirement] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    staff_pictures: list[Picture] = field(default_factory=list)

    def note(self, measured: Message, exact: Message, required: Message, requirement: Requirement) -> bool:
        """Record a demand; return whether it ends the check, because it is not met."""
        self.measured.append(measured)
        self.exact.append(exact)
        self.required.append(required)
        self.requirements.append(requirement)
        # An ignored demand is recorded and the check goes on: does a check then have another status (ADR 9)?
        return not requirement.met and site_of(self.check, requirement) not in self.ignored


_sheet = Sheet()


def site_of(check: str, requirement: Requirement) -> str:
    """Name a demand: the check that makes it, and the place in the file."""
    return f"{check} at {requirement.site}"


def fresh_sheet(check: str, ignored: frozenset[str], *, hidden: bool = False, points: float = 0.0) -> Sheet:
    """Start the sheet of the next check, and return it."""
    global _sheet  # noqa: PLW0603 - one check runs at a time; `require` needs no fixture
    _sheet = Sheet(check, ignored, hidden, points)
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
    measured = _finite(measured)
    exact = Message("{what}: {value:.6g}", what=Message.of(what), value=measured)
    above = measured >= (0 if at_least is None else at_least)
    met = bool(math.isfinite(measured) and above and (at_most is None or measured <= at_most))
    required = _bounds(at_least, at_most)
    disclosed = as_required(what, met=met) if _sheet.hidden else exact
    if _sheet.note(disclosed, exact, required, Requirement(_site(), what, met, float(measured))):
        raise Shortfall(disclosed, required, Message.of(hint))


def as_required(what: str, *, met: bool) -> Message:
    """Say of a measure whether it is within its bounds, and no more."""
    if met:
        return Message("{what}: as required", what=Message.of(what))
    return Message("{what}: not as required", what=Message.of(what))


def _bounds(at_least: float | None, at_most: float | None) -> Message:
    if at_least is None:
        return NOTHING if at_most is None else Message("at most {most:.6g}", most=at_most)
    if at_most is None:
        return Message("at least {least:.6g}", least=at_least)
    return Message("at least {least:.6g} and at most {most:.6g}", least=at_least, most=at_most)


def require_count(successes: int, *, of: int, levels: Levels, what: str, hint: str, near: str = "") -> None:
    """Demand an accuracy; between `zero_at` and `full_at` the check earns part of its points.

    What is near chance has other causes than what is near the level: the student is told of public questions how many right
    answers are missing, and `hint` comes second, where part of the points is earned or a small change may bring some. That
    is from a fifth of the way from `zero_at` to `full_at` below `zero_at` on: what luck alone may decide.

    Args:
        successes: how many were right, 0 to `of`.
        of: how many were asked, at least 1.
        levels: accuracies in [0, 1] where credit starts and where it is full.
        what: name of the measure, for people.
        hint: what the student may try next.
        near: what to try there, in place of `hint`.

    Raises:
        Shortfall: it is below `full_at`.
        ValueError: it is no count of `of`: a mistake of the check, which ends as ERROR.
    """
    if not 0 <= successes <= of or of < 1:
        raise ValueError(
            f"require_count: expected 0 to {of} of at least 1, found {successes}: does the check count right?"
        )
    # For people: credit is decided on the counts alone.
    low, high = wilson_interval(successes, of)
    share = credit(successes, of, zero_at=levels.zero_at, full_at=levels.full_at)
    disclosed = exact = Message(
        "{what} {value:.3f} ({right} of {total}; 95 % interval {low:.2f} to {high:.2f})",
        what=Message.of(what),
        value=successes / of,
        right=successes,
        total=of,
        low=low,
        high=high,
    )
    required = Message(
        "at least {full:.3g} ({needed} of {total}) for full points, more than {zero:.3g} for any",
        full=levels.full_at,
        needed=required_count(of, levels.full_at),
        total=of,
        zero=levels.zero_at,
    )
    # Of public questions the exact numbers are told, of hidden ones a band as coarse as the points (ADR 11).
    if _sheet.hidden:
        disclosed = Message("{what} {value}", what=Message.of(what), value=_band(share, levels))
        required = _levels(levels)
    demand = Requirement(_site(), what, share >= 1.0, successes / of, _name(levels), int(successes), int(of))
    if _sheet.note(disclosed, exact, required, demand):
        words = Message.of(hint)
        # Of hidden questions a hint says only what stands in the check file, whatever was measured (ADR 11).
        if successes / of >= near_from(levels) and not _sheet.hidden:
            words = _near_hint(int(successes), of, levels, hint, near)
        raise Shortfall(disclosed, required, words, share)


def _near_hint(successes: int, of: int, levels: Levels, hint: str, near: str) -> Message:
    """Return the hint for an accuracy near the level: what was built works, and not well enough."""
    first = next(
        count
        for count in range(of + 1)
        if credit(count, of, zero_at=levels.zero_at, full_at=levels.full_at) > 0
    )
    if successes < first:
        what = Message(
            "{missing} more right answers of {total} bring the first points",
            missing=first - successes,
            total=of,
        )
    else:
        what = Message(
            "{missing} more right answers of {total} give full points",
            missing=required_count(of, levels.full_at) - successes,
            total=of,
        )
    if near:
        return Message("Near the level: {what}. {hint}", what=what, hint=Message.of(near))
    return Message(
        "Near the level: {what}, so the parts work. More training, examples or steps may do. If not: {hint}",
        what=what,
        hint=Message.of(hint),
    )


def require_level(measured: float, *, levels: Levels, what: str, hint: str, near: str = "") -> None:
    """Demand a level of a number; between `zero_at` and `full_at` the check earns part of its points. NaN and infinity earn none.

    Of public questions the student is told how much is missing, before `hint`, where part of the points is earned or a small
    change may bring some: from a fifth of the way from `zero_at` to `full_at` below `zero_at` on, as of `require_count`.

    Args:
        measured: what was found; more is better.
        levels: where credit starts and where it is full.
        what: name of the measure, for people.
        hint: what the student may try next.
        near: what to try near the level, in place of `hint`.

    Raises:
        Shortfall: it is below `full_at`.
    """
    measured = _finite(measured)
    met = bool(math.isfinite(measured) and measured >= levels.full_at)
    share = (measured - levels.zero_at) / (levels.full_at - levels.zero_at)
    # NaN lies in no interval, so it earns nothing.
    share = 1.0 if met else share if 0 < share < 1 else 0.0
    disclosed = exact = Message("{what}: {value:.3g}", what=Message.of(what), value=measured)
    if _sheet.hidden:
        disclosed = Message("{what}: {value}", what=Message.of(what), value=_band(share, levels))
    required = _levels(levels)
    demand = Requirement(_site(), what, met, float(measured), _name(levels))
    if _sheet.note(disclosed, exact, required, demand):
        words = Message.of(hint)
        # As of `require_count`: of hidden questions what is missing would tell what was measured (ADR 11).
        if math.isfinite(measured) and measured >= near_from(levels) and not _sheet.hidden:
            words = _near_level(measured, levels, near or hint)
        raise Shortfall(disclosed, required, words, share)


def _near_level(measured: float, levels: Levels, hint: str) -> Message:
    """Return the hint for a number near the level, with what is missing from it."""
    # The check's own hint follows whole: unlike a count, a number near its level does not say that all parts work.
    if measured == levels.zero_at:
        what = Message("points begin right above this")
    elif measured < levels.zero_at:
        what = Message("points begin above {missing} more", missing=_upwards(levels.zero_at - measured))
    else:
        what = Message("{missing} more gives full points", missing=_upwards(levels.full_at - measured))
    return Message("Near the level: {what}. {hint}", what=what, hint=Message.of(hint))


def _upwards(missing: float) -> str:
    """Return what is missing with two digits, rounded up: with as much more the level is met."""
    unit = 10.0 ** (math.floor(math.log10(missing)) - 1)
    # What a float is off by must not cost another unit: 0.1 stays 0.1.
    return f"{math.ceil(missing / unit - 1e-6) * unit:.2g}"


def require_parts(right: int, *, of: int, what: str, hint: str) -> None:
    """Demand that all parts of an answer are right, as those of a quiz; each right one earns its part of the points.

    No luck is in it, so it has no level. Which parts are right is said to nobody.

    Args:
        right: how many are, 0 to `of`.
        of: how many there are, at least 1.
        what: name of the parts, for people.
        hint: what the student may try next.

    Raises:
        Shortfall: not all are right.
        ValueError: it is no count of `of`: a mistake of the check, which ends as ERROR.
    """
    if not 0 <= right <= of or of < 1:
        raise ValueError(
            f"require_parts: expected 0 to {of} of at least 1, found {right}: does the check count right?"
        )
    share = right / of
    disclosed = exact = Message("{what}: {right} of {total}", what=Message.of(what), right=right, total=of)
    if _sheet.hidden:
        disclosed = Message(
            "{what}: {value}", what=Message.of(what), value=disclosure.count(share, _sheet.points, of)
        )
    required = Message("{right} of {total}", right=of, total=of)
    if _sheet.note(disclosed, exact, required, Requirement(_site(), what, right >= of, float(right))):
        raise Shortfall(disclosed, required, Message.of(hint), share)


def show(kind: str, title: str, **content: Any) -> None:  # noqa: ANN401 - JSON-able, and images
    """Attach a picture's material to the verdict.

    Students see it where the check has taken no answers about hidden photos or numbers before: only answers to questions
    that are `shown`. All other pictures are for staff.

    Args:
        kind: names the function that draws it: one of the feedback's (`grader.feedback.figures.FIGURES`), or one in the
            assignment's own `pictures.py`.
        title: caption.
        content: what that function documents: JSON-able values, and uint8 images `[h, w, 3]` anywhere in them.
    """
    # Once a check has taken hidden answers, any picture of it may depend on them (ADR 11).
    pictures = _sheet.staff_pictures if _sheet.hidden and _sheet.seen else _sheet.pictures
    pictures.append(Picture(kind, title, packed(content), _sheet.check))


def _band(share: float, levels: Levels) -> Message:
    return disclosure.band(share, _sheet.points, levels.zero_at, levels.full_at)


def _levels(levels: Levels) -> Message:
    return Message(
        "at least {full:.3g} for full points, more than {zero:.3g} for any",
        # Cut, since parameters are stored beside the words: no digit more than is shown.
        full=disclosure.cut(levels.full_at, 3),
        zero=disclosure.cut(levels.zero_at, 3),
    )


def _finite(measured: float) -> float:
    """Return a measure as a float; what is too large for one is infinite."""
    try:
        return float(measured)
    except OverflowError:
        return math.inf


def _site() -> str:
    """Return file and line of the call two frames up: the check's own."""
    # 0 is this function, 1 is `require` or one of its kind, 2 is the check.
    frame = sys._getframe(2)
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def _name(levels: Levels) -> str:
    return levels.name if isinstance(levels, NamedLevels) else ""
