"""Gradescope's `results.json`, one a student: what the student's own page says, no more, and nothing hidden.

One hidden test would hide the total, so every test is visible; all text is of the format `text`, since some of it comes
out of submissions.
"""

from __future__ import annotations

import json
from typing import Any

from grader.disclosure import BELIEVED
from grader.notebooks.sanitise_text import visible
from grader.records import Check, Grade, Status
from grader.reports.exports.rows import Export, Marks, Part, Row

FILE = "results.json"


def export(marks: Marks) -> Export:
    """Return a `results.json` for every student who has points from an attempt."""
    files, left_out = dict[str, str](), dict[str, str]()
    for row in marks.rows:
        if row.points is None or row.grade is None:
            left_out[row.student.id] = row.without_points or "graded by nbgrader: there is no attempt"
        else:
            record = results(row, row.grade)
            # NaN is no JSON, and Gradescope takes none.
            files[f"{row.student.id}/{FILE}"] = json.dumps(record, indent=1, allow_nan=False) + "\n"
    return Export(files, tuple(path.split("/")[0] for path in files), left_out)


def results(row: Row, grade: Grade) -> dict[str, Any]:
    """Return the object of one student's `results.json`.

    Args:
        row: with points.
        grade: as its student may know it (`disclosure.told`).
    """
    notices = [str(notice) for notice in grade.notices]
    waiting = [f"Still to be graded by hand: {', '.join(row.waiting)}."] if row.waiting else []
    believed = [str(BELIEVED)] if grade.believed else []
    tests = [_test(number, entry, grade) for number, entry in enumerate(row.parts, 1)]
    for name, points in (("Extra credit", row.extra), ("Late penalty", -row.penalty)):
        if points:
            tests.append({"name": name, "number": str(len(tests) + 1), "score": float(points), **_SEEN})
    return {
        "score": float(row.points or 0),
        "execution_time": grade.seconds.total,
        "output": visible("\n".join([*believed, *notices, *waiting])),
        "output_format": "text",
        "visibility": "visible",
        "tests": tests,
        "extra_data": {"assignment": grade.assignment, "attempt": grade.attempt, "status": row.status},
    }


_SEEN = {"output_format": "text", "visibility": "visible"}


def _test(number: int, entry: Part, grade: Grade) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": visible(entry.title),
        "number": str(number),
        "max_score": float(entry.max_points),
    }
    if entry.points is not None:
        test["score"] = float(entry.points)
        if not entry.by_hand:
            test["status"] = "passed" if entry.points >= entry.max_points else "failed"
    if entry.by_hand:
        output = "Still to be graded by hand." if entry.waits else "Graded by hand."
    else:
        lines = ["A person gave these points."] if entry.corrected else []
        output = "\n".join(
            [*lines, *(describe(check) for check in grade.checks if check.exercise == entry.id)]
        )
    return {**test, "output": visible(output), **_SEEN}


def describe(check: Check) -> str:
    """Return what a check says, in lines; of a told check, that is what its student may read."""
    lines = [f"{check.status}: {check.title or check.id}"]
    lines += [
        f"  {word}: {text}" for word, text in (("found", check.measured), ("needed", check.required)) if text
    ]
    if check.hint and check.status is not Status.PASSED:
        lines.append(f"  try next: {check.hint}")
    return "\n".join(lines)
