"""What nbgrader's gradebook gave, cell by cell."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from grader.gradebook.nbgrader import open_gradebook
from grader.gradebook.scores import CellScore, read_scores
from tests.support.gradebooks import worked_course


def test_each_cell_has_what_checks_and_people_gave(tmp_path: Path) -> None:
    course = worked_course(tmp_path)

    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        gradebook.find_submission_notebook("toy", "toy", "student01").late_submission_penalty = 1.5
        gradebook.db.commit()
        scores, none = read_scores(gradebook, "toy"), read_scores(gradebook, "other")

    first, second = scores["student01"], scores["student02"]
    assert first.cells["reflection"] == CellScore(None, 4.0, 0.5, False, True, 5.0)
    assert second.cells["reflection"] == CellScore(None, None, 0.0, True, True, 5.0)
    assert second.cells["double"] == CellScore(0.0, None, 0.0, False, False, 6.0)
    assert (first.attempt, first.penalty, second.penalty) == ("first", 1.5, 0.0)
    assert first.handed_in == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert second.handed_in is None
    assert none == {}
