"""How a class stands in one assignment, for staff: who is where, how the points lie, which checks fail."""

from __future__ import annotations

import enum
import math
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from grader.assignment import spec
from grader.assignment.course import Course
from grader.errors import GraderError
from grader.gradebook import versions
from grader.gradebook.roster import Roster, Student, hidden_character
from grader.gradebook.scores import Scores
from grader.records import NOT_RUN, Status
from grader.reports.exports.rows import MISSING, UNGRADED, Row, combine, own_times
from grader.reports.overview import outlines
from grader.reports.overview.history import History
from grader.reports.ungraded import NOBODY, Ungraded, ungraded

CHECKS = 10  # that most often fail, and are listed


class State(enum.StrEnum):
    """Where a student's work of one assignment is."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"  # the grader could not decide: staff look at it
    DAMAGED = "damaged"  # the stored attempt cannot be read
    UNGRADED = "ungraded"  # handed in, and nothing more
    MISSING = "missing"


@dataclass(frozen=True)
class Entry:
    """One student's line.

    Attributes:
        row: the marks, as every export has them.
        folder: the student's folder; its name differs from the id where that is composed in another way.
        state: where the work is.
        history: all stored attempts.
        handed_in: when, for people; "" where nobody knows.
        flags: how many things about the counting attempt honest work explains badly.
        unscored: whether a later version was kept, but not scored.
    """

    row: Row
    folder: str
    state: State
    history: History
    handed_in: str = ""
    flags: int = 0
    unscored: bool = False

    @property
    def points(self) -> float | None:
        """All points together; None where there are none, or where they lack a damaged attempt's."""
        return None if self.row.points is None or self.state is State.DAMAGED else float(self.row.points)

    @property
    def is_graded(self) -> bool:
        """Whether somebody has graded it, with or without a decision."""
        return self.state in {State.PASSED, State.FAILED, State.UNDECIDED}


@dataclass(frozen=True)
class FailingCheck:
    """How often one check failed among the attempts that count.

    Attributes:
        id: of the check.
        title: the first line of its docstring.
        exercise: the exercise's title.
        failed: in how many attempts it failed, partial credit included.
        judged: in how many it passed or failed; skipped and undecided ones are not among them.
    """

    id: str
    title: str
    exercise: str
    failed: int
    judged: int

    @property
    def share(self) -> float:
        """Share of the judged attempts that failed, in [0, 1]."""
        return self.failed / self.judged


@dataclass(frozen=True)
class Standing:
    """How a class stands in one assignment.

    Attributes:
        assignment: as its file has it.
        entries: by student id; everybody of the roster and everybody who handed in.
        notes: sentences for staff, such as the names of damaged attempts.
    """

    assignment: spec.Assignment
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    def count(self, state: State) -> int:
        """Return how many students are in a state."""
        return sum(entry.state is state for entry in self.entries)

    @property
    def passed(self) -> int:
        """How many have passed."""
        return self.count(State.PASSED)

    @property
    def undecided(self) -> int:
        """How many were graded and could not be decided."""
        return self.count(State.UNDECIDED)

    @property
    def handed_in(self) -> int:
        """How many handed something in."""
        return len(self.entries) - self.count(State.MISSING)

    @property
    def graded(self) -> int:
        """How many were graded, undecided ones included."""
        return sum(entry.is_graded for entry in self.entries)

    @property
    def waiting(self) -> int:
        """How many wait for a person: cells graded by hand are open."""
        return sum(bool(entry.row.waiting) for entry in self.entries if entry.is_graded)

    @property
    def points(self) -> list[float]:
        """The points of everybody who has some, 0 included; who is not graded or not decided has none."""
        return [entry.points for entry in self.entries if entry.points is not None]

    @property
    def mean(self) -> float | None:
        """Mean of the points; None while nobody has any."""
        return statistics.fmean(self.points) if self.points else None

    @property
    def median(self) -> float | None:
        """Median of the points; None while nobody has any."""
        return statistics.median(self.points) if self.points else None

    @property
    def failing(self) -> list[FailingCheck]:
        """The checks that fail for the largest share of those whom they judged, at most `CHECKS`."""
        return failing_checks(self.assignment, self.entries)[:CHECKS]


@dataclass(frozen=True)
class Material:
    """What was read of one assignment before its standing is put together.

    Attributes:
        assignment: as its file has it.
        histories: all stored attempts, by student.
        recorded: what the gradebook has, by student; None: there is no gradebook.
        submitted: when each student handed in what lies under `submitted/`: text of `timestamp.txt`, or None.
        notes: sentences for staff about what could not be read.
        pending: whose work lies under `submitted/` that no grade is of.
    """

    assignment: spec.Assignment
    histories: Mapping[str, History]
    recorded: Mapping[str, Scores] | None
    submitted: Mapping[str, str | None]
    notes: tuple[str, ...] = ()
    pending: Ungraded = NOBODY


def standing(course: Path, material: Material, people: Roster) -> Standing:
    """Put together how a class stands in an assignment.

    Args:
        course: the course's folder.
        material: what was read of the assignment.
        people: the course's roster.
    """
    histories = material.histories
    grades = {
        student: history.counting for student, history in histories.items() if history.counting is not None
    }
    times = own_times(course, grades)
    marks = combine(material.assignment, grades, material.recorded, people, times, material.pending)
    rows = {row.student.id: row for row in marks.rows}
    folders = {unicodedata.normalize("NFC", name): name for name in [*histories, *material.submitted]}
    for student, folder in folders.items():
        # Whose attempt is damaged, or not made yet, is in no mark; the roster's students have a row already.
        if student not in rows and folder not in marks.left_out and not hidden_character(student):
            rows[student] = Row(Student(student), False, MISSING)
    entries = tuple(
        _entry(course, row, folders.get(student, student), material) for student, row in sorted(rows.items())
    )
    damaged = (sentence for history in histories.values() for sentence in history.damaged)
    left_out = (f"{student} is left out: {reason}" for student, reason in marks.left_out.items())
    return Standing(material.assignment, entries, (*material.notes, *damaged, *left_out, *marks.notes))


def _entry(course: Path, row: Row, folder: str, material: Material) -> Entry:
    history = material.histories.get(folder, History(None))
    return Entry(
        row,
        folder,
        _state(row, history, handed_in=folder in material.submitted),
        history,
        moment(row.handed_in) if row.handed_in else material.submitted.get(folder) or "",
        len(history.flags),
        bool(versions.waiting(course, material.assignment.id, folder)),
    )


def _state(row: Row, history: History, *, handed_in: bool) -> State:
    # Before all else: marks made without the attempt that counts would look like a result.
    if history.lost:
        return State.DAMAGED
    if row.status in {MISSING, UNGRADED}:
        return State.UNGRADED if handed_in else State.MISSING
    if row.points is None:
        return State.UNDECIDED
    return State.PASSED if row.status == Status.PASSED else State.FAILED


def failing_checks(assignment: spec.Assignment, entries: Sequence[Entry]) -> list[FailingCheck]:
    """Return every check that failed at least once, largest share first; each attempt that counts, and of which something ran, is one vote."""
    failed, judged = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    titles: dict[tuple[str, str], str] = {}
    # A file that is no notebook fails at everything, which says nothing of a check.
    grades = (entry.row.grade for entry in entries if entry.row.grade and entry.row.grade.sandbox != NOT_RUN)
    checks = (check for grade in grades for check in grade.checks)
    for check in checks:
        key = check.exercise, check.id
        titles[key] = check.title or check.id.replace("_", " ")
        judged[key] += check.status in {Status.PASSED, Status.FAILED}
        failed[key] += check.status is Status.FAILED
    exercises = {exercise.id: exercise.title for exercise in assignment.exercises}
    rows = [
        FailingCheck(key[1], titles[key], exercises.get(key[0], key[0]), count, judged[key])
        for key, count in failed.items()
        if count
    ]
    # By the id at last, so that equal classes give equal pages.
    return sorted(rows, key=lambda row: (-row.share, -row.failed, row.exercise, row.id))


def read_submitted(
    course: Course, assignment: str
) -> tuple[dict[str, str | None], Ungraded, tuple[str, ...]]:
    """Return who has handed in, with the text of `timestamp.txt`, whose work is not graded, and what is wrong with the folders."""
    try:
        submissions = course.submissions(assignment)
    except GraderError as exc:  # two folders of one name stop `grade`, not the overview
        return {}, NOBODY, (str(exc),)
    times = {submission.student: submission.timestamp for submission in submissions}
    return times, ungraded(course, assignment, submissions, read=outlines.outline), ()


def moment(when: datetime) -> str:
    """Write a moment of UTC to the minute."""
    return f"{when:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Bin:
    """One bar of a histogram.

    Attributes:
        low: lower bound, part of it.
        high: upper bound; part of the last bin only. Infinite where the last bin holds everything above `low`.
        count: how many lie in it.
    """

    low: float
    high: float
    count: int

    @property
    def is_open(self) -> bool:
        """Whether it holds everything above its lower bound."""
        return math.isinf(self.high)


def histogram(points: Sequence[float], max_points: float, most: int = 10) -> list[Bin]:
    """Count points in bins of one round width, from 0 to the most that there is.

    Args:
        points: of the class.
        max_points: what can be earned; extra credit may be above it, and has bins of its own.
        most: how many bins there are up to `max_points`; there are never more than twice as many.
    """
    width = next(width for width in _widths() if width * most >= max_points)
    top = max(max_points, *points) if points else max_points
    number = max(1, math.ceil(top / width))
    shown = min(number, 2 * most)
    counts = Counter(min(int(value // width), shown - 1) for value in points)
    bins = [Bin(at * width, (at + 1) * width, counts[at]) for at in range(shown)]
    return bins if shown == number else [*bins[:-1], replace(bins[-1], high=math.inf)]


def _widths() -> Iterator[float]:
    """Yield widths that people can count in: 0.5, 1, 2, 5, 10, 20, 50 and so on."""
    yield 0.5
    size = 1
    while True:
        yield from (float(size), float(2 * size), float(5 * size))
        size *= 10
