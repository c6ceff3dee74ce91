"""Probes: asking a notebook's entry points, and reading what they answered as inert bytes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from grader.artifacts import explain_note, read_array, read_note
from grader.errors import SubmissionError
from grader.questions import Answer, Question
from grader.spec import Assignment, bind_sizes

if TYPE_CHECKING:
    from grader.engine import GradingClient
    from grader.kernels import Lease

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


@dataclass
class Round:
    """Questions that are asked together.

    Attributes:
        plan: what is asked.
        shown: whether feedback may show what is answered.
        folder: where questions and answers go; it does not exist yet.
        fetched: whether the answers lie there already, out of the kernel's reach.
    """

    plan: Plan
    shown: bool
    folder: Path
    fetched: bool = False

    def fetch(self, lease: Lease) -> None:
        """Fetch the answers, once."""
        if not self.fetched:
            lease.collect(self.folder, answer_files(self.plan))
        self.fetched = True


def rounds(plan: Plan, place: Path) -> list[Round]:
    """Divide a plan into what feedback may show, which is asked first, and everything else.

    Args:
        plan: what to ask.
        place: folder in which each round gets one, of a name that no notebook can foresee.
    """
    found = []
    for shown in (True, False):
        part = {name: [one for one in asked if one.shown == shown] for name, asked in plan.items()}
        part = {name: asked for name, asked in part.items() if asked}
        if part:
            found.append(Round(part, shown, place / uuid.uuid4().hex))
    return found


def asker(asked: Sequence[Round], assignment: Assignment, spent: set[str]) -> Callable[[GradingClient], None]:
    """Return what the engine calls after the last cell: it asks every entry point within its budget.

    The questions of a round are written only when its turn comes: while the notebook runs, they are nowhere to be
    found. When a round's turn comes, the answers of those before it have been fetched.

    Args:
        asked: what to ask.
        assignment: names the budgets.
        spent: filled with the entry points that did not end within their budget.
    """

    def ask(client: GradingClient) -> None:
        left = {one.name: one.budget_s for one in assignment.entry_points}
        for number, part in enumerate(asked):
            if number:
                asked[number - 1].fetch(client.walk.lease)
            folders = write_questions(part.plan, assignment, part.folder)
            seen_as = client.walk.lease.bring(part.folder)
            for name in folders:
                if name in spent:
                    continue
                code = f"from grader.probe_cell import ask_all as _ask_all\n_ask_all(globals(), {f'{seen_as}/{name}'!r})\ndel _ask_all"
                before = client.walk.left_s()
                client.request(code, left[name])
                left[name] -= before - client.walk.left_s()
                if left[name] <= 0:
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


def read_rounds(
    asked: Sequence[Round], plan: Plan, assignment: Assignment, spent: set[str], reason: str
) -> Answers:
    """Read the answers of all rounds as `read_answers` does, each set in the order of its questions."""
    parts = {one.shown: read_answers(one.plan, assignment, one.folder, spent, reason) for one in asked}
    answers: Answers = {}
    for name, questions in plan.items():
        given: dict[bool, Iterator[Answer]] = {}
        for shown, part in parts.items():
            found = part.get(name, ())
            if isinstance(found, SubmissionError):
                answers.setdefault(name, found)
            else:
                given[shown] = iter(found)
        if name not in answers:
            answers[name] = [next(given[question.shown]) for question in questions]
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
