"""Photo, adversarial image, their difference, and what networks say of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from grader.checks.images import unpacked
from grader.feedback.drawings import svg
from grader.feedback.drawings.content import (
    COLUMNS,
    MARGIN,
    NAME_CHARS,
    TILE,
    WIDTH,
    probability,
    rows_of,
    share,
)
from grader.feedback.drawings.svg import Drawing, Pixels, Point, bar, exact, photo, short, words

ATTACKS = 4  # drawn at most
AMPLIFIED = 16

Answers = tuple[tuple[str, float], ...]


def _answers(value: Any) -> Answers:  # noqa: ANN401 - a list of [name, probability]
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


def _attack(row: Any) -> _Attack:  # noqa: ANN401 - JSON
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


def amplified(clean: Pixels, changed: Pixels) -> Pixels:
    """Return the difference of two uint8 images, 16 times as strong around grey 128, clipped to 0..255."""
    difference = changed.astype(np.int32) - clean.astype(np.int32)
    return np.clip(128 + AMPLIFIED * difference, 0, 255).astype(np.uint8)


def attacks(content: dict[str, Any]) -> Drawing:
    """Draw photo, adversarial image and their difference, and what the networks say.

    Args:
        content: `rows`, a list of {`photo`, `adversarial`: images as `images.unpacked` takes them, of one shape;
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
    return svg.sheet(WIDTH, top - 14, pieces, says)


def _attack_pieces(row: _Attack, top: float) -> list[str]:
    under, right = top + 48 + TILE, WIDTH - MARGIN
    mark, colour = ("✓ ", svg.BLUE) if row.within else ("✗ ", svg.ALARM)
    pieces = [
        words((MARGIN, top + 14), f"Make it “{row.target}”", size=15, bold=True),
        words((right, top + 14), mark + row.used, colour=colour, bold=True, anchor="end"),
        photo((COLUMNS[0], top + 48), TILE, row.photo),
        photo((COLUMNS[1], top + 48), TILE, row.adversarial),
        exact((COLUMNS[2], top + 48), TILE, amplified(row.photo, row.adversarial)),
    ]
    titles = ("the photo", "your image", f"difference × {AMPLIFIED} (grey: unchanged)")
    pieces += [words((x, top + 40), title, colour=svg.SOFT) for x, title in zip(COLUMNS, titles, strict=True)]
    lists = [("the network says", row.before), ("the network says", row.after)]
    if row.second is not None:
        lists.append(("another network says of your image", row.second))
    for x, (title, answers) in zip(COLUMNS, lists, strict=False):
        pieces.append(words((x, under + 18), title, colour=svg.SOFT, size=12))
        pieces += _bars((x, under + 26), answers, row.target)
    return pieces


def _bars(at: Point, answers: Answers, target: str) -> list[str]:
    """Draw a class a line: its name on a bar as long as its probability; the target is orange and bold."""
    pieces, (x, y) = list[str](), at
    for name, p in answers:
        wanted = name == target
        pieces += [
            bar((x, y), (TILE, 19), svg.TRACK),
            bar((x, y), (TILE * p, 19), svg.PALE_ORANGE if wanted else svg.PALE_BLUE),
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
