"""The runs of a verification: the source and its release, each mutant, and what is concluded from what they measured."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.assignment import spec
from grader.authoring import variants
from grader.authoring.expectations import (
    exchanged,
    full_marks,
    measures,
    no_marks,
    slips,
    unlikely,
    wrong_failures,
    wrong_losses,
)
from grader.authoring.findings import Finding, Kind, place
from grader.authoring.slips import in_a_line, own_first
from grader.authoring.variants import Variant
from grader.checks.requirements import site_of
from grader.checks.session import Verdicts
from grader.datasets import cards
from grader.feedback import picture_files
from grader.grading import preparation
from grader.grading.preparation import Order
from grader.grading.submission import Graded, Tools, grade_submission
from grader.judging.evaluate import Context, evaluate_demands
from grader.judging.probe import Answers
from grader.records import Check, Grade, Requirement, Status, Submission
from grader.settings import own_cards

GIVEN_AWAY = 0.25  # of a check's points, to a wrong solution that was measured
LOG_CHARS = 300  # of a grade's log in a line: the exceptions, the whole of it stands below the table
HEADROOM = 2 / 3  # of a limit may be used by the reference solution


@dataclass(frozen=True)
class Run:
    """The notebooks of a submission that is graded, by name, and what is done with its grade."""

    what: str
    notebooks: Mapping[str, NotebookNode]
    order: Order
    judge: Callable[[Graded], Iterable[Finding]]


@dataclass(frozen=True)
class Looked:
    """What a run gave, and the demands without which a check would have had another status."""

    graded: Graded
    needed: tuple[str, ...] = ()


def grade_and_look(submission: Submission, order: Order, settled: frozenset[str]) -> Looked:
    """Grade in a worker, and look which demands the verdicts hang on; public checks alone are only graded.

    Args:
        submission: what was handed in.
        order: what is graded.
        settled: demands of which that is known already.
    """
    work, needed = preparation.prepared(order), list[str]()
    if not work.context.complete:
        return Looked(grade_submission(submission, work))

    def judge(answers: Answers, context: Context) -> Verdicts:
        verdicts, sites = evaluate_demands(answers, context, settled)
        needed[:] = sites  # of the run that counts: the last one
        return verdicts

    return Looked(grade_submission(submission, work, Tools(judge=judge)), tuple(needed))


class Case:
    """One assignment on one data card."""

    def __init__(self, order: Order) -> None:
        self.course, self.assignment, self.desk = order.course, order.assignment, order.desk
        # Without the secret the public checks alone are prepared, on validation photos.
        self.order, self.public = order, dataclasses.replace(order, secret=None)
        self.work = preparation.prepared(order)
        self.card = self.work.context.card
        self.source = self._notebooks(self.course.source(self.assignment))
        self.release = self._notebooks(self.course.release(self.assignment))
        self.needed: set[str] = set()
        self.demands: dict[str, Requirement] = {}
        self.failed: set[str] = set()
        self.shares: dict[str, float] = {}  # of the points of a levelled check that the worst mutant keeps
        self.checks: tuple[Check, ...] = ()
        self.first: Grade | None = None
        self.handed_in = 0

    def _notebooks(self, folder: Path) -> dict[str, NotebookNode]:
        return preparation.read_notebooks(folder, self.work.context.assignment)

    def file(self, kind: str) -> str:
        """Name the assignment's first notebook, for messages."""
        return f"{kind}/{self.assignment}/{self.work.context.assignment.notebooks[0]}.ipynb"

    def finding(
        self,
        kind: Kind,
        what: str,
        ok: bool,
        detail: str,
        *,
        grade: Grade | None = None,
        file: str = "",
        line: int = 1,
        subject: str = "",
        names_cells: bool = False,
    ) -> Finding:
        """Return a finding about this assignment on this card."""
        seconds, cells = (grade.seconds.total, grade.failed_cells) if grade else (0.0, ())
        log = ""
        if grade is not None and grade.staff.log and not ok:
            folder = self.work.context.folder
            log = own_first(grade.staff.log, folder)
            detail = f"{detail}; {in_a_line(grade.staff.log, folder)[:LOG_CHARS]}"
        about = (seconds, kind, self.card, subject, file, line, cells, names_cells, log)
        return Finding(self.assignment, what, ok, detail, *about)

    def submit(self, run: Run, runner: Executor) -> Future[Looked]:
        """Hand a notebook in and have it graded."""
        # A folder of its own for each: several lie there at a time.
        self.handed_in += 1
        folder = self.desk / "handed-in" / str(self.handed_in) / self.assignment
        folder.mkdir(parents=True)
        for name, notebook in run.notebooks.items():
            nbformat.write(notebook, folder / f"{name}.ipynb")
        submission = Submission("student00", self.assignment, folder)
        # What is known now; demands that runs under way will find needed are looked into twice.
        return runner.submit(grade_and_look, submission, run.order, frozenset(self.needed))


def plain_runs(case: Case) -> Iterator[Run]:
    """Yield the runs of source and release."""
    source = "source, all checks: full marks"
    of_source = functools.partial(
        case.finding, "source", file=case.file(case.course.layout.source), names_cells=True
    )

    def keep(graded: Graded) -> Iterator[Finding]:
        grade = case.first = graded.grade
        case.checks = grade.checks
        case.demands = {
            site_of(check.id, requirement): requirement
            for check in grade.checks
            for requirement in check.requirements
        }
        ok, detail = full_marks(grade)
        yield of_source(source, ok, detail, grade=grade)
        yield _resources(case, grade)
        ok, detail = picture_files.drawable(case.work.context.folder, grade)
        file = f"{case.course.layout.source}/{case.assignment}/check_public.py"
        yield case.finding("source", "pictures can be drawn", ok, detail, file=file)
        yield from _oddities(case, grade)

    def again(graded: Graded) -> Iterator[Finding]:
        if case.first is not None:
            yield _repeated(case, case.first, graded.grade)

    def public(graded: Graded) -> Iterator[Finding]:
        ok, detail = full_marks(graded.grade)
        yield of_source("source, public checks: full marks", ok, detail, grade=graded.grade)

    def released(graded: Graded) -> Iterator[Finding]:
        ok, detail = no_marks(graded.grade)
        what = "release, all checks: 0 points, no ERROR"
        yield case.finding(
            "source", what, ok, detail, grade=graded.grade, file=case.file(case.course.layout.release)
        )

    # The first one: `again` and the mutants read what `keep` notes of it.
    yield Run(source, case.source, case.order, keep)
    yield Run("source again, same seed", case.source, case.order, again)
    yield Run("source, public checks", case.source, case.public, public)
    yield Run("release", case.release, case.order, released)


def _resources(case: Case, grade: Grade) -> Finding:
    """Hold what the reference solution used against the limits; on drawn pets those of other cards, which take no less, too."""
    assignment = case.work.context.assignment
    limits = {card: assignment.limits_on(card) for card in assignment.data or (case.card,)}
    pairs = [
        (name, grade.staff.usage.get(name, 0.0), getattr(limits[case.card], name))
        for name in ("wall_s", "cell_s", "memory_mb")
    ]
    tight = [name for name, used, limit in pairs if used > HEADROOM * limit]
    detail = "; ".join(
        f"{name} {used:.3g} of {limit:g}" if used else f"{name}: not counted on this machine"
        for name, used, limit in pairs
    )
    drawn = (
        case.card != spec.NO_CARD
        and cards.load_card(case.card, own_cards(case.course.folder)).drawing is not None
    )
    tight += [
        f"{name} {getattr(limits[card], name):g} on {card}"
        for name, used, _ in pairs
        for card in sorted(set(limits) - {case.card})
        if drawn and used > HEADROOM * getattr(limits[card], name)
    ]
    if tight:
        detail += f". Too little headroom: {', '.join(tight)}; a third of each limit should be left"
    return case.finding("resources", "time and memory within two thirds of the limits", not tight, detail)


def _repeated(case: Case, first: Grade, second: Grade) -> Finding:
    """Compare two runs of the same notebook with the same seed."""
    allowed = case.work.context.assignment.repeat_within
    here, there = measures(first), measures(second)
    gaps = {name: abs(here[name].value - there[name].value) for name in here if name in there}
    apart = [
        f"{name}: {here[name].value:.4g} and {there[name].value:.4g}"
        for name, gap in gaps.items()
        # Not `gap > allowed`: NaN is no agreement.
        if not gap <= allowed
    ]
    missing = sorted(set(here) ^ set(there))
    ok = first.points == second.points and not apart and not missing
    detail = "; ".join([*apart, *missing, f"{first.points:g} and {second.points:g} points"])
    largest = max(gaps.values(), default=0.0)
    detail += f"; largest difference {largest:.2g}, allowed {allowed:g}"
    what = "the same seed gives the same scores"
    return case.finding("source", what, ok, detail, grade=second, file=case.file(case.course.layout.source))


def _oddities(case: Case, grade: Grade) -> Iterator[Finding]:
    """Look for marks of a wrong key: classes that are exchanged, measures that honest work hardly ever gives."""
    file = f"{case.course.layout.source}/{case.assignment}/check_public.py"
    pictures = grade.staff.pictures or grade.pictures  # those of the photos that judge, where there are any
    matrices = [picture.content for picture in pictures if picture.kind == "confusion"]
    swapped = [text for content in matrices for text in exchanged(content)]
    detail = "; ".join(swapped) or "each class is taken for itself more often than for the other of a pair"
    if not matrices:
        detail = 'not looked at: no check shows a confusion matrix (`show("confusion", ...)`)'
    yield case.finding("source", "no two labels are exchanged", not swapped, detail, file=file)
    calibration = spec.load_hidden(case.work.context.folder).calibration.get(case.card)
    odd = [
        f"{check.id}: {requirement.what} is held against levels of its own; take them from the fixture `levels`"
        for check in grade.checks
        for requirement in check.requirements
        if requirement.trials is not None and not requirement.level
    ]
    if calibration is None and not odd:
        return
    odd += [
        text
        for name, measure in measures(grade).items()
        if calibration
        for text in unlikely(name, measure, calibration)
    ]
    detail = "; ".join(odd) or "all measures of the source lie where the calibration found them"
    yield case.finding("calibration", "the source measures what honest work does", not odd, detail, file=file)


def mutant_run(case: Case, variant: Variant) -> Run:
    """Return the run of a mutant, which must lose what its header names and nothing else."""
    what = f"mutant {variant.name}: {variant.title}"

    def judge(graded: Graded) -> Iterator[Finding]:
        grade = graded.grade
        failed = {check.id for check in grade.checks if check.status is Status.FAILED}
        case.failed |= failed
        problems = [*wrong_losses(variant, grade), *wrong_failures(variant, grade), *slips(variant, grade)]
        lost = (
            ", ".join(exercise.id for exercise in grade.exercises if exercise.points < exercise.max_points)
            or "nothing"
        )
        detail = "; ".join(problems) or f"loses {lost}; fails {', '.join(sorted(failed))}"
        for check in grade.checks:
            if (
                check.max_points
                and check.id in failed
                and any(requirement.level for requirement in check.requirements)
            ):
                # The worst mutant counts: a level must give no points to an answer that is as wrong as that
                # (ADR 9).
                case.shares[check.id] = min(check.points / check.max_points, case.shares.get(check.id, 1.0))
        file = f"{case.course.layout.source}/{case.assignment}/staff/mutants/{variant.name}.py"
        yield case.finding("mutant", what, not problems, detail, grade=grade, file=file, subject=variant.name)

    return Run(what, variants.apply_to_all(variant, case.source, case.release), case.order, judge)


def coverage(case: Case) -> Iterator[Finding]:
    """List checks, and single demands, that no mutant fails: they could be dropped and nobody would see it."""
    folder = f"{case.course.layout.source}/{case.assignment}"
    idle = [check.id for check in case.checks if check.id not in case.failed]
    detail = (
        f"no mutant fails {', '.join(idle)}"
        if idle
        else f"{len(case.checks)} checks, each failed by a mutant"
    )
    yield case.finding(
        "requirement",
        "every check is failed by a mutant",
        not idle,
        detail,
        file=folder,
        subject=", ".join(idle),
    )
    generous = [f"{name}: {share:.0%}" for name, share in case.shares.items() if share > GIVEN_AWAY]
    detail = (
        f"the worst mutant gets at most {GIVEN_AWAY:.0%} of each of {len(case.shares)} checks with a level"
        if case.shares
        else "no check has a level"
    )
    if generous:
        detail = f"of the points for {', '.join(generous)}, which even the worst mutant gets; raise zero_at, or add a mutant that is worse"
    yield case.finding("requirement", "no level gives points away", not generous, detail, file=folder)
    # One finding a demand, so that each points at its line.
    missing = {site: requirement for site, requirement in case.demands.items() if site not in case.needed}
    for site, requirement in missing.items():
        detail = "every mutant that fails it would fail the same checks without it, or none fails it; add a mutant that fails nothing else"
        what, (file, line) = (
            f"{site} ({requirement.what}) is needed",
            place(case.course.folder, folder, requirement.site),
        )
        yield case.finding("requirement", what, False, detail, file=file, line=line, subject=site)
    if not missing:
        detail = f"{len(case.demands)} demands; without any one of them some mutant would fail less"
        yield case.finding("requirement", "every demand is needed", True, detail, file=folder)
