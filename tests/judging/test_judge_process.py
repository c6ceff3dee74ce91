"""A case goes into the judge's process and its verdicts come out, whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from grader.assignment.spec import Assignment, Levels
from grader.checks.questions import Answer
from grader.checks.session import Case
from grader.errors import SubmissionError
from grader.judging import judge_process
from grader.judging.probe import Answers


def assignment() -> Assignment:
    exercises = [{"id": "double", "title": "D", "points": 6}, {"id": "square", "title": "S", "points": 4}]
    return Assignment.model_validate(
        {
            "id": "toy",
            "title": "Toy",
            "points": 10,
            "pass_points": 5,
            "exercises": exercises,
            "data": {"toy_pets": {}},
        }
    )


def test_a_case_survives_its_journey_into_the_judge(tmp_path: Path) -> None:
    answers: Answers = {
        "one": [Answer(np.arange(6.0).reshape(2, 3), {"index": np.array([1, 0]), "value": np.array([True])})],
        "none": [],
        "error": SubmissionError("message", "hint"),
    }
    levels = {"double": Levels(zero_at=0.1, full_at=0.2)}
    before = Case(assignment(), "toy_pets", ("a",), ("letters",), answers, levels)

    judge_process.write_case(tmp_path, before, [tmp_path / "check.py"])
    after, files = judge_process.read_case(tmp_path)

    assert (after.assignment, after.levels, after.classes, after.groups) == (
        before.assignment,
        levels,
        ("a",),
        ("letters",),
    )
    assert files == [tmp_path / "check.py"]
    found = after.answers["one"]
    assert not isinstance(found, SubmissionError)
    assert found[0].value.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert {name: key.tolist() for name, key in found[0].key.items()} == {"index": [1, 0], "value": [True]}
    assert after.answers["none"] == []
    assert isinstance(after.answers["error"], SubmissionError)
