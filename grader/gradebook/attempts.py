"""Attempts: each graded submission is a folder, written whole or not at all.

```
.pawgrade/attempts/<assignment>/<student>/<attempt>/
    grade.json       the grade with its provenance, as its student may know it
    staff.json       what is for staff only: exact measures, pictures of hidden photos, flags, times
    submitted.ipynb  the notebook as handed in (absent when it could not be read)
    executed.ipynb   what ran, with its outputs: hostile bytes, sanitised before anyone looks
    submitted/, executed/    the same as <notebook>.ipynb, for an assignment of several notebooks
    answers.npz      what the probes brought back, validated
    staff.log        tracebacks of our own errors, if any
.pawgrade/attempts/<assignment>/<student>/current    id of the attempt of what is handed in now
```
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import numpy.typing as npt
from nbformat import NotebookNode

from grader import disclosure
from grader.assignment.course import TIMESTAMP, Course
from grader.errors import InfrastructureError, SpecError
from grader.files import write_whole
from grader.messages import MESSAGES
from grader.records import Grade, Submission

MAX_READ_BYTES = 256 * 2**20
# Of what was handed in; with more, only the notebook decides which attempt it is.
MAX_FILES, MAX_DEPTH = 10_000, 32


def attempt_id(submission: Submission, *facts: str) -> str:
    """Return 16 hex digits for the submitted files and the facts that decide their grade.

    The time of handing in is not among them: the same files handed in again are the same attempt.

    Args:
        submission: its folder is read where that was not done before; links are not followed.
        facts: versions and settings, for example the assignment's digest, the data card, the seed.
    """
    listed = contents(submission) if submission.contents is None else submission.contents
    # NUL separates: no file's name can hold it.
    return hashlib.sha256("\0".join(facts).encode() + listed).hexdigest()[:16]


def contents(submission: Submission) -> bytes:
    """Return what identifies the submitted files: name, kind and digest of each."""
    rows = bytearray()
    files, rest = _files(submission.folder, [path.name for path in submission.paths.values()])
    for name in files:
        path = submission.folder / name
        try:
            mode = path.lstat().st_mode
        except OSError:  # gone since, or a name that is too long
            rows += f"\0{name}\0unreadable\0".encode(errors="surrogateescape")
            continue
        # The kind counts, too: a link or a pipe in a file's place is another attempt, and is never opened.
        rows += f"\0{name}\0{stat.S_IFMT(mode)}\0".encode(errors="surrogateescape")
        if stat.S_ISREG(mode):
            rows += _fingerprint(path)
    if rest:
        rows += f"\0{rest}".encode()
    return bytes(rows)


def _files(folder: Path, notebooks: Sequence[str]) -> tuple[list[str], str]:
    """List the files of a hostile folder; return their sorted names, and a note of what is not among them.

    Folders are entered by name, not by recursion: one of a thousand levels, or of long names, ends no class.
    """
    # A broken link is there as well: `exists` alone would follow it.
    there = [name for name in notebooks if (folder / name).is_symlink() or (folder / name).exists()]
    names, pending, rest = list(there), [("", 0)], ""
    while pending:
        inside, depth = pending.pop()
        try:
            with os.scandir(folder / inside) as entries:
                for entry in entries:
                    name = f"{inside}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        pending.append((f"{name}/", depth + 1))
                    elif name not in (TIMESTAMP, *notebooks):
                        names.append(name)
                    # Checked at each entry: one folder alone may hold millions.
                    if len(names) + len(pending) > MAX_FILES:
                        return list(notebooks), f"more than {MAX_FILES} files"
        except OSError:
            rest = rest or "folders that cannot be read"
        # The folder appended last is entered next, so a deep branch is noticed as soon as it is met.
        if pending and pending[-1][1] > MAX_DEPTH:
            return list(notebooks), f"folders {MAX_DEPTH} deep"
    return sorted(names), rest


def _fingerprint(path: Path) -> bytes:
    """Return the digest of a file's content, or its size where it is too large or cannot be read."""
    size = path.lstat().st_size
    if size > MAX_READ_BYTES:
        return str(size).encode()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return f"unreadable {size}".encode()


def root(course: Path, assignment: str, student: str = "") -> Path:
    """Return the folder of an assignment's attempts, or of one student's."""
    return course / ".pawgrade" / "attempts" / assignment / student


def write(
    course: Path,
    grade: Grade,
    *,
    submitted: Mapping[str, bytes],
    executed: Mapping[str, NotebookNode],
    answers: Mapping[str, npt.NDArray[np.generic]],
) -> Path:
    """Store an attempt; an earlier one of the same id is replaced.

    Args:
        course: the course folder.
        grade: without manual points: those live in the gradebook.
        submitted: the notebooks' bytes as handed in, by name, as far as they could be read.
        executed: the notebooks as far as they ran, by name.
        answers: validated answers of the probes, by name.

    Returns:
        The attempt's folder. Until it is complete nothing of it can be seen under its name.
    """
    parent = root(course, grade.assignment, grade.student)
    parent.mkdir(parents=True, exist_ok=True)
    final, draft = parent / grade.attempt, parent / f".new-{uuid.uuid4().hex}"
    draft.mkdir()
    # Outputs may hold halves of characters, which no file can.
    ran = {name: nbformat.writes(notebook).encode("utf-8", "replace") for name, notebook in executed.items()}
    for kind, contents_by_name in (("submitted", submitted), ("executed", ran)):
        for name, content in contents_by_name.items():
            path = notebook_path(draft, grade, kind, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    if answers:
        np.savez_compressed(draft / "answers.npz", **answers)  # type: ignore[arg-type] # numpy's stub: names may be flags
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
        raise SpecError(
            f"{path} is damaged: {type(exc).__name__}: {exc}.", "Delete the attempt's folder and grade again."
        ) from exc


def _whole(check: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Join a check's public record with its staff-only one; both keep their messages under one key."""
    return {**check, **more, MESSAGES: {**check.get(MESSAGES, {}), **more.get(MESSAGES, {})}}


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
    folder = root(course, grade.assignment, grade.student) / grade.attempt
    paths = {name: notebook_path(folder, grade, "executed", name) for name in grade.notebook_names}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def set_current(course: Path, grade: Grade) -> None:
    """Record this attempt as the one handed in now."""
    path = root(course, grade.assignment, grade.student) / "current"
    write_whole(path, grade.attempt)


def counting(course: Path, assignment: str, student: str, rule: str = "latest") -> Grade | None:
    """Return the attempt that counts: the current one, or the one with most points when the rule is `best`."""
    if rule == "best":
        grades = stored(course, assignment, student)
        return max(
            grades, key=lambda grade: (grade.points, grade.provenance.get("graded_at", "")), default=None
        )
    name = current(course, assignment, student)
    return read(course, assignment, student, name) if name else None


def current(course: Path, assignment: str, student: str) -> str:
    """Return the id of the attempt that `set_current` named, or ""."""
    pointer = root(course, assignment, student) / "current"
    return pointer.read_text(encoding="utf-8") if pointer.is_file() else ""


def stored(course: Path, assignment: str, student: str) -> list[Grade]:
    """Return the grades of all of a student's attempts, by id."""
    folder = root(course, assignment, student)
    # The pointer `current` matches the pattern as well, but it is a file.
    folders = sorted(path for path in folder.glob("[0-9a-f]*") if path.is_dir())
    grades = [read(course, assignment, student, path.name) for path in folders]
    return [grade for grade in grades if grade is not None]


def has_run(course: Path, grade: Grade) -> bool:
    """Say whether a notebook of a stored attempt was executed, as far as it went."""
    folder = root(course, grade.assignment, grade.student) / grade.attempt
    return any(notebook_path(folder, grade, "executed", name).is_file() for name in grade.notebook_names)


def students(course: Path, assignment: str) -> list[str]:
    """Return the ids of the students who have attempts, sorted."""
    folder = root(course, assignment)
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


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
