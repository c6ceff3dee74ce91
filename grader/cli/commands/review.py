"""The command `review`, which shows staff unlikely results and shared cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import output
from grader.cli.options import CourseOption, JsonOption, open_course, plain

if TYPE_CHECKING:
    from rich.table import Table

    from grader.reports.review import Review

SHOWN = 20  # rows of a table; the JSON has all


def review(
    assignment: Annotated[str, typer.Argument(help="Assignment id.", show_default=False)],
    course: CourseOption = None,
    json_path: JsonOption = None,
) -> None:
    """Show what may be worth a look after grading: unlikely results, shared cells, attempts used. No verdict.

    Flags: an accuracy far above what honest solutions reached in the calibration, or far above the same student's on the
    second holdout, each with its chance. Shared: cells with the same code (comments, docstrings and formatting do not
    count), the same but for names, or the same numbers printed that no run of the grader printed. Cells of the
    release and very short ones are left out. Nothing is run, no point changes, and no page of a student shows it.
    """
    from grader.reports import review as review_module

    opened_course, settings = open_course(course)
    looked_at = review_module.review(opened_course, assignment, settings)
    if json_path:
        output.write_json(looked_at.to_json(), json_path)
    if json_path is None or str(json_path) != "-":
        _print(looked_at)


def _print(looked_at: Review) -> None:
    from grader.reports.review import NOTE

    # `plain` around all that students wrote: names, code, ids of cells.
    show = output.console.print
    show(_students(looked_at))
    for row in looked_at.rows:
        for flag in row.flags:
            show(f"[yellow]worth a look:[/] {plain(f'{row.student}: {flag}')}", highlight=False)
    for student in looked_at.unread:
        text = f"{student}: the notebook takes too much memory or time to look at; open it by hand"
        show(f"[yellow]not looked at:[/] {plain(text)}", highlight=False)
    report = looked_at.report
    if report.shared:
        show(_shared(looked_at))
        show(_pairs(looked_at))
    else:
        show("no cells are shared beyond what the release gave", highlight=False)
    left = max(len(report.shared), len(report.pairs)) - SHOWN
    if left > 0:
        show(f"tables show {SHOWN} rows; --json has all", style="dim", highlight=False)
    show(NOTE, highlight=False)


def _students(looked_at: Review) -> Table:
    from rich.table import Table

    table = Table(
        title=f"{looked_at.assignment}: {len(looked_at.rows)} student{'s' * (len(looked_at.rows) != 1)}"
    )
    for name in ("student", "points", "scored versions", "flags", "own cells", "shared with others"):
        table.add_column(name, justify="left" if name == "student" else "right")
    limit = f" of {looked_at.limit}" if looked_at.limit else ""
    for row in looked_at.rows:
        table.add_row(
            plain(row.student),
            f"{row.points:g}/{row.max_points:g}",
            f"{row.scored}{limit}",
            str(len(row.flags) or ""),
            str(row.own),
            str(row.shared or ""),  # blank for 0, so that the others catch the eye
        )
    return table


def _shared(looked_at: Review) -> Table:
    from rich.table import Table

    table = Table(
        "what", "who, and where", "how it begins", title="shared cells, rare ones first", show_lines=True
    )
    for group in looked_at.report.shared[:SHOWN]:
        names = [f"{student}: {cell}" for student, cell in zip(group.students, group.cells, strict=True)]
        # A cell from a lecture may be in every notebook of the class.
        more = [f"and {len(names) - 5} more"] if len(names) > 5 else []
        what = f"{group.kind}\n(the model solution has it)" if group.model else group.kind
        table.add_row(what, plain("\n".join([*names[:5], *more])), plain(group.excerpt))
    return table


def _pairs(looked_at: Review) -> Table:
    from rich.table import Table

    table = Table("students", "cells", "of their own", "outputs", title="pairs with most in common")
    for pair in looked_at.report.pairs[:SHOWN]:
        names = " and ".join(pair.students)
        table.add_row(plain(names), str(pair.shared or ""), f"{pair.share:.0%}", str(pair.outputs or ""))
    return table
