"""Probes: ask a notebook's entry points one question at a time, and read their answers as inert bytes.

A kernel never holds two questions of the grader's at once. The next one comes when the answer to the last lies out of the
notebook's reach, read and held to its contract; so no notebook can look at all hidden photos before it answers about
the first. What is public is asked first, then what holds no photo or text, and those last, all sets mixed in an order that is
drawn: neither position nor company tells a label.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from grader.assignment.spec import Assignment, EntryPoint, bind_sizes
from grader.checks.questions import Answer, Array, Question
from grader.errors import SubmissionError
from grader.judging.answer_notes import (
    Sources,
    explain_note,
    raised_again,
    refused_again,
    retraced,
    unanswered,
)
from grader.judging.answers import MAX_NOTE_BYTES, AnswerBudget, read_array, read_note, resolve_shape
from grader.messages import NOTHING, Message

if TYPE_CHECKING:
    from grader.execution.engine import GradingClient

Plan = Mapping[str, Sequence[Question]]
Answers = dict[str, Sequence[Answer] | SubmissionError]
Place = tuple[str, int]  # a question's set, and its position there

QUESTION, ANSWER, NOTE = "question.json", "answer.npy", "note.json"


def write_question(folder: Path, question: Question) -> None:
    """Write what may cross the border: the arguments and the function's name; never the key, never the set."""
    folder.mkdir(parents=True)
    items: list[dict[str, object]] = []
    for position, argument in enumerate(question.arguments):
        if isinstance(argument, np.ndarray):
            np.save(folder / f"{position}.npy", argument, allow_pickle=False)
            items.append({"file": f"{position}.npy"})
        else:
            items.append({"value": argument})
    text = json.dumps({"entry_point": question.entry_point, "arguments": items})
    (folder / QUESTION).write_text(text, encoding="utf-8")


def sequence(plan: Plan, rng: np.random.Generator) -> list[Place]:
    """Return the order in which a plan is asked.

    Questions that may be shown come first: nothing hidden can lie in their answers. Then those without photos or texts. What is
    left is mixed over all sets.

    Args:
        plan: question sets by name.
        rng: draws the order; seeded by the course secret, so that it is the same for everybody.
    """
    phases: list[list[Place]] = [[], [], []]
    for name, questions in plan.items():
        for number, question in enumerate(questions):
            phase = 0 if question.shown else 2 if question.has_examples else 1
            phases[phase].append((name, number))
    return [phase[row] for phase in phases for row in rng.permutation(len(phase))]


def number_of(plan: Plan, question: Question) -> int:
    """Return which of a plan's questions about its function a question is, from 0."""
    alike = [asked for asked in itertools.chain(*plan.values()) if asked.entry_point == question.entry_point]
    # `is`, since arrays have no single truth; 0 for one that the plan lacks: a rehearsal is the first public one.
    return next((number for number, asked in enumerate(alike) if asked is question), 0)


@dataclass(frozen=True)
class Overrun:
    """A question set that its entry point did not answer within the budget.

    Attributes:
        entry_point: name of the function.
        budget_s: seconds that it had for the set.
        answered: questions of the set that were answered in time.
        asked: questions of the set.
        photos: whether it is asked about photos.
    """

    entry_point: str
    budget_s: float
    answered: int
    asked: int
    photos: bool = False


@dataclass
class Asking:
    """A plan on its way through one kernel, and what was answered.

    Attributes:
        plan: what is asked.
        assignment: names contracts and budgets.
        place: folder of ours, in which each question gets one of a name that no notebook can foresee.
        order: the order of the questions, from `sequence`.
        rehearsal: public questions that are asked before any other, by entry point: what breaks there is told in full.
        public: whether nothing of the plan is hidden, so that everything may be told.
        values: what was answered, held to its contract.
        refused: why a set earns nothing, by name.
        broken: why an entry point is not asked any more, by name.
        spent: sets whose budget ran out.
        told_of: the function whose failure on hidden inputs is told, and in which words: a page tells one.
        rehearsed: what functions of numbers were told when they failed in their rehearsal.
        budget: bytes that answers may still have.
    """

    plan: Plan
    assignment: Assignment
    place: Path
    order: Sequence[Place]
    rehearsal: Mapping[str, Question] = field(default_factory=dict)
    public: bool = False
    values: dict[Place, Array] = field(default_factory=dict)
    refused: dict[str, SubmissionError] = field(default_factory=dict)
    broken: dict[str, SubmissionError] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)
    told_of: dict[str, SubmissionError] = field(default_factory=dict)
    rehearsed: dict[str, SubmissionError] = field(default_factory=dict)
    budget: AnswerBudget = field(default_factory=AnswerBudget)

    def ask(self, client: GradingClient) -> None:
        """Ask everything; the engine calls it after the last cell.

        Raises:
            SpecError: the plan asks a function that `assignment.toml` does not declare: staff's mistake.
        """
        budgets = {entry_point.name: entry_point.budget_s for entry_point in self.assignment.entry_points}
        # All names first: a function that is not declared is staff's mistake, told before anything is asked.
        for question in (question for questions in self.plan.values() for question in questions):
            self.assignment.entry_point(question.entry_point)
        # Messages quote lines from here: the kernel names a line by its number alone.
        sources = Sources.of(client.nb, public=self.public)
        with_examples = {
            asked.entry_point for asked in itertools.chain(*self.plan.values()) if asked.has_examples
        }
        # Before the budgets are dealt out: a rehearsal is charged to no set.
        # Nothing hidden is in the kernel yet, so any line may be named.
        open_sources = Sources.of(client.nb, public=True)
        for name, question in self.rehearsal.items():
            if not client.dead:
                _, answer = self._ask(client, question, budgets[name], open_sources, told=True)
                if isinstance(answer, SubmissionError):
                    # No hidden example comes near a function that is broken; hidden numbers may still be answered.
                    (self.broken if name in with_examples else self.rehearsed)[name] = answer
        # Each set has its function's budget for itself (ADR 2).
        left = {name: budgets[asked[0].entry_point] for name, asked in self.plan.items() if asked}
        for name, number in self.order:
            question = self.plan[name][number]
            # Asked no further, but the loop goes on: other functions may be sound.
            if client.dead or name in self.refused or question.entry_point in self.broken:
                continue
            if left[name] > 0:
                # Without an argument there is nothing hidden to tell, and hidden examples come last: `sequence` sees to that.
                told = self.public or question.shown or not question.arguments
                used, answer = self._ask(client, question, left[name], sources, told=told)
                left[name] -= used
                self._keep((name, number), answer)
                if question.shown and isinstance(answer, SubmissionError):
                    # Told in full, and nothing hidden is asked of it.
                    self.broken[question.entry_point] = answer
            # An answer that came in time counts even if it used up the budget; the set is spent at its next
            # question.
            if (name, number) not in self.values and left[name] <= 0:
                self.spent.add(name)

    def _keep(self, place: Place, answer: Array | SubmissionError | None) -> None:
        if isinstance(answer, SubmissionError):
            self.refused[place[0]] = answer
        elif answer is not None:
            self.values[place] = answer

    def _ask(
        self, client: GradingClient, question: Question, budget_s: float, sources: Sources, *, told: bool
    ) -> tuple[float, Array | SubmissionError | None]:
        """Ask one question; returns the seconds that it is charged, and the answer, why there is none, or None."""
        # A new name for each question: whatever a notebook left under a former one is never read.
        folder, lease = self.place / uuid.uuid4().hex, client.lease
        entry_point = self.assignment.entry_point(question.entry_point)
        write_question(folder, question)
        try:
            seen_as = lease.bring(folder)
            code = f"from grader.judging.in_kernel import ask as _ask\n_ask({seen_as!r})\ndel _ask"
            used = client.request(code, budget_s)
            sizes = bind_sizes(entry_point.inputs, question.arguments)
            # The contract bounds how many bytes a sandbox is asked for.
            room = self.budget.room(entry_point.output, sizes)
            lease.collect(folder, {ANSWER: room, NOTE: MAX_NOTE_BYTES})
            return used, self._read(folder, entry_point, question, sources, told=told)
        finally:
            _remove(folder)

    def _read(
        self, folder: Path, entry_point: EntryPoint, question: Question, sources: Sources, *, told: bool
    ) -> Array | SubmissionError | None:
        """Read what lies in place of one answer; None: nothing does."""
        sizes = bind_sizes(entry_point.inputs, question.arguments)
        if folder.is_symlink():  # a notebook without a sandbox could write there
            return SubmissionError(
                Message(
                    "{function}: the folder of its answers was replaced by a link.",
                    function=question.entry_point,
                ),
                Message("Leave the grader's folders alone."),
            )
        try:
            # An answer is looked for first, so a notebook that writes both files gains nothing by its note.
            answer = read_array(folder / ANSWER, entry_point.output, sizes, question.entry_point, told=told)
            # Only now: an answer that breaks its contract is not kept, and costs nothing here.
            self.budget.spend(answer, question.entry_point)
        except SubmissionError as exc:
            return exc if told else self._one(entry_point.name, exc, refused_again)
        except FileNotFoundError:
            note = read_note(folder / NOTE)
        else:
            return answer
        if not note:
            return None
        words = explain_note(note, entry_point, sizes, sources, told=told)
        # Arguments of hidden questions stay here: only where nothing is hidden, or a rehearsal asked, may a call be repeated.
        if self.public or question is self.rehearsal.get(entry_point.name):
            words = retraced(words, note, entry_point.name, number_of(self.plan, question), sources)
        again = raised_again if note.get("kind") == "raised" else refused_again
        return words if told else self._one(entry_point.name, words, again)

    def _one(
        self, name: str, words: SubmissionError, again: Callable[[str], SubmissionError]
    ) -> SubmissionError:
        """Return what may be said of a failure on hidden inputs: what a public one showed; else of the first function class and line, of it again the same, of others that they failed."""
        if name in self.rehearsed:
            return self.rehearsed[name]
        if not self.told_of:
            self.told_of[name] = words
        return self.told_of.get(name) or again(name)

    def overruns(self) -> tuple[Overrun, ...]:
        """Return the sets whose budget ran out."""
        return tuple(
            Overrun(
                asked[0].entry_point,
                self.assignment.entry_point(asked[0].entry_point).budget_s,
                sum((name, number) in self.values for number in range(len(asked))),
                len(asked),
                any(question.has_photos for question in asked),
            )
            for name, asked in self.plan.items()
            if name in self.spent
        )

    @property
    def lost(self) -> bool:
        """Whether anything was asked, or should have been, and not answered."""
        return any(
            (name, number) not in self.values
            for name, asked in self.plan.items()
            for number in range(len(asked))
        )

    def answers(self, reason: Message = NOTHING) -> Answers:
        """Return what was answered, set by set; a set that earns nothing is represented by the error that says why.

        Args:
            reason: why nothing more could be asked, when the kernel was gone: a sentence.
        """
        return {name: self._set(name, questions, reason) for name, questions in self.plan.items()}

    def _set(
        self, name: str, questions: Sequence[Question], reason: Message
    ) -> Sequence[Answer] | SubmissionError:
        # One refused answer costs the whole set, those that came before it, too.
        if name in self.refused:
            return self.refused[name]
        if questions and questions[0].entry_point in self.broken:
            return self.broken[questions[0].entry_point]
        values = [self.values.get((name, number)) for number in range(len(questions))]
        there = [value for value in values if value is not None]
        if len(there) == len(values):
            return [Answer(value, question.key) for value, question in zip(there, questions, strict=True)]
        # Without `partial`, a set is judged as a whole or not at all; so it is where no value is wrong for sure.
        if (
            not there
            or not all(question.partial for question in questions)
            or there[0].dtype.kind not in "fi"
        ):
            entry_point = self.assignment.entry_point(questions[0].entry_point)
            return unanswered(entry_point, spent=name in self.spent, reason=reason)
        return [
            # At least one answer is there: its free sizes hold for the missing ones.
            Answer(self._nothing(question, there[0]) if value is None else value, question.key)
            for question, value in zip(questions, values, strict=True)
        ]

    def _nothing(self, question: Question, like: Array) -> Array:
        """Return NaN, or the least integer, in place of an answer that did not come in time: right for nobody."""
        entry_point = self.assignment.entry_point(question.entry_point)
        contract_shape = resolve_shape(entry_point.output, bind_sizes(entry_point.inputs, question.arguments))
        shape = [
            like.shape[axis] if isinstance(size, str) else size for axis, size in enumerate(contract_shape)
        ]
        missing = np.nan if like.dtype.kind == "f" else np.iinfo(cast("Any", like.dtype)).min
        return np.full(shape, missing, like.dtype)


def _remove(folder: Path) -> None:
    """Take a question away: nothing of it lies about when the next one comes."""
    # Only the link goes; what it leads to is not ours.
    if folder.is_symlink():
        folder.unlink()
        return
    with contextlib.suppress(OSError):
        # A notebook without a sandbox may have taken away our right to enter its folders.
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
