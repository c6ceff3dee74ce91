"""Read from nbgrader's gradebook what every submission of an assignment was given, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.gradebook.nbgrader import Gradebook, is_manual, nbgrader_api
from grader.gradebook.ownership import all_recorded


@dataclass(frozen=True)
class CellScore:
    """What one graded cell was given; points, None where there are none yet.

    Attributes:
        automatic: by the grader.
        manual: by a person, in place of the automatic ones.
        extra: by a person, on top; 0 where there is none.
        waits: whether nbgrader lists the cell as to be graded by hand.
        by_hand: whether people grade the cell, and no check does.
        most: points of the cell.
    """

    automatic: float | None
    manual: float | None
    extra: float
    waits: bool
    by_hand: bool
    most: float


@dataclass(frozen=True)
class Scores:
    """What one submission was given.

    Attributes:
        attempt: id of the attempt that its automatic points came from; "" where Pawgrade wrote none.
        handed_in: when; None where the gradebook does not know.
        penalty: points that are taken off for being late.
        cells: by the cell's name, in the notebook's order.
    """

    attempt: str
    handed_in: datetime | None
    penalty: float
    cells: Mapping[str, CellScore]


def read_scores(gradebook: Gradebook, assignment: str) -> dict[str, Scores]:
    """Return the scores of an assignment by student; of one that the gradebook does not know, none.

    Students whose submission holds nothing at all are left out: nbgrader makes such rows for manual work.
    """
    from sqlalchemy.orm import selectinload

    api = nbgrader_api()
    session = gradebook.db
    session.rollback()  # what was read before may be old: a grader may just have typed a score
    row = session.query(api.Assignment).filter_by(name=assignment).one_or_none()
    if row is None:
        return {}
    cells = {
        cell.id: (cell, is_manual(cell, notebook))
        for notebook in row.notebooks
        for cell in notebook._base_cells
        if isinstance(cell, api.GradeCell | api.TaskCell)
    }
    recorded = all_recorded(session)
    scores: dict[str, Scores] = {}
    # Loaded by a handful of queries: asked for one by one, the scores of a thousand students take ten seconds.
    whole = selectinload(api.SubmittedAssignment.notebooks).selectinload(api.SubmittedNotebook.grades)
    query = session.query(api.SubmittedAssignment).filter_by(assignment_id=row.id)
    for submission in query.options(whole):
        moment = submission.timestamp
        scores[submission.student_id] = Scores(
            recorded.get(submission.id, ""),
            # nbgrader's columns are naive UTC.
            None if moment is None else moment.replace(tzinfo=UTC),
            sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks),
            {
                cell.name: CellScore(
                    saved.auto_score,
                    saved.manual_score,
                    saved.extra_credit or 0.0,
                    bool(saved.needs_manual_grade),
                    by_hand,
                    cell.max_score,
                )
                for notebook in submission.notebooks
                for saved in notebook.grades
                for cell, by_hand in (cells[saved.cell_id],)
            },
        )
    return scores
