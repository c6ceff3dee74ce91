"""Grade a whole class: submissions go through a runner, records through one coordinator.

An attempt is stored before anything else learns of it; gradebook and `autograded/` follow from it. Whoever runs the
same command again after a crash grades what is missing and writes the same records.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import shutil
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path

from grader.assignment import identity
from grader.assignment.course import Course
from grader.calibration import flags as suspicion
from grader.checks.scoring import with_manual
from grader.errors import GraderError
from grader.files import write_whole
from grader.gradebook import attempts, conversion, versions
from grader.gradebook.attempts import sanitised
from grader.gradebook.formgrader import handed_in_at, with_notice, write_for_formgrader
from grader.gradebook.nbgrader import has_nbgrader
from grader.grading import assemble
from grader.grading.anew import reporting
from grader.grading.anew.rejudging import Judged, treat
from grader.grading.deciding import (
    Decision,
    Event,
    Group,
    Options,
    Outcome,
    decided,
    group_of,
    is_lost,
    outcome_of,
)
from grader.grading.preparation import Work
from grader.grading.quizzes import personal
from grader.grading.runners import Call, in_order
from grader.grading.submission import Graded
from grader.judging import stored_answers
from grader.messages import Message, sentences
from grader.records import Grade, Status, Submission
from grader.settings import Settings, course_secret


def grade_class(
    course: Course,
    assignment: str,
    settings: Settings,
    options: Options,
    *,
    runner: Executor,
    tell: Callable[[Event, str, Grade | None], None],
    jobs: int = 1,
    explain: Callable[[Outcome], object] = lambda _: None,
) -> list[Grade]:
    """Grade what is handed in for an assignment, and record it.

    Submissions are handed to the runner ahead, and recorded in their order as results come.

    Args:
        course: the course.
        assignment: id of the assignment.
        settings: kernel, seed, data, database.
        options: what to grade.
        runner: where submissions are graded.
        tell: called when a submission is started, and when it is graded, judged anew by its stored answers, known from an
            earlier run, or not scored because the student's scored attempts are used up.
        jobs: how many submissions the runner grades at a time.
        explain: called with what became of each submission, and why. Who has shown that says so by `reporting.reported`: until
            then a later run tells it again.

    Returns:
        Grades by student, manual points included.

    Raises:
        GraderError: nothing could be graded, or records could not be written; what is graded stays stored.
    """
    # The lock comes before `desk`, which deletes what other runs have there.
    with attempts.sole_writer(course.folder), desk(course) as folder:
        submissions = course.submissions(assignment, options.students)
        secret = course_secret(course.folder, settings)
        group = group_of(course, assignment, settings, options, desk=folder, secret=secret)
        # Noted before anything is stored: from now on levels and checks may change, and the questions stay.
        identity.note(course.folder, assignment, identity.asked(course.source(assignment)), group.order.drawn)
        versions.note_judge(course.folder, assignment, group.work.context.judged)
        grades = list[Grade]()
        with _records(course, group.work, settings) as record:
            for decision, future in in_order(_calls(group, submissions, runner, tell), jobs):
                # Stored first, then recorded and told: after a crash the gradebook follows from what is
                # stored (ADR 6).
                treated = _stored(group, decision, future)
                grade = record(treated.grade, decision.submission)
                tell(treated.event, grade.student, grade)
                explain(treated.outcome)
                grades.append(grade)
        return grades


def _calls(
    group: Group,
    submissions: Iterable[Submission],
    runner: Executor,
    tell: Callable[[Event, str, Grade | None], None],
) -> Iterator[tuple[Decision, Call[Judged]]]:
    """Yield what is decided about each submission, and what hands it over, no earlier than `in_order` asks for it."""
    for submission in submissions:
        tell("started", submission.student, None)
        # What a crash left half done is whole again before anybody looks at it.
        attempts.sweep(attempts.root(group.course.folder, submission.assignment, submission.student))
        decision = _without_damaged(group, decided(group, submission))
        yield decision, functools.partial(_hand_over, group, decision, runner)


def _without_damaged(group: Group, decision: Decision) -> Decision:
    """Move attempts aside that cannot be read, so that nothing stumbles over them; return the decision with notes of it."""
    submission, notes = decision.submission, list(decision.notes)
    for attempt, problem in decision.damaged.items():
        path = attempts.set_aside(group.course.folder, submission.assignment, submission.student, attempt)
        notes.append(f"{problem} The attempt is kept as {path.name}")
    return dataclasses.replace(decision, notes=tuple(notes))


def _hand_over(group: Group, decision: Decision, runner: Executor) -> Future[Judged]:
    """Hand a submission to the runner, if anything of it is to be executed or judged."""
    execute = decision.event == "graded"
    if (execute or decision.anew) and not decision.fault:
        ids = [grade.attempt for grade in decision.anew]
        return runner.submit(
            treat, decision.submission, group.order, ids, execute=execute, queued=time.time()
        )
    # A future all the same, so that `in_order` keeps the order of submissions.
    nothing: Future[Judged] = Future()
    nothing.set_result(Judged())
    return nothing


# Storing


@dataclasses.dataclass(frozen=True)
class _Treated:
    """What became of a submission: the grade that counts, what is told of it while the class is graded, and at its end."""

    grade: Grade
    event: Event
    outcome: Outcome


def _stored(group: Group, decision: Decision, future: Future[Judged]) -> _Treated:
    """Store what became of a submission, and return the grade that counts."""
    submission = decision.submission
    student = (group.course.folder, submission.assignment, submission.student)
    unreported, before = reporting.read(*student), group.counting(submission)
    decision, grade = _store(group, decision, future, before)
    readable, _ = attempts.readable(*student)
    outcome = dataclasses.replace(
        outcome_of(decision, before, grade, unreported),
        apart=group.sets_apart(readable, attempts.current(*student), grade),
    )
    stays = bool(decision.fault) and decision.known is not None
    return _Treated(grade, "known" if stays else decision.event, outcome)


def _store(
    group: Group, decision: Decision, future: Future[Judged], before: Grade | None
) -> tuple[Decision, Grade]:
    """Store what became of a submission, and say so where it is the one handed in now; return the grade that counts."""
    folder, submission = group.course.folder, decision.submission
    try:
        judged = future.result()
        _mark(group, decision, judged, before)
        decision = _store_judged(group, decision, judged)
        if decision.event == "unscored":
            return decision, _unscored(group, decision)
        grade = decision.known
        if judged.graded is not None:
            decision, grade = _store_graded(group, decision, judged.graded)
    # Records that cannot be written concern the whole class.
    except GraderError:
        raise
    except Exception:  # of one submission: the others are graded all the same
        decision, grade = dataclasses.replace(decision, fault=traceback.format_exc()), decision.known
    if grade is None:
        grade = assemble.undecided(submission, group.work, decision.fault)
        former = _decided_before(group, grade)
        if former is None:
            attempts.write(folder, grade, submitted={}, executed={}, answers={})
        else:
            decision, grade = _staying(group, decision, former, grade), former
    # Only after `write`: a pointer must not name an attempt that is not there.
    attempts.set_current(folder, grade)
    versions.settle(folder, submission)
    # By policy an older attempt may count more than the one just graded.
    return decision, group.counting(submission) or grade


def _mark(group: Group, decision: Decision, judged: Judged, before: Grade | None) -> None:
    """Note that grades are about to move, until somebody has been told."""
    if before is not None and judged.graded is not None and decision.reason:
        reporting.mark(group.course.folder, reporting.Unreported("executed anew", decision.reason, before))
    elif before is not None and judged.grades:
        reporting.mark(group.course.folder, reporting.Unreported("judged anew", "", before))


def _decided_before(group: Group, grade: Grade) -> Grade | None:
    """Return the stored grade of the same attempt that a fault of ours must not replace, or None.

    Only of a notebook that ran: what did not run is no scored attempt yet, and the new grade may be one.
    """
    readable, _ = attempts.readable(group.course.folder, grade.assignment, grade.student)
    former = next((stored for stored in readable if stored.attempt == grade.attempt), None)
    if former is None or not is_lost(former, grade):
        return None
    ran = attempts.has_run(group.course.folder, former) or versions.RAN in former.provenance
    return former if ran else None


def _staying(group: Group, decision: Decision, former: Grade, grade: Grade) -> Decision:
    """Keep the traceback of a fault beside the grade that stays; return the decision that says so."""
    log = grade.staff.log or decision.fault or "a check or the grader broke"
    path = attempts.folder_of(group.course.folder, former) / attempts.FAULT
    write_whole(path, log.encode("utf-8", "backslashreplace").decode())
    return dataclasses.replace(decision, known=former, fault=log)


def _store_judged(group: Group, decision: Decision, judged: Judged) -> Decision:
    """Store what was judged anew; return the decision with the grades as they are now."""
    former = {grade.attempt: grade for grade in decision.anew}
    broken = {grade.attempt: grade for grade in judged.grades if is_lost(former.get(grade.attempt), grade)}
    now = {grade.attempt: _flagged(group, grade) for grade in judged.grades if grade.attempt not in broken}
    for grade in now.values():
        attempts.write_judged(group.course.folder, grade)
    decision = _without_broken(group, decision, broken)
    known = decision.known
    if known is not None:
        known = now.get(known.attempt, known)
        if known.attempt in judged.damaged:  # executed instead
            decision = dataclasses.replace(decision, event="graded", reason="its stored answers are damaged")
    others = {
        attempt: "its stored answers are damaged"
        for attempt in judged.damaged
        if known is None or attempt != known.attempt
    }
    return dataclasses.replace(
        decision,
        known=known,
        before=[now.get(grade.attempt, grade) for grade in decision.before],
        stale={**decision.stale, **others},
        anew=tuple(grade for grade in decision.anew if grade.attempt not in judged.damaged),
    )


def _without_broken(group: Group, decision: Decision, broken: Mapping[str, Grade]) -> Decision:
    """Leave the former grades of attempts that a check broke on; return the decision that says so."""
    for former in [grade for grade in decision.anew if grade.attempt in broken]:
        grade = broken[former.attempt]
        if decision.known is not None and decision.known.attempt == former.attempt:
            decision = _staying(group, decision, former, grade)
        else:
            _staying(group, decision, former, grade)
            stale = {**decision.stale, former.attempt: "a check broke on its answers"}
            decision = dataclasses.replace(decision, stale=stale)
    anew = tuple(grade for grade in decision.anew if grade.attempt not in broken)
    return dataclasses.replace(decision, anew=anew)


def _store_graded(group: Group, decision: Decision, graded: Graded) -> tuple[Decision, Grade]:
    """Store what executing a submission gave; a grade that was decided stays where it gave a fault of ours."""
    grade, context = _numbered(group, decision, graded), group.work.context
    if former := _decided_before(group, grade):
        return _staying(group, decision, former, grade), former
    if time := (decision.submission.timestamp or "").strip():
        # The file's text as it came; whoever shows it reads a time from it, or nothing.
        grade = dataclasses.replace(grade, provenance={**grade.provenance, versions.HANDED_IN: time[:64]})
    asked = None
    if graded.sets is not None:
        facts = {"run": dict(context.parts), "questions": context.asked, "sets": graded.sets}
        asked = {"format": stored_answers.FORMAT, **facts}
    attempts.write(
        group.course.folder,
        grade,
        submitted=graded.submitted,
        executed=graded.executed,
        answers=graded.answers,
        asked=asked,
    )
    return decision, grade


def _flagged(group: Group, grade: Grade) -> Grade:
    """Return a grade with what somebody may want to look at."""
    # Those of the run itself come first; a grade that was judged anew has none.
    flags = (*grade.staff.flags, *suspicion.flags(grade, group.calibration, own_photos=group.work.own_photos))
    return dataclasses.replace(grade, staff=dataclasses.replace(grade.staff, flags=flags))


def _numbered(group: Group, decision: Decision, graded: Graded) -> Grade:
    """Return a new grade with the number of its scored attempt, and with what somebody may want to look at."""
    grade = graded.grade
    if not graded.executed and versions.RAN not in grade.provenance:
        return grade  # nothing ran: no attempt
    version = versions.version(decision.submission)
    grade = _flagged(group, versions.numbered(grade, version, decision.before))
    others = personal.flags(group.work.context, decision.submission, graded.answers)
    return dataclasses.replace(
        grade, staff=dataclasses.replace(grade.staff, flags=(*grade.staff.flags, *others))
    )


def _unscored(group: Group, decision: Decision) -> Grade:
    """Keep a version without running it; return the grade that goes on counting, with a notice."""
    folder, submission, before = group.course.folder, decision.submission, decision.before
    student = (folder, submission.assignment, submission.student)
    # An ERROR has no score; it stands in only where nothing else is left.
    last = next((grade for grade in reversed(before) if grade.status is not Status.ERROR), before[-1])
    if attempts.current(*student) not in {grade.attempt for grade in before}:
        attempts.set_current(folder, last)
    grade = group.counting(submission) or last
    turn = grade.provenance.get(versions.TURN, "")
    if group.settings.counts == "best":
        counts = Message("The grade is that of your best version.")
    elif turn:
        counts = Message("The grade is that of scored attempt {number}.", number=turn)
    else:
        counts = Message("The grade is that of the version that was scored last.")
    files = {file.name: file.max_kb * 1024 for file in group.work.context.assignment.files}
    notice = versions.keep(
        folder, submission, group.against, files, limit=group.settings.attempts, counts=counts
    )
    return dataclasses.replace(grade, notices=(notice, *grade.notices))


@contextlib.contextmanager
def desk(course: Course) -> Iterator[Path]:
    """Make a folder for working copies, and remove it afterwards; what a killed run left is removed first."""
    folder = course.folder / ".pawgrade" / "work"
    shutil.rmtree(folder, ignore_errors=True)
    desk_folder = folder / uuid.uuid4().hex[:8]
    desk_folder.mkdir(parents=True)
    try:
        yield desk_folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _records(
    course: Course, work: Work, settings: Settings
) -> Iterator[Callable[[Grade, Submission], Grade]]:
    """Open the gradebook once; yield what records one grade and returns it with its manual points."""
    if not has_nbgrader():
        yield lambda grade, _: grade
        return
    from grader.gradebook.manual_work import refuse_to_begin_anew, save_snapshot, snapshot
    from grader.gradebook.nbgrader import manual_points, open_gradebook, record, refuse_nbgraders_scores

    url = course.db_url(settings.db_url)
    refuse_to_begin_anew(course.folder, url)
    conversion.record_source(course.folder, work.context.assignment.id, url)
    with open_gradebook(url) as gradebook:
        refuse_nbgraders_scores(gradebook, work.context.assignment.id)
        save_snapshot(course.folder, snapshot(gradebook))  # should the database be damaged one day

        def write(grade: Grade, submission: Submission) -> Grade:
            executed = sanitised(course, grade)
            record(gradebook, grade, executed, timestamp=handed_in_at(submission))
            words = versions.waiting(course.folder, grade.assignment, grade.student)
            not_run = words or sentences(grade.notices) or Message("Nothing was run.")
            annotated = {
                name: with_notice(executed[name], words)
                if name in executed
                else with_notice(released, not_run)
                for name, released in work.releases.items()
            }
            write_for_formgrader(course, grade, annotated, submission)
            return with_manual(
                grade,
                manual_points(gradebook, grade.assignment, grade.student),
                work.context.assignment.pass_points,
            )

        yield write
