"""Read from nbgrader's gradebook what every submission of an assignment was given, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.gradebook.nbgrader import Gradebook, is_manual, nbgrader_api
from grader.gradebook.ownership import recorded_attempt


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
    gradebook.db.rollback()  # what was read before may be old: a grader may just have typed a score
    row = gradebook.db.query(api.Assignment).filter_by(name=assignment).one_or_none()
    scores: dict[str, Scores] = {}
    for submission in row.submissions if row else ():
        moment = submission.timestamp
        scores[submission.student_id] = Scores(
            recorded_attempt(gradebook.db, submission.id) or "",
            # nbgrader's columns are naive UTC.
            None if moment is None else moment.replace(tzinfo=UTC),
            sum(notebook.late_submission_penalty or 0.0 for notebook in submission.notebooks),
            {
                saved.cell.name: CellScore(
                    saved.auto_score,
                    saved.manual_score,
                    saved.extra_credit or 0.0,
                    bool(saved.needs_manual_grade),
                    is_manual(saved.cell, notebook.notebook),
                    saved.cell.max_score,
                )
                for notebook in submission.notebooks
                for saved in notebook.grades
            },
        )
    return scores
