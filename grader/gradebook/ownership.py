"""Tell Pawgrade's submissions in nbgrader's gradebook from nbgrader's own, which nothing here may change.

Pawgrade notes in a table of its own from which attempt it wrote a submission. Scores without such a note are somebody
else's work: nbgrader graded that submission, or staff did.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any, TypeAlias

from grader.errors import SpecError

Session: TypeAlias = Any
Row: TypeAlias = Any
Table: TypeAlias = Any

NO_ATTEMPT = ""  # in place of an attempt: Pawgrade made the row, for manual work whose attempt is gone
NAMED = 5  # students that a message names


def attempts_table() -> Table:
    """Return our own table in the gradebook: which attempt each submission's scores came from."""
    from sqlalchemy import Column, MetaData, String, Table

    # A table beside nbgrader's, not a column in one of them: its own upgrades and queries never meet it.
    columns = Column("submission_id", String(32), primary_key=True), Column("attempt", String(128))
    return Table("pawgrade_attempt", MetaData(), *columns)


def recorded_attempt(session: Session, submission_id: str) -> str | None:
    """Return the attempt that a submission's automatic scores came from, or None when it is not Pawgrade's."""
    table = attempts_table()
    rows = session.execute(table.select().where(table.c.submission_id == submission_id))
    return next((row.attempt for row in rows), None)


def all_recorded(session: Session) -> dict[str, str]:
    """Return the attempt that each submission's automatic scores came from, by the submission's id, where it is Pawgrade's."""
    return {row.submission_id: row.attempt for row in session.execute(attempts_table().select())}


def exchange_attempt(session: Session, submission_id: str, attempt: str) -> str | None:
    """Note which attempt a submission now shows; return which one it showed before."""
    table = attempts_table()
    before: str | None = recorded_attempt(session, submission_id)
    # Delete and insert: the databases that SQLAlchemy speaks to have no common way to do both in one.
    if before != attempt:
        forget_attempt(session, submission_id)
        session.execute(table.insert().values(submission_id=submission_id, attempt=attempt))
    return before


def forget_attempt(session: Session, submission_id: str) -> None:
    """Delete the record of the attempt that a submission shows."""
    table = attempts_table()
    session.execute(table.delete().where(table.c.submission_id == submission_id))


def is_foreign(session: Session, submission: Row) -> bool:
    """Say whether a submission is not Pawgrade's and holds anything; a row without scores is free to be used."""
    attempt = recorded_attempt(session, submission.id)
    # Pawgrade made such a row for manual work alone; scores that nbgrader wrote into it since are nbgrader's.
    if attempt is not None:
        return attempt == NO_ATTEMPT and was_graded_by_nbgrader(session, submission)
    return any(
        notebook.late_submission_penalty
        or any(_held(grade, "auto_score", "manual_score", "extra_credit") for grade in notebook.grades)
        or any(_held(comment, "auto_comment", "manual_comment") for comment in notebook.comments)
        for notebook in submission.notebooks
    )


def was_graded_by_nbgrader(session: Session, submission: Row) -> bool:
    """Say whether a submission has automatic scores that Pawgrade did not write."""
    scores = any(_held(grade, "auto_score") for notebook in submission.notebooks for grade in notebook.grades)
    # `NO_ATTEMPT` is falsy as well: it marks a row, but stands for no scores of ours.
    return scores and not recorded_attempt(session, submission.id)


def refuse_to_replace(session: Session, assignment: str, submissions: Iterable[Row]) -> None:
    """Raise SpecError when any of these submissions has automatic scores of nbgrader's, which would be replaced."""
    theirs = sorted(row.student_id for row in submissions if was_graded_by_nbgrader(session, row))
    if theirs:
        raise SpecError(
            f"assignment {assignment}: {named(theirs)} been graded by nbgrader itself; those scores would be replaced.",
            set_aside_hint(assignment),
        )


def named(students: list[str]) -> str:
    """Return the beginning of a sentence about students: "3 students (student01, student02, student03) have"."""
    names = ", ".join(students[:NAMED]) + (", ..." if len(students) > NAMED else "")
    return f"{len(students)} student{'s' * (len(students) > 1)} ({names}) {'have' if len(students) > 1 else 'has'}"


def set_aside_hint(assignment: str) -> str:
    """Say what to do with scores of nbgrader's that are in the way."""
    return f"`pawgrade gradebook set-aside {shlex.quote(assignment)}` copies the gradebook and keeps all of them under another name there."


def _held(row: Row, *columns: str) -> bool:
    return any(getattr(row, column) is not None for column in columns)
