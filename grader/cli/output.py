"""Format results as tables for a terminal, and write them as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from grader.authoring.findings import Finding
from grader.files import write_whole
from grader.notebooks.sanitise_text import visible
from grader.records import Check, Grade, Status, on_card

if TYPE_CHECKING:
    from grader.authoring.calibrate import Found

STYLES = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.SKIPPED: "yellow",
    Status.ERROR: "bold magenta",
}
SYMBOLS = {Status.PASSED: "✓", Status.FAILED: "✗", Status.SKIPPED: "–", Status.ERROR: "!"}

SHORT = 160  # characters of what was found, where more stands below the table
WIDTH = 170  # characters, where no terminal says otherwise: logs and files wrap badly


class Terminal(Console):
    """A console that passes on no character by which a name or a message could steer the terminal."""

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        """Turn all that is printed, tables and progress bars included, into what the terminal gets."""
        # A private method, but the one through which everything printed passes (tests/test_names.py). Control segments
        # are rich's own: they move the cursor for progress bars.
        segments = (
            segment if segment.control else Segment(visible(segment.text), segment.style)
            for segment in buffer
        )
        return super()._render_buffer(segments)


console = Terminal(width=None if sys.stdout.isatty() else WIDTH)
errors = Terminal(stderr=True, width=None if sys.stderr.isatty() else WIDTH)


def status(value: Status) -> Text:
    """Return a status in its colour."""
    return Text(f"{SYMBOLS[value]} {value}", style=STYLES[value])


def grades_table(grades: Sequence[Grade], titles: dict[str, str] | None = None) -> Table:
    """Return a class as a table: points an exercise, total, status, what needs a look.

    Args:
        grades: one row each.
        titles: what a student did, by id, for the demo.
    """
    table = Table(
        # As Text, here and below: brackets in a name are no markup.
        title=Text(f"{grades[0].assignment}{on_card(grades[0].data)}", style="table.title")
        if grades
        else "nothing handed in",
        show_lines=True,
    )
    table.add_column("student", min_width=10, max_width=26)
    for exercise in grades[0].exercises if grades else ():
        table.add_column(exercise.id, justify="right", no_wrap=True)
    # "up to": seconds of a student's notebook are told in coarse steps (ADR 11).
    for name, side in (("points", "right"), ("by hand", "right"), ("up to s", "right"), ("status", "left")):
        table.add_column(name, justify=side, no_wrap=True, min_width=len(name))  # type: ignore[arg-type]
    table.add_column("what happened", overflow="fold", min_width=24)
    for grade in grades:
        who = Text(grade.student, style="bold")
        if titles and grade.student in titles:
            who.append(f"\n{titles[grade.student]}", style="not bold")
        by_hand = "to do" if grade.manual_points is None else f"{grade.manual_points:g}"
        row: tuple[str | Text, ...] = (
            who,
            *(_points(exercise.points, exercise.status) for exercise in grade.exercises),
            f"{grade.points:g}/{grade.max_points:g}",
            by_hand,
            f"{grade.seconds.total:.0f}",
            status(grade.status),
            Text(what_happened(grade)),
        )
        table.add_row(*row)
    return table


def _points(points: float, state: Status) -> Text:
    # An ERROR is undecided: a number would read like a verdict (ADR 4).
    return Text("!" if state is Status.ERROR else f"{points:g}", style=STYLES[state])


def what_happened(grade: Grade) -> str:
    """Say in one or two lines what a teacher would want to know first."""
    # A notice says why nothing ran, or that this version is not scored: it explains the rest of the row.
    if grade.notices:
        return str(grade.notices[0])
    # The first of each only: what fails later often follows from it.
    broken = [f"cell {cell.number}: {cell.error}" for cell in grade.failed_cells[:1]]
    failed = next((check for check in grade.checks if check.status in (Status.FAILED, Status.ERROR)), None)
    first = f"{failed.exercise}: {failed.found}" if failed else ""
    return "; ".join([*broken, first] if first else broken)


def checks_table(checks: Sequence[Check]) -> Table:
    """Return verdicts as a table: measured, required, what to try next."""
    table = Table(show_lines=True)
    for name in ("check", "points", "verdict"):
        table.add_column(name, no_wrap=name == "points")
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
        sys.stdout.write(text)
        return
    write_whole(path, text)  # a program that waits for the file never reads half of it


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return what `verify` found: a row each, and in the caption how many are not as they must be."""
    wrong = sum(not finding.ok for finding in findings)
    caption = (
        f"{wrong} of {len(findings)} not as they must be"
        if wrong
        else f"{len(findings)} looked at, all as they must be"
    )
    table = Table("assignment", "what", "", "found", title="verify", caption=caption)
    for finding in findings:
        mark = Text("✓", style="green") if finding.ok else Text("✗", style="red")
        took = f"{finding.seconds:.0f} s: " if finding.seconds else ""
        # What an author has to read stands below the table in full, where lines are as long as they are.
        detail = _below(finding) if finding.log else finding.detail
        table.add_row(Text(finding.assignment), Text(finding.what), mark, Text(took + detail))
    return table


def _below(finding: Finding) -> str:
    first = finding.detail.partition("\n")[0]
    return f"{first if len(first) <= SHORT else first[: SHORT - 3] + '...'} (more below)"


def slips(findings: Sequence[Finding]) -> Iterator[Text]:
    """Yield what authors got wrong in their files, once where several findings are about the same: exceptions, own lines first."""
    told: dict[tuple[str, str], str] = {}
    for finding in findings:
        told.setdefault((finding.assignment, finding.log), finding.what)
    for (assignment, log), what in told.items():
        if log:
            yield Text(f"{assignment}: {what}", style="bold red")
            yield from (Text(f"  {line}") for line in log.splitlines())


def append(text: str, path: Path) -> None:
    """Append text to a file, which others may have begun."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def calibration_report(assignment: str, found: Found) -> Iterator[Table | str]:
    """Yield what `calibrate` found: a table of measures, and in words what the runs support.

    Args:
        assignment: its id.
        found: the calibration, its runs and the levels in force.
    """
    from grader.calibration.statistics import TARGET, bound, suggest, trials_needed

    # The chance that all levels together may have is divided evenly among them.
    calibration, share = found.calibration, TARGET / max(1, len(found.calibration.measures))
    table = Table(title=f"{assignment}{on_card(found.card)}: {calibration.runs} honest runs", show_lines=True)
    for name in (
        "measure",
        "mean",
        "lowest",
        "5 %",
        "sd: seed",
        "split",
        "holdout",
        "level",
        "chance of a loss",
    ):
        table.add_column(name)
    table.add_column("supported levels")
    table.add_column(f"photos for {share:.1%}")
    for name, spread in calibration.measures.items():
        level, supported = found.levels[spread.level], suggest(spread, share)
        needed = trials_needed(spread, level.full_at, share)
        # "no number": more photos take away the luck of counting, not that of seed and split.
        photos = "–" if spread.trials is None else str(needed or "no number")
        table.add_row(
            name,
            f"{spread.mean:.3f}" + (f" of {spread.trials}" if spread.trials else ""),
            f"{spread.quantiles[0]:.3f}",
            f"{spread.quantiles[1]:.3f}",
            f"{spread.seed_sd:.4f}",
            f"{spread.split_sd:.4f}",
            f"{spread.holdout_sd:.4f}" if spread.trials else "–",
            f"{level.zero_at:g} to {level.full_at:g}",
            f"{spread.rate:.2g}",
            f"{supported.zero_at:g} to {supported.full_at:g}",
            photos,
        )
    yield table
    yield f"recipes: {', '.join(calibration.recipes)}; {calibration.seeds} seeds, {calibration.splits} splits"
    yield f"modelled chance that an honest solution loses a point by luck: {calibration.rate:.2g} (all levels together, weakest recipe; allowed {TARGET:g})"
    yield f"observed: {calibration.lost} of {calibration.runs} runs lost a point; at 95 % that alone supports a chance below {bound(calibration.lost, calibration.runs):.2g}"
    for outcome in found.outcomes:
        lost = outcome.lost(found.levels)
        if lost:
            yield f"  {outcome.run.recipe}, seed {outcome.run.seed}: {'; '.join(lost)}"
