"""Plan the questions and their order: check files choose them from photos and a seed. Trusted code only."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np

from grader.assignment.spec import Assignment
from grader.checks.check_files import load_checks, raised_at
from grader.checks.questions import Material, Question, is_examples
from grader.datasets.photos import NONE
from grader.datasets.views import View
from grader.errors import SpecError, SubmissionError
from grader.judging.probe import Asking, Place, Plan, sequence

if TYPE_CHECKING:
    from grader.judging.evaluate import Context

PUBLIC_SEED = b"public"  # `lab.check` and `pawgrade check` draw the same numbers, for everybody
NOTHING_TOLD: Mapping[str, SubmissionError] = MappingProxyType({})
QUICK_S = 30.0  # a function with a larger budget may take that long for one answer
REHEARSED = 8  # examples of a public question that is asked before hidden ones


def public_material(view: View | None, counts: Mapping[str, int]) -> Material:
    """Return what public checks ask about: the validation photos.

    Args:
        view: the photos in use; None: the assignment has no data card.
        counts: how many of what is asked, by name, from `assignment.toml`.
    """
    validation_photos = NONE if view is None else view.photos("validation")
    images, labels = np.asarray(validation_photos.images), validation_photos.labels
    classes, groups = ((), ()) if view is None else (view.classes, view.groups)
    rng = np.random.default_rng(0)  # each check file gets its own
    return Material(images, labels, classes, groups, rng, images, counts, shown_labels=labels)


def asking_order(plan: Plan, seed: bytes) -> tuple[Place, ...]:
    """Draw the order in which a plan is asked, the same for everybody."""
    number = int.from_bytes(hmac.new(seed, b"order", hashlib.sha256).digest()[:8], "big")
    return tuple(sequence(plan, np.random.default_rng(number)))


def check_files(folder: Path, scope: Literal["public", "all"]) -> tuple[Path, ...]:
    """Return the check files of an assignment; raises SpecError when there is none."""
    public, hidden = folder / "check_public.py", folder / "staff" / "check_hidden.py"
    # Checks run in this order, too.
    paths = [public] if scope == "public" else [public, hidden]
    existing = tuple(path for path in paths if path.is_file())
    if not existing:
        raise SpecError(f"{folder}: no check_public.py.", "An assignment needs checks.")
    return existing


def quick_ones(assignment: Assignment) -> frozenset[str]:
    """Return the entry points whose budget says that one more question costs little."""
    return frozenset(point.name for point in assignment.entry_points if point.budget_s <= QUICK_S)


def plan_questions(files: Sequence[Path], material: Material, seed: bytes) -> dict[str, list[Question]]:
    """Ask each check file what it wants to ask; every file draws from its own generator.

    Raises:
        SpecError: a file cannot be imported, plans nothing, or two files name a question set alike.
    """
    plan: dict[str, list[Question]] = {}
    for path in files:
        # By the file's name, so that a file more or less leaves the draws of the others as they were.
        number = int.from_bytes(hmac.new(seed, path.name.encode(), hashlib.sha256).digest()[:8], "big")
        file_material = replace(material, rng=np.random.default_rng(number))
        module = load_checks(path)
        if not hasattr(module, "questions"):
            raise SpecError(f"{path}: no function questions(material).", "It says what the checks ask.")
        for name, questions in _planned(module, path, file_material).items():
            if name in plan:
                raise SpecError(f"{path}: question set {name!r} is already used by another check file.")
            plan[name] = questions
    return plan


def _planned(module: ModuleType, path: Path, material: Material) -> dict[str, list[Question]]:
    """Return what a check file asks, by set; raises SpecError where that is no plan, with the author's own line."""
    try:
        planned = {str(name): list(questions) for name, questions in module.questions(material).items()}
    except Exception as exc:
        raise SpecError(
            f"{path}: questions(material) raised {type(exc).__name__}: {str(exc).rstrip('.')}.",
            raised_at(exc, path),
        ) from exc
    for name, questions in planned.items():
        for question in questions:
            if not isinstance(question, Question):
                raise SpecError(
                    f"{path}: question set {name!r}: expected a list of Question, found {type(question).__name__} in it.",
                    'Question("function", (first_argument, ...), {"what the check needs": array}) is a call of the function.',
                )
    return planned


def rehearse(
    files: Sequence[Path], material: Material, seed: bytes, plan: Plan, quick: Collection[str] = ()
) -> dict[str, Question]:
    """Choose a public question for each entry point that is asked about hidden photos, texts or numbers, and about no public ones.

    Args:
        files: the public check files.
        material: public photos.
        seed: what public checks draw from.
        plan: what is asked of hidden inputs.
        quick: entry points that one more question costs little; of the others only those are rehearsed that take examples.
    """
    # Entry points that first meet a hidden input would be told nothing of a mistake that a public one shows in full.
    asked = [question for questions in plan.values() for question in questions]
    hidden_only = {
        question.entry_point
        for question in asked
        if question.has_examples or (question.arguments and question.entry_point in quick)
    } - {question.entry_point for question in asked if question.shown}
    rehearsal: dict[str, Question] = {}
    for questions in plan_questions(files, material, seed).values() if hidden_only else ():
        for question in questions:  # the first about a function: `lab.call` repeats it without a number
            if question.entry_point in hidden_only:
                rehearsal.setdefault(question.entry_point, _shortened(question))
    return rehearsal


def notebook_of_set(assignment: Assignment, questions: Sequence[Question]) -> str:
    """Return the name of the notebook that a question set is asked in: the one that defines its function."""
    return assignment.notebook_of(questions[0].entry_point) if questions else assignment.notebooks[0]


def asking_of(
    context: Context, notebook: str, place: Path, told_of: Mapping[str, SubmissionError] = NOTHING_TOLD
) -> Asking:
    """Return what one notebook of a submission is asked: the questions about the functions that it defines.

    Args:
        context: assignment and questions.
        notebook: its name.
        place: folder of ours for the questions.
        told_of: the failure on hidden photos that an earlier notebook of the submission is told.
    """
    assignment = context.assignment
    plan = {
        name: questions
        for name, questions in context.plan.items()
        if notebook_of_set(assignment, questions) == notebook
    }
    order = [(name, number) for name, number in context.order if name in plan]
    rehearsal = {
        name: question
        for name, question in context.rehearsal.items()
        if assignment.notebook_of(name) == notebook
    }
    return Asking(
        plan, assignment, place, order, rehearsal, public=not context.complete, told_of=dict(told_of)
    )


def _shortened(question: Question) -> Question:
    """Return a question about a batch as one about its first rows."""
    if not question.partial:
        return question
    # Arguments that hold no examples, such as class numbers, stay as they are.
    arguments = tuple(
        argument[:REHEARSED] if isinstance(argument, np.ndarray) and is_examples(argument) else argument
        for argument in question.arguments
    )
    return replace(question, arguments=arguments)
