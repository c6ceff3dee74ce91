"""Say what `grade` did, or would do, with each submission beside its grade: judged anew, executed anew, and whose points moved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import output
from grader.cli.options import plain
from grader.cli.progress import Progress

if TYPE_CHECKING:
    from rich.table import Table

    from grader.assignment.course import Course
    from grader.grading.deciding import Options, Outcome
    from grader.settings import Settings

LISTED = 10  # students of one kind that are named
APART = (
    "a version with more points is not compared, for other levels, checks, photos or another course secret gave them; "
    "the best of the others counts"
)
FAILED = ("not judged anew", "not decided anew")  # through a fault of ours: the former grade stays
ORDER = ("judged anew", *FAILED, "executed anew", "new", "not scored", "unchanged")
STYLES = {"judged anew": "cyan", "executed anew": "yellow", "new": "green", **dict.fromkeys(FAILED, "red")}

DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Show who would be judged anew, executed or left as is, and whose points would move; write and run nothing.",
    ),
]


def show_forecast(
    course: Course, assignment: str, settings: Settings, options: Options, json_path: Path | None
) -> None:
    """Print, or write as JSON, what `grade` would do."""
    from grader.grading.anew.forecast import forecast

    progress = Progress(len(course.submissions(assignment, options.students)))
    with progress as tell:
        found = forecast(course, assignment, settings, options, tell=tell)
    if json_path:
        output.write_json([outcome.to_json() for outcome in found], json_path)
    if json_path is not None and str(json_path) == "-":
        return
    if output.console.is_terminal:
        output.console.print(_table(found, assignment))
    else:
        for outcome in found:  # a pipe: a line each, columns separated by tabs
            output.out("\t".join(plain_cells(outcome)) + "\n")
    text = plain(f"{summary(found)}. Nothing was written: --dry-run")
    output.errors.print(text, highlight=False, soft_wrap=True)


def tell(course: Course, assignment: str, outcomes: Sequence[Outcome], *, force: bool) -> None:
    """Say on standard error who was judged anew and whose grade moved, who was executed anew, and why; note that it is said.

    Args:
        course: the course.
        assignment: id of the assignment.
        outcomes: what became of each submission.
        force: whether all were to be executed anew: that is then no news.
    """
    from grader.grading.anew import reporting

    judged = [outcome for outcome in outcomes if outcome.what == "judged anew"]
    if judged:
        output.errors.print(plain(judged_line(judged)), highlight=False, soft_wrap=True)
    for what in ("executed anew", *FAILED):
        if what in FAILED or not force:
            _list([outcome for outcome in outcomes if outcome.what == what], what)
    if failed := [outcome.student for outcome in outcomes if outcome.what in FAILED]:
        _line(
            "note",
            f"{_names(failed)}: the former grade stays; once that is mended, the same command tries again",
        )
    for outcome in [outcome for outcome in outcomes if outcome.stale][:LISTED]:
        text = f"{outcome.student}: earlier versions keep their former grades: {'; '.join(outcome.stale)}"
        _line("not judged anew", text)
    if apart := [outcome.student for outcome in outcomes if outcome.apart]:
        _line("not compared", f"{_names(apart)}: {APART}")
    for outcome in outcomes:
        for note in outcome.notes:
            _line("note", f"{outcome.student}: {note}")
    # Last: a run that ends before this is told again.
    reporting.reported(course.folder, assignment, [outcome.student for outcome in outcomes])


def judged_line(judged: Sequence[Outcome]) -> str:
    """Return one line: how many were judged anew, whose grade moved, from where to where."""
    changed = [outcome for outcome in judged if outcome.changed]
    line = f"{len(judged)} judged anew, {len(changed)} changed"
    if changed:
        names = [f"{outcome.student} {moved(outcome)}" for outcome in changed[:LISTED]]
        names += [f"and {len(changed) - LISTED} more"] if len(changed) > LISTED else []
        line += f" ({', '.join(names)})"
    earlier = sum(outcome.earlier for outcome in judged)
    return line + (f"; {earlier} earlier versions of theirs were, too" if earlier else "")


def moved(outcome: Outcome) -> str:
    """Say how a grade moved: `72.4 -> 80`, and the status where it is another one."""
    if outcome.before is None or outcome.after is None:
        return ""
    text = f"{outcome.before.points:g} -> {outcome.after.points:g}"
    if outcome.before.status is not outcome.after.status:
        text += f" {outcome.before.status} -> {outcome.after.status}"
    return text


def summary(found: Sequence[Outcome]) -> str:
    """Return one line: how many of each kind, and whose grade would move."""
    judged = [outcome for outcome in found if outcome.what == "judged anew"]
    words = [judged_line(judged)] if judged else []
    for what in ORDER[1:]:
        count = sum(outcome.what == what for outcome in found)
        words += [f"{count} {what}"] if count else []
    return "; ".join(words) or "nobody has handed in anything"


def plain_cells(outcome: Outcome) -> tuple[str, str, str, str, str]:
    """Return student, what happens, points now and then, and why, as plain text."""
    from grader.notebooks.sanitise_text import visible

    before, after = (
        "" if grade is None else f"{grade.points:g}/{grade.max_points:g} {grade.status}"
        for grade in (outcome.before, outcome.after)
    )
    reasons = [
        outcome.reason,
        *(f"earlier versions stay: {reason}" for reason in outcome.stale),
        APART if outcome.apart else "",
        *outcome.notes,
    ]
    cells = (outcome.student, outcome.what, before, after, "; ".join(filter(None, reasons)))
    first, *others = (visible(cell).replace("\t", " ").replace("\n", " ") for cell in cells)
    return (first, others[0], others[1], others[2], others[3])


def _table(found: Sequence[Outcome], assignment: str) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=plain(f"{assignment}: what `grade` would do"))
    for name in ("student", "what happens", "points now", "points then", "why"):
        table.add_column(name, overflow="fold")
    for outcome in found:
        student, what, before, after, why = map(escape, plain_cells(outcome))
        style = STYLES.get(outcome.what)
        after = f"[bold]{after}[/]" if outcome.changed else after
        table.add_row(student, f"[{style}]{what}[/]" if style else what, before, after, why)
    return table


def _list(outcomes: Sequence[Outcome], what: str) -> None:
    """Name students of one kind with the reason, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for outcome in outcomes:
        reasons.setdefault(outcome.reason, []).append(outcome.student)
    for reason, students in reasons.items():
        _line(what, f"{_names(students)}: {reason}")


def _names(students: Sequence[str]) -> str:
    more = f" and {len(students) - LISTED} more" if len(students) > LISTED else ""
    return ", ".join(students[:LISTED]) + more


def _line(what: str, text: str) -> None:
    output.errors.print(f"[yellow]{what}:[/] {plain(text)}", highlight=False, soft_wrap=True)
