"""Answers as an attempt keeps them: written once, and judged again when levels or checks have changed.

What stands in `answers.json` beside the arrays says what was asked and which sets earned nothing, and why. Answers fit a
plan when every question that they belong to is the same, byte by byte, in the same order; keys may have changed, since
no notebook ever saw them.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grader.checks.questions import Answer, Array, Question
from grader.errors import SubmissionError
from grader.files import read_bytes
from grader.judging.answers import MAX_HEADER_BYTES, RUN_BYTES
from grader.judging.probe import Answers, Place, Plan
from grader.messages import Message

FORMAT = 1
ARRAYS, RECORD = "answers.npz", "answers.json"
MAX_RECORD_BYTES = 2**20  # of `answers.json`: some hundred bytes for each question set
ORDER = "the order of the questions"


def pack(answers: Answers) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays of all answers by set and number, and by set how many there are, or why there is none."""
    arrays: dict[str, Array] = {}
    sets: dict[str, Any] = {}
    for name, given in answers.items():
        if isinstance(given, SubmissionError):
            sets[name] = {
                "message": given.message.to_record(),
                "hint": given.hint.to_record(),
                "raised": given.raised,
                "said": given.said,
            }
        else:
            sets[name] = len(given)
            arrays |= {_name(name, number): answer.value for number, answer in enumerate(given)}
    return arrays, sets


def asked(plan: Plan, order: Sequence[Place], rehearsal: Mapping[str, Question]) -> dict[str, str]:
    """Return a digest of what is asked, by question set, and one of the order; keys of questions do not count.

    Args:
        plan: question sets by name.
        order: in which they are asked.
        rehearsal: public questions that are asked before any other, by entry point.
    """
    digests = {name: _digest(questions) for name, questions in plan.items()}
    places = json.dumps([list(place) for place in order])
    rehearsed = [_digest([rehearsal[name]]) for name in rehearsal]
    digests[ORDER] = hashlib.sha256(f"{places}{rehearsed}".encode()).hexdigest()[:16]
    return digests


def _digest(questions: Sequence[Question]) -> str:
    digest = hashlib.sha256()
    for question in questions:
        facts = [question.entry_point, question.shown, question.partial, len(question.arguments)]
        digest.update(json.dumps(facts).encode())
        for argument in question.arguments:
            if isinstance(argument, np.ndarray):
                digest.update(f"{argument.dtype.str}{argument.shape}".encode())
                digest.update(argument.tobytes())  # in C order, whatever lies in memory
            else:
                digest.update(f"{type(argument).__name__}{argument!r}".encode())
    return digest.hexdigest()[:16]


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return what `answers.json` of an attempt says; None where there is none that this version can read."""
    try:
        record = json.loads(read_bytes(folder / RECORD, MAX_RECORD_BYTES))
    except (FileNotFoundError, SubmissionError, ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        return None
    return (
        record if all(isinstance(record.get(name), dict) for name in ("questions", "sets", "run")) else None
    )


def differences(record: Mapping[str, Any], digests: Mapping[str, str]) -> list[str]:
    """Say which question sets are not those that were asked, in words for staff; empty where all answers fit.

    Args:
        record: from `read_record`.
        digests: from `asked`, of the plan now.
    """
    before: Mapping[str, str] = record["questions"]
    words = [f"{name} (new)" for name in digests if name not in before]
    words += [f"{name} (gone)" for name in before if name not in digests]
    words += [f"{name} (changed)" for name in digests if name in before and before[name] != digests[name]]
    # Where sets differ the order differs with them, and says nothing more.
    sets = [text for text in words if not text.startswith(ORDER)]
    return sets or ([ORDER] if words else [])


def read(folder: Path, record: Mapping[str, Any], plan: Plan) -> Answers:
    """Read an attempt's answers and put the plan's keys beside them.

    Args:
        folder: the attempt's folder.
        record: from `read_record`; its questions are those of the plan.
        plan: what is asked, with the keys that hold now.

    Raises:
        ValueError: the files are damaged, or do not belong together.
    """
    try:
        if (folder / ARRAYS).exists():
            _require_small(folder / ARRAYS)
        return {name: _set(name, questions, record["sets"][name], folder) for name, questions in plan.items()}
    except (OSError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
        raise ValueError(f"{folder}: {type(exc).__name__}: {exc}") from exc


def _require_small(path: Path) -> None:
    """Raise ValueError for a file that would unpack to more than a run may answer."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    # Before anything is unpacked: a few bytes of zeros can stand for gigabytes.
    if sum(entry.file_size for entry in entries) > RUN_BYTES + MAX_HEADER_BYTES * len(entries):
        raise ValueError(f"{path}: more than {RUN_BYTES} bytes of answers")


def _set(
    name: str,
    questions: Sequence[Question],
    entry: Any,  # noqa: ANN401 - JSON, looked at here
    folder: Path,
) -> Sequence[Answer] | SubmissionError:
    if isinstance(entry, dict):
        return SubmissionError(
            Message.from_record(entry["message"]),
            Message.from_record(entry["hint"]),
            str(entry["raised"]),
            str(entry["said"]),
        )
    if entry != len(questions):
        raise ValueError(f"{folder}: {entry} answers for {len(questions)} questions of {name}")
    if not questions:
        return []
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        values = [arrays[_name(name, number)] for number in range(len(questions))]
    return [Answer(value, question.key) for value, question in zip(values, questions, strict=True)]


def _name(name: str, number: int) -> str:
    return f"{name}-{number:04d}"
