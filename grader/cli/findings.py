"""What `pawgrade verify` found, as a table or as lines, and what an author has to read in full below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from grader.authoring.findings import Finding
from grader.cli import output

SHORT = 160  # characters of what was found, where more stands below the table


def print_findings(findings: Sequence[Finding]) -> None:
    """Print what `verify` found: a table in a terminal; for a pipe a line each, and the count on standard error."""
    if output.console.is_terminal:
        output.console.print(findings_table(findings))
        return
    for finding in findings:
        seconds = f"{finding.seconds:.0f}" if finding.seconds else ""
        mark = "ok" if finding.ok else "NOT OK"
        output.out(
            f"{output.tabbed([mark, finding.assignment, finding.what, seconds, _in_a_row(finding)])}\n"
        )
    output.errors.print(Text(_how_many(findings)), soft_wrap=True)


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return what `verify` found: a row each, and in the caption how many are not as they must be."""
    table = Table(title="verify", caption=_how_many(findings), show_lines=True)
    for name in ("assignment", "what", "", "found"):
        # Names that are no words are broken rather than cut.
        table.add_column(name, overflow="fold", no_wrap=not name)
    for finding in findings:
        mark = Text("✓", style="green") if finding.ok else Text("✗", style="red")
        took = f"{finding.seconds:.0f} s: " if finding.seconds else ""
        table.add_row(Text(finding.assignment), Text(finding.what), mark, Text(took + _in_a_row(finding)))
    return table


def _how_many(findings: Sequence[Finding]) -> str:
    wrong = sum(not finding.ok for finding in findings)
    if wrong:
        return f"{wrong} of {len(findings)} not as they must be"
    return f"{len(findings)} looked at, all as they must be"


def _in_a_row(finding: Finding) -> str:
    """Return what was found; what an author has to read in full stands below, where lines are as long as they are."""
    if not finding.log:
        return finding.detail
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
