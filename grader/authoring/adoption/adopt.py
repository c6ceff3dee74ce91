"""Adopt a classic nbgrader assignment: it is graded as it stands, by the tests in its notebook."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.assignment import spec
from grader.assignment.course import Course
from grader.authoring import release
from grader.authoring.adoption.check_files import CheckFiles, check_files
from grader.authoring.adoption.classic import ClassicNotebook, GradedCell, read_classic, require_tests
from grader.errors import SpecError
from grader.files import write_whole
from grader.gradebook.conversion import STAFF, course_config, record_source

PASS_SHARE = 0.5  # of all points, until a teacher sets another mark
HEAD = """\
# Written by `pawgrade adopt`. The tests in the notebook's own cells give the points, as nbgrader gives them: what the student's
# kernel says is believed. `pawgrade adopt {id} --checks` writes checks to begin with, which ask the notebook from outside.
"""
HEAD_CHECKS = """\
# Written by `pawgrade adopt --checks`, to be completed: see each TODO here, in check_public.py and in staff/check_hidden.py.
# `pawgrade verify {id}` says what is missing.
"""


@dataclass(frozen=True)
class Adopted:
    """What adopting an assignment found, and what it wrote.

    Attributes:
        assignment: its id.
        notebooks: what was read.
        written: new files, as paths in the course.
        left: files that were there and stay as they are.
        todo: lines that a teacher has to complete, by file; of `--checks` alone.
    """

    assignment: str
    notebooks: tuple[ClassicNotebook, ...]
    written: tuple[str, ...]
    left: tuple[str, ...] = ()
    todo: tuple[tuple[str, int], ...] = ()

    @property
    def cells(self) -> list[GradedCell]:
        """The graded cells of all notebooks."""
        return [cell for notebook in self.notebooks for cell in notebook.cells]

    def to_json(self) -> dict[str, Any]:
        """Return what a program may read."""
        tests, by_hand = ([cell for cell in self.cells if cell.manual is manual] for manual in (False, True))
        return {
            "assignment": self.assignment,
            "notebooks": [notebook.name for notebook in self.notebooks],
            "tested": {"cells": len(tests), "points": sum(cell.points for cell in tests)},
            "hidden_tests": sum(bool(cell.hidden) for cell in tests),
            "manual": {"cells": len(by_hand), "points": sum(cell.points for cell in by_hand)},
            "written": list(self.written),
            "left": list(self.left),
            "todo": dict(self.todo),
        }


def adopt(course: Course, assignment: str, db_url: str, *, title: str = "") -> Adopted:
    """Write an `assignment.toml` beside a classic assignment's notebooks, and release it where nbgrader has not.

    Args:
        course: the course.
        assignment: id of the assignment.
        db_url: SQLAlchemy URL of the gradebook.
        title: its title; "": its id.

    Raises:
        SpecError: it is adopted already, or is none that can be graded so; then nothing was written.
    """
    source = course.source(assignment)
    target = source / "assignment.toml"
    if target.exists():
        raise SpecError(
            f"{target} exists, and nothing is overwritten.",
            f"`pawgrade grade {shlex.quote(assignment)}` grades by it.",
        )
    read = read_classic(course.folder, assignment, source)
    write_whole(target, toml(assignment, title or assignment, read))
    written, left = [target], list[Path]()
    try:
        spec.load_assignment(source)
        released = course.folder / course.layout.release / assignment
        if released.is_dir():
            left.append(released)
            record_source(course.folder, assignment, db_url)
        else:
            written.append(release.release(course.folder, assignment, db_url))
    except BaseException:  # an interrupt, too
        target.unlink()  # half adopted, it could not be adopted again
        raise
    return Adopted(assignment, read, _names(course, written), _names(course, left))


def adopt_with_checks(course: Course, assignment: str, *, title: str = "") -> Adopted:
    """Write check files to begin with from the notebook's tests, and an `assignment.toml` that goes with them.

    Where there is an `assignment.toml`, it stays, and the new one goes to `staff/`.

    Args:
        course: the course.
        assignment: id of the assignment.
        title: its title; "": its id.

    Raises:
        SpecError: there are check files, or it is no classic assignment; then nothing was written.
    """
    source = course.source(assignment)
    read = read_classic(course.folder, assignment, source)
    require_tests(source, read, with_points=True)
    drafts = check_files(read)
    target = source / "assignment.toml"
    left = [target] if target.exists() else []
    if left:
        target = source / "staff" / "assignment.toml"
    files = {
        source / "check_public.py": drafts.public,
        source / "staff" / "check_hidden.py": drafts.hidden,
        target: toml(assignment, title or assignment, read, drafts),
    }
    if any(STAFF in path.relative_to(source).parts for path, text in files.items() if text):
        course_config(course.folder, staff=True)
    existing = [path for path, text in files.items() if text and path.exists()]
    if existing:
        raise SpecError(f"{existing[0]} exists, and nothing is overwritten.", "Move it away first.")
    written = [path for path, text in files.items() if text]
    for path in written:
        write_whole(path, files[path])
    todo = tuple((path.relative_to(source).as_posix(), files[path].count("TODO:")) for path in written)
    return Adopted(assignment, read, _names(course, written), _names(course, left), todo)


def _names(course: Course, paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(path.relative_to(course.folder).as_posix() for path in paths)


def toml(
    assignment: str, title: str, read: Sequence[ClassicNotebook], checks: CheckFiles | None = None
) -> str:
    """Return the `assignment.toml` of a classic assignment; with `checks`, one by which those grade."""
    cells = [cell for notebook in read for cell in notebook.cells]
    points = sum(cell.points for cell in cells)
    lines = [
        (HEAD if checks is None else HEAD_CHECKS).format(id=shlex.quote(assignment)).rstrip("\n"),
        f"id = {_text(assignment)}",
        f"title = {_text(title)}",
        f"points = {points:.10g}",
        f"pass_points = {PASS_SHARE * points:.10g} # nbgrader has no pass mark: set yours",
    ]
    names = [notebook.name for notebook in read]
    if names != [assignment]:
        lines.insert(3, f"notebooks = {json.dumps(names, ensure_ascii=False)}")
    if checks is None:
        lines.append(f"graded = {_text(spec.IN_THE_NOTEBOOK)}")
    for cell in sorted(cells, key=lambda cell: cell.manual):
        # nbgrader allows cells that are worth nothing; exercises of checks are worth something.
        lines += ["", *(_table(cell) if cell.points or checks is None else _left_out(cell))]
    return "\n".join([*lines, *(() if checks is None else checks.entry_points)]) + "\n"


def _table(cell: GradedCell) -> Iterator[str]:
    yield "[[manual]]" if cell.manual else "[[exercises]]"
    yield f"id = {_text(cell.id)}"
    yield f"title = {_text(cell.title)}"
    yield f"points = {cell.points:.10g}"


def _left_out(cell: GradedCell) -> Iterator[str]:
    tests = "" if cell.manual else ", and its tests are in no check"
    yield f"# TODO: the cell {_text(cell.id)} gives no points{tests}, so it is no exercise: give it points and add it here,"
    yield "# or take its mark away in JupyterLab's panel `Create Assignment`."


def _text(text: str) -> str:
    # A basic string of TOML: JSON's escapes are among its own.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
