"""Judging is done apart, and what goes wrong there is an ERROR of the exercise, never an exception or points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.assignment.spec import Assignment
from grader.checks.questions import Answer
from grader.checks.scoring import exercise_grade
from grader.checks.session import Verdicts
from grader.errors import SubmissionError
from grader.judging import evaluate as evaluating
from grader.judging.evaluate import Context, evaluate
from grader.judging.probe import Answers
from grader.records import Status
from tests.support.check_texts import GOOD


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


def context(folder: Path, *texts: str, **changes: Any) -> Context:
    files = []
    for number, text in enumerate(texts):
        path = folder / f"check_{number}.py"
        path.write_text(text)
        files.append(path)
    facts: dict[str, Any] = {
        "assignment": assignment(),
        "folder": folder,
        "card": "toy_pets",
        "classes": ("a", "b"),
        "groups": ("letters", "letters"),
        "levels": {},
        "files": tuple(files),
        "plan": {},
        "version": "v",
        "split": "s",
    }
    return Context(**{**facts, **changes})


def answered(value: float = 6.0) -> Answers:
    return {"numbers": [Answer(np.array(value), {"n": np.array(3)})]}


def statuses(verdicts: Verdicts) -> dict[str, tuple[Status, float]]:
    found = [exercise_grade(one.id, "", one.points, verdicts.checks) for one in assignment().exercises]
    return {one.id: (one.status, one.points) for one in found}


def test_right_answers_earn_their_points(tmp_path: Path) -> None:
    found = evaluate(answered(), context(tmp_path, GOOD))

    assert statuses(found) == {"double": (Status.PASSED, 6), "square": (Status.PASSED, 4)}
    assert found.log == ""


def test_a_wrong_answer_and_a_missing_one_fail_their_exercise_alone(tmp_path: Path) -> None:
    missing: Answers = {"numbers": SubmissionError("double raised KeyError", "Mend it.")}
    for answers in (answered(7.0), missing):
        found = evaluate(answers, context(tmp_path, GOOD))

        assert statuses(found) == {"double": (Status.FAILED, 0), "square": (Status.PASSED, 4)}
        assert found.checks[0].hint


def test_an_error_of_a_student_crosses_into_the_judge_letter_by_letter(tmp_path: Path) -> None:
    message = "double raised \ud83d \N{CAT FACE} \x1b"

    found = evaluate({"numbers": SubmissionError(message, "h")}, context(tmp_path, GOOD))

    assert str(found.checks[0].measured) == message


BROKEN = {
    "a syntax error": "def broken(:",
    "an import that exits": "raise SystemExit(0)",
    "an import that kills": "import os; os._exit(0)",
    "a check without a mark": GOOD.replace('@pytest.mark.exercise("double", points=6, asks="numbers")\n', ""),
    "a check that exits": GOOD.replace("(answer,) = answers", "import os; os._exit(0)\n    answers"),
    "a picture that is no JSON": GOOD.replace("require(float", "show('a', 'b', c=object()); require(float"),
    "points too few": GOOD.replace("points=6", "points=5"),
    "points that are no number": GOOD.replace("points=6", "points=float('nan')"),
    "an exercise that is not there": GOOD.replace('"double", points', '"treble", points'),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_checks_are_an_error_of_their_exercise_and_told_to_staff(tmp_path: Path, name: str) -> None:
    found = evaluate(answered(), context(tmp_path, BROKEN[name]))

    assert statuses(found)["double"][0] is Status.ERROR
    assert 0 <= statuses(found)["double"][1] <= 6
    assert found.log


def test_a_broken_file_does_not_cost_the_exercises_of_another(tmp_path: Path) -> None:
    other = (
        GOOD.split("@pytest.mark.exercise", maxsplit=1)[0]
        + "@pytest.mark.exercise"
        + GOOD.split("@pytest.mark.exercise")[2]
    )

    found = evaluate(answered(), context(tmp_path, "1 / 0", other))

    assert statuses(found) == {"double": (Status.ERROR, 0), "square": (Status.PASSED, 4)}
    assert "ZeroDivisionError" in found.log


@pytest.mark.slow
def test_checks_that_hang_are_ended_and_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluating, "JUDGE_TIMEOUT_S", 4.0)
    text = GOOD.replace("(answer,) = answers", "while True: pass\n    (answer,) = answers")

    found = evaluate(answered(), context(tmp_path, text))

    assert {status for status, _ in statuses(found).values()} == {Status.ERROR}
    assert "did not end within 4 s" in found.log


def test_verdicts_that_were_cut_short_are_an_error(tmp_path: Path) -> None:
    text = (
        GOOD
        + "import sys, pathlib\nimport grader.judging.judge_process as judge\njudge.json.dumps = lambda value: '{\"checks'\n"
    )

    found = evaluate(answered(), context(tmp_path, text))

    assert {status for status, _ in statuses(found).values()} == {Status.ERROR}
    assert "cannot be read" in found.log


def test_public_checks_alone_need_not_be_worth_all_points(tmp_path: Path) -> None:
    found = evaluate(answered(), context(tmp_path, GOOD.replace("points=6", "points=2"), complete=False))

    assert [(check.status, check.points) for check in found.checks] == [
        (Status.PASSED, 2),
        (Status.PASSED, 4),
    ]


@pytest.mark.slow
def test_forked_judges_compute_with_a_network_that_was_loaded_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "JUDGE_TIMEOUT_S", 60.0)
    asks = (
        "    from grader.checks.reference import probabilities\n"
        "    assert probabilities(np.zeros((8, 224, 224, 3), np.uint8)).shape == (8, 1000)\n"
        "    (answer,) = answers"
    )
    text = GOOD.replace("    (answer,) = answers", asks, 1)

    found = [evaluate(answered(), context(tmp_path, text)) for _ in range(3)]

    assert [statuses(one)["double"] for one in found] == [(Status.PASSED, 6)] * 3, found[0].log
