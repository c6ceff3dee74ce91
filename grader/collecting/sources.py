"""Open a source of hand-ins, and tell what system it comes from by what it holds."""

from __future__ import annotations

import contextlib
import datetime
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.assignment.course import Course
from grader.assignment.spec import load_public
from grader.collecting import canvas, exchange, folder_files, folders, moodle, repositories, zips
from grader.collecting.members import Aside, Contents, Kind, Member
from grader.errors import SpecError


@dataclass(frozen=True)
class Reading:
    """How a source is read.

    Attributes:
        kind: the system that it comes from; None: told by what it holds.
        tags: pattern of git tags that hand something in.
        slug: the assignment in the names of git repositories; "": made of its id.
        zone: of times that an archive has without one; None: this machine's.
        knows: whether the roster has a student of this name.
        any_owner: whether a folder of nbgrader's exchange may belong to another account than its student's.
    """

    kind: Kind | None = None
    tags: str = repositories.TAGS
    slug: str = ""
    zone: datetime.tzinfo | None = None
    knows: Callable[[str], bool] = field(default=lambda _: False)
    any_owner: bool = False


@contextlib.contextmanager
def opened(source: Path, course: Course, assignment: str, reading: Reading) -> Iterator[Contents]:
    """Yield what a source holds; its files can be read until the block ends.

    Args:
        source: a zip archive or a folder.
        course: its assignments and their files are looked up.
        assignment: whose hand-ins are read.
        reading: how.

    Raises:
        SpecError: there is no such source, it cannot be read, or it is not what it was said to be.
    """
    if source.is_dir():
        is_git = reading.kind == "git" or (reading.kind is None and repositories.repositories(source))
        if is_git:
            contents = repositories.read(
                source, reading.slug or repositories.slug_of(assignment), reading.tags
            )
            if not contents.hand_ins and not contents.asides:
                raise SpecError(
                    f"{source} holds no git repository.", "Give the folder with the clones in it."
                )
            yield contents
            return
        members, asides = folder_files.listed(source)
        evidence = exchange.Evidence(lambda path: (source / path).lstat(), reading.any_owner)
        yield _with(asides, _contents(members, course, assignment, reading, evidence))
    elif source.is_file():
        if not zipfile.is_zipfile(source):
            with source.open("rb") as file:
                cut = file.read(2) == b"PK"
            if cut:
                raise SpecError(
                    f"{source}: expected a whole zip archive, found one without its end.",
                    "The download was interrupted, it seems: get the archive again.",
                )
            raise SpecError(
                f"{source}: expected a zip archive or a folder, found another file.",
                f"For one notebook make the folder {course.layout.submitted}/<student>/{assignment} and put it there.",
            )
        with zips.opened(source, reading.zone) as (members, asides):
            yield _with(asides, _contents(members, course, assignment, reading, exchange.Evidence()))
    else:
        raise SpecError(f"{source} does not exist.", "Give the zip archive, or the folder, of the hand-ins.")


def _with(asides: tuple[Aside, ...], contents: Contents) -> Contents:
    return replace(contents, asides=(*asides, *contents.asides))


def _contents(
    members: tuple[Member, ...],
    course: Course,
    assignment: str,
    reading: Reading,
    evidence: exchange.Evidence,
) -> Contents:
    kind = reading.kind or _kind(members)
    if kind == "git":
        raise SpecError("git repositories are read from a folder, not from an archive.", "Unpack it first.")
    if kind == "moodle":
        return moodle.read(members)
    if kind == "canvas":
        described = load_public(course.source(assignment))
        notebooks = {f"{name}.ipynb" for name in described.notebooks}
        return canvas.read(members, {*notebooks, *(file.name for file in described.files)})
    if kind == "nbgrader":
        return exchange.read(members, assignment, evidence)
    others = {name for name in course.assignments() if name != assignment}
    return folders.read(members, assignment, others, reading.knows)


def _kind(members: tuple[Member, ...]) -> Kind:
    """Return the system by whose rules most is named; a folder by student where none fits."""
    # Names of the first two have marks that nobody chooses by chance.
    if moodle.fits(members):
        return "moodle"
    if exchange.fits(members):
        return "nbgrader"
    return "canvas" if canvas.fits(members) else "folder"
