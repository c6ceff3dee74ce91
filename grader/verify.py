"""Is an assignment itself right? Sources earn everything, releases nothing, and nothing hidden is released."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from grader import pipeline, preparation
from grader.course import Course
from grader.records import Grade, Status, Submission
from grader.settings import Settings, course_secret


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        assignment: id of the assignment.
        what: what must be true.
        ok: whether it is.
        detail: what was found.
        seconds: how long it took to look.
    """

    assignment: str
    what: str
    ok: bool
    detail: str
    seconds: float = 0.0


def verify(
    course: Course, assignment: str, settings: Settings, *, card: str | None, tell: Callable[[str], None]
) -> Iterator[Finding]:
    """Look at one assignment, cheapest first.

    Args:
        course: the course.
        assignment: its id.
        settings: kernel, data, secret.
        card: data card, or None for the default.
        tell: called with what is looked at next.

    Yields:
        Findings; a broken assignment gives findings that are not ok, or raises SpecError when it cannot be loaded.
    """
    from grader import release

    tell("the release is fresh")
    stale = release.stale_files(course.folder, assignment)
    hint = f"; run `pawgrade release {assignment}`" if stale else ""
    yield Finding(
        assignment, "release is fresh", not stale, (", ".join(stale) or "equal to a fresh build") + hint
    )
    tell("the release gives nothing away")
    leaks = release.leaks(course.release(assignment), course.source(assignment))
    yield Finding(assignment, "release gives nothing away", not leaks, "; ".join(leaks) or "no hidden text")
    with tempfile.TemporaryDirectory(prefix="pawgrade-verify-") as name:
        desk = Path(name)
        secret = course_secret(course.folder, settings)
        tell("loading the hidden photos")
        work = preparation.prepare(course, assignment, settings, card=card, secret=secret, desk=desk)
        public = preparation.prepare_public(course.release(assignment), settings, card=card, desk=desk)
        source, released = course.source(assignment), course.release(assignment)
        for what, folder, with_, judge in (
            ("source, all checks: full marks", source, work, full_marks),
            ("source, public checks: full marks", source, public, full_marks),
            ("release, all checks: 0 points, no ERROR", released, work, no_marks),
        ):
            tell(what)
            grade = _grade(folder, assignment, with_, desk).grade
            ok, detail = judge(grade)
            yield Finding(assignment, f"{what} [{grade.data}]", ok, detail, grade.seconds.total)


def full_marks(grade: Grade) -> tuple[bool, str]:
    """Whether a grade has every point, and what it lacks."""
    lacking = [
        f"{check.id} {check.status} {check.points:g}/{check.max_points:g}: {check.measured or check.hint}"
        for check in grade.checks
        if check.status is not Status.PASSED
    ]
    lacking += [f"cell {cell.number} raised {cell.error}: {cell.message}" for cell in grade.failed_cells]
    ok = grade.points == grade.max_points and not lacking
    accuracies = "; ".join(
        check.measured
        for check in grade.checks
        if "accuracy 0" in check.measured or "accuracy 1" in check.measured
    )
    return ok, "; ".join(lacking) or f"{grade.points:g} of {grade.max_points:g}; {accuracies}"


def no_marks(grade: Grade) -> tuple[bool, str]:
    """Whether a grade has no point, no ERROR and no check that passes for nothing."""
    errors = [check.id for check in grade.checks if check.status is Status.ERROR]
    passed = [check.id for check in grade.checks if check.status is Status.PASSED]
    raised = [f"cell {cell.number} raised {cell.error}" for cell in grade.failed_cells]
    ok = grade.points == 0 and not errors and not passed and not raised
    problems = [f"ERROR: {', '.join(errors)}"] if errors else []
    problems += [f"PASSED: {', '.join(passed)}"] if passed else []
    return ok, "; ".join(
        [*problems, *raised]
    ) or f"{grade.points:g} of {grade.max_points:g}, every check FAILED or SKIPPED"


def _grade(folder: Path, assignment: str, work: preparation.Work, desk: Path) -> pipeline.Graded:
    """Grade a notebook as if it had been handed in."""
    handed_in = desk / "handed-in" / assignment
    shutil.rmtree(handed_in, ignore_errors=True)
    handed_in.mkdir(parents=True)
    shutil.copyfile(folder / f"{assignment}.ipynb", handed_in / f"{assignment}.ipynb")
    return pipeline.grade(Submission("student00", assignment, handed_in), work)
