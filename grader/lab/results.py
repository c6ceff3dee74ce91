"""What `lab.check` returns: points and verdicts as fields, and a display in a notebook or a terminal."""

from __future__ import annotations

import base64
import html
import io
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.checks.measures import Measure, measures, share_bounds
from grader.records import Check, Status

SYMBOLS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.ERROR: "!"}
WORDS = {
    Status.PASSED: "passed",
    Status.FAILED: "not yet",
    Status.SKIPPED: "skipped",
    Status.ERROR: "undecided",
}
# Only for the stripe beside a verdict: words take the colour of the page around, so that both themes can be read.
COLOURS = {
    Status.PASSED: "#2f9e5b",
    Status.FAILED: "#d1483c",
    Status.SKIPPED: "#8a8f98",
    Status.ERROR: "#a050c8",
}
PHOTOS, SIDE_PX = 6, 96  # in a display
TEXT_CHARS = 100  # of a line in a terminal that is wider


@dataclass(frozen=True)
class Mistake:
    """A public validation photo that was taken for something else.

    Attributes:
        photo: uint8 `[h, w, 3]`.
        truth: name of its class.
        answer: name of the class with the highest score.
    """

    photo: npt.NDArray[np.uint8]
    truth: str
    answer: str


class _Shown:
    """Shows itself when it is made, and again when it is the value of a later cell."""

    def _html(self) -> str:
        raise NotImplementedError

    def present(self) -> None:
        """Show it now: with colours in a notebook, as text elsewhere."""
        shell = _shell()
        if shell is None:
            print(self)  # noqa: T201 - a terminal without IPython shows no value of a function
            return
        self._display()
        # The value of the cell's last line is displayed too: not twice.
        object.__setattr__(self, "_presented", shell.execution_count)

    def _repr_html_(self) -> str:
        return self._html()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: ANN401 - IPython's protocol
        printer.text("..." if cycle else str(self))

    def _ipython_display_(self) -> None:
        shell = _shell()
        if shell is None or getattr(self, "_presented", None) != shell.execution_count:
            self._display()

    def _display(self) -> None:
        from IPython.display import display

        display({"text/html": self._html(), "text/plain": str(self)}, raw=True)


@dataclass(frozen=True, repr=False)
class ExerciseResult(_Shown):
    """What the public checks say of one exercise.

    Attributes:
        exercise: its id.
        title: its title.
        checks: the verdicts, each with `title`, `status`, `points`, `measured`, `required`, `hint`.
        mistakes: public validation photos that were named wrongly, where the exercise names photos.
    """

    exercise: str
    title: str
    checks: tuple[Check, ...]
    mistakes: tuple[Mistake, ...] = ()

    @property
    def points(self) -> float:
        """Points that the public checks give."""
        return sum(check.points for check in self.checks)

    @property
    def max_points(self) -> float:
        """Points that the public checks can give."""
        return sum(check.max_points for check in self.checks)

    @property
    def passed(self) -> bool:
        """Whether every public check passed."""
        return all(check.status is Status.PASSED for check in self.checks)

    def show(self, count: int = 12) -> None:
        """Draw public validation photos that were named wrongly, with what they are and what they were taken for.

        Args:
            count: photos at most.
        """
        from grader import lab

        chosen = self.mistakes[:count]
        if not chosen:
            print(f"{self.title}: no photo was named wrongly, or this exercise names none.")  # noqa: T201
            return
        titles = [f"{mistake.truth}\n-> {mistake.answer}" for mistake in chosen]
        lab.show([mistake.photo for mistake in chosen], titles, columns=min(6, len(chosen)))

    def _summary(self) -> str:
        return f"{self.title}: {self.points:g} of {self.max_points:g} points by the public checks"

    def __repr__(self) -> str:
        return f"<{self._summary()}>"

    def __str__(self) -> str:
        return "\n".join([self._summary(), *map(_text, self.checks)])

    def _html(self) -> str:
        head = f'<p style="margin:0 0 .4em"><strong>{_escaped(self._summary())}</strong></p>'
        return head + self.body()

    def body(self) -> str:
        """Return the verdicts as HTML, without the line above them."""
        parts = [_check_html(check) for check in self.checks]
        if self.mistakes and not self.passed:
            parts.append(_photos_html(self.mistakes[:PHOTOS], len(self.mistakes)))
        return (
            f'<div style="max-width:60em;overflow-wrap:break-word;white-space:normal">{"".join(parts)}</div>'
        )


@dataclass(frozen=True, repr=False)
class LabResult(_Shown):
    """What the public checks say of all exercises.

    Attributes:
        exercises: a result each, in the order of the assignment.
    """

    exercises: tuple[ExerciseResult, ...]

    @property
    def points(self) -> float:
        """Points that the public checks give."""
        return sum(result.points for result in self.exercises)

    @property
    def max_points(self) -> float:
        """Points that the public checks can give."""
        return sum(result.max_points for result in self.exercises)

    @property
    def passed(self) -> bool:
        """Whether every public check passed."""
        return all(result.passed for result in self.exercises)

    @property
    def checks(self) -> tuple[Check, ...]:
        """The verdicts of all exercises."""
        return tuple(check for result in self.exercises for check in result.checks)

    def show(self, count: int = 12) -> None:
        """Draw photos that were named wrongly, of the first exercise that has some.

        Args:
            count: photos at most.
        """
        chosen = next((result for result in self.exercises if result.mistakes), None)
        if chosen is not None:
            chosen.show(count)

    def _summary(self) -> str:
        return f"all exercises: {self.points:g} of {self.max_points:g} points by the public checks"

    def __repr__(self) -> str:
        return f"<{self._summary()}>"

    def __str__(self) -> str:
        return "\n\n".join([*map(str, self.exercises), self._summary()])

    def _html(self) -> str:
        # What passed is folded: what is left to do is seen first.
        parts = [f"<p><strong>{_escaped(self._summary())}</strong></p>"]
        for result in self.exercises:
            state = WORDS[Status.PASSED if result.passed else Status.FAILED]
            head = f"{SYMBOLS[Status.PASSED if result.passed else Status.FAILED]} {state}: {result.title}, {result.points:g} of {result.max_points:g}"
            unfolded = "" if result.passed else " open"
            parts.append(
                f'<details{unfolded}><summary style="cursor:pointer">{_escaped(head)}</summary>{result.body()}</details>'
            )
        return f"<div>{''.join(parts)}</div>"


def status_words(check: Check) -> str:
    """Return a verdict in words, with its points where it has some."""
    word = WORDS[check.status]
    if check.status is Status.FAILED and check.points > 0:
        word = "part of the points"
    return f"{word}, {check.points:g} of {check.max_points:g}" if check.max_points else word


def _text(check: Check) -> str:
    lines = [f"{SYMBOLS[check.status]} {check.title} ({status_words(check)})"]
    for measure in measures(check):
        if measure.measured:
            lines.append(f"    measured: {measure.measured}")
        if measure.required and check.status is not Status.PASSED:
            lines.append(f"    required: {measure.required}")
    if check.hint:
        lines.append(f"    hint: {check.hint}")
    return "\n".join(_wrapped(line) for line in lines)


def _wrapped(line: str) -> str:
    width = max(40, min(TEXT_CHARS, shutil.get_terminal_size().columns))
    indent = "" if not line.startswith(" ") else " " * 8
    # Words stay whole: names of files and calls are copied from here.
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _escaped(words: object) -> str:
    return html.escape(str(words), quote=True)


_CELL = "text-align:left;vertical-align:top;padding:.1em 1em .1em 0;white-space:normal;overflow-wrap:break-word;background:transparent;color:inherit"


def _check_html(check: Check) -> str:
    head = f"{SYMBOLS[check.status]} {status_words(check)}: {check.title}"
    hint = f'<p style="margin:.2em 0"><em>hint:</em> {_escaped(check.hint)}</p>' if check.hint else ""
    return (
        f'<div style="border-left:4px solid {COLOURS[check.status]};padding:.1em 0 .1em .7em;margin:0 0 .6em">'
        f'<p style="margin:.1em 0">{_escaped(head)}</p>{_table(measures(check))}{hint}</div>'
    )


def _table(rows: list[Measure]) -> str:
    """Write what was measured beside what is required, a row each; bounds that belong to no single row stand beside all of them."""
    if not rows:
        return ""
    shared = share_bounds(rows)
    lines = []
    for number, row in enumerate(rows):
        cells = f'<td style="{_CELL}">{_escaped(row.measured or "–")}</td>'
        if not shared or number == 0:
            span = f' rowspan="{len(rows)}"' if shared else ""
            cells += f'<td{span} style="{_CELL}">{_escaped(row.required or "–")}</td>'
        lines.append(f"<tr>{cells}</tr>")
    return (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;margin:.2em 0;font:inherit;background:transparent;color:inherit">'
        f'<thead><tr><th style="{_CELL}">measured</th><th style="{_CELL}">required</th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _photos_html(mistakes: Sequence[Mistake], total: int) -> str:
    figures = "".join(
        f'<figure style="margin:0;width:{SIDE_PX}px"><img src="{_url(mistake.photo)}" width="{SIDE_PX}" height="{SIDE_PX}"'
        f' alt="{_escaped(mistake.truth)} taken for {_escaped(mistake.answer)}">'
        f'<figcaption style="font-size:85%">{_escaped(mistake.truth)} &rarr; {_escaped(mistake.answer)}</figcaption></figure>'
        for mistake in mistakes
    )
    words = f"{len(mistakes)} of {total} public validation photos that were named wrongly: what they are, and what they were taken for. .show() draws more."
    return (
        f'<p style="margin:.4em 0">{_escaped(words)}</p>'
        f'<div style="display:flex;flex-wrap:wrap;gap:.6em">{figures}</div>'
    )


def _url(photo: npt.NDArray[np.uint8]) -> str:
    """Return a small JPEG of a photo, to stand in the page itself."""
    from PIL import Image, ImageOps

    small = ImageOps.fit(Image.fromarray(np.asarray(photo)), (SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _shell() -> Any:  # noqa: ANN401 - IPython's, or None
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()
