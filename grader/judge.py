"""A process of its own for the checks: `python -m grader.judge FOLDER`.

It reads a case that `evaluate` wrote, runs the check files on it and writes `verdicts.json`. Only trusted code runs
here, on validated arrays; it is apart so that a check that hangs, prints or crashes does that to itself alone.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from grader.errors import SubmissionError
from grader.pytest_plugin import Case, run_checks
from grader.questions import Answer
from grader.spec import Assignment, Levels


def write_case(folder: Path, case: Case, files: list[Path]) -> None:
    """Write a case where `main` can read it: JSON, and arrays as `.npz` without pickles."""
    sets: dict[str, Any] = {}
    for name, answers in case.answers.items():
        if isinstance(answers, SubmissionError):
            sets[name] = {"message": answers.message, "hint": answers.hint}
            continue
        sets[name] = len(answers)
        for number, answer in enumerate(answers):
            arrays: dict[str, Any] = {"value": answer.value, **{f"key_{k}": v for k, v in answer.key.items()}}
            np.savez(folder / f"{name}-{number}.npz", **arrays)
    text = {
        "assignment": case.assignment.model_dump(),
        "card": case.card,
        "breeds": case.breeds,
        "species": case.species,
        "levels": {name: levels.model_dump() for name, levels in case.levels.items()},
        "sets": sets,
        "files": [str(path) for path in files],
    }
    (folder / "case.json").write_text(json.dumps(text), encoding="utf-8")


def read_case(folder: Path) -> tuple[Case, list[Path]]:
    """Read what `write_case` wrote."""
    text = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    answers: dict[str, Any] = {}
    for name, found in text["sets"].items():
        if isinstance(found, dict):
            answers[name] = SubmissionError(found["message"], found["hint"])
        else:
            answers[name] = [_read_answer(folder / f"{name}-{number}.npz") for number in range(found)]
    case = Case(
        assignment=Assignment.model_validate(text["assignment"]),
        card=text["card"],
        breeds=tuple(text["breeds"]),
        species=tuple(text["species"]),
        answers=answers,
        levels={name: Levels.model_validate(levels) for name, levels in text["levels"].items()},
    )
    return case, [Path(path) for path in text["files"]]


def _read_answer(path: Path) -> Answer:
    with np.load(path, allow_pickle=False) as arrays:
        key = {name.removeprefix("key_"): arrays[name] for name in arrays.files if name != "value"}
        return Answer(arrays["value"], key)


def main(folder: Path) -> None:
    """Judge the case in `folder`."""
    case, files = read_case(folder)
    found = [run_checks(path, case) for path in files]
    verdicts = {
        "checks": [dataclasses.asdict(check) for one in found for check in one.checks],
        "pictures": [dataclasses.asdict(picture) for one in found for picture in one.pictures],
        "log": "\n\n".join(one.log for one in found if one.log),
    }
    (folder / "verdicts.json").write_text(json.dumps(verdicts), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
