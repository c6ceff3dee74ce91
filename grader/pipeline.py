"""The path of one submission: read, restore, execute, probe, evaluate, score."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import json
import platform
import shutil
import sys
import time
import traceback
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

from grader import artifacts, attempts, cells, probe, reading, scoring, spec
from grader.errors import InfrastructureError, SubmissionError
from grader.evaluate import Context, evaluate
from grader.preparation import Work, matplotlib_cache
from grader.pytest_plugin import Verdicts
from grader.questions import Array
from grader.records import Check, Grade, Limit, Repair, Seconds, Status, Submission
from grader.sandbox.layout import TUNING

TRIES = 3

if TYPE_CHECKING:
    from grader import engine, kernels


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
        submitted = artifacts.read_bytes(submission.notebook, cells.MAX_NOTEBOOK_BYTES)
        notebook, repairs = reading.read_restored(submitted, work.release)
    except (FileNotFoundError, SubmissionError) as exc:
        return Graded(_unread(submission, work, _explain_unread(exc, submission)), submitted, None)
    except Exception:
        return Graded(_undecided(submission, work, traceback.format_exc()), submitted, None)
    log = ""
    for number in range(1, TRIES + 1):
        try:
            # A GPU that was full is the submission's fault only where nothing else was on it: again, alone.
            found = _run(submission, work, submitted, notebook, repairs, begin, alone=number > 1)
            return _after(number, log, found)
        except InfrastructureError:
            log += f"try {number}:\n{traceback.format_exc()}"
        except Exception:
            log += traceback.format_exc()
            break
    return Graded(_undecided(submission, work, log), submitted, None)


def _after(number: int, log: str, graded: Graded) -> Graded:
    """Note on a grade that the first tries were lost through no fault of the submission."""
    if number == 1:
        return graded
    notice = f"The grader had to run this submission {number} times, for reasons of its own. Only the last run counts."
    grade_ = graded.grade
    kept = dataclasses.replace(
        grade_,
        notices=(*grade_.notices, notice),
        provenance={**grade_.provenance, "tries": str(number)},
        log=f"{log}{grade_.log}",
    )
    return dataclasses.replace(graded, grade=kept)


def _run(
    submission: Submission,
    work: Work,
    submitted: bytes,
    notebook: NotebookNode,
    repairs: tuple[Repair, ...],
    begin: float,
    *,
    alone: bool,
) -> Graded:
    from grader import devices, engine, gpu_verdicts, kernels

    context = work.context
    limits = context.assignment.limits_on(context.card)
    with _workplace(work) as place, devices.hold(work.device, limits.gpus, work.gpus, alone=alone) as gpus:
        notices = _lay_out(place, submission, work)
        asking = probe.Asking(
            context.plan,
            context.assignment,
            place,
            context.order,
            context.rehearsal,
            public=not context.complete,
        )
        own = gpus.environment()
        sandbox = None
        if work.sandbox != "none":
            sandbox = kernels.Sandbox(limits, work.data_dir, gpus.nodes, own, work.features)
        environment = {} if sandbox else {**_environment(place, work), **own}
        with kernels.lease(
            work.kernel, cwd=place / "work", environment=environment, sandbox=sandbox
        ) as lease:
            walk = engine.Walk(lease, limits, asking.ask)
            walk.gpu = bool(gpus.devices)
            executed = engine.run(notebook, walk, _parameters(lease, place, work))
            executed = _without_paths(executed, place, work)
        judged = time.monotonic()
        answers = asking.answers(_why_dead(walk))
        try_out = functools.partial(gpu_verdicts.try_out, work.kernel, gpus, sandboxed=sandbox is not None)
        answers = gpu_verdicts.settle(walk, answers, gpus, try_out)
    verdicts = evaluate(answers, context)
    now = time.monotonic()
    seconds = Seconds(
        0.0, *(round(s, 3) for s in (walk.kernel_s, walk.execute_s, walk.probe_s, now - judged, now - begin))
    )
    if walk.limit is not None:
        index = walk.hits.get(walk.limit)
        notices.append(_explain_limit(walk.limit, limits, index, executed, on_gpu=walk.gpu_full))
    found = _score(submission, work, verdicts, seconds)
    record = {
        **found.__dict__,
        "failed_cells": tuple(walk.failed),
        "limit": walk.limit,
        "repairs": repairs,
        "notices": tuple(notices),
        "sandbox": lease.sandbox,
        "provenance": found.provenance | ({"gpu": gpus.describe()} if gpus.devices else {}),
        "usage": {
            "memory_mb": round(walk.peak_mb, 1),
            "wall_s": round(walk.execute_s + walk.probe_s, 2),
            "cell_s": round(walk.cell_s, 2),
        },
    }
    kept = {
        f"{name}-{number:04d}": answer.value
        for name, found_ in answers.items()
        if not isinstance(found_, SubmissionError)
        for number, answer in enumerate(found_)
    }
    return Graded(Grade(**record), submitted, executed, kept, verdicts.needed)


def _without_paths(notebook: NotebookNode, place: Path, work: Work) -> NotebookNode:
    """Return the notebook with neutral names for this machine's folders: students read it, others may."""
    text = nbformat.writes(notebook)
    for path, name in (
        (place, "/pawgrade"),
        (work.data_dir, "/pawgrade/data"),
        (Path(sys.prefix), "/environment"),
    ):
        text = text.replace(json.dumps(str(path))[1:-1], name)
    return nbformat.reads(text, as_version=4)


def _why_dead(walk: engine.Walk) -> str:
    """Say why the kernel was gone before everything was asked; "" when it was not."""
    if not walk.dead:
        return ""
    cell = walk.failed[-1] if walk.failed else None
    return (
        f"the kernel ended in code cell {cell.number} ({cell.message})"
        if cell
        else "the kernel ended while it was asked"
    )


@contextlib.contextmanager
def _workplace(work: Work) -> Iterator[Path]:
    """A folder for one run; gone afterwards, whatever the submission made of its permissions."""
    place = work.desk / uuid.uuid4().hex
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, onerror=_make_writable)


def _make_writable(function: Any, path: str, _: Any) -> None:  # noqa: ANN401 - shutil's callback
    with contextlib.suppress(OSError):
        Path(path).parent.chmod(0o700)
        Path(path).chmod(0o700, follow_symlinks=False) if not Path(path).is_symlink() else None
        function(path)


def _lay_out(place: Path, submission: Submission, work: Work) -> list[str]:
    """Put the release's files and the declared ones beside the notebook; say what was left out."""
    for name in ("work", "work/scratch", "home", "tmp"):
        (place / name).mkdir()
    for path in work.public_files:
        target = place / "work" / path.relative_to(_root(work.public_files, work.context.assignment.id))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    declared = {file.name: file for file in work.context.assignment.files}
    known = {f"{submission.assignment}.ipynb", attempts.TIMESTAMP, *declared}
    known |= {path.name for path in work.public_files}
    notices = []
    for name, file in declared.items():
        try:
            (place / "work" / name).write_bytes(
                artifacts.read_bytes(submission.folder / name, file.max_kb * 1024)
            )
        except FileNotFoundError:
            notices.append(f"The file {name} that belongs to this assignment was not handed in.")
        except SubmissionError as exc:
            notices.append(f"A file was left out: {exc}")
    others = (
        sorted({path.name for path in submission.folder.iterdir()} - known)
        if submission.folder.is_dir()
        else []
    )
    if others:
        shown = ", ".join(artifacts.printable(name, 60) for name in others[:5]) + (
            " and more" if len(others) > 5 else ""
        )
        notices.append(f"Only the notebook counts; these files beside it were ignored: {shown}.")
    return notices


def _root(files: tuple[Path, ...], assignment: str) -> Path:
    return next(
        parent
        for parent in files[0].parents
        if parent.name == assignment or (parent / "assignment.toml").is_file()
    )


def _parameters(lease: kernels.Lease, place: Path, work: Work) -> dict[str, Any]:
    return {
        "data_dir": lease.place(work.data_dir),
        "scratch_dir": lease.place(place / "work" / "scratch"),
        "seed": work.seed,
        "device": work.device,
        "language": "en",
    }


def _environment(place: Path, work: Work) -> dict[str, str]:
    """Return a plain kernel's own variables: private folders, as many threads as the assignment allows."""
    threads = str(work.context.assignment.limits_on(work.context.card).cpus)
    fonts = matplotlib_cache(work.desk)
    private = place / "home" / "matplotlib"
    shutil.copytree(fonts, private)
    return {
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
        "IPYTHONDIR": str(place / "home" / "ipython"),
        "MPLCONFIGDIR": str(private),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        **TUNING,
        "PYTHONNOUSERSITE": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
    }


def _explain_unread(exc: Exception, submission: Submission) -> str:
    if isinstance(exc, SubmissionError):
        return f"The notebook could not be read: {exc}"
    return (
        f"There is no {submission.notebook.name} in what was handed in. Hand in the notebook under this name."
    )


def _explain_limit(
    limit: Limit, limits: spec.Limits, index: int | None, notebook: NotebookNode, *, on_gpu: bool
) -> str:
    place = "while its functions were asked"
    if index is not None:
        place = f"in code cell {sum(1 for cell in notebook.cells[: index + 1] if cell.cell_type == 'code')}"
    if limit is Limit.MEMORY and on_gpu:
        return f"The memory of the GPU was full ({place}). Take smaller batches, work under torch.no_grad() where nothing is trained, and move results to the CPU."
    return {
        Limit.WALL: f"Stopped after {limits.wall_s:g} s {place}: the whole notebook may take no longer. Train for fewer epochs or on smaller images.",
        Limit.CELL: f"Stopped after {limits.cell_s:g} s {place}: one cell may take no longer. Look for a loop that does not end.",
        Limit.MEMORY: f"The notebook used more than {limits.memory_mb} MB ({place}). Pass images through the network in batches, under torch.no_grad(), and keep features instead of images.",
        Limit.DISK: f"The notebook wrote more than {limits.disk_mb} MB ({place}). Keep one checkpoint instead of many, and delete what is not needed.",
        Limit.PROCESSES: f"The notebook started more than {limits.processes} processes or threads ({place}). Use fewer workers, and close pools and loaders.",
        Limit.OUTPUT: f"The notebook printed more than {limits.output_kb} KB ({place}); the rest was cut. Print less, or less often.",
    }[limit]


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
        sandbox="none",
        device=work.device,
        seed=work.seed,
        data=work.context.card,
        pictures=verdicts.pictures,
        second=verdicts.second,
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


def _unread(submission: Submission, work: Work, notice: str) -> Grade:
    """A grade for a submission that could not be run: the student's to mend, so FAILED, never ERROR."""
    checks = tuple(
        Check(
            f"{one.id}_notebook",
            one.id,
            Status.FAILED,
            0.0,
            one.points,
            "no notebook that can be run",
            "a notebook",
            notice,
            one.title,
        )
        for one in work.context.assignment.exercises
    )
    found = _score(submission, work, Verdicts(checks), Seconds())
    return Grade(**{**found.__dict__, "notices": (notice,)})


def _undecided(submission: Submission, work: Work, log: str) -> Grade:
    """A grade for a submission that we could not judge: ERROR, for staff."""
    hint = (
        "This submission could not be graded because of an error of the grader; your teachers have been told."
    )
    checks = tuple(
        Check(f"{one.id}_grader", one.id, Status.ERROR, 0.0, one.points, hint=hint, title=one.title)
        for one in work.context.assignment.exercises
    )
    found = _score(submission, work, Verdicts(checks, (), log), Seconds())
    return Grade(**{**found.__dict__, "notices": (hint,)})
