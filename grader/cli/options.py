"""Options that several commands share, and how a command opens its course."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from grader.assignment.course import Course
    from grader.settings import Settings

CourseOption = Annotated[
    Path | None, typer.Option("--course", help="Course folder. Default: this folder or one above it.")
]
DataOption = Annotated[
    str | None,
    typer.Option("--data", help="Id of a data card. Default: the real photos if PAWGRADE_DATA is set."),
]
JsonOption = Annotated[
    Path | None, typer.Option("--json", help="Write the result as JSON to this file; - prints it.")
]
JunitOption = Annotated[
    Path | None, typer.Option("--junit", help="Write the result as JUnit XML to this file.")
]
SummaryOption = Annotated[
    Path | None,
    typer.Option(
        "--summary", help="Append a Markdown table to this file, for example to $GITHUB_STEP_SUMMARY."
    ),
]
SandboxOption = Annotated[
    Literal["namespaces", "none"] | None,
    typer.Option(
        "--sandbox",
        help="namespaces (default): student code sees nothing of this machine; none: it runs with your rights.",
    ),
]
JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs", min=0, help="Notebooks at a time; 0: one for two of this machine's cores, two at least."
    ),
]
Ids = Annotated[
    list[str] | None, typer.Argument(help="Assignment ids. Default: all of the course.", show_default=False)
]


def open_course(
    course: Path | None, sandbox: Literal["namespaces", "none"] | None = None
) -> tuple[Course, Settings]:
    """Find the course and read its settings; raises SpecError."""
    # Not at the top: every command imports this module, and `--help` must stay light (tests/cli/test_help.py).
    from grader.assignment.course import find_course
    from grader.settings import load

    opened_course = find_course(course, Path.cwd())
    settings = load(opened_course.folder, os.environ)
    # The option goes before the environment, and that before the file.
    return opened_course, settings if sandbox is None else dataclasses.replace(settings, sandbox=sandbox)


def plain(text: str) -> str:
    """Escape a text for rich's markup, and put a visible sign for each character that has none."""
    from rich.markup import escape

    from grader.notebooks.sanitise_text import visible

    return escape(visible(text))
