"""Evaluation: what is asked, and the verdicts of the checks on what was answered. Trusted code only."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import hmac
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from grader.assignment.spec import Assignment, Levels
from grader.checks.check_files import load_checks
from grader.checks.questions import Material, Question, is_examples
from grader.checks.session import Case, Verdicts
from grader.errors import SpecError
from grader.judging import judge_process as judge
from grader.judging.probe import Answers, Place, Plan
from grader.kernel_env import TUNING
from grader.messages import Message
from grader.records import Check, Picture, Requirement, Status

JUDGE_TIMEOUT_S = 300.0
REHEARSED = 8  # examples of a public question that is asked before hidden ones
UNDECIDED = Message("This exercise could not be decided; your teachers have been told.")


@dataclass(frozen=True)
class Context:
    """What all submissions to one assignment on one data card share, on the trusted side.

    Attributes:
        assignment: the public description.
        folder: its source folder (with `staff`), or its release folder when only public checks are run.
        card: id of the data card.
        classes: their names.
        groups: name of the group of each class, "" without one.
        levels: secret levels on this card.
        files: check files, in the order they run.
        plan: question sets by name.
        version: digest of the assignment.
        split: digest of the split.
        complete: whether the checks must be worth all points of each exercise (public ones alone need not be).
        settled: demands of which it is known that they are needed; None: that is not looked into.
        order: the order in which the plan is asked.
        rehearsal: public questions that are asked before any hidden one, by entry point.
        hidden: whether what is asked is hidden: then verdicts say no more than `disclosure` allows.
    """

    assignment: Assignment
    folder: Path
    card: str
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    levels: dict[str, Levels]
    files: tuple[Path, ...]
    plan: Plan
    version: str
    split: str
    complete: bool = True
    settled: frozenset[str] | None = None
    order: tuple[Place, ...] = ()
    rehearsal: Mapping[str, Question] = field(default_factory=dict)
    hidden: bool = True


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


def evaluate(answers: Answers, context: Context) -> Verdicts:
    """Run the checks on the answers, in a process of their own.

    What cannot be decided becomes an ERROR of its exercise, with the reason in the log for staff; nothing is raised
    for a broken check.
    """
    case = Case(
        context.assignment,
        context.card,
        context.classes,
        context.groups,
        answers,
        context.levels,
        hidden=context.hidden,
        shown=frozenset(
            name for name, asked in context.plan.items() if all(question.shown for question in asked)
        ),
    )
    with tempfile.TemporaryDirectory(prefix="pawgrade-judge-") as name:
        folder = Path(name)
        judge.write_case(folder, case, context.files, context.settled)
        output = _judges.judge(folder)
        verdicts = _read_verdicts(folder / "verdicts.json", output)
    return _complete(verdicts, context.assignment) if context.complete else verdicts


def _read_verdicts(path: Path, output: str) -> Verdicts:
    if not path.is_file():
        return Verdicts((), (), f"the checks wrote no verdicts:\n{output}")
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        return Verdicts((), (), f"the checks wrote verdicts that cannot be read: {exc}\n{output}")
    checks = tuple(Check.from_record(row) for row in text["checks"])
    return Verdicts(
        checks,
        tuple(Picture(**row) for row in text["pictures"]),
        text["log"],
        tuple(text.get("needed", ())),
        tuple(Requirement(**row) for row in text.get("second", ())),
        tuple(Picture(**row) for row in text.get("staff_pictures", ())),
    )


def _complete(verdicts: Verdicts, assignment: Assignment) -> Verdicts:
    """Add an ERROR for each exercise whose checks are missing, not worth its points or named like others."""
    log, checks = [verdicts.log] if verdicts.log else [], list(verdicts.checks)
    known = {exercise.id for exercise in assignment.exercises}
    lost = [check for check in checks if check.exercise not in known]
    log.extend(f"check {check.id}: no exercise {check.exercise!r} in assignment.toml" for check in lost)
    names = [check.id for check in checks]
    lost += [check for check in checks if names.count(check.id) > 1]
    log.extend(
        f"check {name}: there are {names.count(name)} of this name"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    )
    checks = [
        replace(check, status=Status.ERROR, points=0.0, hint=UNDECIDED) if check in lost else check
        for check in checks
    ]
    for exercise in assignment.exercises:
        worth = sum(check.max_points for check in checks if check.exercise == exercise.id)
        if not abs(worth - exercise.points) <= 1e-6:  # so that NaN is a mistake, too
            log.append(
                f"exercise {exercise.id}: its checks are worth {worth:g} points, assignment.toml says {exercise.points:g}"
            )
            checks.append(Check(f"{exercise.id}_checks", exercise.id, Status.ERROR, 0.0, 0.0, hint=UNDECIDED))
    return replace(verdicts, checks=tuple(checks), log="\n\n".join(log))


class _Judges:
    """A server of forked judges, started when first asked, gone with this process: it ends when its input does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.server: subprocess.Popen[str] | None = None
        self.owner = 0

    def judge(self, folder: Path) -> str:
        """Judge the case in a folder; returns what the judge printed, or why it did not end."""
        with self.lock:
            server = self._running()
            assert server.stdin is not None  # noqa: S101 - a pipe
            assert server.stdout is not None  # noqa: S101
            told, ready = "", True
            with contextlib.suppress(OSError):
                server.stdin.write(f"{folder}\n")
                server.stdin.flush()
                ready = bool(select.select([server.stdout], [], [], JUDGE_TIMEOUT_S)[0])
                told = server.stdout.readline() if ready else ""
            output = _tail(folder / judge.OUTPUT)
            if told.strip() == "0":
                return output
            if not told:
                with contextlib.suppress(OSError, ValueError):
                    os.kill(int((folder / judge.PID).read_text(encoding="utf-8")), signal.SIGKILL)
                self._end()
            return output if ready else f"the checks did not end within {JUDGE_TIMEOUT_S:g} s\n{output}"

    def _running(self) -> subprocess.Popen[str]:
        if self.server is None or self.owner != os.getpid() or self.server.poll() is not None:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "grader.judging.judge_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **TUNING},
                text=True,
            )
            self.owner = os.getpid()
        return self.server

    def close(self) -> None:
        """End the server, if it is this process's."""
        if self.server is not None and self.owner == os.getpid():
            self._end()

    def _end(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            for pipe in (self.server.stdin, self.server.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
        self.server = None


_judges = _Judges()
atexit.register(_judges.close)


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_bytes().decode(errors="replace")[-20_000:]
    return ""
