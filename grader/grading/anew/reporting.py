"""Whose grade may have moved without anybody having been told: a mark that outlives a run which ends before its report.

```
.pawgrade/attempts/<assignment>/<student>/unreported.json    what was done, why, and the grade that was told last
```
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from grader import disclosure
from grader.errors import InfrastructureError
from grader.files import write_whole
from grader.gradebook import attempts
from grader.records import Grade

UNREPORTED = "unreported.json"


@dataclass(frozen=True)
class Unreported:
    """What was done about a student's attempts and not told yet.

    Attributes:
        what: as in `Outcome`.
        reason: why; may be "".
        before: the grade that counted when a report was last given, as its student may know it.
    """

    what: str
    reason: str
    before: Grade


def mark(course: Path, unreported: Unreported) -> None:
    """Note, before anything is stored, which grade was told last; an older mark stays, since it was not told either."""
    before = unreported.before
    path = _path(course, before.assignment, before.student)
    if read(course, before.assignment, before.student) is None:
        told = disclosure.told(before).to_record()
        write_whole(
            path, json.dumps({"what": unreported.what, "reason": unreported.reason, "before": told}, indent=1)
        )


def read(course: Path, assignment: str, student: str) -> Unreported | None:
    """Return what was not told of a student yet, or None; a damaged mark is none."""
    try:
        record = json.loads(_path(course, assignment, student).read_text(encoding="utf-8"))
        return Unreported(str(record["what"]), str(record["reason"]), Grade.from_record(record["before"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None


def reported(course: Path, assignment: str, students: Iterable[str]) -> None:
    """Remove the marks of students of whom everything has been told.

    While another run writes records the marks stay: what is told twice is better than what is told never.
    """
    with contextlib.suppress(InfrastructureError), attempts.sole_writer(course):
        for student in students:
            _path(course, assignment, student).unlink(missing_ok=True)


def _path(course: Path, assignment: str, student: str) -> Path:
    return attempts.root(course, assignment, student) / UNREPORTED
