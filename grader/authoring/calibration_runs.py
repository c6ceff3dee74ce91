"""Run honest solutions: each is graded through the ordinary path, with a training seed and a split of its own.

What a run measured is kept before anything else learns of it, so that a calibration that was stopped goes on where it was.
Features of photos that no recipe changes are computed once.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbformat import NotebookNode

from grader.assignment import spec
from grader.assignment.course import Course
from grader.assignment.spec import Levels
from grader.calibration.statistics import Measured, measured_version
from grader.checks.questions import Question
from grader.datasets import photos as photo_files
from grader.datasets import views
from grader.files import write_whole
from grader.grading import asked_photos, preparation, runners
from grader.grading.preparation import Order, Work
from grader.grading.runners import Call
from grader.grading.submission import Graded, Tools, grade_submission
from grader.networks import remembering
from grader.records import Grade, Status, Submission
from grader.settings import Settings

SEEDS_A_SPLIT = 2  # so that luck of training and luck of the split can be told apart
ASKS_FEATURES = re.compile(
    r"\.(pooled|features)\("
)  # in a notebook; else there is nothing to compute beforehand
SECRET = b"the calibration draws hidden crops of its own"


@dataclass(frozen=True)
class Run:
    """One honest run.

    Attributes:
        recipe: name of the recipe.
        seed: training seed.
        split: number of the split; its salt is made of it.
    """

    recipe: str
    seed: int

    @property
    def split(self) -> int:
        """Return the number of the split: some seeds share one."""
        return self.seed // SEEDS_A_SPLIT


@dataclass(frozen=True)
class Outcome:
    """What an honest run gave.

    Attributes:
        run: which it was.
        broken: demands without a level that were not met, and what was found.
        measures: by check and level: the level's name, and what was held against it.
        seconds: how long it took.
        skipped: checks that were not tried, since one before them failed. With other levels they might have been: such a
            run is not kept.
    """

    run: Run
    broken: tuple[str, ...]
    measures: Mapping[str, tuple[str, Measured]]
    seconds: float
    skipped: tuple[str, ...] = ()

    def lost(self, levels: Mapping[str, Levels]) -> tuple[str, ...]:
        """Say which demands it did not meet, with these levels."""
        below = [
            f"{name}: {measured.value:.4g}"
            for name, (level, measured) in self.measures.items()
            if not measured.reaches(levels[level].full_at)
        ]
        return (*self.broken, *below)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able values; `from_json` is its inverse."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Outcome:
        """Read what `to_json` gave."""
        measures = {name: (level, Measured(**fields)) for name, (level, fields) in row["measures"].items()}
        # Without `skipped`: a run that skipped a check is never stored.
        return cls(Run(**row["run"]), tuple(row["broken"]), measures, row["seconds"])


def grade_seeded(submission: Submission, order: Order, seed: int, features: Path | None) -> Graded:
    """Grade in a worker, with a training seed of its own.

    Args:
        submission: what was handed in.
        order: what is graded.
        seed: seed that the notebook is given.
        features: folder with features that need not be computed again, or None.
    """
    work = dataclasses.replace(preparation.prepared(order), seed=seed)
    return grade_submission(submission, work, Tools(features=features))


class RunsOnSplit:
    """The runs on one split of the photos; what was made for it is gone afterwards."""

    def __init__(
        self,
        course: Course,
        assignment: str,
        settings: Settings,
        card: str,
        split: int,
        store: Path,
        notebooks: Mapping[str, Mapping[str, NotebookNode]],
    ) -> None:
        self.course, self.assignment, self.settings, self.card = course, assignment, settings, card
        self.split, self.store, self.notebooks = split, store, notebooks
        self.desk = course.folder / ".pawgrade" / "calibration" / f".desk-{uuid.uuid4().hex[:8]}"
        self.salt = f"pawgrade calibration {split}"
        # Levels and texts are not in it: they change no measure, and stored runs stay good.
        self.digest = measured_version(course.source(assignment), card)
        self.photos = (
            asked_photos.divide(course.source(assignment), card, settings, self.salt).split.digest
            if card != spec.NO_CARD
            else self.salt
        )
        self.order = Order(course, assignment, settings, self.desk, SECRET, card, self.salt)
        self.data_dir: Path | None = None

    def __enter__(self) -> RunsOnSplit:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.desk, ignore_errors=True)
        if self.data_dir is not None:
            shutil.rmtree(self.data_dir, ignore_errors=True)  # the public photos of this split alone

    def outcomes(
        self,
        runs: Sequence[Run],
        runner: Executor,
        jobs: int,
        tell: Callable[[str, str, Grade | None], None],
    ) -> Iterator[Outcome | str]:
        """Yield what each run gave, from the store where it is known, and in words why one is undecided."""
        open_ = []
        for run in runs:
            stored_outcome = self._read(run)
            if stored_outcome is None:
                open_.append(run)
            else:
                tell("known", self._name(run), None)
                yield stored_outcome
        # Before the split is prepared, which nobody needs then.
        if not open_:
            return
        tell("started", f"{self.assignment}: split {self.split}, features of its photos", None)
        features = self._features()

        def calls() -> Iterator[tuple[Run, Call[Graded]]]:
            for run in open_:
                tell("started", self._name(run), None)
                yield run, functools.partial(self._submit, run, features, runner)

        for run, future in runners.in_order(calls(), jobs):
            grade = future.result().grade
            tell("graded", self._name(run), grade)
            if grade.status is Status.ERROR:
                # Not stored, so the same command tries it again.
                yield f"{self._name(run)}: {grade.staff.log.strip().splitlines()[-1] if grade.staff.log else 'ERROR'}"
                continue
            outcome = _outcome(run, grade)
            # Stored before it is told: whoever stops here goes on from here.
            if not outcome.skipped:
                self._write(outcome)
            yield outcome

    def _name(self, run: Run) -> str:
        return f"{self.assignment}: {run.recipe}, seed {run.seed}, split {run.split}"

    def _features(self) -> Path | None:
        """Prepare the split; return a folder with the features of its photos, where recipes ask for them."""
        self.desk.mkdir(parents=True)
        work = preparation.prepared(self.order)
        self.data_dir = work.data_dir
        asks = any(
            ASKS_FEATURES.search(cell.source)
            for by_name in self.notebooks.values()
            for notebook in by_name.values()
            for cell in notebook.cells
        )
        # Only a sandbox can put them into a kernel.
        if work.sandbox == "none" or not asks or work.data_dir is None:
            return None
        folder = work.data_dir.parent / f"features-{self.card}"
        remembering.remember(folder, _photos(work))
        return folder

    def _submit(self, run: Run, features: Path | None, runner: Executor) -> Future[Graded]:
        folder = self.desk / "handed-in" / f"{run.recipe}-{run.seed}" / self.assignment
        folder.mkdir(parents=True)
        for name, notebook in self.notebooks[run.recipe].items():
            nbformat.write(notebook, folder / f"{name}.ipynb")
        submission = Submission("student00", self.assignment, folder)
        return runner.submit(grade_seeded, submission, self.order, run.seed, features)

    def _path(self, run: Run) -> Path:
        """Name the file of a run by all that decides what it measures; levels do not."""
        notebooks = self.notebooks[run.recipe].values()
        cells = [cell.source for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code"]
        facts = json.dumps([self.digest, cells, self.photos, run.seed, self.settings.device])
        return self.store / f"{run.recipe}-{run.seed}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}.json"

    def _read(self, run: Run) -> Outcome | None:
        try:
            return Outcome.from_json(json.loads(self._path(run).read_text(encoding="utf-8")))
        # Damaged, or of another form: the run is simply done again.
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _write(self, outcome: Outcome) -> None:
        write_whole(self._path(outcome.run), json.dumps(outcome.to_json()))


def _photos(work: Work) -> Iterator[Any]:
    """Yield all photos whose features notebooks may ask for: public ones and their mirror images, and those they will be asked about."""
    if work.data_dir is None:
        return
    view = views.read_view(work.data_dir)
    for name in views.PUBLIC:
        images = view.photos(name).images
        yield images
        # Recipes may mirror photos from left to right.
        yield images[:, :, ::-1]
    for questions in work.context.plan.values():
        for question in questions:
            yield from _stacks(question)


def _stacks(question: Question) -> Iterator[Any]:
    shape = (photo_files.SIDE_PX, photo_files.SIDE_PX, 3)
    # The one shape whose features are stored (`remembering.remember`).
    for argument in question.arguments:
        if isinstance(argument, np.ndarray) and argument.shape[1:] == shape and argument.dtype == "uint8":
            yield argument


def _outcome(run: Run, grade: Grade) -> Outcome:
    measures = {
        f"{check.id}/{requirement.level}": (
            requirement.level,
            Measured(run.recipe, run.split, run.seed, requirement.value, requirement.trials),
        )
        for check in grade.checks
        for requirement in check.requirements
        if requirement.level
    }
    # Without the checks that have a level: `lost` holds their measures against any levels.
    broken = [
        f"{check.id}: {check.found}"
        for check in grade.checks
        if check.status in (Status.FAILED, Status.ERROR)
        and not any(requirement.level for requirement in check.requirements)
    ]
    skipped = tuple(check.id for check in grade.checks if check.status is Status.SKIPPED)
    broken += [f"cell {cell.number}: {cell.error}" for cell in grade.failed_cells]
    return Outcome(run, tuple(broken), measures, grade.seconds.total, skipped)
