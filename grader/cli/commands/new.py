"""`pawgrade new`: a course, or an assignment in one, that passes `pawgrade verify` as it is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from grader.cli import output
from grader.cli.options import CourseOption, JsonOption, open_course, plain

new_app = typer.Typer(
    no_args_is_help=True,
    help="""Begin a course or an assignment.

`pawgrade new course my_course` makes a folder with everything a course needs and a sample assignment;
`pawgrade new assignment week1` one more assignment in it. Each passes `pawgrade verify` as it is: change it step by step, and
verify again. docs/first-assignment.md goes through one.""",
)


@new_app.command("course")
def course(
    name: Annotated[
        Path,
        typer.Argument(
            help="Folder to make; `.` in a new repository or an empty folder.", show_default=False
        ),
    ],
    json_path: JsonOption = None,
) -> None:
    """Make a course: settings, .gitignore, README and a sample assignment, released.

    The folders are nbgrader's: `solutions/` is what you write, `assignments/` what students get, `submitted/` what they hand
    in. Nothing that exists is overwritten; what cannot be made whole is not made.
    """
    from grader.authoring.starters.new import SAMPLE, new_course

    with output.errors.status(plain(f"making {name} ...")):
        files = new_course(name)
    folder = str(name)
    _tell(name.absolute(), files, [SAMPLE], json_path)
    enter = [] if name.absolute() == Path.cwd() else [f"cd {folder}"]
    _next(json_path, *enter, f"pawgrade verify {SAMPLE}", "pawgrade new assignment week1")


@new_app.command("assignment")
def assignment(
    name: Annotated[
        str,
        typer.Argument(
            help="Id, the name of its folder and notebook: week1, HW1, ps-1, 'Problem Set 1'.",
            show_default=False,
        ),
    ],
    kind: Annotated[
        Literal["function", "images", "quiz", "text"],
        typer.Option(
            "--kind",
            help="function: numbers in, numbers out, no data; images: a head on a network that has learnt to see, drawn photos; "
            "quiz: questions with options, drawn for each student; text: a classifier of sentences that are drawn.",
        ),
    ] = "function",
    title: Annotated[str, typer.Option("--title", help="Title. Default: made of the id.")] = "",
    bank: Annotated[
        Path | None,
        typer.Option(
            "--bank",
            help="TOML file with the questions of a quiz; it is copied to staff/bank.toml, which no release has.",
            show_default=False,
        ),
    ] = None,
    course: CourseOption = None,
    json_path: JsonOption = None,
) -> None:
    """Make an assignment: notebook, assignment.toml, checks, wrong solutions that try them out, and the release.

    It passes `pawgrade verify` as it is. Its files say in comments what each of them is for. Kinds that train something (images,
    text) have levels of accuracy with a calibration: `pawgrade calibrate` makes it anew when you have changed them.

    `--kind quiz --bank FILE` makes a quiz of a bank of questions: each has an id, a topic, a text, and options with an explanation,
    one of them right. Mistakes of the bank are told together.
    """
    from grader.authoring.starters.new import new_assignment

    opened_course, _ = open_course(course)
    with output.errors.status(plain(f"making {name} ...")):
        files = new_assignment(opened_course, name, kind, title, bank)
    _tell(opened_course.folder, files, [name], json_path)
    word, notebook = (
        shlex.quote(text) for text in (name, f"{opened_course.layout.source}/{name}/{name}.ipynb")
    )
    _next(json_path, f"pawgrade verify {word}", f"jupyter lab {notebook}", f"pawgrade release {word}")


def _tell(course: Path, files: list[Path], assignments: list[str], json_path: Path | None) -> None:
    """Say what was made, or write it as JSON: the course, its new assignments, the files' paths in it."""
    names = [path.relative_to(course).as_posix() for path in files]
    if json_path is not None:
        output.write_json({"course": str(course), "assignments": assignments, "files": names}, json_path)
    if json_path is None or str(json_path) != "-":
        for name in names:
            output.note(f"wrote {name}")


def _next(json_path: Path | None, *commands: str) -> None:
    if json_path is None or str(json_path) != "-":
        output.note("next: " + "\n      ".join(commands))
