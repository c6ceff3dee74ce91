"""Load what grading an assignment takes, once for a class: checks, questions, hidden photos, public data."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import hmac
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from grader.assignment import contents, identity, spec
from grader.assignment.course import Course
from grader.assignment.quizzes.quiz import quiz_of
from grader.checks import soundness
from grader.datasets import sources, views
from grader.errors import InfrastructureError, SpecError
from grader.execution.gpu_slots import Pool
from grader.execution.kernels import PLAIN, SANDBOXED
from grader.gradebook import conversion
from grader.grading import asked_photos
from grader.grading.asked_photos import Asked
from grader.judging.evaluate import Context
from grader.judging.plan import (
    PUBLIC_SEED,
    asking_order,
    check_files,
    plan_questions,
    public_material,
    quick_ones,
    rehearse,
)
from grader.notebooks.cells import PutBack
from grader.records import Submission
from grader.sandbox.self_check import sandbox_problem
from grader.settings import Settings


@dataclass(frozen=True)
class Work:
    """Everything that grading one submission needs beside the submission; the same for a whole class.

    Attributes:
        context: assignment, checks and questions.
        releases: the notebooks as released, by name: they decide locked cells.
        data_dir: folder with the public splits: all of the data that a notebook sees.
        desk: folder for working copies of submissions.
        kernel: kernelspec name.
        sandbox: `namespaces`, or `none` for code that is trusted.
        seed: seed that notebooks are given.
        device: `cpu` or `cuda`.
        public_files: files that are put beside the notebook (those of the release).
        gpus: which GPUs the machine that grades may use.
        own_photos: digest of the course's own hidden photos; "": those of the data card judge.
        tests: the source's notebooks with hidden tests, where tests in the notebook grade; none where checks do.
        put_back: which of the release's cells come back when a student deleted them.
    """

    context: Context
    releases: Mapping[str, NotebookNode]
    data_dir: Path | None
    desk: Path
    kernel: str
    sandbox: str
    seed: int
    device: str
    public_files: tuple[Path, ...]
    gpus: Pool = field(default_factory=Pool)
    own_photos: str = ""
    tests: Mapping[str, NotebookNode] = field(default_factory=dict)
    put_back: PutBack = PutBack.ALL

    def attempt(self, submission: Submission) -> str:
        """Return the attempt id of a submission."""
        facts = (self.context.version, self.context.card, self.context.split, str(self.seed), self.device)
        return contents.attempt_id(submission, *facts)

    @functools.cached_property
    def exercise_notebooks(self) -> dict[str, str]:
        """By exercise, the name of the notebook that holds its cell."""
        return soundness.exercise_notebooks(self.releases)


def choose_card(assignment: spec.Assignment, wanted: str | None, settings: Settings) -> str:
    """Return the data card: the one wanted, else the one whose photos `PAWGRADE_DATA` has, else one that is drawn."""
    if not assignment.data:
        return spec.NO_CARD
    if wanted:
        assignment.on(wanted)
        return wanted
    return sources.choose(list(assignment.data), settings.data_folder, settings.cards)


@dataclass(frozen=True)
class Order:
    """What a worker prepares itself for: names and settings, nothing large.

    Attributes:
        course: the course.
        assignment: id of the assignment.
        settings: where photos are, kernel, seed, device.
        desk: folder for working copies.
        secret: course secret; None: only the release's public checks and the validation photos.
        card: data card, or None for the default.
        salt: another salt for the split than the card's: to calibrate.
        drawn: what the questions are drawn from, with the secret; "": what the course noted, else the assignment's identity.
    """

    course: Course
    assignment: str
    settings: Settings
    desk: Path
    secret: bytes | None
    card: str | None = None
    salt: str | None = None
    drawn: str = ""


@functools.lru_cache(maxsize=2)  # one that is hidden and one that is public: `verify` takes turns
def prepared(order: Order) -> Work:
    """Return what an order needs, loaded once in this process; orders differ by their desk, at least.

    Raises:
        SpecError: something of it is missing or wrong.
    """
    if order.secret is None:
        folder = order.course.release(order.assignment)
        return prepare_public(folder, order.settings, card=order.card, desk=order.desk)
    return prepare(
        order.course,
        order.assignment,
        order.settings,
        card=order.card,
        secret=order.secret,
        desk=order.desk,
        salt=order.salt,
        drawn=order.drawn,
    )


def prepare(
    course: Course,
    assignment_id: str,
    settings: Settings,
    *,
    card: str | None,
    secret: bytes,
    desk: Path,
    salt: str | None = None,
    drawn: str = "",
) -> Work:
    """Load what grading an assignment takes: its checks, the hidden photos, the public view of the data.

    Args:
        course: the course.
        assignment_id: id of the assignment.
        settings: where photos are, kernel, seed, device.
        card: data card, or None for the default.
        secret: course secret.
        desk: folder for working copies.
        salt: another salt for the split than the card's: to calibrate.
        drawn: what the questions are drawn from, as in `Order`.

    Raises:
        SpecError: something of it is missing or wrong.
    """
    folder = course.source(assignment_id)
    assignment, hidden = spec.load_assignment(folder), spec.load_hidden(folder)
    if assignment.in_the_notebook:
        return _prepare_in_the_notebook(course, assignment, settings, secret=secret, desk=desk)
    # Mistakes of the assignment are told before photos are looked for, which may take long.
    soundness.require_sound(folder, assignment)
    _check_secret_levels(assignment, hidden)
    card_id = choose_card(assignment, card, settings)
    # Levels and checks are no part of it: when they change, the questions stay the same ones (ADR 20).
    drawn = drawn or identity.drawn_from(course.folder, assignment_id, folder)
    photos = asked_photos.of_card(folder, card_id, assignment.on(card_id).label_space, settings, salt)
    context = dataclasses.replace(
        _context(folder, assignment, hidden, card_id, photos=photos, secret=secret, drawn=drawn),
        quiz=quiz_of(course.folder, folder, secret),
    )
    released = course.release(assignment_id)
    own_photos = photos.division.split.contents if photos.division is not None else ""
    work = _work(context, released, photos.view, desk, settings, own_photos)
    # The release may be older than the assignment: `pawgrade release` has not run since.
    soundness.require_cells(released, work.releases, assignment)
    return work


def _context(
    folder: Path,
    assignment: spec.Assignment,
    hidden: spec.Hidden,
    card_id: str,
    *,
    photos: Asked,
    secret: bytes,
    drawn: str,
) -> Context:
    """Draw the questions about a card's photos, hidden ones included, and return them with the checks that judge the answers."""
    public = public_material(photos.view, assignment.on(card_id).counts)
    material = asked_photos.with_hidden(public, photos.division, hidden, secret, drawn)
    # Without the secret nobody can draw the questions, even with all of the course's files at hand.
    seed = hmac.new(secret, f"{drawn}{photos.split}".encode(), hashlib.sha256).digest()
    files = check_files(folder, "all")
    plan = plan_questions(files, material, seed)
    soundness.require_asked(files, plan, assignment)
    return Context(
        assignment=assignment,
        folder=folder,
        card=card_id,
        classes=tuple(material.classes),
        groups=tuple(material.groups),
        levels=hidden.levels.get(card_id, {}),
        files=files,
        plan=plan,
        version=identity.fingerprint(drawn, secret),
        split=photos.split,
        order=asking_order(plan, seed),
        # Drawn as `lab.check` draws them, about public photos alone.
        rehearsal=rehearse(check_files(folder, "public"), public, PUBLIC_SEED, plan, quick_ones(assignment)),
        judged=identity.fingerprint(spec.version(folder), secret),
        parts=identity.parts(folder),
    )


def _prepare_in_the_notebook(
    course: Course, assignment: spec.Assignment, settings: Settings, *, secret: bytes, desk: Path
) -> Work:
    """Load what grading by the notebook's own tests takes: the release, and the source with its hidden tests."""
    folder = course.source(assignment.id)
    context = Context(
        assignment=assignment,
        folder=folder,
        card=spec.NO_CARD,
        classes=(),
        groups=(),
        levels={},
        files=(),
        plan={},
        version=identity.fingerprint(spec.version(folder), secret),
        split=hashlib.sha256(b"").hexdigest()[:16],
    )
    released = course.release(assignment.id)
    work = _work(context, released, None, desk, settings)
    soundness.require_cells(released, work.releases, assignment)
    tests = conversion.gradebook_notebooks(course.folder, assignment.id)
    # Points are nbgrader's, and so is what a test that was deleted is worth.
    put_back = PutBack.GRADED if conversion.adds_missing_cells(course.folder) else PutBack.NOTHING
    return dataclasses.replace(work, tests=tests, put_back=put_back)


def _check_secret_levels(assignment: spec.Assignment, hidden: spec.Hidden) -> None:
    """A secret level that replaces no public one is misspelt: the public one would stay in force."""
    for card, levels in hidden.levels.items():
        public_levels = assignment.on(card).levels
        if extra := sorted(set(levels) - set(public_levels)):
            raise SpecError(
                f"assignment {assignment.id}: [levels.{card}] in hidden.toml has {extra[0]!r}; "
                f"assignment.toml knows {', '.join(public_levels) or 'none'} there."
            )


def require_checks(assignment: spec.Assignment) -> None:
    """Raise SpecError where the tests in a notebook's own cells give the points, so that none can be run beside it."""
    if assignment.in_the_notebook:
        raise SpecError(
            f"{assignment.id} has no checks beside the notebook: the tests are in its own cells.",
            "Run the notebook from top to bottom: what those tests say is what you see there, and there is nothing else to check.",
        )


def prepare_public(
    folder: Path,
    settings: Settings,
    *,
    card: str | None,
    desk: Path,
    released: Mapping[str, NotebookNode] | None = None,
) -> Work:
    """Load what a student's own check takes: the release's public checks and the validation photos.

    Args:
        folder: a release folder, with `assignment.toml`, `check_public.py` and the released notebook.
        settings: where photos are.
        card: data card, or None for the default.
        desk: folder for the working copy.
        released: what takes the place of the released notebooks, by name; None: those in the folder.
    """
    assignment = spec.load_public(folder)
    require_checks(assignment)
    card_id = choose_card(assignment, card, settings)
    data = assignment.on(card_id)
    view = None if card_id == spec.NO_CARD else asked_photos.read_view(card_id, data.label_space, settings)
    material, files = public_material(view, data.counts), check_files(folder, "public")
    plan = plan_questions(files, material, PUBLIC_SEED)
    context = Context(
        assignment=assignment,
        folder=folder,
        card=card_id,
        classes=tuple(material.classes),
        groups=tuple(material.groups),
        levels={},
        files=files,
        plan=plan,
        version=spec.version(folder),
        split="none" if view is None else view.split,
        complete=False,
        order=asking_order(plan, PUBLIC_SEED),
        hidden=False,
    )
    return _work(context, folder, view, desk, settings, released=released)


def _work(
    context: Context,
    release: Path,
    view: views.View | None,
    desk: Path,
    settings: Settings,
    own_photos: str = "",
    released: Mapping[str, NotebookNode] | None = None,
) -> Work:
    notebooks = read_notebooks(release, context.assignment) if released is None else dict(released)
    files = tuple(file for file in sorted(release.rglob("*")) if file.is_file() and file.suffix != ".ipynb")
    if settings.sandbox != "none":
        require_sandbox()
    # `kernels.lease` refuses a kernelspec that does not fit the sandbox.
    kernel = settings.kernel or (PLAIN if settings.sandbox == "none" else SANDBOXED)
    gpus = Pool(settings.devices, settings.gpu_slots)
    device = gpus.resolve(settings.device, context.assignment.limits_on(context.card).gpus)
    return Work(
        context=context,
        releases=notebooks,
        data_dir=None if view is None else view.folder,
        desk=desk,
        kernel=kernel,
        sandbox=settings.sandbox,
        seed=settings.seed,
        device=device,
        public_files=files,
        gpus=gpus,
        own_photos=own_photos,
    )


def read_notebooks(folder: Path, assignment: spec.Assignment) -> dict[str, NotebookNode]:
    """Return the notebooks of an assignment's source or release folder by name, in its order; raises SpecError for one that is not there."""
    paths = {name: folder / f"{name}.ipynb" for name in assignment.notebooks}
    for path in paths.values():
        if not path.is_file():
            raise SpecError(
                f"{path} does not exist.", f"Run `pawgrade release {shlex.quote(assignment.id)}` first."
            )
    # Ids of cells that have none are made: notebooks that nbgrader released may lack them.
    return {name: conversion.read_source(path) for name, path in paths.items()}


@functools.cache
def require_sandbox() -> None:
    """Make sure that this machine can keep student code apart.

    Raises:
        InfrastructureError: it cannot; the message says what is missing and the command that gets it.
    """
    problem = sandbox_problem()
    if problem is not None:
        advice = (
            f"{problem.advice}; `pawgrade doctor` shows more. `--sandbox none` is for code that you trust."
        )
        raise InfrastructureError(f"{problem.what}: {problem.found.rstrip('.')}.", advice)
