"""`pawgrade adopt`: a classic nbgrader assignment is graded as it stands, or turned into checks to begin with."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from grader.cli import output
from grader.cli.options import CourseOption, JsonOption, open_course, plain
from grader.cli.progress import phases

if TYPE_CHECKING:
    from grader.authoring.adoption.adopt import Adopted


def adopt(
    assignment: Annotated[str, typer.Argument(help="Assignment id: its folder.", show_default=False)],
    checks: Annotated[
        bool,
        typer.Option(
            "--checks",
            help="Write check_public.py, staff/check_hidden.py and assignment.toml to begin with, from the notebook's asserts.",
        ),
    ] = False,
    title: Annotated[str, typer.Option("--title", help="Title. Default: the id.")] = "",
    course: CourseOption = None,
    json_path: JsonOption = None,
) -> None:
    """Take over a classic nbgrader assignment: tests, hidden ones too, in the cells of its notebooks.

    It is graded as it stands, in the sandbox, with the totals of `nbgrader autograde`: adopting writes a small `assignment.toml`
    beside the notebooks, and a release where there is none. No notebook is changed, and nothing is overwritten.

    Such points are *believed*: the student's own kernel says whether a test passed, and code in it can read the tests or pretend. The
    table, the pages and the exports say so. `--checks` begins what asks from outside: functions that asserts call become entry
    points, asserts with literals become questions, and a TODO marks what you have to complete.
    """
    from grader.authoring.adoption.adopt import adopt, adopt_with_checks

    opened_course, settings = open_course(course)
    with phases(assignment) as tell:
        tell("reading its notebooks")
        if checks:
            adopted = adopt_with_checks(opened_course, assignment, title=title)
        else:
            adopted = adopt(opened_course, assignment, opened_course.db_url(settings.db_url), title=title)
    if json_path is not None:
        output.write_json(adopted.to_json(), json_path)
    if json_path is None or str(json_path) != "-":
        for line in _told(adopted):
            output.console.print(plain(line), highlight=False, soft_wrap=True)


def _told(adopted: Adopted) -> Iterator[str]:
    """Say what was found and written, and what comes next."""
    counts = adopted.to_json()
    tests, manual = counts["tested"], counts["manual"]
    yield f"{adopted.assignment}: {_many(len(adopted.notebooks), 'notebook')} ({', '.join(counts['notebooks'])})"
    hidden = f", {counts['hidden_tests']} of them with hidden tests" if counts["hidden_tests"] else ""
    yield f"  {_many(tests['cells'], 'cell')} with tests, {tests['points']:g} points{hidden}"
    yield f"  {_many(manual['cells'], 'cell')} graded by hand, {manual['points']:g} points"
    for path in adopted.written:
        yield f"wrote {path}"
    for path in adopted.left:
        yield f"{path} was there and stays as it is"
    for path, count in adopted.todo:
        if count:
            yield f"{path}: {_many(count, 'place')} to complete, marked TODO"
    name = shlex.quote(adopted.assignment)
    if not adopted.todo:
        yield f"next: pawgrade grade {name}"
        return
    yield f"next: complete each TODO, then pawgrade verify {name}"
    if any(path == "staff/assignment.toml" for path, _ in adopted.todo):
        yield "      until you move staff/assignment.toml over assignment.toml, the notebook's own tests go on grading"


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
