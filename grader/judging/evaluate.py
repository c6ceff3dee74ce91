"""Evaluate answers: run the checks in a process of their own and read the verdicts. Trusted code only."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader.assignment.quizzes.quiz import Quiz
from grader.assignment.spec import Assignment, Levels
from grader.checks.questions import Question
from grader.checks.session import Case, Verdicts
from grader.judging import judge_process as judge
from grader.judging import stored_answers
from grader.judging.probe import Answers, Place, Plan
from grader.kernel_env import TUNING
from grader.messages import Message
from grader.records import Check, Picture, Requirement, Status

JUDGE_TIMEOUT_S = 300.0
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
        version: digest of what the questions are drawn from, the course secret included.
        split: digest of the split.
        complete: whether the checks must be worth all points of each exercise (public ones alone need not be).
        order: the order in which the plan is asked.
        rehearsal: public questions that are asked before any hidden one, by entry point.
        hidden: whether what is asked is hidden: then verdicts say no more than `disclosure` allows.
        judged: digest of the assignment, levels and checks included, and the course secret; "": public checks alone.
        parts: digests of what decides questions and runs, from `assignment.identity.parts`.
        quiz: draws the questions of a quiz for each student; None: everybody is asked the same.
        drawing: which drawing of a quiz the plan's keys are of; "": nobody's yet, or no quiz.
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
    order: tuple[Place, ...] = ()
    rehearsal: Mapping[str, Question] = field(default_factory=dict)
    hidden: bool = True
    judged: str = ""
    parts: Mapping[str, str] = field(default_factory=dict)
    quiz: Quiz | None = None
    drawing: str = ""

    @functools.cached_property
    def asked(self) -> dict[str, str]:
        """Digests of what is asked, by question set; hidden photos are 100 MB, so they are read when it is wanted."""
        return stored_answers.asked(self.plan, self.order, self.rehearsal)


def evaluate(answers: Answers, context: Context) -> Verdicts:
    """Run the checks on the answers, in a process of their own.

    What cannot be decided becomes an ERROR of its exercise, with the reason in the log for staff; nothing is raised
    for a broken check.
    """
    return _judged(answers, context, None)[0]


def evaluate_demands(
    answers: Answers, context: Context, settled: frozenset[str]
) -> tuple[Verdicts, tuple[str, ...]]:
    """Do as `evaluate`, and look which demands the verdicts hang on.

    Args:
        answers: what was answered.
        context: what it is judged with.
        settled: demands of which that is known already.

    Returns:
        The verdicts, and the demands without which a check would have another status.
    """
    return _judged(answers, context, settled)


def _judged(
    answers: Answers, context: Context, settled: frozenset[str] | None
) -> tuple[Verdicts, tuple[str, ...]]:
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
        judge.write_case(folder, case, context.files, settled)
        output = _judges.judge(folder)
        verdicts, needed = _read_verdicts(folder / "verdicts.json", output)
    return _complete(verdicts, context.assignment) if context.complete else verdicts, needed


def _read_verdicts(path: Path, output: str) -> tuple[Verdicts, tuple[str, ...]]:
    # The judge writes it last: without it no check is decided.
    if not path.is_file():
        return Verdicts((), (), f"the checks wrote no verdicts:\n{output}"), ()
    try:
        text = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as exc:
        return Verdicts((), (), f"the checks wrote verdicts that cannot be read: {exc}\n{output}"), ()
    checks = tuple(Check.from_record(row) for row in text["checks"])
    verdicts = Verdicts(
        checks,
        pictures=tuple(Picture(**row) for row in text["pictures"]),
        log=text["log"],
        second=tuple(Requirement(**row) for row in text["second"]),
        staff_pictures=tuple(Picture(**row) for row in text["staff_pictures"]),
    )
    return verdicts, tuple(text["needed"])


def _complete(verdicts: Verdicts, assignment: Assignment) -> Verdicts:
    """Add an ERROR for each exercise whose checks are missing, not worth its points or named like others."""
    log, checks = [verdicts.log] if verdicts.log else [], list(verdicts.checks)
    exercise_ids = {exercise.id for exercise in assignment.exercises}
    lost = [check for check in checks if check.exercise not in exercise_ids]
    log.extend(f"check {check.id}: no exercise {check.exercise!r} in assignment.toml" for check in lost)
    names = [check.id for check in checks]
    # Neither of two checks with one name is believed.
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
        # Points that do not add up are a mistake of staff's, and must not become a silent loss (ADR 4).
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
        if not hasattr(os, "fork"):
            return _in_a_process_of_its_own(folder)
        # One case at a time: the server answers with a bare exit code, which names no case.
        with self.lock:
            server = self._running()
            assert server.stdin is not None  # noqa: S101 - a pipe
            assert server.stdout is not None  # noqa: S101
            told, ready = "", True
            with contextlib.suppress(OSError):
                server.stdin.write(f"{folder}\n")
                server.stdin.flush()
                # `select` sees the pipe, not the reader's buffer: one line a case keeps that empty.
                ready = bool(select.select([server.stdout], [], [], JUDGE_TIMEOUT_S)[0])
                told = server.stdout.readline() if ready else ""
            output = _tail(folder / judge.OUTPUT)
            if told.strip() == "0":
                return output
            # Out of time, or the server is gone. The judge is its child and would live on, so it is ended by
            # its own pid.
            if not told:
                with contextlib.suppress(OSError, ValueError):
                    os.kill(int((folder / judge.PID).read_text(encoding="utf-8")), signal.SIGKILL)
                self._end()
            return output if ready else f"the checks did not end within {JUDGE_TIMEOUT_S:g} s\n{output}"

    def _running(self) -> subprocess.Popen[str]:
        # After a fork the pipes still are the parent's: a child starts a server for itself.
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


def _in_a_process_of_its_own(folder: Path) -> str:
    """Judge a case where no server can fork, on Windows; returns what the checks printed."""
    with (folder / judge.OUTPUT).open("wb") as file:
        try:
            subprocess.run(
                [sys.executable, "-m", "grader.judging.judge_process", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **TUNING},
                timeout=JUDGE_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            file.write(f"the checks did not end within {JUDGE_TIMEOUT_S:g} s\n".encode())
    return _tail(folder / judge.OUTPUT)


_judges = _Judges()
atexit.register(_judges.close)


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError):
        # The end: there the exception stands, whatever a check has printed before it.
        return path.read_bytes().decode(errors="replace")[-20_000:]
    return ""
