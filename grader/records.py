"""The records of grading as frozen dataclasses: statuses, verdicts, grades.

`Grade.to_json` is the object that `pawgrade grade --json` writes; its field names are a contract.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grader.messages import MESSAGES, NOTHING, Message, record_of, with_messages


class Status(enum.StrEnum):
    """What became of a check, an exercise or a submission."""

    PASSED = "PASSED"
    FAILED = "FAILED"  # the student can fix it
    SKIPPED = "SKIPPED"  # its prerequisite did not pass
    ERROR = "ERROR"  # the grader could not decide: staff look at it


NO_CARD = "none"
"""In place of the id of a data card, for an assignment that needs no data."""


def on_card(card: str, *, between: str = " on ") -> str:
    """Return what follows an assignment's name to say on which data card; "" where it has none."""
    return "" if card == NO_CARD else f"{between}{card}"


NOT_RUN = "not_run"
"""`Grade.sandbox` where no student code ran: an unreadable file, or an error of ours before it could."""


class Limit(enum.StrEnum):
    """Which limit of `assignment.toml` ended or cut an execution."""

    WALL = "wall"
    CELL = "cell"
    MEMORY = "memory"
    DISK = "disk"
    PROCESSES = "processes"
    OUTPUT = "output"


@dataclass(frozen=True)
class Submission:
    """One student's files for one assignment, as handed in.

    Attributes:
        student: nbgrader's student id.
        assignment: id of the assignment.
        folder: `submitted/<student>/<assignment>`.
        timestamp: the text of `timestamp.txt` there, or None.
        name: of the file there, where one notebook is expected and the only one there is called otherwise; "" otherwise.
        contents: what `assignment.contents` says of the folder, once it was looked at; None before.
        notebooks: names of the notebooks that belong to the assignment, without `.ipynb`; empty: one, called as it is.
    """

    student: str
    assignment: str
    folder: Path
    timestamp: str | None = None
    name: str = ""
    contents: bytes | None = field(default=None, compare=False, repr=False)
    notebooks: tuple[str, ...] = ()

    @property
    def paths(self) -> dict[str, Path]:
        """Where each notebook should be, by its name; any of them may be missing."""
        names = self.notebooks or (self.assignment,)
        if self.name and len(names) == 1:
            return {names[0]: self.folder / self.name}
        return {name: self.folder / f"{name}.ipynb" for name in names}


@dataclass(frozen=True)
class Repair:
    """One thing that was put right in a submitted notebook before it ran.

    Attributes:
        cell: `grade_id` or cell id it happened to.
        what: one sentence that a student understands.
        notebook: name of the notebook.
    """

    cell: str
    what: Message
    notebook: str = ""


@dataclass(frozen=True)
class FailedCell:
    """A cell that raised, or in which a limit hit.

    Attributes:
        index: position among all cells of the executed notebook, from 0.
        number: the one that Jupyter shows after Restart and Run All: code cells that are not empty, from 1.
        grade_id: nbgrader's id of the cell, or None.
        error: the exception's class name, or `limit: <name>`.
        message: the exception's text, cut to 500 characters; of a limit what it is, and the exception in brackets.
        limit: the limit that hit, or None (not part of `--json`: `error` names it).
        raised: the exception's class name, also where a limit is behind it (not part of `--json`).
        said: the exception's text: the student's word (not part of `--json`: `message` has it).
        notebook: name of the notebook (not part of `--json`).
    """

    index: int
    number: int
    grade_id: str | None
    error: str
    message: Message
    limit: Limit | None = None
    raised: str = ""
    said: str = ""
    notebook: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the contract, with words in English."""
        return {
            "index": self.index,
            "number": self.number,
            "grade_id": self.grade_id,
            "error": self.error,
            "message": str(self.message),
        }


@dataclass(frozen=True)
class Requirement:
    """One demand that a check made of the answers: a call of `require`, `require_count` or `require_level`.

    Attributes:
        site: file and line of the call, for example `check_public.py:121`; with the check's id it names the demand.
        what: name of the measure, for people.
        met: whether it earned everything that depends on it.
        value: what was measured; NaN when it could not be told.
        level: name of the level it was held against; "" for fixed bounds.
        successes: how many answers were right, for an accuracy.
        trials: how many were asked, for an accuracy.
    """

    site: str
    what: str
    met: bool
    value: float
    level: str = ""
    successes: int | None = None
    trials: int | None = None


@dataclass(frozen=True)
class Check:
    """One verdict: what was measured, what was required, what to try next.

    Attributes:
        id: name of the check function without `test_`.
        exercise: id of the exercise it belongs to.
        status: PASSED only with full points.
        points: earned, 0 to `max_points`.
        max_points: what it is worth; 0 for a check that only informs or guards others.
        measured: what was found, for people; "" when nothing could be measured.
        required: what earns full points, for people.
        hint: what to try next; "" when PASSED.
        title: first line of the check's docstring.
        requirements: what was demanded, in order: for staff only (not part of `--json`).
        exact: what was found, in full, where `measured` may not say it: for staff only (not part of `--json`).
        raised: class of the exception that an entry point raised; "" otherwise: for staff only (not part of `--json`).
    """

    id: str
    exercise: str
    status: Status
    points: float
    max_points: float
    measured: Message = NOTHING
    required: Message = NOTHING
    hint: Message = NOTHING
    title: str = ""
    requirements: tuple[Requirement, ...] = ()
    exact: Message = NOTHING
    raised: str = ""

    @property
    def found(self) -> Message:
        """What staff read first: what was measured, in full, or what there was instead."""
        return self.exact or self.measured or self.hint

    def to_record(self) -> dict[str, Any]:
        """Return everything as JSON-able values; `from_record` is its inverse."""
        return record_of(self, *CHECK_MESSAGES)

    @classmethod
    def from_record(cls, row: dict[str, Any]) -> Check:
        """Read what `to_record` gave, or its JSON."""
        values = with_messages(row, *CHECK_MESSAGES)
        requirements = tuple(Requirement(**demand) for demand in values.get("requirements", ()))
        return cls(**{**values, "status": Status(row["status"]), "requirements": requirements})


@dataclass(frozen=True)
class ExerciseGrade:
    """What one exercise earned, and which notebook holds its cell. PASSED means full points; partial credit is FAILED with points > 0."""

    id: str
    status: Status
    points: float
    max_points: float
    title: str = ""
    notebook: str = ""


@dataclass(frozen=True)
class Seconds:
    """Where the time of one submission went, in seconds."""

    queue: float = 0.0
    kernel: float = 0.0
    execute: float = 0.0
    probe: float = 0.0
    evaluate: float = 0.0
    total: float = 0.0


@dataclass(frozen=True)
class Picture:
    """Inert material for a picture in the feedback.

    Attributes:
        kind: which drawing function shows it, for example `confusion`.
        title: caption.
        content: JSON-able values that the drawing function documents.
        check: id of the check that attached it; "" when that was not noted.
    """

    kind: str
    title: str
    content: dict[str, Any]
    check: str = ""


@dataclass(frozen=True)
class StaffNotes:
    """What staff alone may know of an attempt, beside its grade.

    Attributes:
        usage: what was used of the limits: `memory_mb` (peak), `wall_s`, `cell_s` (longest cell).
        flags: what somebody may want to look at.
        second: accuracies on the second holdout, which no report shows.
        log: tracebacks of our own errors.
        pictures: those that depend on hidden photos.
    """

    usage: dict[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    second: tuple[Requirement, ...] = ()
    log: str = ""
    pictures: tuple[Picture, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """Return JSON-able values under their names in `staff.json`; `from_record` is its inverse."""
        record = dataclasses.asdict(self)
        record["staff_pictures"] = record.pop("pictures")
        return {name: list(rows) if isinstance(rows, tuple) else rows for name, rows in record.items()}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> StaffNotes:
        """Read what `to_record` gave, or its JSON; what is missing was not noted."""
        second = tuple(Requirement(**row) for row in record.get("second", ()))
        pictures = tuple(Picture(**row) for row in record.get("staff_pictures", ()))
        usage, flags, log = record.get("usage", {}), record.get("flags", ()), record.get("log", "")
        return cls(usage, tuple(flags), second, log, pictures)


STAFF_NOTES = ("usage", "flags", "second", "log", "staff_pictures")  # names in a record
CHECK_MESSAGES = ("measured", "required", "hint", "exact")

# What is not named here is public: a new field of `Grade` shows in `--json` unless it is added.
_NOT_PUBLIC = (MESSAGES, "repairs", "notices", "pictures", "provenance", "notebooks", *STAFF_NOTES)


@dataclass(frozen=True)
class Grade:
    """Score, status and provenance of one attempt.

    Attributes:
        student: nbgrader's student id.
        assignment: id of the assignment.
        attempt: hash of the submitted files, the assignment's version, the data and the seed.
        status: ERROR when a check could not be decided, PASSED when `passed`, FAILED otherwise.
        points: autograded points earned.
        max_points: autograded points that can be earned.
        manual_points: points given by hand in the gradebook, or None while there are none.
        passed: whether `points` plus `manual_points` reach the assignment's `pass_points`.
        exercises: per exercise, in the assignment's order.
        checks: per check, in the order they ran.
        failed_cells: cells that raised or hit a limit.
        limit: the limit that ended or cut the execution, or None.
        seconds: where the time went.
        sandbox: `namespaces` or `none`: how the student's code was isolated; `not_run`: none of it ran.
        device: `cpu` or `cuda`.
        seed: the seed the notebook was given.
        data: id of the data card.
        repairs: what was put right in the notebook before it ran (not part of `--json`).
        notices: sentences for the student about the whole submission (not part of `--json`).
        pictures: material for the feedback (not part of `--json`).
        provenance: versions and digests: package, split, assignment, graded_at (not part of `--json`).
        staff: what staff alone may know (not part of `--json`).
        believed: whether the points are what the student's own kernel said: tests in the notebook gave them.
        notebooks: names of the assignment's notebooks; empty: one, called as the assignment is (not part of `--json`).
    """

    student: str
    assignment: str
    attempt: str
    status: Status
    points: float
    max_points: float
    manual_points: float | None
    passed: bool
    exercises: tuple[ExerciseGrade, ...]
    checks: tuple[Check, ...]
    failed_cells: tuple[FailedCell, ...]
    limit: Limit | None
    seconds: Seconds
    sandbox: str
    device: str
    seed: int
    data: str
    repairs: tuple[Repair, ...] = ()
    notices: tuple[Message, ...] = ()
    pictures: tuple[Picture, ...] = ()
    provenance: dict[str, str] = field(default_factory=dict)
    staff: StaffNotes = StaffNotes()
    believed: bool = False
    notebooks: tuple[str, ...] = ()

    @property
    def notebook_names(self) -> tuple[str, ...]:
        """The names of the assignment's notebooks, in its order: one at least."""
        return self.notebooks or (self.assignment,)

    def to_json(self) -> dict[str, Any]:
        """Return the public object of `grade --json`: the fields of the contract and no others."""
        record = self.to_record()
        for name in _NOT_PUBLIC:
            del record[name]
        for check in record["checks"]:
            # The same holds for the fields of `Check`.
            for name in (MESSAGES, "title", "requirements", "exact", "raised"):
                del check[name]
        record["failed_cells"] = [cell.to_json() for cell in self.failed_cells]
        for exercise in record["exercises"]:
            del exercise["title"], exercise["notebook"]
        return record

    def to_record(self) -> dict[str, Any]:
        """Return everything as JSON-able values; `from_record` is its inverse."""
        record = record_of(self, "notices")
        del record["staff"]
        record |= self.staff.to_record()
        for name in ("exercises", "pictures", "notebooks"):
            record[name] = list(record[name])
        record["checks"] = [check.to_record() for check in self.checks]
        record["failed_cells"] = [record_of(cell, "message") for cell in self.failed_cells]
        record["repairs"] = [record_of(repair, "what") for repair in self.repairs]
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Grade:
        """Read what `to_record` wrote (or its JSON); raises KeyError, TypeError or ValueError otherwise."""
        values = with_messages(record, "notices")
        values["staff"] = StaffNotes.from_record(
            {name: values.pop(name) for name in STAFF_NOTES if name in values}
        )
        values["status"] = Status(values["status"])
        values["limit"] = None if values["limit"] is None else Limit(values["limit"])
        values["seconds"] = Seconds(**values["seconds"])
        values["exercises"] = tuple(
            ExerciseGrade(**{**row, "status": Status(row["status"])}) for row in values["exercises"]
        )
        values["checks"] = tuple(Check.from_record(row) for row in values["checks"])
        values["failed_cells"] = tuple(_failed_cell(row) for row in values["failed_cells"])
        values["repairs"] = tuple(Repair(**with_messages(row, "what")) for row in values["repairs"])
        values["pictures"] = tuple(Picture(**row) for row in values["pictures"])
        # Attempts that were stored before this field existed lack it.
        values["notices"] = tuple(values.get("notices", ()))
        values["notebooks"] = tuple(values.get("notebooks", ()))
        return cls(**values)


def _failed_cell(row: dict[str, Any]) -> FailedCell:
    values = with_messages(row, "message")
    if "limit" not in values:  # stored before cells named their limit
        values["limit"] = next((limit for limit in Limit if values["error"] == f"limit: {limit}"), None)
    return FailedCell(**{**values, "limit": None if values["limit"] is None else Limit(values["limit"])})
