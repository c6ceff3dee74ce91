"""The commands of `pawgrade`. Heavy modules are imported inside them, so that `--help` answers at once."""

from __future__ import annotations

import itertools
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grader.cli import entry, output
from grader.cli.commands import left_out, outcomes
from grader.cli.commands.adopt import adopt
from grader.cli.commands.assignments import calibrate, verify
from grader.cli.commands.check import CheckCommand, check
from grader.cli.commands.ci import ci_app
from grader.cli.commands.collect import collect
from grader.cli.commands.export import export
from grader.cli.commands.kernels import kernels_app
from grader.cli.commands.new import new_app
from grader.cli.commands.review import review
from grader.cli.handed_out import hand_out_and_tell
from grader.cli.options import (
    CourseOption,
    DataOption,
    Ids,
    JsonOption,
    JunitOption,
    SandboxOption,
    SummaryOption,
    open_course,
    plain,
)
from grader.cli.progress import Progress, phases
from grader.errors import SpecError
from grader.kernel_env import leave_out_iri_grammar
from grader.records import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.assignment.course import Course
    from grader.gradebook.projection import Rebuilt
    from grader.grading.deciding import Options, Outcome
    from grader.records import Grade
    from grader.settings import Settings

app = typer.Typer(
    name="pawgrade",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    cls=entry.Commands,
    callback=entry.common_options,
    context_settings=entry.HELP_NAMES,
    help="""An autograded teaching lab for deep learning on images.

New here? `pawgrade demo` grades a small made-up class. Students run `pawgrade check NOTEBOOK`; instructors
`pawgrade new course`, `release`, `grade`, `feedback`, and `verify` for the assignment itself.

Exit codes: 0 done; 1 done, but something is below its pass mark or not as it must be; 2 an assignment, option or
setting is wrong; 3 the grader or this machine failed (a full disk, no network), or somebody's grade could not be decided: mend it, or
try again; 130 interrupted.

Settings come from `pawgrade.toml` in the course and from the environment: `PAWGRADE_DATA` (folder with the real
photos), `PAWGRADE_HOLDOUT` (folder with photos of your own that judge), `PAWGRADE_WEIGHTS` (folder with weights of networks), `PAWGRADE_CACHE`, `PAWGRADE_SECRET`, `PAWGRADE_KERNEL`,
`PAWGRADE_SANDBOX` (namespaces or none), `PAWGRADE_SEED`, `PAWGRADE_DEVICE`, `PAWGRADE_COUNTS` (latest or best), `PAWGRADE_ATTEMPTS` (versions that are scored
against the same hidden photos; 5, 0 for all), `PAWGRADE_LADDER` (step by which a score must improve before feedback
shows it; off), `PAWGRADE_DB_URL`.""",
)
gradebook_app = typer.Typer(no_args_is_help=True, help="Look after the gradebook.")
app.add_typer(gradebook_app, name="gradebook")
app.add_typer(kernels_app, name="kernels")
app.add_typer(ci_app, name="ci")
app.add_typer(new_app, name="new")
app.command(cls=CheckCommand)(check)
app.command()(verify)
app.command()(calibrate)
app.command()(review)
app.command()(export)
app.command()(collect)
app.command()(adopt)


def main() -> None:
    """Run the command line; errors of ours become one line and an exit code."""
    leave_out_iri_grammar()
    entry.run(app)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where its course goes.")] = Path("pawgrade-demo"),
    everything: Annotated[bool, typer.Option("--all", help="Grade every assignment of the course.")] = False,
    json_path: JsonOption = None,
) -> None:
    """Grade a small made-up class on drawn pets: release, execute, judge, record, explain.

    Nothing is downloaded. The class hands in the reference solution, the empty template, weak, broken and cheating
    notebooks; the table shows what each earned and why. Look at the feedback pages afterwards. Each notebook runs in the sandbox;
    where something is missing, the last line says what was left out and what gets it. The course comes with
    `pip install 'pawgrade[staff]'`: what students install has no solutions in it.
    """
    from grader import demo as demo_module

    with Progress() as tell:
        finished = demo_module.run(folder, os.environ, tell, everything=everything)
    # groupby joins neighbours only: the demo grades one assignment after the other.
    for assignment, grades in itertools.groupby(finished.grades, key=lambda grade: grade.assignment):
        output.print_grades(tuple(grades), finished.titles[assignment])
    for line in finished.where:
        output.note(line)
    if json_path:
        output.write_json([grade.to_json() for grade in finished.grades], json_path)


@app.command()
def release(assignments: Ids = None, course: CourseOption = None) -> None:
    """Make what students get: source notebooks in `solutions/` become releases in `assignments/`, or in the course's own folders.

    Solutions, hidden tests and staff files stay behind; a release that would give something away is refused. Of a quiz each student in
    roster.csv gets an own notebook, in `handed_out/<student>/`.
    """
    from grader.authoring import release as release_module

    opened_course, settings = open_course(course)
    url = opened_course.db_url(settings.db_url)
    for assignment in opened_course.chosen(assignments):
        with phases(assignment) as tell:
            path = release_module.release(opened_course.folder, assignment, url, tell=tell)
        output.note(f"released {assignment} to {path}")
        hand_out_and_tell(opened_course, assignment, settings)


StudentOption = Annotated[
    list[str] | None, typer.Option("--student", help="Only this student; may be repeated.")
]
RunnerOption = Annotated[Literal["inline"], typer.Option("--runner", help="inline: one after the other.")]
ExtraAttemptOption = Annotated[
    bool,
    typer.Option(
        "--extra-attempt",
        help="Score what the students named by --student handed in, although their scored attempts are used up.",
    ),
]
StaffOption = Annotated[
    bool,
    typer.Option(
        "--staff",
        help="Show what only staff may read, too: exact numbers, times and flags. Not for logs that students see.",
    ),
]


@app.command()
def grade(
    assignment: Annotated[str, typer.Argument(help="Assignment id.", show_default=False)],
    course: CourseOption = None,
    data: DataOption = None,
    student: StudentOption = None,
    runner: RunnerOption = "inline",
    sandbox: SandboxOption = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what has not changed.")] = False,
    extra_attempt: ExtraAttemptOption = False,
    dry_run: outcomes.DryRunOption = False,
    staff: StaffOption = False,
    json_path: JsonOption = None,
    junit_path: JunitOption = None,
    summary_path: SummaryOption = None,
) -> None:
    """Grade what is handed in: the notebooks of an assignment in `submitted/<student>/<assignment>/`.

    There is one, `<assignment>.ipynb`, unless `assignment.toml` names others; `nbgrader_config.py` may name other folders.
    Grading again is free: only what changed is run. A run that was killed goes on where it stopped. Scores, comments
    and extra credit given by hand are kept. Grades go to nbgrader's gradebook, executed notebooks to `autograded/`.
    Where only levels, points or checks have changed, what the notebooks answered is judged again and nothing is run:
    `--dry-run` shows first whose points would move.
    Tables, reports and JSON say of hidden photos no more than a student's page does.
    """
    del runner  # one so far
    from grader import disclosure
    from grader.assignment.spec import load_assignment
    from grader.grading.deciding import Options

    opened_course, settings = open_course(course, sandbox)
    # As every command does: a misspelt assignment has the same answer everywhere.
    opened_course.chosen([assignment])
    by_hand = bool(load_assignment(opened_course.source(assignment)).manual)
    options = Options(data, tuple(student or ()), force, extra_attempt)
    if dry_run:
        outcomes.show_forecast(opened_course, assignment, settings, options, json_path)
        raise typer.Exit(0)
    grades, told, unscored = _graded(opened_course, assignment, settings, options)
    # Asked before the flags are taken out: without --staff it is said that there are some, not which.
    flagged = any(grade.staff.flags for grade in grades)
    logs = [f"{grade.student}: {grade.staff.log}" for grade in grades if grade.status is Status.ERROR]
    grades = grades if staff else [disclosure.told(grade) for grade in grades]
    if not grades:
        left_out.tell_that_nobody_handed_in(opened_course, assignment)
    elif json_path is None or str(json_path) != "-":
        output.print_grades(grades, by_hand=by_hand)
        _warn(grades, flagged=flagged, logs=logs)
    not_graded, strays = opened_course.left_out(assignment), opened_course.strays()
    outcomes.tell(opened_course, assignment, told, force=force)
    left_out.tell_left_out(not_graded, unscored, settings.attempts)
    left_out.tell_times(opened_course.submissions(assignment, options.students), opened_course)
    left_out.tell_strays(strays, opened_course, assignment, nobody=not grades)
    _report(grades, json_path, junit_path, summary_path, staff=staff, by_hand=by_hand)
    # Piped, standard output has a line for each submission and nothing else.
    if grades and output.console.is_terminal and str(json_path) != "-":
        output.note(f"next: pawgrade feedback {shlex.quote(assignment)}")
    # Somebody left out makes it 1, as a missed pass mark does.
    if any(outcome.what in outcomes.FAILED for outcome in told):
        raise typer.Exit(3)
    raise typer.Exit(_exit_code(grades) or int(bool(not_graded or (strays and not grades))))


def _graded(
    course: Course, assignment: str, settings: Settings, options: Options
) -> tuple[list[Grade], list[Outcome], Sequence[str]]:
    """Grade a class; return grades, what became of each submission, and who has more versions than are scored."""
    from grader.grading.coordinator import grade_class
    from grader.grading.runners import InlineExecutor

    # Reading the submissions refuses a misspelt student before anything is prepared.
    progress = Progress(len(course.submissions(assignment, options.students)))
    told: list[Outcome] = []
    with progress as tell:
        grades = grade_class(
            course, assignment, settings, options, runner=InlineExecutor(), tell=tell, explain=told.append
        )
    return grades, told, progress.unscored


def _report(
    grades: list[Grade],
    json_path: Path | None,
    junit: Path | None,
    summary: Path | None,
    *,
    staff: bool,
    by_hand: bool,
) -> None:
    """Write the files that were asked for; the JSON for staff has what only they may read."""
    from grader.reports import other_programs

    if json_path:
        output.write_json([grade.to_record() if staff else grade.to_json() for grade in grades], json_path)
    # They get the same grades as the table: CI logs and artefacts are read by more people than staff.
    if junit:
        junit.write_text(other_programs.grades_junit(grades), encoding="utf-8")
    if summary:
        output.append(other_programs.grades_summary(grades, by_hand=by_hand), summary)


def _exit_code(grades: list[Grade]) -> int:
    if any(grade.status is Status.ERROR for grade in grades):
        return 3
    return 0 if all(grade.passed for grade in grades) else 1


def _warn(grades: list[Grade], *, flagged: bool, logs: list[str]) -> None:
    undecided = [grade.student for grade in grades if grade.status is Status.ERROR]
    if undecided:
        where = ".pawgrade/attempts/<assignment>/<student>/<attempt>/staff.log, or grade again with -v"
        output.errors.print(
            plain(f"not decided: {', '.join(undecided)}; see {where}"), style="magenta", highlight=False
        )
        if output.verbosity.level == output.VERBOSE:
            output.errors.print(plain("\n".join(logs)), highlight=False, soft_wrap=True)
    # Grades have flags only with --staff; the line below them is for everybody.
    for line in (f"{grade.student}: {flag}" for grade in grades for flag in grade.staff.flags):
        output.errors.print(f"[yellow]worth a look:[/] {plain(line)}", highlight=False)
    if flagged:
        what = f"some results are worth a look; `pawgrade review {shlex.quote(grades[0].assignment)}` shows which and why"
        text = f"{what}. No verdict, and no points changed."
        output.errors.print(plain(text), style="dim", highlight=False)
    if any(grade.believed for grade in grades):
        what = f"believed: tests in the students' own notebooks gave these points; `pawgrade adopt {shlex.quote(grades[0].assignment)} --checks` begins checks that ask from outside"
        output.errors.print(plain(what), style="dim", highlight=False)
    # Repeated for each class: without a sandbox nothing keeps a notebook from the grader's own files (ADR 3).
    ran = sum(grade.sandbox == "none" for grade in grades)
    if ran:
        text = f"sandbox: none. {ran} of {len(grades)} submissions ran with your rights; grade only notebooks that you trust."
        output.errors.print(plain(text), style="dim", highlight=False)


@app.command()
def feedback(
    assignment: Annotated[str, typer.Argument(help="Assignment id.", show_default=False)],
    course: CourseOption = None,
    student: Annotated[
        list[str] | None, typer.Option("--student", help="Only this student; may be repeated.")
    ] = None,
) -> None:
    """Write a page for each student: verdicts, hints, pictures, the executed notebook; and the class at a glance.

    Pages go to `feedback/<student>/<assignment>/<assignment>.html`, with `feedback/<student>/index.html` above them: all
    assignments of that student, as told. They need no server and show nothing hidden. `feedback/index.html` is **for
    staff**: it names the whole class. Give each student their own folder, never all of `feedback/`. Exit code 2, and nothing
    is written, where nobody has been graded yet.
    """
    from grader.feedback.picture_files import require_drawn
    from grader.feedback.publish import write_pages
    from grader.reports.overview.pages import write_overview

    opened_course, settings = open_course(course)
    source = opened_course.source(assignment)
    students = []
    with phases(assignment) as tell:
        try:
            tell("looking at its pictures")
            require_drawn(source)
        except SpecError as exc:  # a page without a picture is better than no page
            text = plain(f"some pictures are missing on the pages: {exc}")
            output.errors.print(f"[yellow]note:[/] {text}", highlight=False)
        # Pages are told as they are written, so the generator is not made a list.
        for path in write_pages(opened_course, assignment, settings, tuple(student or ()), tell=tell):
            output.note(f"wrote {path}")
            students.append(path.parent.parent.name)
        overview = write_overview(opened_course, settings, {assignment: students}, tell=tell)
    for note in overview.notes:
        output.errors.print(f"[yellow]note:[/] {plain(note)}", highlight=False)
    output.note(f"wrote {overview.page} (for staff: it names the whole class)")


@gradebook_app.command()
def rebuild(course: CourseOption = None) -> None:
    """Write nbgrader's gradebook again from the stored attempts.

    Scores, comments and extra credit given by hand are saved to `.pawgrade/manual/` first and put back. What Pawgrade
    did not write stays as it is; where that cannot be, nothing is changed. The gradebook is copied first, and no copy is
    ever overwritten.
    """
    from grader.gradebook.rebuild import rebuild_gradebook

    opened_course, settings = open_course(course)
    _print_rebuilt(rebuild_gradebook(opened_course, settings), opened_course.db_url(settings.db_url))


@gradebook_app.command("set-aside")
def set_aside(
    assignment: Annotated[str, typer.Argument(help="Assignment id.", show_default=False)],
    course: CourseOption = None,
) -> None:
    """Keep what nbgrader itself graded of an assignment under another name, so that Pawgrade can grade it.

    All scores, comments and penalties stay in the gradebook, under the other name, and a copy of it is made first.
    What Pawgrade had graded of the assignment stays with it.
    """
    # Hides the command of the same name, inside of it only.
    from grader.gradebook.rebuild import set_aside

    opened_course, settings = open_course(course)
    name, done = set_aside(opened_course, settings, assignment)
    output.note(f"{assignment} as it was is now {name} in the gradebook")
    _print_rebuilt(done, opened_course.db_url(settings.db_url))


def _print_rebuilt(done: Rebuilt, db_url: str) -> None:
    output.note(f"wrote {done.submissions} submissions to {db_url}")
    for name, path in (
        ("the staff's work was saved to", done.snapshot),
        ("the previous gradebook is", done.kept),
    ):
        if path:
            output.note(f"{name} {path}")
    for notice in done.notices:
        output.console.print(f"[yellow]note:[/] {plain(notice)}", highlight=False)


@app.command()
def doctor(course: CourseOption = None, json_path: JsonOption = None) -> None:
    """Look at this machine: what is here, what is missing, what follows, and the command that mends it."""
    from rich.table import Table

    from grader.assignment.course import find_course
    from grader.doctor import examine
    from grader.errors import SpecError
    from grader.settings import load

    try:
        opened_course = find_course(course, Path.cwd())
    except SpecError:  # the machine can be looked at without a course
        opened_course = None
    table = Table("what", "", "found", "what follows, and what mends it", title="doctor")
    # The trials run here: `examine` is a generator, and table, JSON and exit code all need every fact.
    facts = list(examine(opened_course, load(opened_course.folder if opened_course else None, os.environ)))
    marks = {"good": "[green]✓[/]", "missing": "[yellow]–[/]", "bad": "[red]✗[/]"}
    for fact in facts:
        table.add_row(fact.what, marks[fact.state], plain(fact.found), plain(fact.advice))
    if json_path:
        output.write_json([vars(fact) for fact in facts], json_path)
    if json_path is None or str(json_path) != "-":
        output.console.print(table)
    raise typer.Exit(1 if any(fact.state == "bad" for fact in facts) else 0)
