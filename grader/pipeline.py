"""The path of one submission: read, restore, execute, probe, evaluate, score."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import hmac
import os
import platform
import shutil
import subprocess
import sys
import time
import traceback
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader import artifacts, attempts, cards, cells, pets, probe, scoring, spec
from grader.course import Course
from grader.errors import InfrastructureError, SpecError, SubmissionError
from grader.evaluate import Context, check_files, evaluate, plan_questions
from grader.pytest_plugin import Verdicts
from grader.questions import Array, Material
from grader.records import Check, Grade, Limit, Repair, Seconds, Status, Submission
from grader.settings import Settings

TRIES = 3
PUBLIC_SECRET = b"public"


@dataclass(frozen=True)
class Work:
    """Everything that grading one submission needs beside the submission; the same for a whole class.

    Attributes:
        context: assignment, checks and questions.
        release: the notebook as released, which decides locked cells.
        data_dir: folder with the public splits: all of the data that a notebook sees.
        desk: folder for working copies of submissions.
        kernel: kernelspec name.
        seed: seed that notebooks are given.
        device: `cpu` or `cuda`.
        public_files: files that are put beside the notebook (those of the release).
    """

    context: Context
    release: NotebookNode
    data_dir: Path
    desk: Path
    kernel: str
    seed: int
    device: str
    public_files: tuple[Path, ...]

    def attempt(self, submission: Submission) -> str:
        """Return the attempt id of a submission."""
        facts = (self.context.version, self.context.card, self.context.split, str(self.seed), self.device)
        return attempts.attempt_id(submission, *facts)


@dataclass(frozen=True)
class Graded:
    """What grading one submission gave: the grade and what belongs into its attempt.

    Attributes:
        grade: the grade.
        submitted: the notebook as handed in; None when it could not be read.
        executed: the notebook as far as it ran; None when nothing did.
        answers: validated answers of the probes, by question set and number.
    """

    grade: Grade
    submitted: bytes | None
    executed: NotebookNode | None
    answers: dict[str, Array] = field(default_factory=dict)


def choose_card(assignment: spec.Assignment, wanted: str | None, settings: Settings) -> str:
    """Return the data card: the one wanted, else the first real one if `PAWGRADE_DATA` is set, else the toy one."""
    if wanted:
        assignment.on(wanted)
        return wanted
    names = [name for name in assignment.data if name.startswith("toy_") != bool(settings.data_folder)]
    return (names or list(assignment.data))[0]


def prepare(
    course: Course, assignment_id: str, settings: Settings, *, card: str | None, secret: bytes, desk: Path
) -> Work:
    """Load what grading an assignment takes: its checks, the hidden photos, the public view of the data.

    Raises:
        SpecError: something of it is missing or wrong.
    """
    folder = course.source(assignment_id)
    assignment, hidden = spec.load_assignment(folder), spec.load_hidden(folder)
    card_id = choose_card(assignment, card, settings)
    data, version = assignment.on(card_id), spec.version(folder)
    data_card, photos_folder, split, data_dir = find_data(card_id, data.label_space, settings)
    photos = pets.holdout(data_card, photos_folder, data.label_space, secret, version, hidden.holdout.split)
    seed = hmac.new(secret, f"{version}{split}".encode(), hashlib.sha256).digest()
    breeds, species = cards.breeds(data.label_space), cards.species(data.label_space)
    files = check_files(folder, "all")
    material = Material(photos.images, photos.labels, breeds, species, _unused_rng())
    plan = plan_questions(files, material, seed)
    levels = hidden.levels.get(card_id, {})
    fingerprint = hashlib.sha256(
        f"{version}{hmac.new(secret, b'attempt', hashlib.sha256).hexdigest()}".encode()
    )
    context = Context(
        assignment, folder, card_id, breeds, species, levels, files, plan, fingerprint.hexdigest()[:16], split
    )
    release = course.release(assignment_id)
    return _work(context, release, data_dir, desk, settings)


def prepare_public(folder: Path, settings: Settings, *, card: str | None, desk: Path) -> Work:
    """Load what a student's own check takes: the release's public checks and the validation photos.

    Args:
        folder: a release folder, with `assignment.toml`, `check_public.py` and the released notebook.
        settings: where photos are.
        card: data card, or None for the default.
        desk: folder for the working copy.
    """
    assignment = spec.load_public(folder)
    card_id = choose_card(assignment, card, settings)
    data = assignment.on(card_id)
    _, _, split, data_dir = find_data(card_id, data.label_space, settings)
    validation = pets.read_view(data_dir).photos("validation")
    breeds, species = cards.breeds(data.label_space), cards.species(data.label_space)
    files = check_files(folder, "public")
    material = Material(validation.images, validation.labels, breeds, species, _unused_rng())
    plan = plan_questions(files, material, PUBLIC_SECRET)
    version = spec.version(folder)
    context = Context(
        assignment, folder, card_id, breeds, species, {}, files, plan, version, split, complete=False
    )
    return _work(context, folder, data_dir, desk, settings)


def find_data(card_id: str, label_space: str, settings: Settings) -> tuple[cards.DataCard, Path, str, Path]:
    """Find a card's photos and prepare their public view.

    Returns:
        The card, the folder of the photos, the digest of their split, and the folder that a notebook may see.
    """
    card = cards.load_card(card_id)
    folder = pets.find(card, settings.data_folder, settings.cache)
    split = pets.split_of(card, folder, label_space).digest
    view = pets.public_view(
        card, folder, label_space, settings.cache / "views" / f"{card_id}-{label_space}-{split}"
    )
    return card, folder, split, view


def _work(context: Context, release: Path, data_dir: Path, desk: Path, settings: Settings) -> Work:
    path = release / f"{context.assignment.id}.ipynb"
    if not path.is_file():
        raise SpecError(f"{path} does not exist.", f"Run `pawgrade release {context.assignment.id}` first.")
    notebook = nbformat.read(path, as_version=4)
    files = tuple(one for one in sorted(release.rglob("*")) if one.is_file() and one.suffix != ".ipynb")
    return Work(context, notebook, data_dir, desk, settings.kernel, settings.seed, settings.device, files)


def _unused_rng() -> Any:  # noqa: ANN401 - `plan_questions` gives every check file a generator of its own
    return None


def grade(submission: Submission, work: Work) -> Graded:
    """Grade one submission: read, restore, execute, probe, evaluate, score.

    It raises nothing: a mistake of the student is a verdict, one of ours a grade with status ERROR and a log.
    """
    begin = time.monotonic()
    try:
        submitted = artifacts.read_bytes(submission.notebook, cells.MAX_NOTEBOOK_BYTES)
        notebook, repairs = cells.restore(cells.read_notebook(submitted), work.release)
    except (FileNotFoundError, SubmissionError) as exc:
        return Graded(_unread(submission, work, _explain_unread(exc, submission)), None, None)
    except Exception:
        return Graded(_undecided(submission, work, traceback.format_exc()), None, None)
    log = ""
    for _ in range(TRIES):
        try:
            return _run(submission, work, submitted, notebook, repairs, begin)
        except InfrastructureError:
            log = traceback.format_exc()
        except Exception:
            log = traceback.format_exc()
            break
    return Graded(_undecided(submission, work, log), submitted, None)


def _run(
    submission: Submission,
    work: Work,
    submitted: bytes,
    notebook: NotebookNode,
    repairs: tuple[Repair, ...],
    begin: float,
) -> Graded:
    from grader import engine, kernels

    context = work.context
    spent: set[str] = set()
    with _workplace(work) as place:
        notices = _lay_out(place, submission, work)
        folders = probe.write_questions(context.plan, context.assignment, place / "questions")
        environment = _environment(place, work)
        with kernels.lease(work.kernel, cwd=place / "work", environment=environment) as lease:
            limits = context.assignment.limits_on(context.card)
            walk = engine.Walk(lease, limits, probe.asker(folders, context.assignment, spent))
            executed = engine.run(notebook, walk, _parameters(place, work))
        judged = time.monotonic()
        answers = probe.read_answers(context.plan, context.assignment, place / "questions", spent)
    verdicts = evaluate(answers, context)
    now = time.monotonic()
    seconds = Seconds(
        0.0, *(round(s, 3) for s in (walk.kernel_s, walk.execute_s, walk.probe_s, now - judged, now - begin))
    )
    if walk.limit is not None:
        notices.append(_explain_limit(walk.limit, limits, walk.hits.get(walk.limit), executed))
    found = _score(submission, work, verdicts, seconds)
    record = {
        **found.__dict__,
        "failed_cells": tuple(walk.failed),
        "limit": walk.limit,
        "repairs": repairs,
        "notices": tuple(notices),
        "sandbox": lease.sandbox,
    }
    kept = {
        f"{name}-{number:04d}": answer.value
        for name, found_ in answers.items()
        if not isinstance(found_, SubmissionError)
        for number, answer in enumerate(found_)
    }
    return Graded(Grade(**record), submitted, executed, kept)


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
        shown = ", ".join(others[:5]) + (" and more" if len(others) > 5 else "")
        notices.append(f"Only the notebook counts; these files beside it were ignored: {shown}.")
    return notices


def _root(files: tuple[Path, ...], assignment: str) -> Path:
    return next(
        parent
        for parent in files[0].parents
        if parent.name == assignment or (parent / "assignment.toml").is_file()
    )


def _parameters(place: Path, work: Work) -> dict[str, Any]:
    return {
        "data_dir": str(work.data_dir),
        "scratch_dir": str(place / "work" / "scratch"),
        "seed": work.seed,
        "device": work.device,
        "language": "en",
    }


def _environment(place: Path, work: Work) -> dict[str, str]:
    """Return the kernel's own variables: private folders, as many threads as the assignment allows."""
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
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
    }


def matplotlib_cache(desk: Path) -> Path:
    """Return a folder with matplotlib's font list, made once: without it every kernel would spend seconds on it."""
    folder = desk / "matplotlib"
    if not folder.is_dir():
        fresh = desk / f".fonts-{uuid.uuid4().hex}"
        fresh.mkdir(parents=True)
        environment = {**os.environ, "MPLCONFIGDIR": str(fresh)}
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env=environment,
            check=False,
            capture_output=True,
        )
        with contextlib.suppress(OSError):  # another worker was faster
            fresh.rename(folder)
    return folder


def _explain_unread(exc: Exception, submission: Submission) -> str:
    if isinstance(exc, SubmissionError):
        return f"The notebook could not be read: {exc}"
    return (
        f"There is no {submission.notebook.name} in what was handed in. Hand in the notebook under this name."
    )


def _explain_limit(limit: Limit, limits: spec.Limits, index: int | None, notebook: NotebookNode) -> str:
    place = "while its functions were asked"
    if index is not None:
        place = f"in code cell {sum(1 for cell in notebook.cells[: index + 1] if cell.cell_type == 'code')}"
    if limit is Limit.WALL:
        return f"Stopped after {limits.wall_s:g} s {place}: the whole notebook may take no longer. Train for fewer epochs or on smaller images."
    if limit is Limit.CELL:
        return f"Stopped after {limits.cell_s:g} s {place}: one cell may take no longer. Look for a loop that does not end."
    return f"The notebook printed more than {limits.output_kb} KB ({place}); the rest was cut. Print less, or less often."


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
