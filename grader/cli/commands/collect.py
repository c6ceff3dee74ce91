"""The command `collect`, which puts hand-ins of learning platforms where grading looks for them."""

from __future__ import annotations

import shlex
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grader.cli import output
from grader.cli.options import CourseOption, JsonOption, open_course, plain

if TYPE_CHECKING:
    from rich.table import Table

    from grader.collecting.collect import Collected

LISTED = 40  # lines of what is left out; the JSON has all
SYSTEMS = {
    "moodle": "Moodle's download",
    "canvas": "Canvas' download",
    "nbgrader": "nbgrader's exchange",
    "folder": "a folder by student",
    "git": "git repositories",
}
WORDS = {
    "new": "new",
    "replaces": "replaces the earlier one",
    "unchanged": "unchanged",
    "older": "older, put aside",
    "undecided": "not decided",
    "refused": "not taken",
}
STYLES = {"new": "green", "replaces": "green", "undecided": "red", "refused": "red"}

SourceArgument = Annotated[
    Path,
    typer.Argument(
        help="Zip archive as the platform gives it, or a folder: of files by student, of git repositories, nbgrader's exchange.",
        show_default=False,
    ),
]
SystemOption = Annotated[
    Literal["moodle", "canvas", "nbgrader", "folder", "git"] | None,
    typer.Option("--from", help="Where it comes from. Default: told by the names in it."),
]
RosterOption = Annotated[
    Path | None,
    typer.Option("--roster", help="CSV with who is in the course. Default: roster.csv in the course."),
]
TagOption = Annotated[
    str, typer.Option("--tag", help="git: pattern of the tags that hand in; the latest commit counts.")
]
SlugOption = Annotated[
    str,
    typer.Option(
        "--slug", help="git: the assignment in the repositories' names. Default: its id with hyphens."
    ),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        help="IANA zone of times in a zip archive, such as Europe/Berlin. Default: this machine's.",
    ),
]
AnyOwnerOption = Annotated[
    bool,
    typer.Option(
        "--any-owner",
        help="nbgrader's exchange: also take folders that belong to another account than their student's, as in copies and backups.",
    ),
]


def collect(
    source: SourceArgument,
    assignment: Annotated[str, typer.Option("--assignment", help="Assignment id.", show_default=False)],
    course: CourseOption = None,
    system: SystemOption = None,
    roster: RosterOption = None,
    tag: TagOption = "submit/*",
    slug: SlugOption = "",
    zone: ZoneOption = None,
    any_owner: AnyOwnerOption = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Take what is collected also where no time says that it is the later one."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen, and write nothing.")
    ] = False,
    json_path: JsonOption = None,
) -> None:
    """Put hand-ins, as Moodle, Canvas, nbgrader or GitHub Classroom give them, where `grade` looks for them.

    They become `submitted/<student>/<assignment>/`, where `nbgrader_config.py` names no other folder, with `timestamp.txt`. Only the
    assignment's notebooks (`<assignment>.ipynb`, unless `assignment.toml` names others) and the files that it declares are taken;
    what fits nothing is named, with the reason, and put aside under `collected/`.
    A later hand-in replaces an earlier one, which is put aside first; an older one never does. The same command a second
    time changes nothing.

    Who is who says `roster.csv` (columns `id` and, as your platform has them, `name`, `email`, `username`, `canvas id`,
    `github`, `moodle participant`). Without one, ids are made of what the platform gives.

    Try `pawgrade collect submissions.zip --assignment lab_2 --dry-run` first. Exit code 1: somebody's work is
    not where it can be graded.
    """
    from grader.collecting.collect import Order
    from grader.collecting.collect import collect as collect_all
    from grader.collecting.sources import Reading

    opened_course, settings = open_course(course)
    reading = Reading(system, tag, slug, _zone(zone), any_owner=any_owner)
    order = Order(source, assignment, reading, roster, replace=replace, dry_run=dry_run)
    collected = collect_all(opened_course, order, opened_course.db_url(settings.db_url))
    if json_path:
        output.write_json(collected.to_json(), json_path)
    if json_path is None or str(json_path) != "-":
        _print(collected, order.source, dry_run=dry_run)
        if not dry_run and (collected.counts["new"] or collected.counts["replaces"]):
            output.note(f"next: pawgrade grade {shlex.quote(assignment)}")
    raise typer.Exit(0 if collected.complete else 1)


def _zone(name: str | None) -> zoneinfo.ZoneInfo | None:
    from grader.errors import SpecError

    if name is None:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise SpecError(
            f"--timezone: {name!r} is no time zone.", "Give an IANA name, such as Europe/Berlin or UTC."
        ) from exc


def _print(collected: Collected, source: Path, *, dry_run: bool) -> None:
    show = output.console.print
    if collected.rows:
        show(_table(collected, source))
    else:
        show(plain(f"{source}: no hand-in was found; read as {SYSTEMS[collected.kind]}"), highlight=False)
    work_first = sorted(collected.asides, key=lambda aside: not aside.work)
    for aside in work_first[:LISTED]:
        style = "red" if aside.work else "yellow"
        show(f"[{style}]left out:[/] {plain(f'{aside.path}: {aside.why}')}", highlight=False)
    if len(work_first) > LISTED:
        show(f"and {len(work_first) - LISTED} more; --json has all", style="dim", highlight=False)
    if collected.put_aside:
        count = len(collected.put_aside)
        folder = "/".join(next(iter(collected.put_aside.values())).split("/")[:2])
        show(plain(f"put aside: {count} file{'s' * (count > 1)}, under {folder}/"), highlight=False)
    if any("id made of" in note for row in collected.rows for note in row.notes):
        show(
            "ids were made of what the platform gives; a roster.csv in the course gives your own",
            highlight=False,
        )
    show(_summary(collected, dry_run=dry_run), style="bold", highlight=False)


def _summary(collected: Collected, *, dry_run: bool) -> str:
    counts = collected.counts
    words = [f"{counts[action]} {WORDS[action].split(',')[0]}" for action in WORDS if counts[action]]
    line = ", ".join(words) or "nothing to collect"
    if dry_run:
        return f"{line}. Nothing was written: --dry-run"
    changed = counts["new"] or counts["replaces"] or collected.put_aside
    return line if changed else f"{line}. Nothing was changed"


def _table(collected: Collected, source: Path) -> Table:
    from rich.table import Table

    table = Table(title=plain(f"{source.resolve().name}: {SYSTEMS[collected.kind]}"))
    for name in ("student", "from", "handed in (UTC)", "what happens", "notes"):
        table.add_column(name, overflow="fold")
    for row in collected.rows:
        when = (
            row.handed_in.astimezone(zoneinfo.ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M")
            if row.handed_in
            else ""
        )
        action = (
            f"[{STYLES[row.action]}]{WORDS[row.action]}[/]" if row.action in STYLES else WORDS[row.action]
        )
        table.add_row(plain(row.student), plain(row.sender), when, action, plain("; ".join(row.notes)))
    return table
