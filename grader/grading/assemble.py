"""Build the grade of one submission: judged, unreadable, or undecided."""

from __future__ import annotations

import dataclasses
import datetime
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version as package_version
from types import MappingProxyType
from typing import TYPE_CHECKING

from grader.assignment import spec
from grader.checks import scoring
from grader.checks.questions import Array
from grader.checks.session import Verdicts
from grader.errors import SubmissionError
from grader.gradebook import attempts, versions
from grader.grading.preparation import Work
from grader.judging.evaluate import Context
from grader.judging.probe import Answers
from grader.limits import foremost
from grader.messages import JUDGED_AGAIN, Message
from grader.records import (
    NOT_RUN,
    Check,
    ExerciseGrade,
    FailedCell,
    Grade,
    Repair,
    Seconds,
    StaffNotes,
    Status,
    Submission,
)

if TYPE_CHECKING:
    from grader.execution.run import Execution

COUNTED = Message(
    "Your notebook was run, so this counts as a scored attempt; your teachers can let you have another one."
)
NOT_GRADED = Message(
    "This submission could not be graded because of an error of the grader; your teachers have been told."
)


def grade_of(
    submission: Submission,
    work: Work,
    verdicts: Verdicts,
    *,
    executions: Mapping[str, Execution] = MappingProxyType({}),
    sandbox: str = NOT_RUN,
    seconds: Seconds | None = None,
    repairs: tuple[Repair, ...] = (),
    notices: Sequence[Message] = (),
    provenance: Mapping[str, str] | None = None,
    log: str = "",
    flags: Sequence[str] = (),
) -> Grade:
    """Put together a grade.

    Args:
        submission: what was handed in.
        work: what it was graded with.
        verdicts: what the checks found.
        executions: what became of the notebooks that ran and were judged, by name.
        sandbox: how the student's code was isolated.
        seconds: where the time went.
        repairs: what was put right before it ran.
        notices: sentences about the whole submission.
        provenance: what is to be known of this grade besides versions and digests.
        log: tracebacks of our own errors in earlier tries.
        flags: what staff may want to look at.
    """
    assignment = work.context.assignment
    exercises = _exercise_grades(verdicts, work)
    # Sums of floats: without rounding, 0.1 + 0.2 would show.
    points = round(sum(exercise.points for exercise in exercises), 2)
    passed = points >= assignment.pass_points
    return Grade(
        student=submission.student,
        assignment=assignment.id,
        attempt=work.attempt(submission),
        status=scoring.overall_status(verdicts.checks, exercises, passed=passed),
        points=points,
        max_points=round(sum(exercise.max_points for exercise in exercises), 2),
        manual_points=None,
        passed=passed,
        exercises=exercises,
        checks=verdicts.checks,
        failed_cells=_failed_cells(executions),
        limit=foremost(limit for execution in executions.values() for limit in execution.hits),
        seconds=seconds or Seconds(),
        sandbox=sandbox,
        device=work.device,
        seed=work.seed,
        data=work.context.card,
        repairs=repairs,
        notices=tuple(notices),
        pictures=verdicts.pictures,
        provenance={**_provenance(work), **(provenance or {})},
        staff=_staff_notes(verdicts, tuple(executions.values()), log, flags),
        believed=assignment.in_the_notebook,
        notebooks=assignment.notebooks,
    )


def _failed_cells(executions: Mapping[str, Execution]) -> tuple[FailedCell, ...]:
    """Return the cells of all notebooks that failed, each with the name of its notebook."""
    return tuple(
        dataclasses.replace(cell, notebook=name)
        for name, execution in executions.items()
        for cell in execution.failed
    )


def judged_anew(former: Grade, work: Work, verdicts: Verdicts) -> Grade:
    """Return the grade that the same answers earn by the checks and levels as they are now.

    What the run itself gave (failed cells, limits, times, notices) is taken over from the former grade.

    Args:
        former: the stored grade of the attempt, what only staff may know included.
        work: what it is judged with.
        verdicts: what the checks found.
    """
    exercises = _exercise_grades(verdicts, work)
    points = round(sum(exercise.points for exercise in exercises), 2)
    passed = points >= work.context.assignment.pass_points
    judged_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    staff = dataclasses.replace(
        former.staff, second=verdicts.second, log=verdicts.log, pictures=verdicts.staff_pictures, flags=()
    )
    return dataclasses.replace(
        former,
        status=scoring.overall_status(verdicts.checks, exercises, passed=passed),
        points=points,
        max_points=round(sum(exercise.max_points for exercise in exercises), 2),
        passed=passed,
        exercises=exercises,
        checks=verdicts.checks,
        # Once, however often it is judged.
        notices=(*(notice for notice in former.notices if notice != JUDGED_AGAIN), JUDGED_AGAIN),
        pictures=verdicts.pictures,
        # `graded_at` stays the time of the run: by it versions are put in order.
        provenance={**former.provenance, attempts.JUDGED: work.context.judged, "judged_at": judged_at},
        staff=staff,
    )


def _exercise_grades(verdicts: Verdicts, work: Work) -> tuple[ExerciseGrade, ...]:
    """Return the grades of all exercises, in the order of the assignment."""
    grades = (
        scoring.exercise_grade(
            exercise.id, exercise.title, _worth(exercise, verdicts, work.context), verdicts.checks
        )
        for exercise in work.context.assignment.exercises
    )
    return tuple(
        dataclasses.replace(grade, notebook=work.exercise_notebooks.get(grade.id, "")) for grade in grades
    )


def _staff_notes(
    verdicts: Verdicts, executions: Sequence[Execution], log: str, flags: Sequence[str]
) -> StaffNotes:
    """Return what only staff may read of a grade."""
    return StaffNotes(
        usage=_usage(executions) if executions else {},
        flags=tuple(flags),
        second=verdicts.second,
        log=f"{log}{verdicts.log}",
        pictures=verdicts.staff_pictures,
    )


def _worth(exercise: spec.Exercise, verdicts: Verdicts, context: Context) -> float:
    """Return what an exercise is worth here: all its points, or what the public checks alone can give."""
    if context.complete:
        return exercise.points
    return sum(check.max_points for check in verdicts.checks if check.exercise == exercise.id)


def _usage(executions: Sequence[Execution]) -> dict[str, float]:
    # The most of one notebook, not a sum: each has the limits for itself.
    return {
        "memory_mb": round(max(execution.peak_mb for execution in executions), 1),
        "wall_s": round(max(execution.wall_s for execution in executions), 2),
        "cell_s": round(max(execution.cell_s for execution in executions), 2),
    }


def _provenance(work: Work) -> dict[str, str]:
    return {
        "pawgrade": package_version("pawgrade"),
        "python": platform.python_version(),
        "assignment": work.context.version,
        "split": work.context.split,
        attempts.JUDGED: work.context.judged,
        "kernel": work.kernel,
        **({"drawing": work.context.drawing} if work.context.drawing else {}),
        "graded_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def unread(submission: Submission, work: Work, reasons: Mapping[str, Message]) -> Grade:
    """Return the grade of a submission of which nothing could be run: the student's to mend, so FAILED, never ERROR.

    Args:
        submission: what was handed in.
        work: what it is graded with.
        reasons: why a notebook could not be run, by its name.
    """
    notices = list(reasons.values())
    checks = tuple(
        Check(
            f"{exercise.id}_notebook",
            exercise.id,
            Status.FAILED,
            0.0,
            exercise.points,
            Message("no notebook that can be run"),
            Message("a notebook"),
            reasons.get(work.exercise_notebooks.get(exercise.id, ""), notices[0]),
            exercise.title,
        )
        for exercise in work.context.assignment.exercises
    )
    return grade_of(submission, work, Verdicts(checks), notices=notices)


def undecided(submission: Submission, work: Work, log: str, ran: str = "") -> Grade:
    """Return the grade of a submission that we could not judge: ERROR, for staff.

    Args:
        submission: what was handed in.
        work: what it was graded with.
        log: tracebacks.
        ran: how the notebook was isolated, where it ran: then it may be what led to that. It says so, and counts as a
            scored attempt.
    """
    checks = tuple(
        Check(
            f"{exercise.id}_grader",
            exercise.id,
            Status.ERROR,
            0.0,
            exercise.points,
            hint=NOT_GRADED,
            title=exercise.title,
        )
        for exercise in work.context.assignment.exercises
    )
    verdicts = Verdicts(checks, (), log)
    if not ran:
        return grade_of(submission, work, verdicts, notices=[NOT_GRADED])
    return grade_of(
        submission,
        work,
        verdicts,
        sandbox=ran,
        notices=[NOT_GRADED, COUNTED],
        provenance={versions.RAN: "yes"},
    )


def values(answers: Answers) -> dict[str, Array]:
    """Return the answers that keep their contract, by set and number."""
    return {
        f"{name}-{number:04d}": answer.value
        for name, given in answers.items()
        if not isinstance(given, SubmissionError)
        for number, answer in enumerate(given)
    }
