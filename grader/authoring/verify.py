"""Verify an assignment: grade it like a class whose every verdict is known beforehand.

The source earns everything, the release nothing, each mutant loses exactly what its header says; a demand that no
mutant fails is a check that cannot fail; nothing hidden is released; levels are as fair as the calibration says.
"""

from __future__ import annotations

import functools
import hashlib
import math
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Literal

from grader.assignment import spec
from grader.assignment.course import Course
from grader.authoring import release, variants
from grader.authoring.findings import Finding
from grader.authoring.leaks import leaks
from grader.authoring.verify_runs import Case, Looked, Run, coverage, mutant_run, plain_runs
from grader.calibration.statistics import measured_version, support
from grader.errors import SpecError
from grader.feedback import picture_files
from grader.gradebook.conversion import course_config, regions
from grader.grading import asked_photos, runners
from grader.grading.preparation import Order
from grader.grading.runners import Call
from grader.settings import Settings, course_secret

Part = Literal["release", "photos", "calibration", "runs", "mutants"]
PARTS: tuple[Part, ...] = ("release", "photos", "calibration", "runs", "mutants")


def verify(
    course: Course,
    assignment: str,
    settings: Settings,
    *,
    card: str | None,
    tell: Callable[[str], None],
    runner: Executor | None = None,
    jobs: int = 1,
    parts: Sequence[Part] = PARTS,
    only: Sequence[str] | None = None,
) -> Iterator[Finding]:
    """Look at one assignment, cheapest first.

    Args:
        course: the course.
        assignment: its id.
        settings: kernel, data, secret.
        card: data card, or None for the default.
        tell: called with what is looked at next.
        runner: where notebooks are graded; None: in this process.
        jobs: how many notebooks the runner grades at a time.
        parts: what is looked at.
        only: mutants that are run; None: all, and then it is asked which demands none of them fails.

    Yields:
        Findings; a broken assignment gives findings that are not ok, or raises SpecError when it cannot be loaded.
    """
    release.require_readable(course.source(assignment))
    picture_files.require_drawn(course.source(assignment))
    # Where there is none, every part of this would say so in other words.
    course.release(assignment)
    # Before photos and questions are loaded: it needs neither.
    if "release" in parts:
        yield from _release(course, assignment, tell)
    if spec.load_assignment(course.source(assignment)).in_the_notebook:
        words = (
            "none to try out: tests in the notebook grade it, and they are in the kernel of whoever hands in"
        )
        yield Finding(assignment, "checks", True, words, kind="source")
        return
    with tempfile.TemporaryDirectory(prefix="pawgrade-verify-") as name:
        desk = Path(name)
        secret = course_secret(course.folder, settings)
        tell("loading the hidden photos")
        case = Case(Order(course, assignment, settings, desk, secret, card))
        if "calibration" in parts:
            yield from _calibration(case)
        if "photos" in parts and case.card != spec.NO_CARD:
            tell("photos that are public and hidden")
            yield _photos(case, settings)
        runs = [*plain_runs(case)] if "runs" in parts else []
        mutants = variants.read_variants(course.source(assignment), "mutants") if "mutants" in parts else []
        runs += [mutant_run(case, mutant) for mutant in mutants if only is None or mutant.name in only]
        yield from _graded(case, runs, runner or runners.InlineExecutor(), jobs, tell)
        # `checks` come from the source's run: without them nobody knows what a mutant should fail.
        if "mutants" in parts and only is None and case.checks:
            yield from coverage(case)


def chosen_mutants(
    course: Course, assignments: Sequence[str], names: Sequence[str], one_in: int, draw: str
) -> dict[str, tuple[str, ...]]:
    """Choose the mutants that are run: those that are named, or a part of all that a text draws.

    Args:
        course: the course.
        assignments: their ids.
        names: of mutants; empty: all.
        one_in: of these one in so many is run, rounded up in each assignment; 1: each of them.
        draw: the same text draws the same ones again.

    Returns:
        Their names for each assignment, in their order; nothing where each is run.

    Raises:
        SpecError: a mutant that is asked for is in none of these assignments.
    """
    existing = {
        assignment: [mutant.name for mutant in variants.read_variants(course.source(assignment), "mutants")]
        for assignment in (assignments if names or one_in > 1 else ())
    }
    together = {name for found in existing.values() for name in found}
    unknown = sorted(set(names) - together)
    if unknown:
        raise SpecError(
            f"no mutant {unknown[0]!r} in {', '.join(assignments)}; there are {', '.join(sorted(together)) or 'none'}."
        )
    wanted = {
        assignment: [name for name in found if not names or name in names]
        for assignment, found in existing.items()
    }
    if one_in > 1:
        wanted = {
            assignment: _drawn(found, one_in, f"{draw}/{assignment}") for assignment, found in wanted.items()
        }
    return {assignment: tuple(found) for assignment, found in wanted.items()}


def _drawn(names: Sequence[str], one_in: int, text: str) -> list[str]:
    """Draw one in so many names, rounded up; every name is as likely as the others."""
    by_draw = sorted(names, key=lambda name: hashlib.sha256(f"{text}/{name}".encode()).digest())
    chosen = set(by_draw[: math.ceil(len(names) / one_in)])
    return [name for name in names if name in chosen]


def _graded(
    case: Case, runs: Sequence[Run], runner: Executor, jobs: int, tell: Callable[[str], None]
) -> Iterator[Finding]:
    def calls() -> Iterator[tuple[Run, Call[Looked]]]:
        for number, run in enumerate(runs, 1):
            tell(f"{number} of {len(runs)}: {run.what}")
            yield run, functools.partial(case.submit, run, runner)

    # Twice as many as run at a time: while the first of them is slow, the other workers have something to do.
    ahead = 2 * jobs if jobs > 1 else 1  # in this process each runs when it is submitted
    for run, future in runners.in_order(calls(), ahead):
        looked = future.result()
        # Runs that are submitted from now on need not look into these demands again.
        case.needed |= set(looked.needed)
        # In the order of `runs`: judging one reads what earlier ones left in the case.
        yield from run.judge(looked.graded)


def _release(course: Course, assignment: str, tell: Callable[[str], None]) -> Iterator[Finding]:
    tell("the release is fresh")
    stale = release.stale_files(course.folder, assignment)
    hint = f"; run `pawgrade release {shlex.quote(assignment)}`" if stale else ""
    detail = (", ".join(stale) or "equal to a fresh build") + hint
    name = spec.notebook_names(course.source(assignment))[0]
    file = f"{course.layout.release}/{assignment}/{name}.ipynb"
    yield Finding(assignment, "release is fresh", not stale, detail, kind="release", file=file)
    tell("the release gives nothing away")
    hidden_texts = leaks(
        course.release(assignment), course.source(assignment), regions(course_config(course.folder))
    )
    detail = "; ".join(hidden_texts) or "no hidden text"
    yield Finding(
        assignment, "release gives nothing away", not hidden_texts, detail, kind="release", file=file
    )


def _calibration(case: Case) -> Iterator[Finding]:
    """Hold the levels against what honest solutions reach; those of other cards, too, where that is known."""
    context, hidden = case.work.context, spec.load_hidden(case.work.context.folder)
    file = f"{case.course.layout.source}/{case.assignment}/staff/hidden.toml"
    data_by_card = context.assignment.data or {case.card: context.assignment.on(case.card)}
    for card, data in data_by_card.items():
        levels, calibration = {**data.levels, **hidden.levels.get(card, {})}, hidden.calibration.get(card)
        mine = card == case.card
        if not mine and calibration is None:
            if levels:
                words = f"not known: `pawgrade calibrate {shlex.quote(case.assignment)} --data {shlex.quote(card)}` has never run"
                # Told and not failed: what another card reaches is found out with --data.
                yield case.finding("calibration", f"{card}: levels", True, words, file=file)
            continue
        # Of other cards the photos are not looked at, so theirs are taken at the calibration's word (ADR 9).
        photos = case.work.own_photos if mine or calibration is None else calibration.photos
        for what, ok, detail in support(calibration, levels, measured_version(context.folder, card), photos):
            yield case.finding("calibration", what if mine else f"{card}: {what}", ok, detail, file=file)


def _photos(case: Case, settings: Settings) -> Finding:
    """Look for hidden photos that lie among the public ones, too."""
    from grader.authoring.near_duplicates import photo_findings

    division = asked_photos.divide(case.work.context.folder, case.card, settings)
    ok, detail, _ = photo_findings(division, settings.cache)
    return case.finding("photos", "no hidden photo is public", ok, detail, file=f"datasets/{case.card}.toml")
