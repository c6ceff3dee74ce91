"""Gather what every export shows: a row for each student, with exact points and what is still open."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from grader import disclosure
from grader.assignment import spec
from grader.assignment.course import Course
from grader.errors import SpecError
from grader.gradebook import attempts, versions
from grader.gradebook.formgrader import parse_timestamp
from grader.gradebook.nbgrader import has_nbgrader, open_gradebook
from grader.gradebook.roster import Roster, Student, course_roster, hidden_character
from grader.gradebook.scores import CellScore, Scores, read_scores
from grader.records import Grade, Status
from grader.reports.ungraded import NOBODY, Ungraded, read_ungraded
from grader.reports.ungraded import notes as pending_notes
from grader.settings import Settings

# A row's status where there is no grade.
MISSING, UNGRADED, EXCUSED = "not handed in", "handed in, not graded yet", "excused"
NEWER = "a newer hand-in is not graded yet"


@dataclass(frozen=True)
class Part:
    """What one exercise, or one cell graded by hand, was given.

    Attributes:
        id: of the exercise or cell.
        title: for people.
        points: exact; None where they are not decided.
        max_points: what it is worth.
        by_hand: whether people grade it.
        corrected: whether a person gave the points of an exercise that checks grade.
        waits: whether a person is to look at it.
    """

    id: str
    title: str
    points: Decimal | None
    max_points: Decimal
    by_hand: bool = False
    corrected: bool = False
    waits: bool = False


@dataclass(frozen=True)
class Row:
    """One student's row.

    Attributes:
        student: with the names that other systems have.
        in_roster: whether the roster has this student.
        status: of the grade with all that was given by hand; `MISSING`, `UNGRADED` or `EXCUSED` where there is none.
        points: exact, all together; None where there are none or an exercise is not decided. 0 is a mark.
        automatic: points that checks gave.
        manual: points that people gave to cells graded by hand; None while there are none.
        extra: points on top.
        penalty: points taken off for being late.
        waiting: ids of the cells whose grading by hand is open.
        attempt: id of the attempt; "" where nbgrader graded it.
        handed_in: when, where the gradebook knows.
        parts: exercise by exercise.
        grade: the attempt as its student may know it; None where there is none.
        newer: whether other files lie handed in, which are not graded yet.
    """

    student: Student
    in_roster: bool
    status: str
    points: Decimal | None = None
    automatic: Decimal | None = None
    manual: Decimal | None = None
    extra: Decimal = Decimal(0)
    penalty: Decimal = Decimal(0)
    waiting: tuple[str, ...] = ()
    attempt: str = ""
    handed_in: datetime | None = None
    parts: tuple[Part, ...] = ()
    grade: Grade | None = None
    newer: bool = False

    @property
    def undecided(self) -> tuple[str, ...]:
        """Ids of the exercises that nobody has decided."""
        return tuple(entry.id for entry in self.parts if entry.points is None and not entry.by_hand)

    @property
    def without_points(self) -> str:
        """Why there are no points to hand over; "" where there are."""
        if self.points is not None:
            return ""
        if self.undecided:
            return f"not decided: {', '.join(self.undecided)}"
        return self.status


@dataclass(frozen=True)
class Marks:
    """The marks of a class.

    Attributes:
        assignment: as its file has it.
        max_points: what can be earned without extra credit.
        rows: by student id.
        roster: the roster that names come from.
        left_out: students who can be in no export, with the reason.
        notes: sentences for staff, about the whole class.
    """

    assignment: spec.Assignment
    max_points: Decimal
    rows: tuple[Row, ...]
    roster: Roster
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export:
    """One export, ready to be written.

    Attributes:
        files: content by path below the target; a single file has the path "".
        exported: ids of the students whose points are in it.
        left_out: students whose points are not, with the reason.
        notes: sentences for staff.
    """

    files: Mapping[str, str]
    exported: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def exact(points: float) -> Decimal:
    """Return points as the decimal that a person would write: 0.1, not its nearest binary fraction."""
    return Decimal(str(points)).normalize()


def number(points: Decimal) -> str:
    """Write points with all of their decimals, a dot, and no exponent."""
    return f"{points.normalize() + 0:f}"


def gather(
    course: Course,
    assignment_id: str,
    settings: Settings,
    *,
    roster: Path | None = None,
    excused: Sequence[str] = (),
) -> Marks:
    """Collect the marks of an assignment from the stored attempts and nbgrader's gradebook.

    Checks' points are those of the attempt that counts, unless a person corrected them; what people gave is the gradebook's.

    Args:
        course: the course.
        assignment_id: id of the assignment.
        settings: which attempt counts, and where the gradebook is.
        roster: a roster file in place of the course's.
        excused: ids of students who need no mark.

    Raises:
        SpecError: there is no such assignment or roster, nobody has been graded, or somebody excused is nobody in the course.
    """
    assignment = spec.load_assignment(course.source(assignment_id))
    db_url = course.db_url(settings.db_url)
    people = course_roster(course.folder, db_url, roster)
    grades = {
        student: grade
        for student in attempts.students(course.folder, assignment_id)
        if (grade := versions.counting(course.folder, assignment_id, student, settings.counts)) is not None
    }
    times = own_times(course.folder, grades)
    pending = read_ungraded(course, assignment_id)
    marks = combine(assignment, grades, read_gradebook(assignment_id, db_url), people, times, pending)
    if all(row.status in {MISSING, UNGRADED} for row in marks.rows):
        raise attempts.nobody_graded(assignment_id)
    return replace(marks, rows=tuple(_with_excused(marks.rows, excused)))


def believed_note(students: int) -> str:
    """Say for how many students the notebook's own tests gave the points."""
    whose, notebooks = ("1 student", "a notebook") if students == 1 else (f"{students} students", "notebooks")
    return f"the automatic points of {whose} are believed: tests in {notebooks} of their own gave them"


def combine(
    assignment: spec.Assignment,
    grades: Mapping[str, Grade],
    recorded: Mapping[str, Scores] | None,
    people: Roster,
    times: Mapping[str, datetime] = MappingProxyType({}),
    pending: Ungraded = NOBODY,
) -> Marks:
    """Put the marks of an assignment together: a row for everybody who has a grade, a score, a hand-in or a place in the roster.

    Args:
        assignment: as its file has it.
        grades: the attempt that counts, by student.
        recorded: what `read_gradebook` gives.
        people: the course's roster.
        times: when the work was handed in that counts, by student, where the gradebook has the time of other work: `own_times`.
        pending: whose work lies handed in that no grade is of.
    """
    scores = recorded or {}
    notes = (
        []
        if recorded is not None
        else ["the course has no gradebook here: points given by hand are in no mark"]
    )
    rows, left_out = [], {}
    for student in sorted({*grades, *(who for who, given in scores.items() if _holds_anything(given))}):
        composed = unicodedata.normalize("NFC", student)
        if character := hidden_character(composed):
            left_out[student] = f"the id has the invisible character {character}"
            continue
        match = people.find("id", composed).student
        grade, given = grades.get(student), scores.get(student)
        row = _row(assignment, match or Student(composed), match is not None, grade, given)
        row = replace(row, newer=composed in pending.newer)
        rows.append(replace(row, handed_in=times[student]) if student in times else row)
        if grade and given and given.attempt not in {"", grade.attempt}:
            notes.append(f"{student}: the gradebook shows another attempt; run `pawgrade gradebook rebuild`")
    graded = {row.student.id for row in rows}
    rows += [
        Row(student, True, UNGRADED if student.id in pending.first else MISSING)
        for student in people.students
        if student.id not in graded
    ]
    rows += [
        Row(Student(student), False, UNGRADED) for student in pending.first - {row.student.id for row in rows}
    ]
    without_grade = pending.first - graded
    notes += [*pending.notes, *pending_notes(assignment.id, without_grade, pending.newer & graded)]
    believed = sum(row.grade is not None and row.grade.believed for row in rows)
    if believed:
        notes.append(believed_note(believed))
    rows.sort(key=lambda row: row.student.id)
    return Marks(assignment, exact(assignment.points), tuple(rows), people, left_out, tuple(notes))


def own_times(course: Path, grades: Mapping[str, Grade]) -> dict[str, datetime]:
    """Return when the work was handed in that a grade is of, by student, for those who have handed in other work since."""
    texts = {student: versions.handed_in(course, grade) for student, grade in grades.items()}
    times = {}
    for student, text in texts.items():
        if not text:
            continue
        # The file came with the submission: what is no time is no reason to export nothing.
        with contextlib.suppress(SpecError):
            moment = parse_timestamp(text)
            if moment is not None:
                times[student] = moment.replace(tzinfo=UTC)
    return times


def read_gradebook(assignment: str, db_url: str) -> dict[str, Scores] | None:
    """Return what the gradebook has of an assignment, by student; None where there is no gradebook."""
    if has_nbgrader():
        from grader.gradebook.manual_work import sqlite_path

        path = sqlite_path(db_url)
        # Opening would create an empty gradebook.
        if path is None or path.is_file():
            with open_gradebook(db_url) as gradebook:
                return read_scores(gradebook, assignment)
    return None


def _holds_anything(scores: Scores) -> bool:
    return any(score.automatic is not None or score.manual is not None for score in scores.cells.values())


def _row(
    assignment: spec.Assignment, student: Student, in_roster: bool, grade: Grade | None, scores: Scores | None
) -> Row:
    """Put the row of somebody together who has an attempt, scores in the gradebook, or both."""
    parts = tuple(_parts(assignment, grade, scores))
    # As nbgrader counts: extra credit is on top of a score, and of none where there is no score yet.
    scored = {entry.id for entry in parts if entry.points is not None}
    extra = _sum(
        exact(cell.extra) for name, cell in (scores.cells.items() if scores else ()) if name in scored
    )
    penalty = exact(scores.penalty) if scores else Decimal(0)
    by_checks = [entry.points for entry in parts if not entry.by_hand]
    by_hand = [entry.points for entry in parts if entry.by_hand and entry.points is not None]
    row = Row(
        student,
        in_roster,
        str(Status.ERROR),
        automatic=None if None in by_checks else _sum(points or Decimal(0) for points in by_checks),
        manual=_sum(by_hand) if by_hand else None,
        extra=extra,
        penalty=penalty,
        waiting=tuple(entry.id for entry in parts if entry.waits),
        attempt=grade.attempt if grade else "",
        handed_in=scores.handed_in if scores else None,
        parts=parts,
        grade=None if grade is None else disclosure.told(grade),
    )
    if row.automatic is None:
        return row
    points = max(row.automatic + (row.manual or 0) + extra - penalty, Decimal(0)).normalize()
    status = Status.PASSED if points >= exact(assignment.pass_points) else Status.FAILED
    return replace(row, points=points, status=str(status))


def _parts(assignment: spec.Assignment, grade: Grade | None, scores: Scores | None) -> Iterable[Part]:
    cells = dict(scores.cells) if scores else {}
    exercises = {exercise.id: exercise for exercise in grade.exercises} if grade else {}
    for exercise in assignment.exercises:
        cell = cells.pop(exercise.id, None)
        graded = exercises.get(exercise.id)
        if graded is not None:
            points = None if graded.status is Status.ERROR else graded.points
        else:
            points = cell.automatic if cell else None
        corrected = cell is not None and cell.manual is not None
        if corrected and cell is not None:
            points = cell.manual
        yield Part(
            exercise.id,
            exercise.title,
            None if points is None else exact(points),
            exact(exercise.points),
            corrected=corrected,
            # An undecided exercise waits in nbgrader's list, too, but it is our error, not open grading.
            waits=cell is not None and cell.waits and corrected,
        )
    for manual in assignment.manual:
        yield _by_hand(manual.id, manual.title, manual.points, cells.pop(manual.id, None))
    # What the gradebook has beyond: cells of a former version, or of a course that nbgrader grades.
    for name, cell in cells.items():
        if _given(cell) is not None and grade is None:
            yield _by_hand(name, name, cell.most, cell)


def _by_hand(name: str, title: str, most: float, cell: CellScore | None) -> Part:
    points = _given(cell) if cell else None
    waits = cell is None or cell.waits or points is None
    return Part(
        name, title, None if points is None else exact(points), exact(most), by_hand=True, waits=waits
    )


def _given(cell: CellScore) -> float | None:
    return cell.automatic if cell.manual is None else cell.manual


def _sum(points: Iterable[Decimal]) -> Decimal:
    return sum(points, Decimal(0))


def _with_excused(rows: Sequence[Row], excused: Sequence[str]) -> list[Row]:
    excused_ids = {unicodedata.normalize("NFC", student) for student in excused}
    if strangers := sorted(excused_ids - {row.student.id for row in rows}):
        raise SpecError(
            f"--excused: expected the id of a student, found {strangers[0]!r}.",
            "Ids are the folders under submitted/, or the column `id` of the roster.",
        )
    return [
        Row(row.student, row.in_roster, EXCUSED, attempt=row.attempt, handed_in=row.handed_in)
        if row.student.id in excused_ids
        else row
        for row in rows
    ]
