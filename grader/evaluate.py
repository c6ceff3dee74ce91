"""Evaluation: what is asked, and the verdicts of the checks on what was answered. Trusted code only."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from grader import judge
from grader.errors import SpecError
from grader.marks import load_checks
from grader.probe import Answers, Plan
from grader.pytest_plugin import Case, Verdicts
from grader.questions import Material, Question
from grader.records import Check, Picture, Status
from grader.spec import Assignment, Levels

JUDGE_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Context:
    """What all submissions to one assignment on one data card share, on the trusted side.

    Attributes:
        assignment: the public description.
        folder: its source folder (with `staff`), or its release folder when only public checks are run.
        card: id of the data card.
        breeds: class names.
        species: True for a cat, by class.
        levels: secret levels on this card.
        files: check files, in the order they run.
        plan: question sets by name.
        version: digest of the assignment.
        split: digest of the split.
        complete: whether the checks must be worth all points of each exercise (public ones alone need not be).
    """

    assignment: Assignment
    folder: Path
    card: str
    breeds: tuple[str, ...]
    species: tuple[bool, ...]
    levels: dict[str, Levels]
    files: tuple[Path, ...]
    plan: Plan
    version: str
    split: str
    complete: bool = True


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


def evaluate(answers: Answers, context: Context) -> Verdicts:
    """Run the checks on the answers, in a process of their own.

    What cannot be decided becomes an ERROR of its exercise, with the reason in the log for staff; nothing is raised
    for a broken check.
    """
    case = Case(context.assignment, context.card, context.breeds, context.species, answers, context.levels)
    with tempfile.TemporaryDirectory(prefix="pawgrade-judge-") as name:
        folder = Path(name)
        judge.write_case(folder, case, list(context.files))
        try:
            done = subprocess.run(
                [sys.executable, "-m", "grader.judge", name],
                capture_output=True,
                timeout=JUDGE_TIMEOUT_S,
                check=False,
            )
            output = (done.stdout + done.stderr).decode(errors="replace")[-20_000:]
        except subprocess.TimeoutExpired:
            output = f"the checks did not end within {JUDGE_TIMEOUT_S:g} s"
        verdicts = _read_verdicts(folder / "verdicts.json", output)
    return _complete(verdicts, context.assignment) if context.complete else verdicts


def _read_verdicts(path: Path, output: str) -> Verdicts:
    if not path.is_file():
        return Verdicts((), (), f"the checks wrote no verdicts:\n{output}")
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        return Verdicts((), (), f"the checks wrote verdicts that cannot be read: {exc}\n{output}")
    checks = tuple(Check(**{**row, "status": Status(row["status"])}) for row in text["checks"])
    return Verdicts(checks, tuple(Picture(**row) for row in text["pictures"]), text["log"])


def _complete(verdicts: Verdicts, assignment: Assignment) -> Verdicts:
    """Add an ERROR for each exercise whose checks are missing or are not worth its points."""
    log, checks = [verdicts.log] if verdicts.log else [], list(verdicts.checks)
    known = {exercise.id for exercise in assignment.exercises}
    log.extend(
        f"check {c.id}: no exercise {c.exercise!r} in assignment.toml"
        for c in checks
        if c.exercise not in known
    )
    for exercise in assignment.exercises:
        worth = sum(check.max_points for check in checks if check.exercise == exercise.id)
        if not abs(worth - exercise.points) <= 1e-6:  # so that NaN is a mistake, too
            log.append(
                f"exercise {exercise.id}: its checks are worth {worth:g} points, assignment.toml says {exercise.points:g}"
            )
            hint = "This exercise could not be decided; your teachers have been told."
            checks.append(Check(f"{exercise.id}_checks", exercise.id, Status.ERROR, 0.0, 0.0, hint=hint))
    return Verdicts(tuple(checks), verdicts.pictures, "\n\n".join(log))
