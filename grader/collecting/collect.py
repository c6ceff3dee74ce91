"""Collect the hand-ins of an assignment from a source: read, decide, and unless it is a dry run, place."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grader.assignment.course import Course
from grader.assignment.layout import layout_of
from grader.assignment.quizzes.quiz import HANDED_OUT
from grader.assignment.spec import load_public
from grader.collecting import placing, plan, senders, sources
from grader.collecting.members import Aside, Kind, write_time
from grader.errors import SpecError
from grader.gradebook import attempts
from grader.gradebook.roster import FILE, Roster, course_roster


@dataclass(frozen=True)
class Order:
    """What is collected, and how.

    Attributes:
        source: zip archive or folder.
        assignment: id.
        reading: how the source is read.
        roster: a roster file, or None for the course's.
        replace: whether what is there is replaced where nothing says which one is newer.
        dry_run: whether nothing is written.
    """

    source: Path
    assignment: str
    reading: sources.Reading = field(default_factory=sources.Reading)
    roster: Path | None = None
    replace: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Collected:
    """What became of a source.

    Attributes:
        kind: the system that it comes from.
        rows: one a hand-in, by student.
        asides: what is in no hand-in, or came with one and is not graded.
        put_aside: files that were put aside now: path in the source, and the file in the course.
        roster: where the students were looked up; "" where there was no roster.
    """

    kind: Kind
    rows: tuple[plan.Row, ...]
    asides: tuple[Aside, ...]
    put_aside: dict[str, str]
    roster: str

    @property
    def counts(self) -> Counter[str]:
        """How many hand-ins came to each end."""
        return Counter(row.action for row in self.rows)

    @property
    def complete(self) -> bool:
        """Whether there is a hand-in, and nobody's work is left for people to decide about."""
        undecided = any(row.action in ("refused", "undecided") for row in self.rows)
        return bool(self.rows) and not undecided and not any(aside.work for aside in self.asides)

    def to_json(self) -> dict[str, Any]:
        """Return it for other programs."""
        return {
            "system": self.kind,
            "roster": self.roster,
            "hand_ins": [
                {
                    "student": row.student,
                    "sender": row.sender,
                    "action": row.action,
                    "path": row.source,
                    "handed_in": write_time(row.handed_in) if row.handed_in else None,
                    "notes": list(row.notes),
                }
                for row in self.rows
            ],
            "left_out": [{"path": aside.path, "why": aside.why, "work": aside.work} for aside in self.asides],
            "put_aside": self.put_aside,
        }


def collect(course: Course, order: Order, db_url: str) -> Collected:
    """Put the hand-ins of a source under `submitted/`.

    A second run with the same source changes nothing.

    Args:
        course: whose they are.
        order: what is collected, and how.
        db_url: URL of the gradebook, whose students are the roster where there is no file.

    Raises:
        SpecError: no such assignment, source or roster, or one that cannot be read.
        InfrastructureError: another process writes records of this course.
    """
    source_folder = course.source(order.assignment)
    _require_hand_ins(order.source, course)
    roster = course_roster(course.folder, db_url, order.roster)
    # Students of the gradebook are those who were graded before: who hands in for the first time is not among them.
    complete = order.roster is not None or (course.folder / FILE).is_file()
    described = load_public(source_folder)
    target = plan.Target(
        course.folder,
        order.assignment,
        described.files,
        described.notebooks,
        _released(course, order.assignment, described.notebooks),
        placing.read_record(course.folder, order.assignment),
        order.replace,
    )
    reading = replace(order.reading, knows=lambda name: _knows(roster, name))
    with sources.opened(order.source, course, order.assignment, reading) as contents:
        identities = senders.identify(
            [hand_in.sender for hand_in in contents.hand_ins],
            roster,
            complete=complete,
            folders=_folders(course.folder),
        )
        rows = plan.rows(contents, identities, target)
        put = {}
        if not order.dry_run:
            with attempts.sole_writer(course.folder):
                put = placing.place(rows, contents.asides, target, contents.kind)
    beside = tuple(aside for row in rows if row.action != "refused" for aside in row.asides)
    return Collected(
        contents.kind, tuple(rows), (*contents.asides, *beside), put, roster.source if roster.students else ""
    )


def _require_hand_ins(source: Path, course: Course) -> None:
    """Raise SpecError for the course itself, or a folder of it that staff or grading wrote: its folders would become students."""
    home, path = course.folder.resolve(), source.resolve()
    layout = course.layout
    names = (".pawgrade", layout.source, layout.release, layout.autograded, layout.feedback, HANDED_OUT)
    if path == home or any(path.is_relative_to((home / name).resolve()) for name in names):
        raise SpecError(
            f"{source}: expected hand-ins, found {'the course itself' if path == home else 'a folder of the course'}.",
            f"Give the archive or the folder as the platform gave it, or {layout.submitted}, where things lie in the wrong place.",
        )


def _knows(roster: Roster, name: str) -> bool:
    return roster.find("id", name).student is not None


def _released(course: Course, assignment: str, notebooks: tuple[str, ...]) -> frozenset[str]:
    """Return the names of a release's files, where there is a release: students carry them along."""
    folder = course.folder / course.layout.release / assignment
    files = folder.rglob("*") if folder.is_dir() else ()
    return frozenset(path.relative_to(folder).as_posix() for path in files) - {
        f"{name}.ipynb" for name in notebooks
    }


def _folders(course: Path) -> list[str]:
    submitted = course / layout_of(course).submitted
    return [path.name for path in submitted.iterdir() if path.is_dir()] if submitted.is_dir() else []
