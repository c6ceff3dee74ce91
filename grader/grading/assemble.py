"""Build the grade of one submission: judged, unreadable, or undecided."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING

from grader.assignment import spec
from grader.checks import scoring
from grader.checks.session import Verdicts
from grader.gradebook import versions
from grader.grading.preparation import Work
from grader.judging.evaluate import Context
from grader.messages import Message
from grader.records import (
    NOT_RUN,
    Check,
    ExerciseGrade,
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
    execution: Execution | None = None,
    sandbox: str = NOT_RUN,
    seconds: Seconds | None = None,
    repairs: tuple[Repair, ...] = (),
    notices: Sequence[Message] = (),
    provenance: Mapping[str, str] | None = None,
    log: str = "",
) -> Grade:
    """Put together a grade.

    Args:
        submission: what was handed in.
        work: what it was graded with.
        verdicts: what the checks found.
        execution: what became of the notebook, where it ran and was judged.
        sandbox: how the student's code was isolated.
        seconds: where the time went.
        repairs: what was put right before it ran.
        notices: sentences about the whole submission.
        provenance: what is to be known of this grade besides versions and digests.
        log: tracebacks of our own errors in earlier tries.
    """
    assignment = work.context.assignment
    exercises = _exercise_grades(verdicts, work.context)
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
        failed_cells=execution.failed if execution else (),
        limit=execution.limit if execution else None,
        seconds=seconds or Seconds(),
        sandbox=sandbox,
        device=work.device,
        seed=work.seed,
        data=work.context.card,
        repairs=repairs,
        notices=tuple(notices),
        pictures=verdicts.pictures,
        provenance={**_provenance(work), **(provenance or {})},
        staff=_staff_notes(verdicts, execution, log),
        believed=assignment.in_the_notebook,
    )


def _exercise_grades(verdicts: Verdicts, context: Context) -> tuple[ExerciseGrade, ...]:
    """Return the grades of all exercises, in the order of the assignment."""
    return tuple(
        scoring.exercise_grade(
            exercise.id, exercise.title, _worth(exercise, verdicts, context), verdicts.checks
        )
        for exercise in context.assignment.exercises
    )


def _staff_notes(verdicts: Verdicts, execution: Execution | None, log: str) -> StaffNotes:
    """Return what only staff may read of a grade."""
    return StaffNotes(
        usage=_usage(execution) if execution else {},
        second=verdicts.second,
        log=f"{log}{verdicts.log}",
        pictures=verdicts.staff_pictures,
    )


def _worth(exercise: spec.Exercise, verdicts: Verdicts, context: Context) -> float:
    """Return what an exercise is worth here: all its points, or what the public checks alone can give."""
    if context.complete:
        return exercise.points
    return sum(check.max_points for check in verdicts.checks if check.exercise == exercise.id)


def _usage(execution: Execution) -> dict[str, float]:
    return {
        "memory_mb": round(execution.peak_mb, 1),
        "wall_s": round(execution.wall_s, 2),
        "cell_s": round(execution.cell_s, 2),
    }


def _provenance(work: Work) -> dict[str, str]:
    return {
        "pawgrade": package_version("pawgrade"),
        "python": platform.python_version(),
        "assignment": work.context.version,
        "split": work.context.split,
        "kernel": work.kernel,
        "graded_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def unread(submission: Submission, work: Work, notice: Message) -> Grade:
    """Return the grade of a submission that could not be run: the student's to mend, so FAILED, never ERROR."""
    checks = tuple(
        Check(
            f"{exercise.id}_notebook",
            exercise.id,
            Status.FAILED,
            0.0,
            exercise.points,
            Message("no notebook that can be run"),
            Message("a notebook"),
            notice,
            exercise.title,
        )
        for exercise in work.context.assignment.exercises
    )
    return grade_of(submission, work, Verdicts(checks), notices=[notice])


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
