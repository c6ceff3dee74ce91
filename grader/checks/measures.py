"""The demands of one check, taken apart: what was measured beside what is required, one row a measure."""

from __future__ import annotations

from dataclasses import dataclass

from grader.messages import Message, separate
from grader.records import Check


@dataclass(frozen=True)
class Measure:
    """One demand of a check, in words.

    Attributes:
        measured: what was found, with the name of the measure.
        required: what earns full points; "" where nothing is told.
        name: of the measure; "" where `measured` is a sentence of another kind.
        value: what was found, without the name.
    """

    measured: str
    required: str
    name: str = ""
    value: str = ""


def measures(check: Check) -> list[Measure]:
    """Return a check's demands one by one, what was measured beside what is required."""
    measured = list(separate(check.measured))
    required = [str(demand) for demand in separate(check.required)]
    if not measured:
        return [Measure("", str(check.required))] if check.required else []
    # Several demands may share one bound; where they cannot be told apart, the first row has them all.
    if len(required) == 1:
        required = required * len(measured)
    elif len(required) != len(measured):
        required = ["; ".join(required), *[""] * (len(measured) - 1)]
    return [_measure(*pair) for pair in zip(measured, required, strict=True)]


def share_bounds(rows: list[Measure]) -> bool:
    """Say whether the bounds in the first row belong to all rows: it cannot be told which is whose."""
    return len(rows) > 1 and not any(row.required for row in rows[1:])


def _measure(measured: Message, required: str) -> Measure:
    words = str(measured)
    inner = measured.parameters.get("words")  # a measure with something said after it
    name = str((inner if isinstance(inner, Message) else measured).parameters.get("what", ""))
    if not name or not words.startswith(name):
        return Measure(words, required, "", words)
    return Measure(words, required, name, words[len(name) :].lstrip(" :"))
