"""Save the staff's manual work of a gradebook to a file, and restore it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from grader.errors import SpecError
from grader.files import write_whole
from grader.gradebook.backups import backups
from grader.gradebook.nbgrader import (
    Gradebook,
    Row,
    Session,
    find_or_add_submission,
    nbgrader_api,
    transaction,
)
from grader.gradebook.ownership import NO_ATTEMPT, exchange_attempt, is_foreign, recorded_attempt

Snapshot = dict[str, Any]
EMPTY: Snapshot = {"version": 1, "students": [], "assignments": []}
PERSON = ("first_name", "last_name", "email", "lms_user_id")


def snapshot(gradebook: Gradebook) -> Snapshot:
    """Return all of the staff's work in a gradebook as JSON-able values; `restore` puts it back.

    Times are naive UTC in ISO format, extensions are in seconds, scores in points.
    """
    api = nbgrader_api()
    session = gradebook.db
    # Sorted here and below, so that equal work gives equal snapshots: `save_snapshot` compares them.
    students = session.query(api.Student).order_by(api.Student.id)
    assignments = session.query(api.Assignment).order_by(api.Assignment.name)
    return {
        "version": 1,
        "students": [{"id": row.id, **{key: getattr(row, key) for key in PERSON}} for row in students],
        "assignments": [_assignment(session, row) for row in assignments],
    }


def given_by_hand(gradebook: Gradebook, assignment: str) -> dict[str, dict[str, tuple[float | None, str]]]:
    """Return the manual points (None: none yet) and comments of an assignment, by student and cell.

    Where nobody has commented, the comment is nbgrader's own ("No response.") or empty.
    """
    api = nbgrader_api()
    gradebook.db.rollback()  # what was read before may be old
    row = gradebook.db.query(api.Assignment).filter_by(name=assignment).one_or_none()
    by_student: dict[str, dict[str, tuple[float | None, str]]] = {}
    for submission in row.submissions if row else ():
        cells = by_student.setdefault(submission.student_id, {})
        for notebook in submission.notebooks:
            comments = {saved.cell.name: saved.comment or "" for saved in notebook.comments}
            points = {saved.cell.name: saved.manual_score for saved in notebook.grades}
            cells |= {
                name: (points.get(name), comments.get(name, "")) for name in points.keys() | comments.keys()
            }
    return by_student


def _assignment(session: Session, row: Row) -> Snapshot:
    submissions = sorted(row.submissions, key=lambda submission: submission.student_id)
    snapshots = [_submission(session, submission) for submission in submissions]
    # Most submissions hold nothing by hand; they would only make the file long.
    worked = [
        submission
        for submission in snapshots
        if submission["extension_s"] is not None or submission["notebooks"]
    ]
    return {"name": row.name, "duedate": _text(row.duedate), "submissions": worked}


def _submission(session: Session, row: Row) -> Snapshot:
    notebooks = [_notebook(saved) for saved in sorted(row.notebooks, key=lambda saved: saved.notebook.name)]
    return {
        "student": row.student_id,
        "timestamp": _text(row.timestamp),
        "attempt": recorded_attempt(session, row.id) or None,
        "extension_s": None if row.extension is None else row.extension.total_seconds(),
        "notebooks": [saved for saved in notebooks if any(saved[key] for key in saved if key != "name")],
    }


def _notebook(row: Row) -> Snapshot:
    grades = [
        {
            "cell": saved.cell.name,
            "manual_score": saved.manual_score,
            "extra_credit": saved.extra_credit,
            "needs_manual_grade": saved.needs_manual_grade,
        }
        for saved in row.grades
        if saved.manual_score is not None or saved.extra_credit is not None
    ]
    comments = [
        {"cell": saved.cell.name, "manual_comment": saved.manual_comment}
        for saved in row.comments
        if saved.manual_comment is not None
    ]
    return {
        "name": row.notebook.name,
        "flagged": bool(row.flagged),
        "late_submission_penalty": row.late_submission_penalty,
        "grades": sorted(grades, key=lambda saved: saved["cell"]),
        "comments": sorted(comments, key=lambda saved: saved["cell"]),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def restore(gradebook: Gradebook, saved: Snapshot) -> list[str]:
    """Put a snapshot's work back, in one transaction; what is not in the snapshot stays.

    Returns:
        A sentence for each piece of work that found no place, because its assignment or cell is gone.
    """
    with transaction(gradebook) as session:
        return put_back(session, saved)


def put_back(session: Session, saved: Snapshot) -> list[str]:
    """Restore a snapshot inside a transaction that is already open; see `restore`."""
    api = nbgrader_api()
    notices: list[str] = []
    for person in saved["students"]:
        row = session.get(api.Student, person["id"]) or api.Student(id=person["id"])
        for key in PERSON:
            setattr(row, key, person[key])
        session.add(row)
    session.flush()
    for assignment in saved["assignments"]:
        row = session.query(api.Assignment).filter_by(name=assignment["name"]).one_or_none()
        if row is None or not row.notebooks:
            notices += _homeless_assignment(assignment)
            continue
        row.duedate = _moment(assignment["duedate"])
        for work in assignment["submissions"]:
            notices += _restore_submission(session, assignment["name"], work)
    session.flush()
    return notices


def _homeless_assignment(assignment: Snapshot) -> list[str]:
    if not assignment["submissions"] and assignment["duedate"] is None:
        return []
    return [
        f"{assignment['name']}: the assignment is not in the gradebook, or not as Pawgrade keeps it; its manual work "
        f"({len(assignment['submissions'])} submissions) is in the snapshot only."
    ]


def _restore_submission(session: Session, assignment: str, work: Snapshot) -> list[str]:
    row = find_or_add_submission(session, assignment, work["student"])
    attempt, theirs = recorded_attempt(session, row.id) or None, is_foreign(session, row)
    # Only a row that no attempt has written: otherwise its time is that of the attempt.
    if attempt is None and row.timestamp is None:
        row.timestamp = _moment(work["timestamp"])
    # Noted as Pawgrade's: without a note, manual scores would make the row somebody else's (`is_foreign`).
    if attempt is None and work["notebooks"] and not theirs:
        exchange_attempt(session, row.id, NO_ATTEMPT)
    if work["extension_s"] is not None:
        row.extension = timedelta(seconds=work["extension_s"])
    notices: list[str] = []
    submitted = {saved.notebook.name: saved for saved in row.notebooks}
    for notebook in work["notebooks"]:
        where = f"{assignment}, {work['student']}"
        if notebook["name"] not in submitted:
            notices.append(
                f"{where}: there is no notebook {notebook['name']}; its manual work is in the snapshot only."
            )
            continue
        # A score settled for another attempt needs another look; nbgrader's own submissions were never replaced.
        same = theirs or (attempt is not None and attempt == work["attempt"])
        notices += _restore_notebook(submitted[notebook["name"]], notebook, where, same=same)
    return notices


def _restore_notebook(row: Row, work: Snapshot, where: str, *, same: bool) -> list[str]:
    row.flagged = work["flagged"]
    row.late_submission_penalty = work["late_submission_penalty"]
    grades, comments = ({saved.cell.name: saved for saved in rows} for rows in (row.grades, row.comments))
    notices = []
    for grade in work["grades"]:
        if grade["cell"] not in grades:
            notices.append(
                f"{where}: no cell {grade['cell']} for {grade['manual_score']} points given by hand."
            )
            continue
        saved = grades[grade["cell"]]
        saved.manual_score, saved.extra_credit = grade["manual_score"], grade["extra_credit"]
        if grade["manual_score"] is not None:
            saved.needs_manual_grade = grade["needs_manual_grade"] if same else True
    for comment in work["comments"]:
        if comment["cell"] not in comments:
            notices.append(
                f"{where}: no cell {comment['cell']} for the comment {comment['manual_comment']!r}."
            )
            continue
        comments[comment["cell"]].manual_comment = comment["manual_comment"]
    return notices


def save_snapshot(course: Path, saved: Snapshot) -> Path:
    """Write a snapshot to `.pawgrade/manual/<time>.json`; return the newest file when nothing changed since."""
    # Never overwritten: each state of the work has a file of its own, named by the time.
    folder = course / ".pawgrade" / "manual"
    folder.mkdir(parents=True, exist_ok=True)
    newest = last_snapshot(course)
    if newest is not None and newest[1] == saved:
        return newest[0]  # grading again would fill the folder with equal files
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}Z.json"
    write_whole(path, json.dumps(saved, indent=1, ensure_ascii=False))
    return path


def refuse_to_begin_anew(course: Path, db_url: str) -> None:
    """Raise SpecError when the gradebook's file is gone or empty although it held manual work, or copies of it are there.

    A new one would hold none of that, and what is saved from it would look like the latest.
    """
    path = sqlite_path(db_url)
    if path is None or (path.is_file() and path.stat().st_size):
        return
    saved = last_snapshot(course)
    copies = backups(path)
    if copies or (saved is not None and saved[1] != EMPTY):
        file_name = copies[0].name if copies else f".pawgrade/manual/{saved[0].name if saved else ''}"
        raise SpecError(
            f"{path} is {'empty' if path.is_file() else 'gone'}, and {file_name} says that it held more than grades that can be made again.",
            "`pawgrade gradebook rebuild` makes it anew, manual work and all that a copy has included; or put the file back.",
        )


def last_snapshot(course: Path) -> tuple[Path, Snapshot] | None:
    """Return the newest readable snapshot of a course and its file, or None."""
    # Names are times in UTC of one width, so the order of names is that of time.
    for path in sorted((course / ".pawgrade" / "manual").glob("*.json"), reverse=True):
        try:
            saved = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # cut off by a full disk or a crash: the one before is the better word
        if isinstance(saved, dict) and saved.get("version") == 1:
            return path, saved
    return None


def sqlite_path(db_url: str) -> Path | None:
    """Return the file of an SQLite URL; None for other databases; raises SpecError for what is no URL."""
    nbgrader_api()
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(db_url)
    except ArgumentError as exc:
        raise SpecError(
            f"The gradebook's URL is wrong: {db_url!r}.", "Example: sqlite:////course/gradebook.db"
        ) from exc
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
