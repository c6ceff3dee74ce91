"""Helpers that drawings share: read a picture's content, write numbers, and place tiles on a sheet."""

from __future__ import annotations

import math
from typing import Any

MARGIN, TILE, GAP = 12, 224, 24  # a crop is shown pixel by pixel at the size the sheet is made for
WIDTH = 2 * MARGIN + 3 * TILE + 2 * GAP
COLUMNS = tuple(MARGIN + column * (TILE + GAP) for column in range(3))
NAME_CHARS = 28  # of a class


def probability(p: float) -> str:
    """Write a probability for people: 0.998, never a 1.000 that is none."""
    if 0.9995 <= p < 1:
        return "> 0.999"
    return "< 0.001" if 0 < p < 0.0005 else f"{p:.3f}"


def share(value: object) -> float:
    """Read a probability; raises ValueError when it is none."""
    number = float(value)  # type: ignore[arg-type]
    if not -1e-5 <= number <= 1 + 1e-5:  # float32 may sum to a little more than 1
        raise ValueError(f"expected a probability, found {number!r}")
    return min(max(number, 0.0), 1.0)


def finite(value: object) -> float:
    """Read a number; raises ValueError when it is NaN or infinite."""
    number = float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        raise ValueError(f"expected a number, found {number!r}")
    return number


def rows_of(content: dict[str, Any], most: int, name: str = "rows") -> list[Any]:
    """Return the first `most` rows of `content[name]`; raises ValueError when there are none."""
    rows = list(content[name])
    if not rows:
        raise ValueError(f"no {name}")
    return rows[:most]  # content comes from students: a long list must not make a long sheet
