"""Probes: asking a notebook's entry points, and reading what they answered as inert bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grader.artifacts import explain_note, read_array, read_note
from grader.errors import SubmissionError
from grader.questions import Answer, Question
from grader.spec import Assignment, bind_sizes

if TYPE_CHECKING:
    from grader.engine import GradingClient

Plan = Mapping[str, Sequence[Question]]
Answers = dict[str, Sequence[Answer] | SubmissionError]


def write_questions(plan: Plan, assignment: Assignment, folder: Path) -> dict[str, Path]:
    """Write what may cross the border: one folder an entry point, arguments only, never a key.

    Returns:
        Per entry point the folder that holds its questions.
    """
    folders: dict[str, Path] = {}
    for name, questions in plan.items():
        for number, question in enumerate(questions):
            assignment.entry_point(
                question.entry_point
            )  # a question to an undeclared function is staff's mistake
            place = folders.setdefault(question.entry_point, folder / question.entry_point)
            (place / "answers").mkdir(parents=True, exist_ok=True)
            _write_question(place, name, _stem(name, number), question)
    return folders


def _write_question(place: Path, name: str, stem: str, question: Question) -> None:
    items: list[dict[str, object]] = []
    for position, argument in enumerate(question.arguments):
        if isinstance(argument, np.ndarray):
            np.save(place / f"{stem}-{position}.npy", argument, allow_pickle=False)
            items.append({"file": f"{stem}-{position}.npy"})
        else:
            items.append({"value": argument})
    text = json.dumps({"set": name, "entry_point": question.entry_point, "arguments": items})
    (place / f"{stem}.json").write_text(text, encoding="utf-8")


def asker(
    plan: Plan, assignment: Assignment, folder: Path, spent: set[str]
) -> Callable[[GradingClient], None]:
    """Return what the engine calls after the last cell: it asks every entry point within its budget.

    The questions are written only then: while the notebook runs, they are nowhere to be found.

    Args:
        plan: what to ask.
        assignment: names the budgets.
        folder: where questions and answers go; it does not exist yet.
        spent: filled with the entry points that did not end within their budget.
    """

    def ask(client: GradingClient) -> None:
        folders = write_questions(plan, assignment, folder)
        seen_as = client.walk.lease.bring(folder)
        for name in folders:
            budget_s = assignment.entry_point(name).budget_s
            code = f"from grader.probe_cell import ask_all as _ask_all\n_ask_all(globals(), {f'{seen_as}/{name}'!r})\ndel _ask_all"
            before = client.walk.left_s()
            client.request(code, budget_s)
            if before - client.walk.left_s() >= budget_s:
                spent.add(name)

    return ask


def answer_files(plan: Plan) -> list[str]:
    """Return the files that answers may lie in, relative to the folder of the questions."""
    return [
        f"{question.entry_point}/answers/{_stem(name, number)}{suffix}"
        for name, questions in plan.items()
        for number, question in enumerate(questions)
        for suffix in (".npy", ".json")
    ]


def read_answers(
    plan: Plan, assignment: Assignment, folder: Path, spent: set[str], reason: str = ""
) -> Answers:
    """Read the answers when nothing of the submission runs any more.

    A set whose answers are incomplete or break the contract is represented by the error that explains the first
    one missing.

    Args:
        plan: what was asked.
        assignment: names the contracts.
        folder: what was given to `write_questions`.
        spent: entry points that did not end within their budget.
        reason: why nothing more could be asked, when the kernel was gone; a sentence without a full stop.
    """
    answers: Answers = {}
    for name, questions in plan.items():
        try:
            answers[name] = [
                _read(folder, assignment, name, number, question, spent, reason)
                for number, question in enumerate(questions)
            ]
        except SubmissionError as exc:
            answers[name] = exc
    return answers


def _read(
    folder: Path,
    assignment: Assignment,
    name: str,
    number: int,
    question: Question,
    spent: set[str],
    reason: str,
) -> Answer:
    entry_point = assignment.entry_point(question.entry_point)
    sizes = bind_sizes(entry_point.inputs, question.arguments)
    place = folder / question.entry_point / "answers"
    stem = _stem(name, number)
    if any(
        path.is_symlink() for path in (folder, place.parent, place)
    ):  # the student's code could write there
        raise SubmissionError(
            f"{question.entry_point}: the folder of its answers was replaced by a link.",
            "Leave the grader's folders alone.",
        )
    try:
        value = read_array(place / f"{stem}.npy", entry_point.output, sizes, question.entry_point)
    except FileNotFoundError:
        note = read_note(place / f"{stem}.json")
        if not note and question.entry_point in spent:
            raise SubmissionError(
                f"{question.entry_point}: no answer within {entry_point.budget_s:g} s.",
                "Train before, not inside this function, and pass images through the network in batches.",
            ) from None
        if not note and reason:
            raise SubmissionError(
                f"{question.entry_point} could not be asked: {reason}.",
                "Mend that first; then run all cells again.",
            ) from None
        raise explain_note(note, entry_point.output, sizes, question.entry_point) from None
    return Answer(value, question.key)


def _stem(name: str, number: int) -> str:
    return f"{name}-{number:04d}"
