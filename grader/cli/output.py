"""Format results as tables for a terminal, and write them as JSON."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from grader.files import write_whole
from grader.messages import JUDGED_AGAIN
from grader.notebooks.sanitise_text import visible
from grader.records import Check, ExerciseGrade, Grade, Status, on_card

STYLES = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.SKIPPED: "yellow",
    Status.ERROR: "bold magenta",
}
SYMBOLS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.ERROR: "!"}

NAME, REASON = (
    26,
    30,
)  # characters that names and reasons have in a window, at the least, before other columns go
BESIDE = 3  # characters beside a cell: a border and two blanks
WIDTH = 170  # characters, where no terminal says otherwise: logs and files wrap badly


QUIET, USUAL, VERBOSE = -1, 0, 1


@dataclass
class Verbosity:
    """How much a command says of what it does: one for the process, set by `-q` and `-v`."""

    level: int = USUAL


verbosity = Verbosity()


class Terminal(Console):
    """A console that passes on no character by which a name or a message could steer the terminal.

    When nobody reads any more (`pawgrade grade ... | head`) it goes on in silence: files are still written, and the exit
    code is that of the command.
    """

    def on_broken_pipe(self) -> None:
        """Go on without a reader; rich would end the process."""
        self.quiet = True
        discard(self.file)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """Turn all that is printed, tables and progress bars included, into what the terminal gets."""
        # A private method, but the one through which everything printed passes (tests/test_names.py). Control segments
        # are rich's own: they move the cursor for progress bars.
        segments = (
            segment if segment.control else Segment(visible(segment.text), segment.style)
            for segment in buffer
        )
        return super()._render_buffer(segments)


def discard(stream: IO[str]) -> None:
    """Send what is written to a stream from now on, and what is still in its buffer, nowhere."""
    with contextlib.suppress(OSError, ValueError):  # a stream that is no file, in tests
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


console = Terminal(width=None if sys.stdout.isatty() else WIDTH)
errors = Terminal(stderr=True, width=None if sys.stderr.isatty() else WIDTH)


def note(text: str) -> None:
    """Say in one line on standard output what was done; not with --quiet.

    Args:
        text: as it is to be read: no markup in it, and a path is not broken by the window's width.
    """
    if verbosity.level > QUIET:
        console.print(Text(text), highlight=False, soft_wrap=True)


def out(text: str) -> None:
    """Write text for programs to standard output, character by character as it is; nobody has to read it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard(sys.stdout)


def status(value: Status) -> Text:
    """Return a status in its colour."""
    return Text(f"{SYMBOLS[value]} {value}", style=STYLES[value])


def print_grades(
    grades: Sequence[Grade], titles: Mapping[str, str] | None = None, *, by_hand: bool = True
) -> None:
    """Print a class on standard output: a table that fits the terminal, or for a pipe a line for each submission.

    Args:
        grades: one row each.
        titles: what a student did, by id, for the demo.
        by_hand: whether people grade a part of the assignment.
    """
    if console.is_terminal:
        console.print(grades_table(grades, titles, width=console.width, by_hand=by_hand))
    else:
        for line in grades_lines(grades, titles, by_hand=by_hand):
            out(f"{line}\n")  # rich would make blanks of the tabs


def grades_lines(
    grades: Sequence[Grade], titles: Mapping[str, str] | None = None, *, by_hand: bool = True
) -> Iterator[str]:
    """Yield a class as text for other programs: a line of names, then one for each submission, tabs between the columns.

    Nothing is cut. A character that would end a line or a column is a visible sign.

    Args:
        grades: one line each.
        titles: what a student did, by id, for the demo.
        by_hand: whether people grade a part of the assignment; the column is there in any case.
    """
    exercises = [exercise.id for exercise in grades[0].exercises] if grades else []
    handed_in = ["handed in"] if titles else []
    believed = ["believed"] if any(grade.believed for grade in grades) else []
    names = ["student", "assignment", "status", "points", "of", *believed, "by hand", "up to s"]
    yield tabbed([*names, *exercises, *handed_in, "what happened"])
    for grade in grades:
        values = [grade.student, grade.assignment, grade.status, f"{grade.points:g}", f"{grade.max_points:g}"]
        values += ["yes" if grade.believed else ""] * len(believed)
        titled = [titles.get(grade.student, "")] if titles else []
        points = (_points(exercise).plain for exercise in grade.exercises)
        yield tabbed(
            [
                *values,
                _by_hand(grade, by_hand),
                f"{grade.seconds.total:.0f}",
                *points,
                *titled,
                what_happened(grade),
            ]
        )


def tabbed(values: Iterable[str]) -> str:
    """Return values as one line, a tab between any two: no value brings a tab, a line or a control sequence of its own."""
    return "\t".join(visible(" ".join(value.split("\t"))).replace("\n", " ") for value in values)


def grades_table(
    grades: Sequence[Grade],
    titles: Mapping[str, str] | None = None,
    *,
    width: int = WIDTH,
    by_hand: bool = True,
) -> Table:
    """Return a class as a table: points an exercise, total, status, what needs a look.

    Student, points, status and what happened are always there and never cut. The others go where the window is too narrow
    for them: first the exercises, then seconds, then points by hand.

    Args:
        grades: one row each.
        titles: what a student did, by id, for the demo.
        width: of the window, in characters.
        by_hand: whether people grade a part of the assignment; without, there is no column for it.
    """
    # As Text, here and below: brackets in a name are no markup.
    title = f"{grades[0].assignment}{on_card(grades[0].data)}" if grades else "nothing handed in"
    table = Table(title=Text(title, style="table.title"), show_lines=True, caption_justify="left")
    columns = _columns(grades, titles, by_hand=by_hand)
    left_out = _too_many(columns, width)
    if left_out:
        table.caption = Text(
            f"not in {width} columns: {', '.join(left_out)}; a wider window, a pipe or --json has them"
        )
    chosen = [column for column in columns if column.group not in left_out]
    least = _least(chosen, width)
    for column in chosen:
        table.add_column(
            Text(column.name),
            justify="right" if column.is_number else "left",
            no_wrap=column.least >= column.most,
            overflow="fold",
            min_width=min(column.least, least) if column.fewest else column.least,
        )
    for row in zip(*(column.cells for column in chosen), strict=True):
        table.add_row(*row)
    return table


@dataclass(frozen=True)
class _Column:
    """A column of a class's table.

    Attributes:
        name: what stands above it.
        cells: one for each submission.
        group: what it is called when it is left out, with the others of its group; "": it never is.
        fewest: characters that it may be narrowed to; 0: it is never narrowed.
    """

    name: str
    cells: Sequence[Text]
    group: str = ""
    fewest: int = 0

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers, which stand at the right."""
        return self.name not in {"student", "status", "what happened"}

    @property
    def most(self) -> int:
        """Characters that it takes when nothing in it is broken into lines."""
        lines = [line for cell in (Text(self.name), *self.cells) for line in cell.plain.split("\n")]
        return max(map(cell_len, lines), default=0)

    @property
    def least(self) -> int:
        """Characters that it takes at least."""
        return min(self.fewest, self.most) if self.fewest else self.most


def _columns(grades: Sequence[Grade], titles: Mapping[str, str] | None, *, by_hand: bool) -> list[_Column]:
    """Return all columns of a class's table, in their order."""
    given = by_hand or any(grade.manual_points is not None for grade in grades)
    cells_by_hand = [Text(_by_hand(grade, by_hand)) for grade in grades]
    exercises = [exercise.id for exercise in grades[0].exercises] if grades else []
    return [
        _Column("student", [_who(grade.student, titles) for grade in grades], fewest=NAME),
        *(
            _Column(name, [_points(grade.exercises[index]) for grade in grades], "points of exercises")
            for index, name in enumerate(exercises)
        ),
        _Column("points", [_total(grade) for grade in grades]),
        *([_Column("by hand", cells_by_hand, "by hand")] if given else []),
        # "up to": seconds of a student's notebook are told in coarse steps (ADR 11).
        _Column("up to s", [Text(f"{grade.seconds.total:.0f}") for grade in grades], "up to s"),
        _Column("status", [status(grade.status) for grade in grades]),
        _Column("what happened", [Text(what_happened(grade)) for grade in grades], fewest=REASON),
    ]


def _too_many(columns: Sequence[_Column], width: int) -> list[str]:
    """Return the groups of columns that are left out, so that the others fit into a window."""
    left_out = list[str]()
    for group in ("points of exercises", "up to s", "by hand"):
        there = [column for column in columns if column.group not in left_out]
        if sum(column.least + BESIDE for column in there) + 1 <= width:
            break
        left_out += [group] if any(column.group == group for column in there) else []
    return left_out


def _least(columns: Sequence[_Column], width: int) -> int:
    """Return the characters that each column that can be narrowed has at the least; a very narrow window leaves few."""
    narrowed = sum(bool(column.fewest) for column in columns)
    fixed = sum(0 if column.fewest else column.least for column in columns)
    return max(1, (width - 1 - fixed - BESIDE * len(columns)) // narrowed)


def _total(grade: Grade) -> Text:
    believed = " believed" if grade.believed else ""
    return Text(f"{grade.points:g}/{grade.max_points:g}{believed}")


def _who(student: str, titles: Mapping[str, str] | None) -> Text:
    who = Text(student, style="bold")
    if titles and student in titles:
        who.append(f"\n{titles[student]}", style="not bold")
    return who


def _by_hand(grade: Grade, expected: bool) -> str:
    if grade.manual_points is not None:
        return f"{grade.manual_points:g}"
    return "to do" if expected else "-"


def _points(exercise: ExerciseGrade) -> Text:
    # An ERROR is undecided: a number would read like a verdict (ADR 4).
    text = "!" if exercise.status is Status.ERROR else f"{exercise.points:g}"
    return Text(text, style=STYLES[exercise.status])


def what_happened(grade: Grade) -> str:
    """Say in one or two lines what a teacher would want to know first."""
    # A notice says why nothing ran, or that this version is not scored: it explains the rest of the row.
    # That answers were judged again explains none: it is told once for the class, below the table.
    notices = [notice for notice in grade.notices if notice != JUDGED_AGAIN]
    if notices:
        return str(notices[0])
    # The first of each only: what fails later often follows from it.
    broken = [f"cell {cell.number}: {cell.error}" for cell in grade.failed_cells[:1]]
    failed = next((check for check in grade.checks if check.status in (Status.FAILED, Status.ERROR)), None)
    first = str(failed.found) if failed else ""
    # A refused answer begins with its function, which may be called as the exercise is.
    if failed and not first.startswith(f"{failed.exercise}: "):
        first = f"{failed.exercise}: {first}"
    return "; ".join([*broken, first] if first else broken)


def checks_table(checks: Sequence[Check]) -> Table:
    """Return verdicts as a table: measured, required, what to try next."""
    table = Table(show_lines=True)
    for name in ("check", "points", "verdict"):
        table.add_column(name, no_wrap=name == "points", overflow="fold")
    for check in checks:
        lines = Text()
        lines.append_text(status(check.status))
        for word, text in (("measured", check.measured), ("required", check.required), ("hint", check.hint)):
            if text and not (word == "required" and check.status is Status.PASSED):
                lines.append(f"\n{word}: ", style="dim")
                lines.append(str(text))
        table.add_row(
            Text(f"{check.exercise}\n{check.title}"), f"{check.points:g}/{check.max_points:g}", lines
        )
    return table


def write_json(value: Any, path: Path | None) -> None:  # noqa: ANN401 - JSON-able
    """Write JSON to a file at once, or to standard output when the path is `-`."""
    text = json.dumps(value, indent=2) + "\n"
    if path is None or str(path) == "-":
        out(text)
        return
    write_whole(path, text)  # a program that waits for the file never reads half of it


def append(text: str, path: Path) -> None:
    """Append text to a file, which others may have begun."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
