"""Put hand-ins where they belong: each folder whole or not at all, what was there before and what fits nothing aside.

```
submitted/<student>/<assignment>/          the hand-in that counts, with timestamp.txt
collected/<assignment>/hand_ins.json       of each: where it came from, when, its digest, what was said of it
collected/<assignment>/earlier/<student>/  hand-ins that do not count: replaced, older than what counts, or waiting for a decision
collected/<assignment>/unmatched/          files that fit nothing, by their paths in the source
```
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from grader.assignment.course import TIMESTAMP
from grader.collecting.members import Aside, clean_name, write_time
from grader.collecting.plan import Row, Target, time_there
from grader.errors import SpecError, SubmissionError
from grader.files import fresh_folder, write_whole

FOLDER, RECORD = "collected", "hand_ins.json"
MAX_ASIDE_BYTES = 100 * 2**20  # a larger file that fits nothing stays in the source


def read_record(course: Path, assignment: str) -> dict[str, dict[str, Any]]:
    """Return what was collected before, by student.

    Raises:
        SpecError: the record is damaged.
    """
    path = course / FOLDER / assignment / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise _damaged(path, str(exc)) from exc
    if not isinstance(record, dict) or not all(isinstance(row, dict) for row in record.values()):
        raise _damaged(path, "expected a table of students")
    return record


def _damaged(path: Path, why: str) -> SpecError:
    hint = "Delete it: only the numbers by which Canvas orders hand-ins are lost."
    return SpecError(f"{path} is damaged: {why}.", hint)


def place(rows: Sequence[Row], asides: Sequence[Aside], target: Target, kind: str) -> dict[str, str]:
    """Write what was planned.

    Args:
        rows: of the plan.
        asides: what is in no hand-in.
        target: where they go.
        kind: the system that they come from, for the record.

    Returns:
        Where files were put aside that had not been there: path in the source, and the file here.
    """
    put = dict[str, str]()
    record = {student: dict(row) for student, row in (target.record or {}).items()}
    for row in rows:
        if row.action in ("new", "replaces"):
            _place(row, target)
            record[row.student] = _recorded(row, kind)
            _write_record(record, target)
        elif row.action != "unchanged":
            put |= _keep(row, target)
        elif _is_later(row, record.get(row.student, {})):
            record[row.student] = _recorded(row, kind)
            _write_record(record, target)
        put |= _put_aside(row.asides, target)
    return put | _put_aside(asides, target)


def _is_later(row: Row, before: Mapping[str, Any]) -> bool:
    """Say whether the same files were handed in again: what lies between the two is older than they are."""
    number = before.get("number")
    return row.number is not None and (not isinstance(number, int) or row.number > number)


def _recorded(row: Row, kind: str) -> dict[str, Any]:
    return {
        "system": kind,
        "sender": row.sender,
        "path": row.source,
        "handed_in": write_time(row.handed_in) if row.handed_in else None,
        "number": row.number,
        "digest": row.digest,
        "notes": list(row.notes),
    }


def _write_record(record: Mapping[str, Any], target: Target) -> None:
    path = target.folder / FOLDER / target.assignment / RECORD
    # Escapes: names in it may hold halves of characters, which no file can.
    write_whole(path, json.dumps(record, indent=1, sort_keys=True) + "\n")


def _place(row: Row, target: Target) -> None:
    folder = target.of(row.student)
    with fresh_folder(folder) as draft:
        _write(row, draft, target)
        if folder.exists():
            # Renamed, not copied: whatever a student's folder holds, it is there afterwards as it was.
            folder.rename(_earlier_folder(row.student, target, _stamp(time_there(folder))))


def _write(row: Row, folder: Path, target: Target) -> None:
    for name, member in (row.files or {}).items():
        (folder / name).write_bytes(member.read(target.limits[name]))
    if row.handed_in:
        (folder / TIMESTAMP).write_text(write_time(row.handed_in) + "\n", encoding="utf-8")


def _keep(row: Row, target: Target) -> dict[str, str]:
    """Put a hand-in that does not count beside those that were replaced; nothing where it is there already."""
    if not row.files:
        return {}
    parent = target.folder / FOLDER / target.assignment / "earlier" / row.student
    folder = parent / f"{_stamp(row.handed_in)}-{row.digest[:8]}"
    if folder.exists():
        return {}
    with fresh_folder(folder) as draft:
        _write(row, draft, target)
    return {row.source: str(folder.relative_to(target.folder))}


def _stamp(moment: datetime.datetime | None) -> str:
    """Return a time as the name of a folder."""
    return write_time(moment)[:19].replace(":", "-").replace(" ", "T") if moment else "no-time"


def _earlier_folder(student: str, target: Target, stamp: str) -> Path:
    """Return a folder that is not there yet, in one that is."""
    parent = target.folder / FOLDER / target.assignment / "earlier" / student
    parent.mkdir(parents=True, exist_ok=True)
    number, folder = 1, parent / stamp
    while folder.exists():
        number += 1
        folder = parent / f"{stamp}-{number}"
    return folder


def _put_aside(asides: Sequence[Aside], target: Target) -> dict[str, str]:
    put = {}
    for aside in asides:
        if aside.member is None:
            continue
        try:
            content = aside.member.read(MAX_ASIDE_BYTES)
        except SubmissionError:
            continue  # it is named, and stays in the source
        path = _aside_path(aside.member.path, content, target)
        if not path.exists():
            write_whole(path, content)
            put[aside.path] = str(path.relative_to(target.folder))
    return put


def _aside_path(path: PurePosixPath, content: bytes, target: Target) -> Path:
    """Return where a file lies that fits nothing: another name where one of this name and other content is there."""
    names = [clean_name(name) or "_" for name in path.parts]
    top = target.folder / FOLDER / target.assignment / "unmatched"
    folder = top.joinpath(*names[:-1])
    # A file may be called as the folder of another one: what lies below a file cannot be written.
    blocked = next((parent for parent in [folder, *folder.parents] if parent.is_file()), None)
    if blocked is not None:
        folder = top / hashlib.sha256(str(path).encode("utf-8", "replace")).hexdigest()[:8]
    usual = folder / names[-1]
    if usual.is_dir() or (usual.exists() and usual.read_bytes() != content):
        digest = hashlib.sha256(content).hexdigest()[:8]
        return usual.with_name(f"{digest}-{usual.name}")
    return usual
