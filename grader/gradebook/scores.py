"""Read from nbgrader's gradebook what every submission of an assignment was given, cell by cell."""

from __future__ import annotations

from collections import defaultdict
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
    given: dict[str, dict[str, CellScore]] = defaultdict(dict)
    # Columns, not nbgrader's objects: to make one for each score of a thousand students takes longer than to read them.
    columns = (api.SubmittedNotebook.assignment_id, api.Grade.cell_id, api.Grade.auto_score, api.Grade.manual_score,
               api.Grade.extra_credit, api.Grade.needs_manual_grade)  # fmt: skip
    query = session.query(*columns).join(api.Grade, api.Grade.notebook_id == api.SubmittedNotebook.id)
    for submission, cell_id, automatic, manual, extra, waits in query.filter(api.Grade.cell_id.in_(cells)):
        cell, by_hand = cells[cell_id]
        given[submission][cell_id] = CellScore(
            automatic, manual, extra or 0.0, bool(waits), by_hand, cell.max_score
        )
    penalties: dict[str, float] = defaultdict(float)
    late = session.query(
        api.SubmittedNotebook.assignment_id, api.SubmittedNotebook.late_submission_penalty
    ).filter(api.SubmittedNotebook.late_submission_penalty != 0)
    for submission, penalty in late:
        penalties[submission] += penalty
    submissions = session.query(
        api.SubmittedAssignment.id, api.SubmittedAssignment.student_id, api.SubmittedAssignment.timestamp
    ).filter_by(assignment_id=row.id)
    return {
        student: Scores(
            recorded.get(submission, ""),
            # nbgrader's columns are naive UTC.
            None if moment is None else moment.replace(tzinfo=UTC),
            penalties[submission],
            {
                cell.name: given[submission][cell_id]
                for cell_id, (cell, _) in cells.items()
                if cell_id in given[submission]
            },
        )
        for submission, student, moment in submissions
    }
