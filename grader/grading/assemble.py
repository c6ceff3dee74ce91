"""The path of one submission: read, restore, execute, probe, evaluate, score."""

from __future__ import annotations

import copy
import dataclasses
import datetime
import functools
import platform
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING

from nbformat import NotebookNode

from grader import files, visible
from grader.assignment import spec
from grader.checks import scoring
from grader.checks.questions import Array
from grader.checks.session import Verdicts
from grader.errors import InfrastructureError, SubmissionError
from grader.execution import gpu_trial
from grader.gradebook import versions
from grader.grading import gpu_blame, notices, workplace
from grader.grading.preparation import Work
from grader.grading.workplace import turn
from grader.judging import probe
from grader.judging.evaluate import Context, evaluate
from grader.messages import NOTHING, Message
from grader.notebooks import cells, reading
from grader.records import NOT_RUN, Check, Grade, Limit, Repair, Seconds, Status, Submission

TRIES = 3
COUNTED = Message(
    "Your notebook was run, so this counts as a scored attempt; your teachers can let you have another one."
)
NOT_GRADED = Message(
    "This submission could not be graded because of an error of the grader; your teachers have been told."
)

if TYPE_CHECKING:
    from grader.execution import engine


@dataclass(frozen=True)
class Graded:
    """What grading one submission gave: the grade and what belongs into its attempt.

    Attributes:
        grade: the grade.
        submitted: the notebook as handed in; None when it could not be read.
        executed: the notebook as far as it ran; None when nothing did.
        answers: validated answers of the probes, by question set and number.
        needed: demands of the checks that alone cost points; only where that was looked into.
    """

    grade: Grade
    submitted: bytes | None
    executed: NotebookNode | None
    answers: dict[str, Array] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


def grade(submission: Submission, work: Work) -> Graded:
    """Grade one submission: read, restore, execute, probe, evaluate, score.

    It raises nothing: a mistake of the student is a verdict, one of ours a grade with status ERROR and a log.
    """
    begin = time.monotonic()
    submitted = None
    try:
        submitted = files.read_bytes(submission.notebook, cells.MAX_NOTEBOOK_BYTES)
        notebook, repairs = reading.read_restored(submitted, work.release)
    except (FileNotFoundError, SubmissionError) as exc:
        return Graded(_unread(submission, work, _explain_unread(exc, submission)), submitted, None)
    except Exception:
        return Graded(undecided(submission, work, traceback.format_exc()), submitted, None)
    log = ""
    once = functools.partial(_run, submission, work, submitted, repairs=repairs, begin=begin)
    walks: list[engine.Walk] = []
    for number in range(1, TRIES + 1):
        try:
            with turn(work.desk, alone=False):
                # A GPU that was full is the submission's fault only where nothing else was on it: again, alone.
                found = once(notebook, walks)
            return _after(number, log, _fairly(found, once, notebook, work, walks))
        except InfrastructureError:
            log += f"try {number}:\n{traceback.format_exc()}"
        except Exception:
            log += traceback.format_exc()
            break
    return Graded(undecided(submission, work, log, walks), submitted, None)


def _fairly(
    found: Ran,
    once: Callable[[NotebookNode, list[engine.Walk]], Ran],
    notebook: NotebookNode,
    work: Work,
    walks: list[engine.Walk],
) -> Graded:
    """Run a notebook once more where its machine, or one cell's memory, took from it what it had earned."""
    walk, asking = found.walk, found.asking
    late = walk.limit in (Limit.WALL, Limit.CELL) or bool(asking.spent)
    if late and walk.overloaded:
        with turn(work.desk, alone=True):
            again = once(notebook, walks).graded
        return _noted(again, notices.alone(), alone="yes")
    index = walk.hits.get(Limit.MEMORY)
    if index is None or walk.gpu_full or not asking.lost or not walk.filled_memory:
        return found.graded
    number, shorter = _without_cell(notebook, walk, index)
    with turn(work.desk, alone=False):
        again = once(shorter, walks).graded
    # Whatever it earned: were the better one to count, who provoked this would have two draws.
    return _noted(again, notices.left_out(number), left_out=f"cell {number}")


def _without_cell(notebook: NotebookNode, walk: engine.Walk, index: int) -> tuple[int, NotebookNode]:
    """Return the number of a cell of an executed notebook, and the notebook to run with an error in that cell's place."""
    assert walk.notebook is not None  # noqa: S101 - it has run
    number = sum(1 for cell in walk.notebook.cells[: index + 1] if cell.cell_type == "code")
    shorter = copy.deepcopy(notebook)
    for cell in shorter.cells:
        if cell.get("id") == walk.notebook.cells[index].get("id"):
            cell.source = _definitions(cell.source)
    return number, shorter


def _definitions(source: str) -> str:
    """Return what a cell imports and defines, and an error in place of everything else that it does."""
    return f'{reading.definitions_of(source)}\n\nraise MemoryError("this cell met the memory limit: all but its definitions was left out")'


def _noted(graded: Graded, notice: Message, **facts: str) -> Graded:
    grade_ = graded.grade
    kept = dataclasses.replace(
        grade_, notices=(notice, *grade_.notices), provenance={**grade_.provenance, **facts}
    )
    return dataclasses.replace(graded, grade=kept)


def _after(number: int, log: str, graded: Graded) -> Graded:
    """Note on a grade that the first tries were lost through no fault of the submission."""
    if number == 1:
        return graded
    notice = Message(
        "The grader had to run this submission {number} times, for reasons of its own. Only the last run counts.",
        number=number,
    )
    grade_ = graded.grade
    kept = dataclasses.replace(
        grade_,
        notices=(*grade_.notices, notice),
        provenance={**grade_.provenance, "tries": str(number)},
        log=f"{log}{grade_.log}",
    )
    return dataclasses.replace(graded, grade=kept)


@dataclass(frozen=True)
class Ran:
    """One run: what it gave, and what it went through."""

    graded: Graded
    walk: engine.Walk
    asking: probe.Asking


def _run(
    submission: Submission,
    work: Work,
    submitted: bytes,
    notebook: NotebookNode,
    walks: list[engine.Walk],
    *,
    repairs: tuple[Repair, ...],
    begin: float,
) -> Ran:
    from grader.execution import engine, gpu_slots, kernels

    context = work.context
    limits = context.assignment.limits_on(context.card)
    with (
        workplace.folder(work) as place,
        gpu_slots.hold(work.device, limits.gpus, work.gpus, alone=bool(walks)) as gpus,
    ):
        told = workplace.lay_out(place, submission, work)
        asking = probe.Asking(
            context.plan,
            context.assignment,
            place,
            context.order,
            context.rehearsal,
            public=not context.complete,
        )
        own = {**gpus.environment(), **visible.withheld(one.id for one in context.assignment.exercises)}
        sandbox = None
        if work.sandbox != "none":
            sandbox = kernels.Sandbox(limits, work.data_dir, gpus.nodes, own, work.features)
        environment = {} if sandbox else {**workplace.environment(place, work), **own}
        with kernels.lease(
            work.kernel, cwd=place / "work", environment=environment, sandbox=sandbox
        ) as lease:
            walk = engine.Walk(lease, limits, asking.ask)
            walk.gpu = bool(gpus.devices)
            walks.append(walk)
            executed = engine.run(notebook, walk, workplace.parameters(lease, place, work))
            executed = workplace.without_paths(executed, place, work)
        judged = time.monotonic()
        answers = asking.answers(_why_dead(walk))
        try_out = functools.partial(gpu_trial.try_out, work.kernel, gpus, sandboxed=sandbox is not None)
        answers = gpu_blame.settle(walk, answers, gpus, try_out)
    verdicts = evaluate(answers, context)
    now = time.monotonic()
    seconds = Seconds(
        0.0, *(round(s, 3) for s in (walk.kernel_s, walk.execute_s, walk.probe_s, now - judged, now - begin))
    )
    if walk.broken:
        told.append(Message("Your functions got no questions: {reason}", reason=walk.broken))
    if walk.limit is not None:
        index = walk.hits.get(walk.limit)
        told.append(notices.on_limit(walk.limit, limits, index, executed, on_gpu=walk.gpu_full))
    told += notices.on_overruns(asking.overruns()) + notices.on_failed_cells(walk.failed)
    found = _score(submission, work, verdicts, seconds)
    record = {
        **found.__dict__,
        "failed_cells": tuple(walk.failed),
        "limit": walk.limit,
        "repairs": repairs,
        "notices": tuple(told),
        "sandbox": lease.sandbox,
        "provenance": found.provenance | ({"gpu": gpus.describe()} if gpus.devices else {}),
        "usage": {
            "memory_mb": round(walk.peak_mb, 1),
            "wall_s": round(walk.wall_s, 2),
            "cell_s": round(walk.cell_s, 2),
        },
    }
    kept = {
        f"{name}-{number:04d}": answer.value
        for name, found_ in answers.items()
        if not isinstance(found_, SubmissionError)
        for number, answer in enumerate(found_)
    }
    return Ran(Graded(Grade(**record), submitted, executed, kept, verdicts.needed), walk, asking)


def _why_dead(walk: engine.Walk) -> Message:
    """Say why the kernel was gone before everything was asked; `NOTHING` when it was not."""
    if not walk.dead:
        return NOTHING
    if walk.broken:
        return walk.broken
    if not walk.failed:
        return Message("the kernel ended while it was asked.")
    cell = walk.failed[-1]
    return Message(
        "the kernel ended in code cell {number} ({error}).", number=cell.number, error=cell.message
    )


def _explain_unread(exc: Exception, submission: Submission) -> Message:
    if isinstance(exc, SubmissionError):
        return Message("The notebook could not be read: {reason}", reason=exc.words)
    return Message(
        "There is no {name} in what was handed in. Hand in the notebook under this name.",
        name=submission.notebook.name,
    )


def _score(submission: Submission, work: Work, verdicts: Verdicts, seconds: Seconds) -> Grade:
    assignment = work.context.assignment
    exercises = tuple(
        scoring.exercise_grade(one.id, one.title, _worth(one, verdicts, work.context), verdicts.checks)
        for one in assignment.exercises
    )
    points = round(sum(one.points for one in exercises), 2)
    passed = points >= assignment.pass_points
    return Grade(
        student=submission.student,
        assignment=assignment.id,
        attempt=work.attempt(submission),
        status=scoring.overall_status(verdicts.checks, exercises, passed=passed),
        points=points,
        max_points=round(sum(one.max_points for one in exercises), 2),
        manual_points=None,
        passed=passed,
        exercises=exercises,
        checks=verdicts.checks,
        failed_cells=(),
        limit=None,
        seconds=seconds,
        sandbox=NOT_RUN,
        device=work.device,
        seed=work.seed,
        data=work.context.card,
        pictures=verdicts.pictures,
        second=verdicts.second,
        staff_pictures=verdicts.staff_pictures,
        provenance=_provenance(work),
        log=verdicts.log,
    )


def _worth(exercise: spec.Exercise, verdicts: Verdicts, context: Context) -> float:
    """Return what an exercise is worth here: all its points, or what the public checks alone can give."""
    if context.complete:
        return exercise.points
    return sum(check.max_points for check in verdicts.checks if check.exercise == exercise.id)


def _provenance(work: Work) -> dict[str, str]:
    return {
        "pawgrade": package_version("pawgrade"),
        "python": platform.python_version(),
        "assignment": work.context.version,
        "split": work.context.split,
        "kernel": work.kernel,
        "graded_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def _unread(submission: Submission, work: Work, notice: Message) -> Grade:
    """A grade for a submission that could not be run: the student's to mend, so FAILED, never ERROR."""
    checks = tuple(
        Check(
            f"{one.id}_notebook",
            one.id,
            Status.FAILED,
            0.0,
            one.points,
            Message("no notebook that can be run"),
            Message("a notebook"),
            notice,
            one.title,
        )
        for one in work.context.assignment.exercises
    )
    found = _score(submission, work, Verdicts(checks), Seconds())
    return Grade(**{**found.__dict__, "notices": (notice,)})


def undecided(submission: Submission, work: Work, log: str, walks: Sequence[engine.Walk] = ()) -> Grade:
    """A grade for a submission that we could not judge: ERROR, for staff.

    Where the notebook ran it may be what led to that: it says so, and counts as a scored attempt.
    """
    checks = tuple(
        Check(f"{one.id}_grader", one.id, Status.ERROR, 0.0, one.points, hint=NOT_GRADED, title=one.title)
        for one in work.context.assignment.exercises
    )
    found = _score(submission, work, Verdicts(checks, (), log), Seconds())
    ran = next((walk.lease.sandbox for walk in walks if walk.ran), "")
    if not ran:
        return dataclasses.replace(found, notices=(NOT_GRADED,))
    provenance = {**found.provenance, versions.RAN: "yes"}
    return dataclasses.replace(found, notices=(NOT_GRADED, COUNTED), sandbox=ran, provenance=provenance)
