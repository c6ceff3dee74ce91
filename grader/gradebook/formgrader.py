"""The folder `autograded/<student>/<assignment>/`, from which people grade by hand in the formgrader.

The formgrader takes a submission for graded when three things hold: this folder exists, the submission is in the
gradebook, and the gradebook's timestamp equals `submitted/<student>/<assignment>/timestamp.txt`. It shows the
notebook of that name in this folder, and offers a field for each graded cell that the notebook still contains.
"""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

from grader.assignment.course import Course
from grader.assignment.layout import layout_of
from grader.errors import SpecError
from grader.files import fresh_folder
from grader.messages import Message
from grader.notebooks.sanitise_text import inert_markdown, visible
from grader.records import Grade, Submission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode


def write_autograded(
    course: Path, grade: Grade, notebooks: Mapping[str, NotebookNode], timestamp_text: str | None
) -> Path:
    """Write the executed notebooks for the formgrader; replace what an earlier attempt left there.

    Args:
        course: the course's folder.
        grade: says whose submission of which assignment it is.
        notebooks: the executed notebooks by name, already sanitised: the formgrader shows it in the staff's browser.
        timestamp_text: text of `submitted/.../timestamp.txt`, or None when there is none.

    Returns:
        The folder.
    """
    target = course / layout_of(course).autograded / grade.student / grade.assignment
    for name in (grade.student, grade.assignment, *notebooks):
        # Ids come from folders' names and from callers: one with a slash would write somewhere else.
        if name in {"", ".."} or Path(name).name != name:
            raise SpecError(
                f"expected a folder's name, found {name!r}.", "Student ids may not contain slashes."
            )
    with fresh_folder(target) as draft:
        for name, notebook in notebooks.items():
            nbformat.write(notebook, draft / f"{name}.ipynb")
        if timestamp_text is not None:
            (draft / "timestamp.txt").write_text(timestamp_text, encoding="utf-8")
        for path in draft.iterdir():
            path.chmod(0o444)  # as nbgrader does: a record, not a place to work
    return target


def parse_timestamp(text: str | None) -> datetime.datetime | None:
    """Read the text of a `timestamp.txt` as naive UTC, as nbgrader does; raises SpecError when it is no time."""
    from grader.gradebook.nbgrader import nbgrader_api

    nbgrader_api()
    from nbgrader.utils import parse_utc

    if text is None:
        return None
    try:
        return parse_utc(text.strip())  # type: ignore[no-any-return]
    except Exception as exc:  # dateutil raises many kinds on what is no time
        raise SpecError(
            f"timestamp.txt: expected a time such as `2026-01-31 12:00:00 UTC`, found {text.strip()[:40]!r}.",
            "Mend or delete the file: until then the formgrader cannot list the assignment.",
        ) from exc


def write_for_formgrader(
    course: Course, grade: Grade, notebooks: Mapping[str, NotebookNode], submission: Submission
) -> None:
    """Write a submission's executed notebooks for the formgrader, with the time at which it was handed in."""
    # A text that is no time is not passed on: nbgrader could not read it.
    text = submission.timestamp if handed_in_at(submission) is not None else None
    write_autograded(course.folder, grade, notebooks, text)


def with_notice(notebook: NotebookNode, words: Message) -> NotebookNode:
    """Return a notebook with a notice on top, for the formgrader; without words the notebook itself."""
    if not words:
        return notebook
    notebook = copy.deepcopy(notebook)
    # Words may quote a student: nothing in them may become Markdown or HTML in the staff's browser.
    cell = nbformat.v4.new_markdown_cell(inert_markdown(visible(str(words))), id="pawgrade-notice")
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        del cell["id"]  # formats before 4.5 have no ids, and refuse them
    notebook.cells.insert(0, cell)
    return notebook


def handed_in_at(submission: Submission) -> datetime.datetime | None:
    """Return when a submission was handed in; None when its `timestamp.txt` is missing or is no time."""
    try:
        return parse_timestamp(submission.timestamp)
    except SpecError:  # the file came with the submission: a damaged one must not stop the class
        return None
