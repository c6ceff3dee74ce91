"""What a student was told of an assignment when its page was written last.

`feedback/<student>/index.html` shows this and nothing newer: points that changed since, by grading again or by hand, are told
when staff write the pages again. Kept for each assignment in one file, which is written whole or not at all:

```
.pawgrade/told/<assignment>.json    by student: points, status, attempts
```
"""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from grader import disclosure
from grader.assignment.spec import Assignment, Levels
from grader.errors import SpecError
from grader.feedback import ladder
from grader.files import write_whole
from grader.gradebook import attempts, versions
from grader.gradebook.roster import Roster
from grader.gradebook.scores import Scores
from grader.records import Grade, Status
from grader.reports.exports.rows import Row, combine, own_times
from grader.reports.overview.history import History
from grader.reports.overview.standings import moment
from grader.settings import Settings


@dataclass(frozen=True)
class AttemptTold:
    """What a student knows of one attempt.

    Attributes:
        number: which of the scored attempts it is, from 1; 0 where it is none of them.
        points: that checks gave, as the page of that attempt shows them; None where they could not be decided.
        max_points: what checks can give.
        graded_at: the hour; "" where it was not noted.
        counts: whether the grade is of this attempt.
    """

    number: int
    points: float | None
    max_points: float
    graded_at: str
    counts: bool


@dataclass(frozen=True)
class Told:
    """What a student knows of one assignment.

    Attributes:
        title: of the assignment.
        status: PASSED, FAILED, or ERROR where something could not be decided.
        points: all together; None where something could not be decided.
        max_points: what can be earned.
        pass_points: where the assignment is passed.
        automatic: points that checks gave; None where something could not be decided.
        manual: points given by hand; None while there are none.
        extra: points on top.
        penalty: points taken off for being late.
        pending: points still to be graded by hand.
        handed_in: when, for people; "" where nobody knows.
        limit: how many versions are scored; 0: all.
        unscored: whether a later version was kept, but not scored.
        attempts: what was handed in, in order.
    """

    title: str
    status: Status
    points: float | None
    max_points: float
    pass_points: float
    automatic: float | None
    manual: float | None
    extra: float
    penalty: float
    pending: float
    handed_in: str
    limit: int
    unscored: bool
    attempts: tuple[AttemptTold, ...]


@dataclass(frozen=True)
class Teller:
    """Says what each student of an assignment may know of a grade.

    Attributes:
        course: the course's folder.
        assignment: as its file has it.
        settings: how many versions are scored, and whether feedback goes by the Ladder.
        levels: credit levels by data card, secret ones included; the Ladder needs them.
        recorded: what the gradebook has, by student; None: there is no gradebook.
    """

    course: Path
    assignment: Assignment
    settings: Settings
    levels: Mapping[str, Mapping[str, Levels]]
    recorded: Mapping[str, Scores] | None

    def tell(self, histories: Mapping[str, History]) -> dict[str, Told]:
        """Return what each of these students may know, by the name of the student's folder.

        Args:
            histories: all stored attempts, by student; the counting one is the one that the page shows.
        """
        grades = {
            student: self._as_shown(history.counting, history.scored)
            for student, history in histories.items()
            if history.counting is not None
        }
        recorded = None if self.recorded is None else _of(self.recorded, grades)
        times = own_times(self.course, grades)
        marks = combine(self.assignment, grades, recorded, Roster((), ""), times)
        rows = {row.student.id: row for row in marks.rows}
        return {
            student: self._told(student, rows[row_id], histories[student])
            for student in grades
            if (row_id := composed(student)) in rows
        }

    def _as_shown(self, grade: Grade, history: tuple[Grade, ...]) -> Grade:
        """Return a grade as a page shows it that knows these attempts."""
        if not self.settings.ladder or not attempts.has_run(self.course, grade):
            return disclosure.told(grade)
        levels = self.levels.get(grade.data, {})
        return disclosure.told(ladder.held_back(grade, history, levels, self.settings.ladder))

    def _told(self, student: str, row: Row, history: History) -> Told:
        pending = sum(
            (entry.max_points for entry in row.parts if entry.by_hand and entry.points is None), Decimal(0)
        )
        return Told(
            self.assignment.title,
            Status(row.status),
            _number(row.points),
            self.assignment.points,
            self.assignment.pass_points,
            _number(row.automatic),
            _number(row.manual),
            float(row.extra),
            float(row.penalty),
            float(pending),
            # Not the text of `timestamp.txt`: what lies there may be a later version than the one that counts.
            moment(row.handed_in) if row.handed_in else "",
            self.settings.attempts,
            bool(versions.waiting(self.course, self.assignment.id, student)),
            tuple(self._attempt(grade, history) for grade in _in_order(history)),
        )

    def _attempt(self, grade: Grade, history: History) -> AttemptTold:
        number = history.number_of(grade)
        # As its own page showed it: later attempts were not known then.
        shown_grade = self._as_shown(grade, history.scored[:number] or (grade,))
        undecided = any(exercise.status is Status.ERROR for exercise in grade.exercises)
        return AttemptTold(
            number,
            None if undecided else shown_grade.points,
            shown_grade.max_points,
            shown_grade.provenance.get("graded_at", ""),
            history.counting is not None and grade.attempt == history.counting.attempt,
        )


def composed(student: str) -> str:
    """Return a folder's name as the id that marks have."""
    return unicodedata.normalize("NFC", student)


def _in_order(history: History) -> list[Grade]:
    """Return the attempts in the order of their numbers, those without one where their time puts them."""
    numbered = iter(
        sorted((grade for grade in history.latest if history.number_of(grade)), key=history.number_of)
    )
    return [next(numbered) if history.number_of(grade) else grade for grade in history.latest]


def _of(recorded: Mapping[str, Scores], students: Collection[str]) -> dict[str, Scores]:
    return {student: scores for student, scores in recorded.items() if student in students}


def _number(points: Decimal | None) -> float | None:
    return None if points is None else float(points)


_RECORDS = TypeAdapter(dict[str, Told])


def _path(course: Path, assignment: str) -> Path:
    return course / ".pawgrade" / "told" / f"{assignment}.json"


def read(course: Path, assignment: str) -> dict[str, Told]:
    """Return what students were told of an assignment; nothing before the first time.

    Raises:
        SpecError: the file is damaged.
    """
    path = _path(course, assignment)
    try:
        return _RECORDS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as exc:
        raise SpecError(
            f"{path} cannot be read: {str(exc).splitlines()[0]}.",
            f"Delete it and run `pawgrade feedback {shlex.quote(assignment)}`.",
        ) from exc


def add(course: Path, assignment: str, records: Mapping[str, Told]) -> None:
    """Note what these students are told now; of others it stays as it is.

    Args:
        course: the course's folder.
        assignment: id of the assignment.
        records: by the name of the student's folder.
    """
    try:
        before = read(course, assignment)
    except SpecError:  # what is written now mends it; who is not among these is told again next time
        before = {}
    write_whole(_path(course, assignment), _RECORDS.dump_json(before | dict(records), indent=1))
