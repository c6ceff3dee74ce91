"""The commands `verify` and `calibrate`, which test the assignments themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from grader.cli import findings as findings_output
from grader.cli import output
from grader.cli.options import (
    CourseOption,
    DataOption,
    Ids,
    JobsOption,
    JsonOption,
    JunitOption,
    SandboxOption,
    SummaryOption,
    open_course,
    plain,
)
from grader.cli.progress import Progress, phases
from grader.records import on_card

if TYPE_CHECKING:
    from rich.table import Table

    from grader.assignment.course import Course
    from grader.authoring.calibrate import Found
    from grader.authoring.findings import Finding
    from grader.authoring.verify import Part
    from grader.settings import Settings

UNREADABLE = "it can be verified"  # what is not so where an assignment's files are refused

OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", help="Run this mutant alone; may be repeated.")
]
OneInOption = Annotated[
    int,
    typer.Option(
        "--one-in",
        metavar="N",
        min=1,
        help="Run one mutant in N of each assignment; which demands no mutant fails is not asked then.",
    ),
]
DrawOption = Annotated[
    str,
    typer.Option(
        "--draw",
        metavar="TEXT",
        help="Which of them: the same text draws the same ones. Give a commit's hash, and each has its turn within some commits.",
    ),
]
PartOption = Annotated[
    list[str] | None,
    typer.Option(
        "--part",
        help="Look at this only: release, photos, calibration, runs or mutants. Which demands no mutant fails takes both runs and mutants.",
    ),
]
AnnotateOption = Annotated[
    Literal["github"] | None,
    typer.Option("--annotate", help="Print what is wrong as GitHub's annotations of files and lines."),
]
CodeQualityOption = Annotated[
    Path | None, typer.Option("--code-quality", help="Write what is wrong as GitLab's code quality report.")
]


def verify(
    assignments: Ids = None,
    course: CourseOption = None,
    data: DataOption = None,
    only: OnlyOption = None,
    one_in: OneInOption = 1,
    draw: DrawOption = "",
    part: PartOption = None,
    jobs: JobsOption = 0,
    sandbox: SandboxOption = None,
    json_path: JsonOption = None,
    junit_path: JunitOption = None,
    summary_path: SummaryOption = None,
    annotate: AnnotateOption = None,
    code_quality_path: CodeQualityOption = None,
) -> None:
    """Ask whether the assignments themselves are right.

    The source must earn full marks by public and hidden checks, twice the same with the same seed, and leave a third of
    its limits; the release earns 0 points without an ERROR, is fresh and gives nothing away. Each mutant in
    `staff/mutants` must lose exactly what its header names, each demand of the checks must be failed by a mutant, and no
    level may be tighter than the calibration supports (`pawgrade calibrate`). Exit code 1 when anything is not so, 2 when an
    assignment cannot be verified at all: what is wrong with its files stands below the table.
    """
    from grader.authoring import verify as verify_module
    from grader.errors import SpecError

    parts = _chosen_parts(part or ())
    opened_course, settings = open_course(course, sandbox)
    names = opened_course.chosen(assignments)
    # Before any notebook runs: a misspelt mutant would otherwise be told after minutes.
    mutants = verify_module.chosen_mutants(opened_course, names, only or (), one_in, draw)
    findings = _findings(opened_course, names, settings, data, parts, mutants, jobs)
    # Nothing found wrong because nothing was asked must not look like success.
    if not findings:
        raise SpecError(
            f"nothing was looked at in {', '.join(names)}: there is nothing to --part {' --part '.join(part or ())}.",
            f"Mutants are in {opened_course.layout.source}/<id>/staff/mutants.",
        )
    if json_path:
        output.write_json([finding.to_json() for finding in findings], json_path)
    if json_path is None or str(json_path) != "-":
        findings_output.print_findings(findings)
        # In a pipe standard output has a line for each finding, and nothing else.
        below = output.console if output.console.is_terminal else output.errors
        for line in findings_output.slips(findings):
            below.print(line, highlight=False, soft_wrap=True)
    _report(findings, opened_course.folder, junit_path, summary_path, code_quality_path)
    if annotate:
        # GitHub reads both streams; where the JSON is printed it has standard output to itself.
        _annotate(findings, opened_course.folder, on_errors=str(json_path) == "-")
    raise typer.Exit(_exit_code(findings))


def _exit_code(findings: Sequence[Finding]) -> int:
    """Return 2 where an assignment could not be verified at all, 1 where something is not as it must be."""
    if any(finding.what == UNREADABLE for finding in findings):
        return 2
    return 0 if all(finding.ok for finding in findings) else 1


def _chosen_parts(names: Sequence[str]) -> list[Part]:
    """Return the parts of a verification that are named, in their order; all of them where none is."""
    from grader.authoring.verify import PARTS
    from grader.errors import SpecError

    unknown = sorted(set(names) - set(PARTS))
    if unknown:
        raise SpecError(f"--part: expected {', '.join(PARTS)}, found {unknown[0]!r}.")
    return [part for part in PARTS if not names or part in names]


def _findings(
    course: Course,
    names: Sequence[str],
    settings: Settings,
    card: str | None,
    parts: Sequence[Part],
    mutants: Mapping[str, Sequence[str]],
    jobs: int,
) -> list[Finding]:
    """Verify assignments one after the other, and tell each finding as it comes."""
    from grader.authoring import verify as verify_module
    from grader.grading import runners

    findings: list[Finding] = []
    at_a_time = jobs or runners.default_jobs()
    # One pool of processes for all assignments: each process imports what grading needs once.
    with runners.local(at_a_time) as runner:
        for assignment in names:
            # In a log the findings are told, as they come; what is looked at is not.
            with phases(assignment, in_logs=False) as tell:
                looked_at = verify_module.verify(
                    course,
                    assignment,
                    settings,
                    card=card,
                    tell=tell,
                    runner=runner,
                    jobs=at_a_time,
                    parts=parts,
                    only=mutants.get(assignment),
                )
                for finding in _with_refusal(looked_at, course.layout.source, assignment):
                    findings.append(finding)
                    # The status line does not move in a log: there each finding is a line of its own.
                    if not output.errors.is_terminal and output.verbosity.level > output.QUIET:
                        output.errors.print(_line(finding), highlight=False)
    return findings


def _with_refusal(findings: Iterable[Finding], source: str, assignment: str) -> Iterator[Finding]:
    """Yield the findings of an assignment, and one more where its files are refused: others are verified all the same."""
    from grader.authoring.findings import Finding
    from grader.errors import SpecError

    try:
        yield from findings
    except SpecError as exc:
        folder = f"{source}/{assignment}"
        text = str(exc.message) + (f"\n{exc.hint}" if exc.hint else "")
        yield Finding(assignment, UNREADABLE, False, str(exc), kind="source", file=folder, log=text)


def _annotate(findings: list[Finding], course: Path, *, on_errors: bool) -> None:
    """Print what is wrong as GitHub's annotations, on standard output or on standard error."""
    from grader.reports import other_programs

    for text in other_programs.github_annotations(findings, course, other_programs.checkout(os.environ)):
        # Not the console, which breaks long lines: a workflow command must stay on one.
        if on_errors:
            typer.echo(text, err=True)
        else:
            output.out(f"{text}\n")


def _report(
    findings: list[Finding], course: Path, junit: Path | None, summary: Path | None, quality: Path | None
) -> None:
    """Write what was found into the files that were asked for."""
    from grader.reports import other_programs

    if junit:
        junit.write_text(other_programs.junit(findings), encoding="utf-8")
    if summary:
        # Appended: all steps of a job share the file that GitHub names.
        output.append(other_programs.summary(findings), summary)
    if quality:
        output.write_json(
            other_programs.gitlab_code_quality(findings, course, other_programs.checkout(os.environ)), quality
        )


def _line(finding: Finding) -> str:
    took = f" ({finding.seconds:.0f} s)" if finding.seconds else ""
    return plain(f"{'ok' if finding.ok else 'NOT OK'} {finding.assignment}: {finding.what}{took}")


def calibrate(
    assignment: Annotated[str, typer.Argument(help="Assignment id.", show_default=False)],
    course: CourseOption = None,
    data: DataOption = None,
    seeds: Annotated[
        int, typer.Option("--seeds", min=1, help="Training seeds; two share a split of the photos.")
    ] = 10,
    first: Annotated[
        int,
        typer.Option("--first-seed", min=0, help="The first of them: others give other seeds and splits."),
    ] = 0,
    recipe: Annotated[
        list[str] | None,
        typer.Option("--recipe", help="Only this honest recipe (`source` is the solution); may be repeated."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Hold these runs against the levels as they are; write nothing.")
    ] = False,
    jobs: JobsOption = 0,
    sandbox: SandboxOption = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw the measures and levels as PNG to this file.")
    ] = None,
    json_path: JsonOption = None,
) -> None:
    """Find out what honest solutions reach, and how likely one of them loses a point by luck.

    Runs the solution and the honest recipes in `staff/recipes` over training seeds and splits of the photos, as
    submissions are graded. For each measure that has a level: how it is spread, by seed, by split and by the luck of so
    few photos; the modelled chance of less than full credit; levels that keep all of them together below 1 %; how many
    hidden photos the level in force would need for that. The result goes into `staff/hidden.toml`, where `verify` reads
    it. A run that was stopped goes on where it was. Exit code 1 when an honest run lost a point, or the chance is above 1 %.
    """
    from grader.assignment import calibration_file
    from grader.authoring import calibrate as calibrate_module
    from grader.calibration.statistics import TARGET
    from grader.grading import runners

    opened_course, settings = open_course(course, sandbox)
    at_a_time = jobs or runners.default_jobs()
    # Exact seconds: these are honest solutions, which carry no student's message (ADR 11).
    with runners.local(at_a_time) as runner, Progress(exact=True) as tell:
        result = calibrate_module.calibrate(
            opened_course,
            assignment,
            settings,
            card=data,
            seeds=range(first, first + seeds),
            recipes=recipe or (),
            runner=runner,
            jobs=at_a_time,
            tell=tell,
        )
    _show_calibration(assignment, result, plot, json_path)
    if not check:
        path = calibration_file.write(opened_course.source(assignment), result.card, result.calibration)
        output.note(f"wrote {path}")
    # Both: the runs are few, so none may have lost although the modelled chance is too high.
    fair = result.calibration.lost == 0 and result.calibration.rate <= TARGET
    raise typer.Exit(0 if fair else 1)


def _show_calibration(assignment: str, result: Found, plot: Path | None, json_path: Path | None) -> None:
    """Draw, write and print a calibration, as far as that was asked for."""
    from grader.authoring import calibrate as calibrate_module

    # An assignment without levels has nothing to draw.
    if plot and result.calibration.measures:
        from grader.authoring.calibration_plot import calibration

        title = f"{assignment}{on_card(result.card)}"
        plot.write_bytes(calibration(result.calibration, result.measured(), result.levels, title))
    if json_path:
        output.write_json(calibrate_module.to_json(result), json_path)
    if json_path is None or str(json_path) != "-":
        for line in _calibration_report(assignment, result):
            # Sentences are not broken by the window's width, so that a program finds them whole.
            output.console.print(line, highlight=False, soft_wrap=isinstance(line, str))


def _calibration_report(assignment: str, found: Found) -> Iterator[Table | str]:
    """Yield what `calibrate` found: a table of measures, and in words what the runs support.

    Args:
        assignment: its id.
        found: the calibration, its runs and the levels in force.
    """
    from rich.table import Table

    from grader.calibration.statistics import TARGET, bound, suggest, trials_needed

    if not found.calibration.measures:
        yield (
            f"{assignment}: no check has a level ([levels] in assignment.toml), so there is no luck to measure; "
            f"{found.calibration.lost} of {found.calibration.runs} honest runs lost a point"
        )
        return
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
