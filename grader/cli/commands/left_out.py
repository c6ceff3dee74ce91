"""Say, on standard error, what `grade` did not grade or read: nobody's work, links, versions too many, files in other places, times."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from grader.cli import output
from grader.cli.options import plain

if TYPE_CHECKING:
    from grader.assignment.course import Course
    from grader.records import Submission

LISTED = 10  # lines of one kind
QUOTED_CHARS = 40  # of a file's text


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


def tell_times(submissions: Sequence[Submission], course: Course) -> None:
    """Name each `timestamp.txt` that is there and says no time: whoever handed in so has none in the gradebook.

    Args:
        submissions: what was handed in.
        course: whose they are.
    """
    from grader.assignment.course import TIMESTAMP
    from grader.gradebook.formgrader import handed_in_at
    from grader.gradebook.nbgrader import has_nbgrader

    # Times go to nbgrader's gradebook alone, which reads them by its own rules.
    if not has_nbgrader():
        return
    unread = [
        submission
        for submission in submissions
        if (submission.folder / TIMESTAMP).exists() and handed_in_at(submission) is None
    ]
    for submission in unread[:LISTED]:
        name = f"{course.layout.submitted}/{submission.student}/{submission.assignment}/{TIMESTAMP}"
        text = submission.timestamp
        content = "a file that cannot be read" if text is None else repr(text[:QUOTED_CHARS])
        words = (
            f"{name}: expected a time such as 2026-01-31 12:00:00 UTC, found {content}; no time is recorded"
        )
        output.errors.print(f"[yellow]no time:[/] {plain(words)}", highlight=False, soft_wrap=True)
    if len(unread) > LISTED:
        output.errors.print(
            plain(f"and {len(unread) - LISTED} more {TIMESTAMP}"), style="yellow", highlight=False
        )


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
