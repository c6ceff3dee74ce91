"""The pictures of this lab's feedback: each is drawn by the function that is called like its kind in `show(kind, ...)`.

Each function documents its content, refuses any other with KeyError, TypeError or ValueError, draws no more of it than
a page can hold, and says in words what is to be seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.feedback.drawings import (
    ALARM,
    BLUE,
    COLUMNS,
    GRID,
    INK,
    MARGIN,
    NAME_CHARS,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    SOFT,
    TILE,
    TRACK,
    WIDTH,
    Drawing,
    Pixels,
    Point,
    bar,
    curve,
    dot,
    exact,
    finite,
    photo,
    probability,
    rows_of,
    share,
    sheet,
    short,
    unpacked,
    words,
)

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
        bar((AXIS[0], under - 11), (3, 13), INK),
        words((AXIS[0] + 9, under), f"needed, ± {tolerance:g}", size=12, colour=SOFT),
        dot((AXIS[0] + 150, under - 4), BLUE, radius=5),
        words((AXIS[0] + 161, under), "found, right", size=12, colour=SOFT),
        dot((AXIS[0] + 250, under - 4), ORANGE, radius=5, hollow=True),
        words((AXIS[0] + 261, under), "found, wrong", size=12, colour=SOFT),
    ]
    return sheet(
        WIDTH,
        under + 12,
        pieces,
        says,
        seen="Each line is one image whose total variation is known: the black mark is the required value, the dot"
        " what your function returned. What is far off stands at the end of the line.",
    )


def _number(value: float, places: int) -> str:
    if not math.isfinite(value):
        return "no number"
    return f"{value:.{places}f}" if abs(value) < 1000 else f"{value:.3g}"


def _value_pieces(top: float, texts: tuple[str, str, str], *, right: bool) -> list[str]:
    name, found, required = texts
    mark, colour = ("✓", BLUE) if right else ("✗", ALARM)
    return [
        words((MARGIN, top + 21), name),
        bar((AXIS[0], top + 14), (AXIS[1] - AXIS[0], 4), TRACK),
        words((AXIS[1] + 18, top + 21), f"{mark} {found}", colour=colour, bold=True),
        words((WIDTH - MARGIN, top + 21), f"needed {required}", colour=SOFT, anchor="end"),
    ]


def _value_marks(top: float, values: Point, ends: Point, *, right: bool) -> list[str]:
    (found, required), (low, high) = values, ends

    def place(value: float) -> float:  # what is far off stands at the end of the line, beside its number
        return AXIS[0] + (AXIS[1] - AXIS[0]) * (min(max(value, low), high) - low) / (high - low)

    marks = [bar((place(required) - 1.5, top + 5), (3, 22), INK)]
    if math.isfinite(found):
        colour = BLUE if right else ORANGE
        marks.append(dot((place(found), top + 16), colour, radius=5, hollow=not right))
    return marks


IDEALS, SHIFTS = 4, 64  # drawn at most; accepted at most


@dataclass(frozen=True)
class _Ideal:
    """One class's two ideal images, as `ideal_images` documents them."""

    name: str
    images: tuple[Pixels, Pixels]
    p: tuple[float, float]
    variation: tuple[float, float]
    ratio: float
    at_most: float
    curves: tuple[tuple[Point, ...], tuple[Point, ...]]

    @property
    def share(self) -> str:
        return f"{self.ratio:.2f}" if math.isfinite(self.ratio) else "no share"


_WAYS = ("plain", "smooth")


def _ideal(row: Any) -> _Ideal:  # JSON
    shifts = [finite(shift) for shift in row["shift_px"]]
    if not 0 < len(shifts) <= SHIFTS:
        raise ValueError(f"expected 1 to {SHIFTS} shifts, found {len(shifts)}")
    plain, smooth = (
        tuple(sorted(zip(shifts, map(share, row[f"shift_{way}"]), strict=True))) for way in _WAYS
    )
    return _Ideal(
        name=short(str(row["name"]), NAME_CHARS),
        images=(unpacked(row["plain"]), unpacked(row["smooth"])),
        p=(share(row["p_plain"]), share(row["p_smooth"])),
        variation=(finite(row["variation_plain"]), finite(row["variation_smooth"])),
        ratio=float(row["ratio"]),
        at_most=finite(row["at_most"]),
        curves=(plain, smooth),
    )


def ideal_images(content: dict[str, Any]) -> Drawing:
    """Draw the ideal image of a class without and with the variation term, and what shifting does to both.

    Args:
        content: `rows`, a list of {`name`: class; `plain`, `smooth`: the images made without and with the term, as
            `unpacked` takes them; `p_plain`, `p_smooth`: probability of the class; `variation_plain`,
            `variation_smooth`: total variation; `ratio`: variation per contrast of the smooth image as a share of the
            plain one's, NaN when one has no contrast, `at_most` what it may be; `shift_px`: pixels by which the images
            were moved; `shift_plain`, `shift_smooth`: probability of the class at each shift}. Four rows are drawn.
    """
    rows = [_ideal(row) for row in rows_of(content, IDEALS)]
    pieces, says, height = list[str](), list[str](), 48 + TILE + 74
    for place, row in enumerate(rows):
        pieces += _ideal_pieces(row, MARGIN + place * height)
        says.append(_ideal_said(row))
    return sheet(
        WIDTH,
        MARGIN + len(rows) * height - 12,
        pieces,
        says,
        seen="Both images started from the same noise. Without the variation term many tiny patterns satisfy the"
        " network; with it neighbouring pixels agree and shapes appear. The curves show how sure the network stays when"
        " the image is moved to the side: a sharp peak means that it holds for one position only.",
    )


def _ideal_pieces(row: _Ideal, top: float) -> list[str]:
    under = top + 48 + TILE
    enough = row.ratio <= row.at_most
    mark, colour = ("✓", BLUE) if enough else ("✗", ALARM)
    pieces = [words((MARGIN, top + 14), f"Ideal “{row.name}”", size=15, bold=True)]
    for x, image, title, p, measured in zip(
        COLUMNS[:2], row.images, ("without the term", "with the term"), row.p, row.variation, strict=True
    ):
        pieces += [
            words((x, top + 40), title, colour=SOFT),
            photo((x, top + 48), TILE, image),
            words((x, under + 19), f"p {probability(p)}", bold=True),
            words((x + TILE, under + 19), f"total variation {measured:.3f}", anchor="end"),
        ]
    verdict = f"{mark} variation per contrast: {row.share} of the left one’s, at most {row.at_most:.2f}"
    pieces += [
        words((COLUMNS[0], under + 41), verdict, colour=colour, bold=True),
        words((COLUMNS[2], top + 40), "p when the image is shifted", colour=SOFT),
        *_chart((COLUMNS[2] + 26, top + 56), (TILE - 32, TILE - 26), row.curves),
        curve([(COLUMNS[2] + 26, under + 37), (COLUMNS[2] + 50, under + 37)], BLUE),
        words((COLUMNS[2] + 55, under + 41), "with", size=12),
        curve([(COLUMNS[2] + 104, under + 37), (COLUMNS[2] + 128, under + 37)], ORANGE, dashed=True),
        words((COLUMNS[2] + 133, under + 41), "without", size=12),
    ]
    return pieces


def _chart(at: Point, size: Point, curves: Sequence[Sequence[Point]]) -> list[str]:
    """Draw probability against shift: without the term orange and dashed, with it blue and solid."""
    (left, top), (width, height) = at, size
    shifts = [shift for points in curves for shift, _ in points]
    low, high = min(shifts), max(shifts)
    span = high - low or 1.0

    def place(shift: float, p: float) -> Point:
        return left + width * ((shift - low) / span if high > low else 0.5), top + height * (1 - p)

    pieces = []
    for p, label in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        y = place(low, p)[1]
        pieces.append(curve([(left, y), (left + width, y)], GRID, width=1))
        pieces.append(words((left - 6, y + 4), label, size=11, colour=SOFT, anchor="end"))
    ticks = {low, high, 0.0} if low <= 0 <= high else {low, high}
    for shift in sorted(ticks):
        at_tick = (place(shift, 0)[0], top + height + 15)
        pieces.append(words(at_tick, f"{shift:+g}" if shift else "0", size=11, colour=SOFT, anchor="middle"))
    axis = "pixels to the side"
    pieces.append(words((left + width / 2, top + height + 31), axis, size=11, colour=SOFT, anchor="middle"))
    for points, colour, dashed in zip(curves, (ORANGE, BLUE), (True, False), strict=True):
        places = [place(*point) for point in points]
        pieces.append(curve(places, colour, dashed=dashed))
        pieces += [dot(one, colour, hollow=dashed) for one in places]
    return pieces


def _ideal_said(row: _Ideal) -> str:
    lowest = [min(p for _, p in points) for points in row.curves]
    return (
        f"{row.name}: p {probability(row.p[0])} without the term and {probability(row.p[1])} with it; total variation"
        f" {row.variation[0]:.3f} and {row.variation[1]:.3f}; per contrast {row.share} of the former, at most"
        f" {row.at_most:.2f} is needed; shifted, p falls to {probability(lowest[0])} and {probability(lowest[1])}."
    )


ATTACKS = 4  # drawn at most
AMPLIFIED = 16

Answers = tuple[tuple[str, float], ...]


def _answers(value: Any) -> Answers:  # a list of [name, probability]
    found = tuple((short(str(name), NAME_CHARS), share(p)) for name, p in value)
    if not 0 < len(found) <= 5:
        raise ValueError(f"expected 1 to 5 classes, found {len(found)}")
    return found


@dataclass(frozen=True)
class _Attack:
    """One attacked photo, as `attacks` documents it."""

    photo: Pixels
    adversarial: Pixels
    before: Answers
    after: Answers
    second: Answers | None
    target: str
    epsilon: int
    largest: int

    @property
    def within(self) -> bool:
        return self.largest <= self.epsilon

    @property
    def used(self) -> str:
        if self.within:
            levels = "grey level" if self.epsilon == 1 else "grey levels"
            return f"{self.largest} of {self.epsilon} {levels} used"
        return f"{self.largest} grey levels used, {self.epsilon} allowed"


def _attack(row: Any) -> _Attack:  # JSON
    clean, changed = unpacked(row["photo"]), unpacked(row["adversarial"])
    if clean.shape != changed.shape:
        raise ValueError(f"a photo of {clean.shape} beside an image of {changed.shape}")
    epsilon, largest = int(row["epsilon"]), int(row["largest"])
    if epsilon < 0 or largest < 0:
        raise ValueError("a budget is negative")
    second = row.get("second")
    return _Attack(
        photo=clean,
        adversarial=changed,
        before=_answers(row["before"]),
        after=_answers(row["after"]),
        second=None if second is None else _answers(second),
        target=short(str(row["target"]), NAME_CHARS),
        epsilon=epsilon,
        largest=largest,
    )


def _amplified(clean: Pixels, changed: Pixels) -> Pixels:
    """Return the difference of two uint8 images, 16 times as strong around grey 128, clipped to 0..255."""
    difference = changed.astype(np.int32) - clean.astype(np.int32)
    return np.clip(128 + AMPLIFIED * difference, 0, 255).astype(np.uint8)


def attacks(content: dict[str, Any]) -> Drawing:
    """Draw photo, adversarial image and their difference, and what the networks say.

    Args:
        content: `rows`, a list of {`photo`, `adversarial`: images as `unpacked` takes them, of one shape;
            `before`, `after`: up to five [class, probability] of the attacked network on the one and on the other;
            `second`, may be absent: those of a second network on the adversarial image; `target`: class that was asked
            for; `epsilon`: allowed and `largest`: found largest change, in grey levels}. Four rows are drawn.
    """
    rows = [_attack(row) for row in rows_of(content, ATTACKS)]
    pieces, says, top = list[str](), list[str](), float(MARGIN)
    for number, row in enumerate(rows, 1):
        pieces += _attack_pieces(row, top)
        top += 48 + TILE + 26 + 22 * max(len(row.before), len(row.after), len(row.second or ())) + 26
        says.append(_attack_said(row, number))
    return sheet(
        WIDTH,
        top - 14,
        pieces,
        says,
        seen="The bars are the classes that the network finds most probable; orange and bold is the one it was to be"
        " led to. The difference is taken from the saved 8-bit pixels and shown 16 times as strong around grey: a pixel"
        " that is grey was not changed.",
    )


def _attack_pieces(row: _Attack, top: float) -> list[str]:
    under, right = top + 48 + TILE, WIDTH - MARGIN
    mark, colour = ("✓ ", BLUE) if row.within else ("✗ ", ALARM)
    pieces = [
        words((MARGIN, top + 14), f"Make it “{row.target}”", size=15, bold=True),
        words((right, top + 14), mark + row.used, colour=colour, bold=True, anchor="end"),
        photo((COLUMNS[0], top + 48), TILE, row.photo),
        photo((COLUMNS[1], top + 48), TILE, row.adversarial),
        exact((COLUMNS[2], top + 48), TILE, _amplified(row.photo, row.adversarial)),
    ]
    titles = ("the photo", "your image", f"difference × {AMPLIFIED} (grey: unchanged)")
    pieces += [words((x, top + 40), title, colour=SOFT) for x, title in zip(COLUMNS, titles, strict=True)]
    lists = [("the network says", row.before), ("the network says", row.after)]
    if row.second is not None:
        lists.append(("another network says of your image", row.second))
    for x, (title, answers) in zip(COLUMNS, lists, strict=False):
        pieces.append(words((x, under + 18), title, colour=SOFT, size=12))
        pieces += _bars((x, under + 26), answers, row.target)
    return pieces


def _bars(at: Point, answers: Answers, target: str) -> list[str]:
    """Draw a class a line: its name on a bar as long as its probability; the target is orange and bold."""
    pieces, (x, y) = list[str](), at
    for name, p in answers:
        wanted = name == target
        pieces += [
            bar((x, y), (TILE, 19), TRACK),
            bar((x, y), (TILE * p, 19), PALE_ORANGE if wanted else PALE_BLUE),
            words((x + 5, y + 14), name, size=12, bold=wanted),
            words((x + TILE - 5, y + 14), probability(p), size=12, bold=wanted, anchor="end"),
        ]
        y += 22
    return pieces


def _said(answers: Answers) -> str:
    return f"{answers[0][0]} (p {probability(answers[0][1])})"


def _attack_said(row: _Attack, number: int) -> str:
    line = f"Photo {number}, target {row.target}: the network said {_said(row.before)} before and {_said(row.after)} after; "
    other = f" Another network says {_said(row.second)}." if row.second else ""
    return f"{line}{row.used}.{other}"
