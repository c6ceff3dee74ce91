"""The command `export`, which writes marks as other systems take them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from grader.cli import output
from grader.cli.options import CourseOption, JsonOption, open_course, plain
from grader.errors import SpecError

if TYPE_CHECKING:
    from grader.reports.exports.rows import Export, Marks

Format = Literal["csv", "canvas", "moodle", "moodle-sheet", "gradescope", "junit"]
Identifier = Literal["username", "idnumber", "email", "participant"]
ENDINGS: dict[str, str] = {"gradescope": "", "junit": ".xml"}  # the others are CSV


RosterOption = Annotated[
    Path | None,
    typer.Option(
        "--roster",
        help="Who is who in other systems. Default: roster.csv of the course, else the gradebook.",
    ),
]
TargetOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        help="File (gradescope: folder) to write; - prints it. Default: in exports/ of the course.",
    ),
]
ExcusedOption = Annotated[
    list[str] | None,
    typer.Option("--excused", help="Id of a student who needs no mark; may be repeated."),
]
SheetOption = Annotated[
    Path | None,
    typer.Option("--sheet", help="moodle-sheet: the worksheet as Moodle gave it; it is not changed."),
]
GradeColumnOption = Annotated[
    str | None,
    typer.Option("--grade-column", help="moodle-sheet: the column for points, in Moodle's language."),
]
FeedbackColumnOption = Annotated[
    str | None, typer.Option("--feedback-column", help="moodle-sheet: the column for feedback, likewise.")
]
CanvasColumnOption = Annotated[
    str | None,
    typer.Option("--canvas-column", help="canvas: the column as Canvas exports it, 'Title (12345)'."),
]
CanvasIdOption = Annotated[
    str | None, typer.Option("--canvas-id", help="canvas: the number in the assignment's address there.")
]
DecimalCommaOption = Annotated[
    bool, typer.Option("--decimal-comma", help="csv, moodle, moodle-sheet: 72,5 instead of 72.5.")
]
IdentifierOption = Annotated[
    Identifier | None,
    typer.Option("--identifier", help="moodle, moodle-sheet: what Moodle finds students by."),
]


def export(
    assignment: Annotated[str, typer.Argument(help="Assignment id.", show_default=False)],
    to: Annotated[Format, typer.Option("--format", help="What is to read the marks.")] = "csv",
    course: CourseOption = None,
    roster: RosterOption = None,
    target: TargetOption = None,
    excused: ExcusedOption = None,
    sheet: SheetOption = None,
    grade_column: GradeColumnOption = None,
    feedback_column: FeedbackColumnOption = None,
    canvas_column: CanvasColumnOption = None,
    canvas_id: CanvasIdOption = None,
    decimal_comma: DecimalCommaOption = False,
    identifier: IdentifierOption = None,
    json_path: JsonOption = None,
) -> None:
    """Write the marks of an assignment as a mark book or another program takes them.

    csv has all there is; canvas, moodle and gradescope are files to import there; moodle-sheet fills in the offline grading
    worksheet; junit is for dashboards. Points are exact: checks, points given by hand, extra credit, penalties. No points
    is never 0. Who cannot be in the file is listed on standard error, and so is whose grading by hand is open.

    Exit code 0 when anybody's points were exported, else 1.
    """
    options: dict[str, Any] = {
        "--sheet": sheet,
        "--grade-column": grade_column,
        "--feedback-column": feedback_column,
        "--canvas-column": canvas_column,
        "--canvas-id": canvas_id,
        "--decimal-comma": decimal_comma or None,
        "--identifier": identifier,
    }
    _refuse_idle(to, options)
    if target is not None and str(target) == "-" and (to == "gradescope" or str(json_path) == "-"):
        raise SpecError("--output - prints one file and nothing beside it.", "Name a file or a folder.")
    from grader.reports.exports import rows
    from grader.reports.exports import target as target_module

    opened_course, settings = open_course(course)
    marks = rows.gather(opened_course, assignment, settings, roster=roster, excused=tuple(excused or ()))
    made = _made(to, marks, options)
    path = target or opened_course.folder / "exports" / f"{assignment}-{to}{ENDINGS.get(to, '.csv')}"
    if str(path) == "-":
        _print(made.files[""])
    elif made.exported:
        target_module.write(made, path)
    _tell(marks, made, path)
    if json_path:
        output.write_json(_record(marks, made, path), json_path)
    raise typer.Exit(0 if made.exported else 1)


def _refuse_idle(to: Format, options: dict[str, Any]) -> None:
    """Raise SpecError for an option that the format has no use for, or lacks."""
    of = {"csv": {"--decimal-comma"}, "canvas": {"--canvas-column", "--canvas-id"}}
    of["moodle"] = {"--decimal-comma", "--identifier"}
    of["moodle-sheet"] = {"--sheet", "--grade-column", "--feedback-column", "--decimal-comma", "--identifier"}
    idle = [name for name, value in options.items() if value is not None and name not in of.get(to, set())]
    if idle:
        raise SpecError(
            f"--format {to} has no use for {', '.join(idle)}.",
            "`pawgrade export --help` says what it is for.",
        )
    if to == "moodle-sheet" and options["--sheet"] is None:
        raise SpecError(
            "--format moodle-sheet needs --sheet FILE.",
            "In Moodle: the assignment, View all submissions, Download grading worksheet.",
        )
    if to == "moodle" and options["--identifier"] == "participant":
        raise SpecError("Moodle's CSV import knows no participants.", "Use --format moodle-sheet.")


def _made(to: Format, marks: Marks, options: dict[str, Any]) -> Export:
    """Return the export in its format."""
    from grader.reports.exports import canvas, gradescope, junit, moodle, moodle_sheet, table
    from grader.reports.exports.rows import Export

    comma, identifier = bool(options["--decimal-comma"]), options["--identifier"]
    if to == "canvas":
        column, number = options["--canvas-column"], options["--canvas-id"]
        return canvas.export(marks, canvas.column_name(marks.assignment.title, column, number))
    if to == "moodle":
        return moodle.export(marks, comma=comma, identifier=identifier)
    if to == "moodle-sheet":
        match_by: Any = "id_number" if identifier == "idnumber" else identifier
        reading = moodle_sheet.Options(
            comma, options["--grade-column"], options["--feedback-column"], match_by
        )
        return moodle_sheet.export(marks, Path(str(options["--sheet"])), reading)
    if to == "gradescope":
        return gradescope.export(marks)
    if to == "junit":
        return junit.export(marks)
    graded = tuple(row.student.id for row in marks.rows if row.points is not None)
    without = {row.student.id: row.without_points for row in marks.rows if row.points is None}
    return Export({"": table.export(marks, comma=comma)}, graded, without)


def _print(content: str) -> None:
    from grader.notebooks.sanitise_text import visible

    # A terminal gets nothing that could steer it; a program gets every byte.
    if sys.stdout.isatty():
        typer.echo(visible(content.replace("\r\n", "\n")), nl=False)
    else:
        typer.echo(content.encode(), nl=False)


def _open(marks: Marks) -> dict[str, list[str]]:
    return {row.student.id: list(row.waiting) for row in marks.rows if row.points is not None and row.waiting}


def _tell(marks: Marks, made: Export, path: Path) -> None:
    """Say on standard error what was written and what was not."""
    show = output.errors.print
    for text in (*marks.notes, *made.notes):
        show(f"[yellow]note:[/] {plain(text)}", highlight=False, soft_wrap=True)
    for who, why in {**marks.left_out, **made.left_out}.items():
        show(f"[yellow]no points:[/] {plain(f'{who}: {why}')}", highlight=False, soft_wrap=True)
    if waiting := _open(marks):
        text = "; ".join(f"{student} ({', '.join(cells)})" for student, cells in waiting.items())
        show(f"[yellow]still to be graded by hand:[/] {plain(text)}", highlight=False, soft_wrap=True)
    students = f"{len(made.exported)} student{'s' * (len(made.exported) != 1)}"
    if not made.exported:
        show("nobody's points could be exported", style="red", highlight=False)
    elif str(path) != "-":
        show(plain(f"wrote the points of {students} to {path}"), highlight=False, soft_wrap=True)


def _record(marks: Marks, made: Export, path: Path) -> dict[str, object]:
    return {
        "output": str(path) if made.exported else None,
        "exported": list(made.exported),
        "left_out": {**marks.left_out, **made.left_out},
        "open_by_hand": _open(marks),
        "notes": [*marks.notes, *made.notes],
    }
