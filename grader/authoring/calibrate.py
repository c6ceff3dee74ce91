"""Calibrate levels: grade honest solutions over training seeds and splits of the photos."""

from __future__ import annotations

import datetime
import platform
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from grader.assignment import spec
from grader.assignment.calibrated import Calibration
from grader.assignment.course import Course
from grader.assignment.spec import Levels
from grader.authoring import variants
from grader.authoring.calibration_runs import Outcome, Run, RunsOnSplit
from grader.calibration.statistics import Measured, measured_version, summarise, together
from grader.errors import InfrastructureError, SpecError
from grader.grading import asked_photos, preparation
from grader.records import Grade
from grader.settings import Settings

SOURCE = "source"  # the reference solution is a recipe, too


@dataclass(frozen=True)
class Found:
    """A calibration and the runs it comes from."""

    calibration: Calibration
    outcomes: tuple[Outcome, ...]
    levels: Mapping[str, Levels]
    card: str

    def measured(self) -> dict[str, list[Measured]]:
        """Return the runs by measure."""
        return {
            name: [outcome.measures[name][1] for outcome in self.outcomes if name in outcome.measures]
            for name in self.calibration.measures
        }


def honest(course: Course, assignment: str) -> dict[str, dict[str, NotebookNode]]:
    """Return the notebooks of all honest recipes by the recipe's name and their own, the source first; those that call themselves weak stay out."""
    folder = course.source(assignment)
    described = spec.load_assignment(folder)
    source = preparation.read_notebooks(folder, described)
    release = preparation.read_notebooks(course.release(assignment), described)
    notebooks = {SOURCE: source}
    for recipe in variants.read_variants(folder, "recipes"):
        # Weak ones are honest, but do not deserve full marks: no level has to be fair to them (ADR 10).
        if not recipe.weak:
            notebooks[recipe.name] = variants.apply_to_all(recipe, source, release)
    return notebooks


def calibrate(
    course: Course,
    assignment: str,
    settings: Settings,
    *,
    card: str | None,
    seeds: Sequence[int],
    recipes: Sequence[str],
    runner: Executor,
    jobs: int,
    tell: Callable[[str, str, Grade | None], None],
) -> Found:
    """Run honest recipes over seeds and splits, and describe what they reach.

    Args:
        course: the course.
        assignment: its id.
        settings: kernel, data, cache.
        card: data card, or None for the default.
        seeds: training seeds; two share a split.
        recipes: names; empty: all that are honest and not weak.
        runner: where notebooks are graded.
        jobs: how many it grades at a time.
        tell: called with `total`, `started`, `graded` and `known`, as `grading.grade_class` does.

    Raises:
        SpecError: there is no such recipe.
        InfrastructureError: runs could not be decided; those that could are kept.
    """
    chosen = _chosen_recipes(course, assignment, recipes)
    source = _with_levels(course, assignment)
    card = preparation.choose_card(source, card, settings)
    store = course.folder / ".pawgrade" / "calibration" / assignment / card
    store.mkdir(parents=True, exist_ok=True)
    runs = [Run(name, seed) for seed in sorted(seeds) for name in chosen]
    tell("total", str(len(runs)), None)
    outcomes: list[Outcome] = []
    undecided: list[str] = []
    # What is made for a split, public photos and features, serves all its runs and is deleted after them.
    for split, group in _grouped_by_split(runs).items():
        with RunsOnSplit(course, assignment, settings, card, split, store, chosen) as split_runs:
            for outcome in split_runs.outcomes(group, runner, jobs, tell):
                if isinstance(outcome, Outcome):
                    outcomes.append(outcome)
                else:
                    undecided.append(outcome)
    _require_decided(undecided, runs)
    # Secret levels take the place of public ones.
    levels = {**source.on(card).levels, **spec.load_hidden(course.source(assignment)).levels.get(card, {})}
    photos = ""
    if card != spec.NO_CARD:
        # Without a salt: the photos that grade students, by which `verify` tells whether others judge now.
        photos = asked_photos.divide(course.source(assignment), card, settings).split.contents
    digest = measured_version(course.source(assignment), card)
    return Found(_summary(digest, photos, outcomes, levels), tuple(outcomes), levels, card)


def _with_levels(course: Course, assignment: str) -> spec.Assignment:
    """Return an assignment that has levels; raises SpecError for one that tests in the notebook grade."""
    source = spec.load_assignment(course.source(assignment))
    if source.in_the_notebook:
        raise SpecError(
            f"{assignment} has no levels: tests in the notebook grade it.", "There is nothing to calibrate."
        )
    return source


def _require_decided(undecided: Sequence[str], runs: Sequence[Run]) -> None:
    """Raise InfrastructureError where runs could not be decided: only now, when every other one is stored."""
    if undecided:
        raise InfrastructureError(
            f"{len(undecided)} of {len(runs)} runs could not be decided: {undecided[0]}.",
            "The others are kept; the same command tries these again.",
        )


def _chosen_recipes(
    course: Course, assignment: str, recipes: Sequence[str]
) -> dict[str, dict[str, NotebookNode]]:
    """Return the notebooks of the honest recipes that are asked for, by name; all of them where none is named."""
    notebooks = honest(course, assignment)
    unknown = sorted(set(recipes) - set(notebooks))
    if unknown:
        raise SpecError(f"no honest recipe {unknown[0]!r}; there are {', '.join(notebooks)}.")
    return {name: notebooks[name] for name in (recipes or notebooks)}


def _grouped_by_split(runs: Sequence[Run]) -> dict[int, list[Run]]:
    """Return the runs by the number of their split, in the order in which splits first appear."""
    groups: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.split].append(run)
    return groups


def _summary(
    digest: str, photos: str, outcomes: Sequence[Outcome], levels: Mapping[str, Levels]
) -> Calibration:
    by_measure: dict[str, tuple[str, list[Measured]]] = {}
    for outcome in outcomes:
        for name, (level, measured) in outcome.measures.items():
            by_measure.setdefault(name, (level, []))[1].append(measured)
    measures = {
        name: summarise(level, values, levels[level].full_at) for name, (level, values) in by_measure.items()
    }
    return Calibration(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        digest=digest,
        runs=len(outcomes),
        lost=sum(bool(outcome.lost(levels)) for outcome in outcomes),
        seeds=len({outcome.run.seed for outcome in outcomes}),
        splits=len({outcome.run.split for outcome in outcomes}),
        recipes=tuple(dict.fromkeys(outcome.run.recipe for outcome in outcomes)),
        machine=f"{platform.machine()}, cpu",
        # A sum, since any measure may cost honest work its point.
        rate=together([spread.rate for spread in measures.values()]),
        photos=photos,
        measures=measures,
    )


def to_json(found: Found) -> dict[str, Any]:
    """Return a calibration, the levels it was held against, and every run."""
    return {
        "card": found.card,
        "calibration": found.calibration.model_dump(),
        "levels": {name: level.model_dump() for name, level in found.levels.items()},
        "runs": [
            {**outcome.to_json(), "lost": list(outcome.lost(found.levels))} for outcome in found.outcomes
        ],
    }
