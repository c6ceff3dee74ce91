"""nbgrader's gradebook: a projection of the attempts, plus the staff's manual work.

Automatic scores can be written again from the attempts at any time. Manual scores, comments, extra credit, flags,
extensions and due dates exist nowhere else: nothing here touches them; `manual_work` saves and restores them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from grader.errors import GraderError, InfrastructureError, SpecError
from grader.gradebook.ownership import (
    attempts_table,
    exchange_attempt,
    refuse_to_replace,
)
from grader.records import Grade, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nbformat import NotebookNode

# Objects of libraries without type information, by the part they play.
Api: TypeAlias = Any
Gradebook: TypeAlias = Any
Session: TypeAlias = Any
Row: TypeAlias = Any
Url: TypeAlias = Any

NO_RESPONSE = "No response."  # nbgrader's own words for an answer that was not touched
BUSY_S = 30  # how long to wait for another program, such as the formgrader, to finish writing


@dataclass(frozen=True)
class Entry:
    """What the gradebook shows of one attempt.

    Attributes:
        grade: the attempt's grade.
        notebooks: the executed notebooks by name; those that were not handed in are missing.
        timestamp: when it was handed in; None when that is unknown.
    """

    grade: Grade
    notebooks: Mapping[str, NotebookNode]
    timestamp: datetime | None = None


def nbgrader_api() -> Api:
    """Import `nbgrader.api`; raises SpecError where the staff extra is not installed."""
    try:
        import nbgrader.api
    except ImportError as exc:
        raise SpecError("This needs nbgrader:", "pip install 'pawgrade[staff]'") from exc
    return nbgrader.api


@contextlib.contextmanager
def open_gradebook(db_url: str) -> Iterator[Gradebook]:
    """Open nbgrader's gradebook, create it when missing, and close it in any case.

    Args:
        db_url: SQLAlchemy URL, such as `sqlite:////course/gradebook.db`. A new one costs a second or more:
            nbgrader asks alembic for the schema's version.

    Raises:
        SpecError: when the URL is wrong, the database damaged or of an older nbgrader.
        InfrastructureError: when it is locked or cannot be reached.
    """
    api = nbgrader_api()
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with _environment_first_on_path():
            gradebook = api.Gradebook(_patient(db_url))
    except SQLAlchemyError as exc:
        raise _translate(exc) from exc
    except ModuleNotFoundError as exc:
        raise SpecError(f"The gradebook's database needs {exc.name}:", f"pip install {exc.name}") from exc
    except (OSError, subprocess.CalledProcessError) as exc:
        raise InfrastructureError(
            f"nbgrader could not ask alembic for the gradebook's version: {exc}."
        ) from exc
    try:
        attempts_table().create(gradebook.engine, checkfirst=True)
        yield gradebook
    except SQLAlchemyError as exc:
        raise _translate(exc) from exc
    finally:
        gradebook.close()


@contextlib.contextmanager
def _environment_first_on_path() -> Iterator[None]:
    """Let nbgrader find this environment's `alembic`, whether the environment is activated or not."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def _patient(db_url: str) -> Url:
    from sqlalchemy.engine import make_url

    # Python's SQLite driver waits 5 s by default; a URL that names a timeout keeps its own.
    url = make_url(db_url)
    if url.get_backend_name() == "sqlite" and "timeout" not in url.query:
        url = url.update_query_dict({"timeout": str(BUSY_S)})
    return url


def _translate(exc: Exception) -> GraderError:
    # The first line only, of the driver's words if there are any: SQLAlchemy adds the statement and its values.
    reason = str(getattr(exc, "orig", None) or exc).splitlines()[0]
    if "locked" in reason or "busy" in reason:
        return InfrastructureError(
            f"The gradebook is in use by another program ({reason}).", "Nothing was written: try again."
        )
    if "no such column" in reason or "no such table" in reason:
        return SpecError(
            f"The gradebook was made by an older nbgrader ({reason}).",
            "Back it up, then run `nbgrader db upgrade`.",
        )
    if "malformed" in reason or "not a database" in reason:
        return SpecError(
            f"The gradebook is damaged ({reason}).",
            "Run `pawgrade gradebook rebuild`: it keeps the damaged file and uses the last snapshot.",
        )
    if "parse" in reason or "load plugin" in reason:
        return SpecError(
            f"The gradebook's URL is wrong: {reason}.", "Example: sqlite:////course/gradebook.db"
        )
    return InfrastructureError(f"The gradebook cannot be used: {reason}.")


@contextlib.contextmanager
def transaction(gradebook: Gradebook) -> Iterator[Session]:
    """Run a block as one database transaction; nbgrader's own methods commit after every step, so they are not used inside."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    session = gradebook.db
    try:
        session.rollback()  # forget what was read before, so that others' writes are seen
        if gradebook.engine.dialect.name == "sqlite":
            session.execute(text("BEGIN IMMEDIATE"))  # no one writes between what we read and what we write
        # A query in the block would otherwise write rows that are not complete yet.
        with session.no_autoflush:
            yield session
        session.commit()
    except SQLAlchemyError as exc:
        session.rollback()
        raise _translate(exc) from exc
    # An interrupt, too: nothing of a block that did not end may stay.
    except BaseException:
        session.rollback()
        raise


def record(
    gradebook: Gradebook,
    grade: Grade,
    notebooks: Mapping[str, NotebookNode],
    *,
    timestamp: datetime | None = None,
) -> None:
    """Write one attempt's automatic scores; all of them or none, idempotent.

    Manual scores, extra credit and comments stay. A score given by hand stays settled while the same attempt is
    recorded again; when the attempt has changed, it is kept and flagged for another look, as nbgrader does. An
    exercise whose status is ERROR has no automatic score: it waits for staff.

    Args:
        gradebook: from `open_gradebook`; the assignment's cells are already in it.
        grade: the attempt's grade.
        notebooks: the executed notebooks by name, for the manually graded answers; those that were not handed in are missing.
        timestamp: when it was handed in; the formgrader takes a submission for graded only while this equals
            `submitted/.../timestamp.txt`.

    Raises:
        SpecError: when the gradebook and the grade do not have the same exercises, or the scores there are nbgrader's.
    """
    with transaction(gradebook) as session:
        write_entry(session, Entry(grade, notebooks, timestamp))


def refuse_nbgraders_scores(gradebook: Gradebook, assignment: str) -> None:
    """Raise SpecError when an assignment has automatic scores that Pawgrade did not write: before anything is run."""
    api = nbgrader_api()
    gradebook.db.rollback()
    row = gradebook.db.query(api.Assignment).filter_by(name=assignment).one_or_none()
    refuse_to_replace(gradebook.db, assignment, row.submissions if row else ())


def write_entry(session: Session, entry: Entry) -> None:
    """Write one attempt inside a transaction that is already open; see `record`."""
    grade = entry.grade
    submission = find_or_add_submission(session, grade.assignment, grade.student)
    refuse_to_replace(session, grade.assignment, [submission])
    submission.timestamp = _naive_utc(entry.timestamp)
    # Before the scores are set: whether the same attempt is recorded again decides what becomes of manual ones.
    again = exchange_attempt(session, submission.id, grade.attempt) == grade.attempt
    scores = {
        exercise.id: None if exercise.status is Status.ERROR else exercise.points
        for exercise in grade.exercises
    }
    _check_exercises(grade, {row.cell.name for saved in submission.notebooks for row in saved.grades})
    for saved in submission.notebooks:
        _write_notebook(saved, scores, entry.notebooks.get(saved.notebook.name), again=again)
    session.flush()


def _write_notebook(
    submitted: Row, scores: Mapping[str, float | None], executed: NotebookNode | None, *, again: bool
) -> None:
    """Write the scores of one notebook's cells; `again`: the same attempt is recorded once more."""
    untouched = _untouched(submitted.notebook, executed)
    for row in submitted.grades:
        # A cell that is no exercise is graded by hand: 0 points while its text is the release's, else none yet.
        name = row.cell.name
        row.auto_score = scores.get(name, 0.0 if name in untouched else None)
        # nbgrader counts a cell as graded when this is false; the formgrader lists the others as to do.
        if row.manual_score is None:
            row.needs_manual_grade = row.auto_score is None
        elif not again:
            row.needs_manual_grade = True
    for row in submitted.comments:
        row.auto_comment = NO_RESPONSE if row.cell.name in untouched else None


def find_or_add_submission(session: Session, assignment: str, student: str) -> Row:
    """Return a student's submission with a row for every cell; raises SpecError when the assignment is not there."""
    api = nbgrader_api()
    source = session.query(api.Assignment).filter_by(name=assignment).one_or_none()
    if source is None or not source.notebooks:
        raise SpecError(
            f"assignment {assignment}: its notebooks are not in the gradebook.",
            f"Run `pawgrade release {shlex.quote(assignment)}`.",
        )
    person = session.get(api.Student, student) or api.Student(id=student)
    query = session.query(api.SubmittedAssignment).filter_by(assignment_id=source.id, student_id=student)
    submission = query.one_or_none() or api.SubmittedAssignment(assignment=source, student=person)
    session.add(submission)
    for notebook in source.notebooks:
        mine = (saved for saved in submission.notebooks if saved.notebook is notebook)
        saved = next(mine, None) or api.SubmittedNotebook(notebook=notebook, assignment=submission)
        session.add(saved)
        # A cell that was added to the assignment later has no row in submissions that were there before.
        graded, commented = {row.cell_id for row in saved.grades}, {row.cell_id for row in saved.comments}
        for cell in notebook._base_cells:
            if isinstance(cell, api.GradeCell | api.TaskCell) and cell.id not in graded:
                session.add(api.Grade(cell=cell, notebook=saved))
            if isinstance(cell, api.SolutionCell | api.TaskCell) and cell.id not in commented:
                session.add(api.Comment(cell=cell, notebook=saved))
    session.flush()
    return submission


def _check_exercises(grade: Grade, cells: set[str]) -> None:
    missing = [exercise.id for exercise in grade.exercises if exercise.id not in cells]
    if missing:
        raise SpecError(
            f"assignment {grade.assignment}: the gradebook has no cell for {', '.join(missing)}.",
            f"Run `pawgrade release {shlex.quote(grade.assignment)}`, then `pawgrade gradebook rebuild`.",
        )


def _untouched(source: Row, notebook: NotebookNode | None) -> set[str]:
    """Return the names of the cells whose text is still the release's, or which the notebook lacks."""
    answers: dict[str, str] = {}
    for cell in [] if notebook is None else notebook.cells:
        # Of cells with the same id the first one counts: a copy behind it cannot replace the answer.
        answers.setdefault(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.source)
    # The texts themselves, not the checksums in the student's metadata, which anyone can edit.
    given = {cell.name: cell.source or "" for cell in source.source_cells}
    # A task is what people are told to do, not what they answer: its text is always the release's.
    for task in source.task_cells:
        given.pop(task.name, None)
    return {name for name, text in given.items() if answers.get(name, text).strip() == text.strip()}


def _naive_utc(moment: datetime | None) -> datetime | None:
    # nbgrader's columns have no time zone: it writes and compares naive UTC.
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None and moment.tzinfo else moment


def manual_points(gradebook: Gradebook, assignment: str, student: str) -> float | None:
    """Return the points given by hand to the manually graded cells; None while there are none.

    Extra credit and corrections of automatic scores are not part of it.
    """
    api = nbgrader_api()
    gradebook.db.rollback()  # what was read before may be old: a grader may just have typed a score
    submission = (
        gradebook.db.query(api.SubmittedAssignment)
        .filter(api.SubmittedAssignment.student_id == student)
        .filter(api.SubmittedAssignment.assignment.has(name=assignment))
        .one_or_none()
    )
    if submission is None:
        return None
    given = [
        row.manual_score
        for notebook in submission.notebooks
        for row in notebook.grades
        if row.manual_score is not None and is_manual(row.cell, notebook.notebook)
    ]
    return sum(given) if given else None


def is_manual(cell: Row, notebook: Row) -> bool:
    """Say whether people grade a cell: a task, or a graded cell that holds the answer itself."""
    api = nbgrader_api()
    return isinstance(cell, api.TaskCell) or cell.name in {saved.name for saved in notebook.solution_cells}


def has_nbgrader() -> bool:
    """Say whether nbgrader is installed, which comes with the staff extra."""
    return importlib.util.find_spec("nbgrader") is not None
