"""Say, on standard error, what `grade` did not grade: nobody's work, links, versions too many, files in other places."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from grader.cli import output
from grader.cli.options import plain

if TYPE_CHECKING:
    from grader.assignment.course import Course

LISTED = 10  # lines of one kind


def tell_that_nobody_handed_in(course: Course, assignment: str) -> None:
    """Say where submissions are looked for, by the names of this course's folders and this assignment's notebooks."""
    from grader.assignment.spec import notebook_names

    names = " or ".join(f"{name}.ipynb" for name in notebook_names(course.source(assignment)))
    where = f"{course.submitted}/<student>/{assignment}/{names}"
    output.errors.print(plain(f"nobody has handed in anything: no {where}"), highlight=False, soft_wrap=True)


def tell_left_out(left_out: Mapping[str, str], unscored: Sequence[str], attempts: int) -> None:
    """Name who was not graded, and why, and whose versions are more than are scored.

    Args:
        left_out: students, with the reason.
        unscored: students whose version is one too many.
        attempts: how many versions are scored.
    """
    # Folders that are not read, links for example: named each time, until staff mend them.
    for who, why in left_out.items():
        output.errors.print(f"[yellow]not graded:[/] {plain(f'{who}: {why}')}", highlight=False)
    if unscored:
        names = ", ".join(unscored)
        text = f"not scored: {names}: more than {attempts} versions; earlier ones count. --extra-attempt scores one."
        output.errors.print(plain(text), style="yellow", highlight=False)


def tell_strays(strays: Mapping[str, str], course: Course, assignment: str, *, nobody: bool = False) -> None:
    """Name what lies under the folder of hand-ins and fits no student's assignment, and say what brings it there.

    Args:
        strays: paths below that folder, with the reason.
        course: whose folder it is.
        assignment: id of the one that is graded, for the command.
        nobody: whether nobody handed in anything: then the command is named in any case.
    """
    submitted = course.layout.submitted
    for path, why in list(strays.items())[:LISTED]:
        output.errors.print(
            f"[yellow]not looked at:[/] {plain(f'{submitted}/{path}: {why}')}", highlight=False
        )
    if len(strays) > LISTED:
        output.errors.print(
            plain(f"and {len(strays) - LISTED} more under {submitted}/"), style="yellow", highlight=False
        )
    if strays or nobody:
        text = f"`pawgrade collect FOLDER_OR_ZIP --assignment {shlex.quote(assignment)} --dry-run` shows how hand-ins come to {submitted}/<student>/{assignment}/"
        output.errors.print(plain(text), style="yellow", highlight=False, soft_wrap=True)
