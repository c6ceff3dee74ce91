"""What is asked, and in which order: check files choose the questions from photos and a seed. Trusted code only."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from grader.checks.check_files import load_checks
from grader.checks.questions import Material, Question, is_examples
from grader.datasets.photos import NONE
from grader.datasets.views import View
from grader.errors import SpecError
from grader.judging.probe import Place, Plan, sequence

PUBLIC_SEED = b"public"  # `lab.check` and `pawgrade check` draw the same numbers, for everybody
REHEARSED = 8  # examples of a public question that is asked before hidden ones


def public_material(view: View | None, counts: Mapping[str, int]) -> Material:
    """Return what public checks ask about: the validation photos.

    Args:
        view: the photos in use; None: the assignment has no data card.
        counts: how many of what is asked, by name, from `assignment.toml`.
    """
    shown = NONE if view is None else view.photos("validation")
    images, labels = np.asarray(shown.images), shown.labels
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
    wanted = [public] if scope == "public" else [public, hidden]
    found = tuple(path for path in wanted if path.is_file())
    if not found:
        raise SpecError(f"{folder}: no check_public.py.", "An assignment needs checks.")
    return found


def plan_questions(files: Sequence[Path], material: Material, seed: bytes) -> dict[str, list[Question]]:
    """Ask each check file what it wants to ask; every file draws from its own generator.

    Raises:
        SpecError: a file cannot be imported, plans nothing, or two files name a question set alike.
    """
    plan: dict[str, list[Question]] = {}
    for path in files:
        number = int.from_bytes(hmac.new(seed, path.name.encode(), hashlib.sha256).digest()[:8], "big")
        fresh = replace(material, rng=np.random.default_rng(number))
        module = load_checks(path)
        if not hasattr(module, "questions"):
            raise SpecError(f"{path}: no function questions(material).", "It says what the checks ask.")
        for name, questions in module.questions(fresh).items():
            if name in plan:
                raise SpecError(f"{path}: question set {name!r} is already used by another check file.")
            plan[name] = list(questions)
    return plan


def rehearse(files: Sequence[Path], material: Material, seed: bytes, plan: Plan) -> dict[str, Question]:
    """Choose a public question for each entry point that is asked about hidden photos and about no public ones.

    Args:
        files: the public check files.
        material: public photos.
        seed: what public checks draw from.
        plan: what is asked of hidden photos.
    """
    asked = [one for questions in plan.values() for one in questions]
    wanted = {one.entry_point for one in asked if one.has_examples} - {
        one.entry_point for one in asked if one.shown
    }
    found: dict[str, Question] = {}
    for questions in plan_questions(files, material, seed).values() if wanted else ():
        for question in questions[:1]:
            if question.entry_point in wanted:
                found.setdefault(question.entry_point, _shortened(question))
    return found


def _shortened(question: Question) -> Question:
    """Return a question about a batch as one about its first rows."""
    if not question.partial:
        return question
    arguments = tuple(
        one[:REHEARSED] if isinstance(one, np.ndarray) and is_examples(one) else one
        for one in question.arguments
    )
    return replace(question, arguments=arguments)
