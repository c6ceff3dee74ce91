"""What a function returned beside what it had to return."""

from __future__ import annotations

import math
from typing import Any

from grader.feedback.drawings import svg
from grader.feedback.drawings.content import MARGIN, NAME_CHARS, WIDTH, finite, rows_of
from grader.feedback.drawings.svg import Drawing, Point, bar, dot, short, words

VALUES = 12  # drawn at most
AXIS = (210.0, 480.0)  # where the line of numbers starts and ends


def variation(content: dict[str, Any]) -> Drawing:
    """Draw what a function returned beside what it had to return.

    Args:
        content: `rows`, a list of {`name`: text; `found`, `required`: numbers, `found` may be no finite one};
            `tolerance`: how far apart they may be. Twelve rows are drawn.
    """
    tolerance = finite(content["tolerance"])
    if tolerance < 0:
        raise ValueError("the tolerance is negative")
    rows = [
        (short(str(row["name"]), NAME_CHARS), float(row["found"]), finite(row["required"]))
        for row in rows_of(content, VALUES)
    ]
    places = 4 if tolerance <= 0 else max(2, min(6, math.ceil(-math.log10(tolerance))))
    needed = [required for _, _, required in rows]
    ends = (min(0.0, *needed) * 1.25, max(0.0, *needed) * 1.25 or 1.0)
    pieces, says = list[str](), list[str]()
    for place, (name, found, required) in enumerate(rows):
        right = abs(found - required) <= tolerance
        said, wanted = _number(found, places), _number(required, places)
        pieces += _value_pieces(MARGIN + 34 * place, (name, said, wanted), right=right)
        pieces += _value_marks(MARGIN + 34 * place, (found, required), ends, right=right)
        says.append(f"{name}: {said}, needed {wanted}: {'right' if right else 'wrong'}.")
    under = MARGIN + 34 * len(rows) + 14
    pieces += [
        bar((AXIS[0], under - 11), (3, 13), svg.INK),
        words((AXIS[0] + 9, under), f"needed, ± {tolerance:g}", size=12, colour=svg.SOFT),
        dot((AXIS[0] + 150, under - 4), svg.BLUE, radius=5),
        words((AXIS[0] + 161, under), "found, right", size=12, colour=svg.SOFT),
        dot((AXIS[0] + 250, under - 4), svg.ORANGE, radius=5, hollow=True),
        words((AXIS[0] + 261, under), "found, wrong", size=12, colour=svg.SOFT),
    ]
    return svg.sheet(WIDTH, under + 12, pieces, says)


def _number(value: float, places: int) -> str:
    if not math.isfinite(value):
        return "no number"
    return f"{value:.{places}f}" if abs(value) < 1000 else f"{value:.3g}"


def _value_pieces(top: float, texts: tuple[str, str, str], *, right: bool) -> list[str]:
    name, found, required = texts
    mark, colour = ("✓", svg.BLUE) if right else ("✗", svg.ALARM)
    return [
        words((MARGIN, top + 21), name),
        bar((AXIS[0], top + 14), (AXIS[1] - AXIS[0], 4), svg.TRACK),
        words((AXIS[1] + 18, top + 21), f"{mark} {found}", colour=colour, bold=True),
        words((WIDTH - MARGIN, top + 21), f"needed {required}", colour=svg.SOFT, anchor="end"),
    ]


def _value_marks(top: float, values: Point, ends: Point, *, right: bool) -> list[str]:
    (found, required), (low, high) = values, ends

    def place(value: float) -> float:  # what is far off stands at the end of the line, beside its number
        return AXIS[0] + (AXIS[1] - AXIS[0]) * (min(max(value, low), high) - low) / (high - low)

    marks = [bar((place(required) - 1.5, top + 5), (3, 22), svg.INK)]
    if math.isfinite(found):
        colour = svg.BLUE if right else svg.ORANGE
        marks.append(dot((place(found), top + 16), colour, radius=5, hollow=not right))
    return marks
