"""Rewrite the gradebook: Pawgrade's submissions from their attempts, everything else left as it is."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from grader.errors import SpecError
from grader.gradebook import backups
from grader.gradebook.manual_work import (
    EMPTY,
    Snapshot,
    last_snapshot,
    put_back,
    save_snapshot,
    snapshot,
    sqlite_path,
)
from grader.gradebook.nbgrader import Entry, Session, nbgrader_api, open_gradebook, transaction, write_entry
from grader.gradebook.ownership import forget_attempt, is_foreign, named, recorded_attempt
from grader.gradebook.source_cells import write_cells

if TYPE_CHECKING:
    from nbformat import NotebookNode

    Notebooks: TypeAlias = Mapping[str, NotebookNode]  # of an assignment, by name


@dataclass(frozen=True)
class Rebuilt:
    """What `rebuild` did.

    Attributes:
        submissions: how many attempts were written.
        snapshot: file with the staff's work that was put back, or None when there was none.
        kept: the previous database: a copy, or the damaged file itself; None when there was none.
        notices: sentences for staff, about what needs a look.
    """

    submissions: int
    snapshot: Path | None
    kept: Path | None
    notices: tuple[str, ...]


def rebuild(
    db_url: str, course: Path, *, sources: Mapping[str, Notebooks], entries: Iterable[Entry]
) -> Rebuilt:
    """Write the named assignments again from their sources and attempts; keep the staff's work.

    Only what is Pawgrade's is written again: assignments that are not named, and submissions that nbgrader graded,
    stay as they are. A gradebook that can be read is rewritten in place, in one transaction: a formgrader that has it
    open goes on with the new rows (replacing the file would leave it writing into the old one), and a run that is killed
    has changed nothing. Where the file is damaged or gone, a new one is built beside it, from the newest copy if there
    is one, with the last snapshot, and put in its place; the damaged file is kept.

    Args:
        db_url: SQLAlchemy URL of the gradebook.
        course: the course's folder; snapshots go to `.pawgrade/manual` there.
        sources: the assignments' notebooks by id and name, from `conversion.gradebook_notebooks`.
        entries: the attempts that count, one a submission; read one by one.

    Raises:
        SpecError: when sources and attempts do not fit together, or scores that are not Pawgrade's would be lost; then
            nothing was changed.
        InfrastructureError: when the gradebook is locked; then nothing was changed.
    """
    path = sqlite_path(db_url)
    if path is not None and (not path.exists() or backups.is_damaged(path)):
        return _build_anew(path, course, sources, entries)
    # Only SQLite's database is a file that can be copied here.
    previous = None if path is None else backups.backup(path)
    with open_gradebook(db_url) as gradebook, transaction(gradebook) as session:
        # Read inside the transaction: a score typed in between would be in neither the snapshot nor the new rows.
        saved = snapshot(gradebook)
        file = save_snapshot(course, saved)
        count, notices = _project(session, sources, entries, _of(saved, set(sources)))
    return Rebuilt(count, file, previous, tuple(notices))


def set_aside(
    db_url: str, course: Path, assignment: str, *, source: Notebooks, entries: Iterable[Entry]
) -> tuple[str, Rebuilt]:
    """Give an assignment that nbgrader graded another name in the gradebook, with all its scores, and begin it anew.

    What Pawgrade had written of it is written again under the old name, with the staff's work on it.

    Args:
        db_url: SQLAlchemy URL of the gradebook.
        course: the course's folder.
        assignment: the assignment's name.
        source: its notebooks by name, from `conversion.gradebook_notebooks`.
        entries: its attempts that count.

    Returns:
        The other name, and what was written.

    Raises:
        SpecError: nbgrader graded nothing of it, or the gradebook cannot be read; nothing was changed.
    """
    path = sqlite_path(db_url)
    if path is not None and (not path.exists() or backups.is_damaged(path)):
        raise SpecError(
            f"{path} is {'damaged' if path.exists() else 'not there'}: nothing can be set aside in it.",
            "`pawgrade gradebook rebuild` builds it anew and keeps a damaged file.",
        )
    previous = None if path is None else backups.backup(path)
    api = nbgrader_api()
    with open_gradebook(db_url) as gradebook, transaction(gradebook) as session:
        row = session.query(api.Assignment).filter_by(name=assignment).one_or_none()
        if row is None or not any(is_foreign(session, submission) for submission in row.submissions):
            raise SpecError(
                f"assignment {assignment}: the gradebook has no scores of it but Pawgrade's.",
                "There is nothing to set aside.",
            )
        saved = snapshot(gradebook)
        file = save_snapshot(course, saved)
        taken = {name for (name,) in session.query(api.Assignment.name)}
        # Renamed, not copied: every row of nbgrader's stays where it is and hangs on the same assignment.
        row.name = name = next(free for free in _names(assignment) if free not in taken)
        session.flush()  # the old name must be free before an assignment of that name is written
        ours = _of(saved, {assignment}, only_graded=True)
        count, notices = _project(session, {assignment: source}, entries, ours)
    return name, Rebuilt(count, file, previous, tuple(notices))


def _names(assignment: str) -> Iterable[str]:
    yield f"{assignment}_nbgrader"
    number = 2
    while True:
        yield f"{assignment}_nbgrader_{number}"
        number += 1


def _of(saved: Snapshot, names: set[str], *, only_graded: bool = False) -> Snapshot:
    """Return a snapshot of some assignments; `only_graded`: of those submissions that come from attempts."""
    rows = [row for row in saved["assignments"] if row["name"] in names]
    if only_graded:
        rows = [
            {**row, "submissions": [submission for submission in row["submissions"] if submission["attempt"]]}
            for row in rows
        ]
    return {**saved, "assignments": rows}


def _project(
    session: Session, sources: Mapping[str, Notebooks], entries: Iterable[Entry], saved: Snapshot
) -> tuple[int, list[str]]:
    """Write cells, scores and manual work; return the number of submissions and what needs a look."""
    # All are cleared before any is written; a failure further down rolls all of it back.
    before = {assignment: _clear(session, assignment) for assignment in sources}
    for assignment, notebooks in sources.items():
        write_cells(session, assignment, notebooks)
    written: dict[str, set[str]] = {assignment: set() for assignment in sources}
    for entry in entries:
        write_entry(session, entry)
        written[entry.grade.assignment].add(entry.grade.student)
    notices = [
        text
        for assignment in sources
        for text in _dropped(assignment, before[assignment], written[assignment])
    ]
    return sum(map(len, written.values())), [*notices, *put_back(session, saved)]


def _dropped(assignment: str, before: set[str], written: set[str]) -> Iterable[str]:
    """Say whose automatic scores no stored attempt supports; raise SpecError when that is everybody."""
    gone = sorted(before - written)
    if not gone:
        return
    # A course without its attempts, not a class that left: nothing here could bring the scores back.
    if not written:
        raise SpecError(
            f"assignment {assignment}: {named(gone)} scores of Pawgrade's, and no attempt of it is stored: all would be lost.",
            f"Bring .pawgrade/attempts back to the course, or run `pawgrade grade {shlex.quote(assignment)}` first. Nothing was changed.",
        )
    yield (
        f"{assignment}: {named(gone)} no stored attempt; their automatic scores are in the previous gradebook only."
    )


def _clear(session: Session, assignment: str) -> set[str]:
    """Delete what is Pawgrade's of an assignment; the assignment itself, with its due date, stays.

    Where nbgrader has graded something of it, that stays, and so do the cells on which its scores hang.

    Returns:
        The students whose scores came from attempts.
    """
    api = nbgrader_api()
    row = session.query(api.Assignment).filter_by(name=assignment).one_or_none()
    if row is None:
        return set()
    ours = [submission for submission in row.submissions if not is_foreign(session, submission)]
    whole = len(ours) == len(row.submissions)
    graded = {submission.student_id for submission in ours if recorded_attempt(session, submission.id)}
    for submission in ours:
        for notebook in submission.notebooks:
            # nbgrader's models have no cascades: what hangs on a row is deleted before it, piece by piece.
            for record in (*notebook.grades, *notebook.comments, notebook):
                session.delete(record)
        session.delete(submission)
        forget_attempt(session, submission.id)
    for notebook in row.notebooks if whole else ():
        for record in (*notebook._base_cells, *notebook.source_cells, notebook):
            session.delete(record)
    session.flush()
    # Rows that the session remembers still list what was deleted.
    session.expire_all()
    return graded


def _build_anew(
    path: Path, course: Path, sources: Mapping[str, Notebooks], entries: Iterable[Entry]
) -> Rebuilt:
    """Build a database beside a damaged or missing one, with the last snapshot, and put it in its place."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    # The copy has what Pawgrade did not write, which no attempt and no snapshot holds.
    base = backups.last_whole_backup(path)
    if base is not None:
        shutil.copyfile(base, draft)
    file, saved = last_snapshot(course) or (None, EMPTY)
    with open_gradebook(f"sqlite:///{draft.resolve()}") as gradebook, transaction(gradebook) as session:
        count, notices = _project(session, sources, entries, saved)
    # Only now, when the new database is complete: a run that fails above leaves the old file in its place.
    damaged_file = None
    if path.exists():
        damaged_file = backups.move_aside(path)
        notices.append(
            f"{path.name} was damaged; it is kept as {damaged_file.name}. Scores that nbgrader wrote itself are in no attempt"
            f" and in no snapshot: {f'those here come from {base.name}' if base else 'look for them there'}."
        )
    draft.replace(path)
    if base is not None and damaged_file is None:
        notices.append(f"What Pawgrade did not write comes from {base.name}.")
    if file:
        notices.append(f"Manual work comes from {file.name}; what was done after that is not in it.")
    elif damaged_file:
        notices.append("There is no snapshot of manual work.")
    return Rebuilt(count, file, damaged_file, tuple(notices))
