"""Judge stored answers again, in the trusted process and without a kernel: what a run would give by the levels and checks of now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.checks.session import Verdicts
from grader.gradebook import attempts
from grader.grading import assemble, preparation
from grader.grading.preparation import Order, Work
from grader.grading.quizzes import personal
from grader.grading.submission import Graded, grade_as_ordered
from grader.judging import evaluate, stored_answers
from grader.judging.evaluate import Context
from grader.judging.probe import Answers
from grader.records import Grade, Submission


@dataclass(frozen=True)
class Judged:
    """What became of one submission's attempts.

    Attributes:
        grades: new grades of stored attempts, by the answers that these keep.
        graded: what executing the submission gave; None where it was not executed.
        damaged: attempts whose answers cannot be read.
    """

    grades: tuple[Grade, ...] = ()
    graded: Graded | None = None
    damaged: tuple[str, ...] = ()


def judge_stored(
    course: Path,
    former: Grade,
    work: Work,
    judge: Callable[[Answers, Context], Verdicts] = evaluate.evaluate,
) -> Grade | None:
    """Return what the stored answers of an attempt earn now, or None where they are damaged.

    Args:
        course: the course folder.
        former: the stored grade; its answers are to the very questions of the work.
        work: what it is judged with.
        judge: turns answers into verdicts.
    """
    folder = attempts.folder_of(course, former)
    record = stored_answers.read_record(folder)
    if record is None:
        return None
    work = personal.of_student(work, former.student, former.provenance.get(personal.DRAWING, ""))
    try:
        answers = stored_answers.read(folder, record, work.context.plan)
    except ValueError:
        return None
    return assemble.judged_anew(former, work, judge(answers, work.context))


def treat(
    submission: Submission, order: Order, anew: Sequence[str], *, execute: bool, queued: float | None = None
) -> Judged:
    """Do in a worker what was decided about a submission: judge attempts anew, execute it, or both.

    Args:
        submission: what was handed in.
        order: what is graded.
        anew: ids of the student's attempts whose answers are judged again.
        execute: whether the submission is executed; it is, too, where its own answers turn out to be damaged.
        queued: `time.time()` when it was handed to the runner.
    """
    work = preparation.prepared(order)
    grades, damaged = list[Grade](), list[str]()
    for attempt in anew:
        try:
            former = attempts.read(order.course.folder, submission.assignment, submission.student, attempt)
            grade = None if former is None else judge_stored(order.course.folder, former, work)
        except Exception:
            if not execute:
                raise
            grade = None  # of an earlier version: what is handed in now runs all the same
        if grade is None:
            damaged.append(attempt)
        else:
            grades.append(grade)
    if work.attempt(submission) in damaged:
        execute = True
    graded = grade_as_ordered(submission, order, queued) if execute else None
    return Judged(tuple(grades), graded, tuple(damaged))
