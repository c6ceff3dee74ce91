"""A process of its own for the checks: it reads a case that `evaluate` wrote, and writes `verdicts.json`.

Only trusted code runs here, on validated arrays; it is apart so that a check that hangs, prints or crashes does that to
itself alone. `python -m grader.judging.judge_process FOLDER` judges one case. `python -m grader.judging.judge_process` is a server: for each line with a
folder it forks a process that has pytest, numpy and, where checks ask a network, torch and the network's weights
already; that saves seconds a case. The server itself runs no check and computes nothing, so that a fork is safe.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grader.assignment.spec import Assignment, Levels
from grader.checks import reference
from grader.checks.check_files import asks_a_network
from grader.checks.questions import Answer
from grader.checks.requirements import site_of
from grader.checks.session import Case, Verdicts, run_checks
from grader.errors import SubmissionError
from grader.messages import Message
from grader.records import Check

OUTPUT, PID = "output.txt", "judge.pid"
LONGEST_S = 900


def write_case(
    folder: Path, case: Case, files: Sequence[Path], settled: frozenset[str] | None = None
) -> None:
    """Write a case where `main` can read it: JSON, and arrays as `.npz` without pickles.

    Args:
        folder: an empty folder.
        case: what is judged.
        files: check files, in order.
        settled: demands that need no looking into; None: none is looked into.
    """
    sets: dict[str, Any] = {}
    for name, answers in case.answers.items():
        if isinstance(answers, SubmissionError):
            sets[name] = {
                "message": answers.message.to_record(),
                "hint": answers.hint.to_record(),
                "raised": answers.raised,
                "said": answers.said,
            }
            continue
        sets[name] = len(answers)
        # Keys have a prefix, so that one called `value` cannot replace the answer.
        for number, answer in enumerate(answers):
            arrays: dict[str, Any] = {"value": answer.value, **{f"key_{k}": v for k, v in answer.key.items()}}
            np.savez(folder / f"{name}-{number}.npz", **arrays)
    text = {
        "assignment": case.assignment.model_dump(mode="json"),
        "card": case.card,
        "classes": case.classes,
        "groups": case.groups,
        "levels": {name: levels.model_dump() for name, levels in case.levels.items()},
        "sets": sets,
        "files": [str(path) for path in files],
        "settled": None if settled is None else sorted(settled),
        "hidden": case.hidden,
        "shown": sorted(case.shown),
    }
    (folder / "case.json").write_text(json.dumps(text), encoding="utf-8")


def read_case(folder: Path) -> tuple[Case, list[Path]]:
    """Read what `write_case` wrote."""
    text = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    answers: dict[str, Any] = {}
    for name, entry in text["sets"].items():
        if isinstance(entry, dict):
            answers[name] = SubmissionError(
                Message.from_record(entry["message"]),
                Message.from_record(entry["hint"]),
                entry["raised"],
                entry["said"],
            )
        else:
            answers[name] = [_read_answer(folder / f"{name}-{number}.npz") for number in range(entry)]
    case = Case(
        assignment=Assignment.model_validate(text["assignment"]),
        card=text["card"],
        classes=tuple(text["classes"]),
        groups=tuple(text["groups"]),
        answers=answers,
        levels={name: Levels.model_validate(levels) for name, levels in text["levels"].items()},
        hidden=text["hidden"],
        shown=frozenset(text["shown"]),
    )
    return case, [Path(path) for path in text["files"]]


def _read_answer(path: Path) -> Answer:
    with np.load(path, allow_pickle=False) as arrays:
        key = {name.removeprefix("key_"): arrays[name] for name in arrays.files if name != "value"}
        return Answer(arrays["value"], key)


def main(folder: Path) -> None:
    """Judge the case in `folder`."""
    case, files = read_case(folder)
    settled = json.loads((folder / "case.json").read_text(encoding="utf-8"))["settled"]
    file_verdicts = [run_checks(path, case) for path in files]
    needed = [] if settled is None else list(_needed(case, files, file_verdicts, set(settled)))
    verdicts = {
        "checks": [check.to_record() for judged in file_verdicts for check in judged.checks],
        "pictures": [dataclasses.asdict(picture) for judged in file_verdicts for picture in judged.pictures],
        "log": "\n\n".join(judged.log for judged in file_verdicts if judged.log),
        "needed": needed,
        "second": [dataclasses.asdict(demand) for judged in file_verdicts for demand in judged.second],
        "staff_pictures": [
            dataclasses.asdict(picture) for judged in file_verdicts for picture in judged.staff_pictures
        ],
    }
    (folder / "verdicts.json").write_text(json.dumps(verdicts), encoding="utf-8")


def _needed(
    case: Case, files: Sequence[Path], file_verdicts: Sequence[Verdicts], settled: set[str]
) -> Iterable[str]:
    """Yield the demands that were not met and without which a check would have another status."""
    for path, verdicts in zip(files, file_verdicts, strict=True):
        for site in sorted(_unmet(verdicts.checks) - settled):
            # Once more for each demand, so those that are known to be needed are left out (ADR 9).
            without = run_checks(path, dataclasses.replace(case, ignored=frozenset({site})))
            if _statuses(without.checks) != _statuses(verdicts.checks):
                yield site


def _unmet(checks: Sequence[Check]) -> set[str]:
    return {
        site_of(check.id, requirement)
        for check in checks
        for requirement in check.requirements
        if not requirement.met
    }


def _statuses(checks: Sequence[Check]) -> dict[str, str]:
    """Return what a mutant's header speaks of: points alone could change and nobody would see it."""
    return {check.id: check.status for check in checks}


def serve() -> None:
    """Judge the cases whose folders are named on standard input, each in a fork; tell on standard output how it ended."""
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        # Before the fork, so that all cases share one copy of it.
        _preload(json.loads((folder / "case.json").read_text(encoding="utf-8"))["files"])
        child = os.fork()
        if child == 0:
            _judge_and_end(folder)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _judge_and_end(folder: Path) -> None:
    """Be the process of one case."""
    code = 1
    signal.alarm(LONGEST_S)  # should nobody be left who waits for it
    try:
        output = os.open(folder / OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        # Standard input is the server's pipe: a check that read it would take the next case away.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        (folder / PID).write_text(str(os.getpid()), encoding="utf-8")
        # Not before the fork: threads do not survive one.
        reference.use_all_threads()
        main(folder)
        code = 0
    # SystemExit, too: nothing may return into the server's loop in this copy of it.
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            # `os._exit` flushes nothing.
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _preload(files: Sequence[str]) -> None:
    """Import what the forks would import anyway; a network is loaded, and nothing is computed with it."""
    with contextlib.suppress(Exception):  # whoever needs it will say what is wrong
        if any(asks_a_network(Path(path)) for path in files):
            reference.load_before_forks()


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        serve()
