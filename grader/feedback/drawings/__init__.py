"""What an assignment's `pictures.py` imports: words, bars, photos and curves that become one SVG file.

    from grader.feedback.drawings import Drawing, bar, rows_of, sheet, words

`svg` has the pieces, `content` reads what a check gave to `show`, writes numbers, and knows the places on a sheet.
"""

from __future__ import annotations

from grader.checks.images import unpacked
from grader.feedback.drawings.content import (
    COLUMNS,
    MARGIN,
    NAME_CHARS,
    TILE,
    WIDTH,
    finite,
    probability,
    rows_of,
    share,
)
from grader.feedback.drawings.svg import (
    ALARM,
    BLUE,
    GRID,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    SOFT,
    TRACK,
    Drawing,
    Pixels,
    Point,
    bar,
    curve,
    dot,
    exact,
    photo,
    sheet,
    short,
    words,
)

__all__ = [
    "ALARM",
    "BLUE",
    "COLUMNS",
    "GRID",
    "INK",
    "MARGIN",
    "NAME_CHARS",
    "ORANGE",
    "PALE_BLUE",
    "PALE_ORANGE",
    "SOFT",
    "TILE",
    "TRACK",
    "WIDTH",
    "Drawing",
    "Pixels",
    "Point",
    "bar",
    "curve",
    "dot",
    "exact",
    "finite",
    "photo",
    "probability",
    "rows_of",
    "share",
    "sheet",
    "short",
    "unpacked",
    "words",
]
