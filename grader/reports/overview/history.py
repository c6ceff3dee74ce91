"""All stored attempts of one student in one assignment, damaged ones named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.assignment.course import Course
from grader.errors import SpecError
from grader.gradebook import attempts, versions
from grader.records import Grade
from grader.reports.overview import outlines

Read = Callable[[Path, str, str, str], Grade | None]


@dataclass(frozen=True)
class History:
    """What a student has handed in of one assignment and what came of it; for staff, see `told` for the student's view.

    Attributes:
        counting: the attempt that counts; None where there is none, or where it is damaged.
        scored: one grade a version that was judged against the same hidden photos as `counting`, in order: these
            use up the limit `attempts`.
        latest: one grade a version, judged against anything, in order of the first time that each was graded.
        damaged: a sentence for each attempt that cannot be read, for staff.
        lost: whether no attempt counts because of these.
        flags: what about the counting attempt honest work explains badly, for staff.
    """

    counting: Grade | None
    scored: tuple[Grade, ...] = ()
    latest: tuple[Grade, ...] = ()
    damaged: tuple[str, ...] = ()
    lost: bool = False
    flags: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Which of the scored attempts the counting one is, from 1; 0 where it is none of them."""
        return 0 if self.counting is None else self.number_of(self.counting)

    def number_of(self, grade: Grade) -> int:
        """Return which of the scored attempts a grade is, from 1; 0 where it is none of them."""
        turns = (turn for turn, scored in enumerate(self.scored, 1) if scored.attempt == grade.attempt)
        return next(turns, 0)


def read_history(
    course: Course, assignment: str, student: str, rule: str, *, read: Read = outlines.outline
) -> History:
    """Read a student's stored attempts; nothing is run.

    Args:
        course: the course.
        assignment: id of the assignment.
        student: nbgrader's student id.
        rule: which attempt counts, `latest` or `best`.
        read: what reads an attempt; `attempts.read` for its words, too.
    """
    grades, damaged = [], {}
    for name in attempts.names(course.folder, assignment, student):
        try:
            grade = read(course.folder, assignment, student, name)
        except (SpecError, OSError) as exc:  # one attempt of one student ends no overview of a class
            damaged[name] = str(exc)
            continue
        if grade is not None:
            grades.append(grade)
        else:
            damaged[name] = f"{assignment}, {student}: attempt {name} has no grade.json. Grade again."
    current = attempts.current(course.folder, assignment, student)
    if rule == "best":
        judge = versions.judge_in_force(course.folder, assignment)
        counting = versions.best(versions.comparable(grades, current, judge))
    else:
        counting = next((grade for grade in grades if grade.attempt == current), None)
        if counting is None and current and current not in damaged:
            damaged[current] = f"{assignment}, {student}: attempt {current} is gone. Grade again."
    flags: tuple[str, ...] = ()
    if counting is not None:
        try:
            flags = outlines.flags(course.folder, counting)
        except SpecError as exc:  # `grade` and `export` cannot read it either
            damaged[counting.attempt], counting = str(exc), None
    lost = counting is None and bool(damaged)
    scored = () if counting is None else versions.judged_of(course.folder, grades, versions.against(counting))
    latest = _by_version(grades, counting)
    return History(counting, tuple(scored), tuple(latest), tuple(damaged.values()), lost, flags)


def _by_version(grades: Sequence[Grade], counting: Grade | None) -> list[Grade]:
    """Return the latest grade of each set of files that was handed in; of the counting one's files, that one."""
    in_time = sorted(grades, key=lambda grade: grade.provenance.get("graded_at", ""))
    # Of equal keys a dict keeps the first one's place and the last one's value.
    by_files = {versions.version_of(grade): grade for grade in in_time}
    if counting is not None:
        by_files[versions.version_of(counting)] = counting
    return list(by_files.values())
