"""Attempts: each graded submission is a folder, written whole or not at all.

```
.pawgrade/attempts/<assignment>/<student>/<attempt>/
    grade.json       the grade with its provenance, as its student may know it
    staff.json       what is for staff only: exact measures, pictures of hidden photos, flags, times
    submitted.ipynb  the notebook as handed in (absent when it could not be read)
    executed.ipynb   what ran, with its outputs: hostile bytes, sanitised before anyone looks
    submitted/, executed/    the same as <notebook>.ipynb, for an assignment of several notebooks
    answers.npz      what the probes brought back, validated
    answers.json     what was asked, how often, and why a set earned nothing: with it the answers can be judged anew
    staff.log        tracebacks of our own errors, if any
    former/<n>/      grade.json, staff.json and staff.log of another judgement, the first one in 1
    fault.log        traceback of a fault of ours while it was graded once more, which left the grade as it was
.pawgrade/attempts/<assignment>/<student>/unreadable-<attempt>/    an attempt that could not be read, moved aside
.pawgrade/attempts/<assignment>/<student>/current    id of the attempt of what is handed in now
```
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import numpy.typing as npt
from nbformat import NotebookNode

from grader import disclosure
from grader.assignment.course import Course
from grader.errors import InfrastructureError, SpecError
from grader.files import write_whole
from grader.messages import MESSAGES
from grader.records import Grade

# In a grade's provenance: digest of the assignment, levels and checks included, that judged it.
JUDGED = "judged"
FORMER = "former"
FAULT = "fault.log"
UNREADABLE = "unreadable-"  # no hex digit begins it, so `names` leaves it out
VERDICTS = ("grade.json", "staff.json", "staff.log")  # of an attempt: what a judgement writes


def root(course: Path, assignment: str, student: str = "") -> Path:
    """Return the folder of an assignment's attempts, or of one student's."""
    # In one call: of a class this is asked tens of thousands of times.
    return course.joinpath(".pawgrade", "attempts", assignment, student)


def write(
    course: Path,
    grade: Grade,
    *,
    submitted: Mapping[str, bytes],
    executed: Mapping[str, NotebookNode],
    answers: Mapping[str, npt.NDArray[np.generic]],
    asked: Mapping[str, Any] | None = None,
) -> Path:
    """Store an attempt; an earlier one of the same id is replaced, but for grades of other points, levels or checks.

    Args:
        course: the course folder.
        grade: without manual points: those live in the gradebook.
        submitted: the notebooks' bytes as handed in, by name, as far as they could be read.
        executed: the notebooks as far as they ran, by name.
        answers: validated answers of the probes, by name.
        asked: what `answers.json` holds; None: nothing was asked.

    Returns:
        The attempt's folder. Until it is complete nothing of it can be seen under its name.
    """
    parent = root(course, grade.assignment, grade.student)
    parent.mkdir(parents=True, exist_ok=True)
    final, draft = parent / grade.attempt, parent / f".new-{uuid.uuid4().hex}"
    draft.mkdir()
    _keep_former(final, draft, grade)
    # Outputs may hold halves of characters, which no file can.
    ran = {name: nbformat.writes(notebook).encode("utf-8", "replace") for name, notebook in executed.items()}
    for kind, contents_by_name in (("submitted", submitted), ("executed", ran)):
        for name, content in contents_by_name.items():
            path = notebook_path(draft, grade, kind, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    if answers:
        np.savez_compressed(draft / "answers.npz", **answers)  # type: ignore[arg-type] # numpy's stub: names may be flags
    if asked is not None:
        (draft / "answers.json").write_text(json.dumps(asked), encoding="utf-8")
    return _put(draft, final, grade)


def write_judged(course: Path, grade: Grade) -> Path:
    """Give a stored attempt another grade, of the same answers; its former grade is kept in `former/<n>/`.

    Args:
        course: the course folder.
        grade: what the answers earn now; an attempt of its id is stored.

    Returns:
        The attempt's folder. Until the new grade is complete the old one stays under its name.
    """
    parent = root(course, grade.assignment, grade.student)
    final, draft = parent / grade.attempt, parent / f".new-{uuid.uuid4().hex}"
    ignored = shutil.ignore_patterns(*VERDICTS, FORMER, FAULT)
    # Linked, not copied: an attempt's files are never changed in place, and notebooks have megabytes.
    shutil.copytree(final, draft, copy_function=_link, ignore=ignored)
    _keep_former(final, draft, grade)
    return _put(draft, final, grade)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)


def _keep_former(final: Path, draft: Path, grade: Grade) -> None:
    """Bring the former grades of an attempt into the draft that takes its place, the last one where it was another."""
    if (final / FORMER).is_dir():
        shutil.copytree(final / FORMER, draft / FORMER, copy_function=_link)
    path = final / "grade.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        former = (record["provenance"].get(JUDGED), record["points"], record["status"])
    except FileNotFoundError:
        return
    except (ValueError, TypeError, KeyError, AttributeError):
        former = None  # damaged: kept as it is
    if former == (grade.provenance.get(JUDGED), grade.points, grade.status):
        return  # graded once more by the same, with the same points: nothing but seconds can differ
    target = draft / FORMER / str(1 + len(list((draft / FORMER).glob("*"))))
    target.mkdir(parents=True)
    for name in VERDICTS:
        if (final / name).is_file():
            _link(str(final / name), str(target / name))


def _put(draft: Path, final: Path, grade: Grade) -> Path:
    """Write the grade into a draft that has all else, and put it under its name."""
    parent = final.parent
    if grade.staff.log:
        (draft / "staff.log").write_text(grade.staff.log, encoding="utf-8", errors="backslashreplace")
    for name, record in (("grade.json", _told(grade)), ("staff.json", _for_staff(grade))):
        (draft / name).write_text(json.dumps(record, indent=1), encoding="utf-8")
    # Contents must be on the disk before the name is: after a power cut a folder under its name is complete.
    for path in [*draft.rglob("*"), draft]:
        _sync(path)
    # A folder that is not empty cannot be replaced by a rename, so the old one steps aside; `sweep` removes it, or
    # puts it back where nothing took its place.
    if final.exists():
        final.rename(parent / f".old-{grade.attempt}-{uuid.uuid4().hex}")
    draft.rename(final)
    _sync(parent)
    sweep(parent)
    return final


def _told(grade: Grade) -> dict[str, Any]:
    return {**disclosure.told(grade).to_record(), "told": True}


def _for_staff(grade: Grade) -> dict[str, Any]:
    record = grade.to_record()
    checks = [
        {name: check[name] for name in ("requirements", "exact", "raised", MESSAGES)}
        for check in record["checks"]
    ]
    # These are in grade.json, too, but coarser or empty there: see `disclosure.told`.
    names = ("seconds", "provenance", "usage", "flags", "second", "log", "staff_pictures")
    return {**{name: record[name] for name in names}, "checks": checks}


def read(course: Path, assignment: str, student: str, attempt: str) -> Grade | None:
    """Return a stored grade, or None when there is none that is whole.

    What staff alone may know is part of it; whoever shows it to others passes it through `disclosure.told` first.
    """
    path = root(course, assignment, student) / attempt / "grade.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        told = record.pop("told", False)
        if told:
            staff = json.loads(path.with_name("staff.json").read_text(encoding="utf-8"))
            pairs = zip(record["checks"], staff.pop("checks"), strict=True)
            record |= {**staff, "checks": [_whole(check, more) for check, more in pairs]}
        grade = Grade.from_record(record)
        # An attempt from before staff.json has exact words in grade.json: those are for staff (ADR 11).
        return grade if told else disclosure.of_old(grade)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise damaged(path, exc) from exc


def damaged(path: Path, exc: Exception) -> SpecError:
    """Return the error of an attempt that cannot be read, with what mends it."""
    folder, assignment = path.parent, path.parent.parent.parent.name
    move = ["mv", str(folder), str(folder.parent / (UNREADABLE + folder.name))]
    return SpecError(
        f"{path} is damaged: {type(exc).__name__}: {exc}.",
        f"Run `pawgrade grade {shlex.quote(assignment)}` and grade again: it moves {folder.name} aside as {UNREADABLE}{folder.name}, "
        "deletes nothing, and grades what is handed in. Where nothing is handed in any more, "
        f"`{shlex.join(move)}` does the same.",
    )


def _whole(check: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Join a check's public record with its staff-only one; both keep their messages under one key."""
    return {**check, **more, MESSAGES: {**check.get(MESSAGES, {}), **more.get(MESSAGES, {})}}


def folder_of(course: Path, grade: Grade) -> Path:
    """Return the folder of a stored attempt."""
    return root(course, grade.assignment, grade.student) / grade.attempt


def notebook_path(folder: Path, grade: Grade, kind: str, name: str) -> Path:
    """Return the file of a notebook in an attempt's folder; it may be missing.

    Args:
        folder: the attempt's.
        grade: says whether the assignment has one notebook or several.
        kind: `submitted` or `executed`.
        name: of the notebook.
    """
    several = len(grade.notebook_names) > 1
    return folder / kind / f"{name}.ipynb" if several else folder / f"{kind}.ipynb"


def executed_bytes(course: Path, grade: Grade) -> dict[str, bytes]:
    """Return the files of the executed notebooks of a stored attempt, by name; those that did not run are missing: hostile bytes."""
    folder = folder_of(course, grade)
    paths = {name: notebook_path(folder, grade, "executed", name) for name in grade.notebook_names}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def set_current(course: Path, grade: Grade) -> None:
    """Record this attempt as the one handed in now."""
    path = root(course, grade.assignment, grade.student) / "current"
    write_whole(path, grade.attempt)


def current(course: Path, assignment: str, student: str) -> str:
    """Return the id of the attempt that `set_current` named, or ""."""
    pointer = root(course, assignment, student) / "current"
    return pointer.read_text(encoding="utf-8") if pointer.is_file() else ""


def stored(course: Path, assignment: str, student: str) -> list[Grade]:
    """Return the grades of all of a student's attempts, by id."""
    grades = [read(course, assignment, student, name) for name in names(course, assignment, student)]
    return [grade for grade in grades if grade is not None]


def readable(course: Path, assignment: str, student: str) -> tuple[list[Grade], dict[str, str]]:
    """Return the grades of all of a student's attempts that can be read, by id, and why the others cannot, by their ids."""
    grades, damaged = list[Grade](), dict[str, str]()
    for name in names(course, assignment, student):
        try:
            grade = read(course, assignment, student, name)
        except SpecError as exc:
            damaged[name] = str(exc.message)
            continue
        if grade is not None:
            grades.append(grade)
    return grades, damaged


def set_aside(course: Path, assignment: str, student: str, attempt: str) -> Path:
    """Give the folder of an attempt that cannot be read another name, so that it stops nobody; return its new path."""
    parent = root(course, assignment, student)
    target, number = parent / f"{UNREADABLE}{attempt}", 1
    while target.exists():
        number += 1
        target = parent / f"{UNREADABLE}{attempt}-{number}"
    (parent / attempt).rename(target)
    return target


def names(course: Path, assignment: str, student: str) -> list[str]:
    """Return the ids of all of a student's attempts, damaged ones included, sorted."""
    folder = root(course, assignment, student)
    # The pointer `current` matches the pattern as well, but it is a file.
    return sorted(path.name for path in folder.glob("[0-9a-f]*") if path.is_dir())


def has_run(course: Path, grade: Grade) -> bool:
    """Say whether a notebook of a stored attempt was executed, as far as it went."""
    folder = folder_of(course, grade)
    return any(notebook_path(folder, grade, "executed", name).is_file() for name in grade.notebook_names)


def students(course: Path, assignment: str) -> list[str]:
    """Return the ids of the students who have attempts, sorted."""
    folder = root(course, assignment)
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def nobody_graded(assignment: str) -> SpecError:
    """Return the error of every command that needs grades of an assignment where there is none yet."""
    return SpecError(
        f"nobody has been graded in {assignment} yet.",
        f"Run `pawgrade grade {shlex.quote(assignment)}` first.",
    )


def sweep(folder: Path) -> None:
    """Remove what an interrupted write left behind; put back an attempt whose successor never came."""
    for path in folder.glob(".old-*-*"):
        attempt = folder / path.name.split("-")[1]
        if path.is_dir() and not attempt.exists():
            path.rename(attempt)
    for path in [*folder.glob(".new-*"), *folder.glob(".old-*")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def sole_writer(course: Path) -> Iterator[None]:
    """Lock the course for one writing process; the operating system releases the lock when that dies, however it dies.

    Raises:
        InfrastructureError: another process writes records of this course.
    """
    import fcntl  # not on Windows, where students run `check`, which reads this module

    folder = course / ".pawgrade"
    folder.mkdir(exist_ok=True)
    # Opened for appending: a process that is refused must not erase the id of the one that holds the lock.
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        try:
            # On an open file, not by its existence: a killed process leaves no lock behind that somebody must remove.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            file.seek(0)
            raise InfrastructureError(
                f"another pawgrade (process {file.read().strip() or 'unknown'}) writes records of this course.",
                "Wait until it has ended.",
            ) from exc
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sanitised(course: Course, grade: Grade) -> dict[str, NotebookNode]:
    """Return the executed notebooks of a grade's attempt by name, safe to look at; those that did not run are missing."""
    from grader.notebooks.showing import (
        safe_notebook,  # a subprocess and HTML, for those who look at pages only
    )

    return {name: safe_notebook(content) for name, content in executed_bytes(course.folder, grade).items()}
