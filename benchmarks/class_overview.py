"""How long the class at a glance takes for a large class, beside reading the same files once.

    python benchmarks/class_overview.py [--students 1000] [--assignments 5] [--rounds 3] [--profile]

A course of copies of the 35-breed lab, a stored attempt of each student in each, and a real gradebook with a row for each
cell. Printed are the seconds of `write_overview` as `pawgrade feedback` calls it after the pages of one assignment: the first
time, when no page of a student is there, and again, when nothing has changed; beside them the seconds of reading every
`grade.json` and `staff.json` once as bytes, and the ratio, by the clock and in processor time. Making the scene takes a minute or two and is not counted.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nbformat.v4 import new_notebook

from grader.assignment import spec
from grader.assignment.course import Course, packaged_course
from grader.gradebook import attempts
from grader.gradebook.conversion import record_source
from grader.gradebook.nbgrader import Entry, open_gradebook, transaction, write_entry
from grader.messages import Message
from grader.records import Check, ExerciseGrade, Grade, Requirement, Seconds, StaffNotes, Status
from grader.reports.overview.pages import page_of, write_overview
from grader.settings import load

SOURCE = "oxford_pets"
CHECKS = 3  # of an exercise
WHEN = datetime(2026, 1, 31, 12)


def grade_of(assignment: spec.Assignment, student: str, number: int) -> Grade:
    """Return a grade as long as that of the lab: words, demands and times of each check; which fail differs by student."""
    exercises, checks = [], []
    for position, exercise in enumerate(assignment.exercises):
        passed = (number + position) % 5 != 0
        status = Status.PASSED if passed else Status.FAILED
        points = exercise.points if passed else 0.0
        exercises.append(ExerciseGrade(exercise.id, status, points, exercise.points, exercise.title))
        for turn in range(CHECKS):
            measured = Message("{what}: {value:.6g}", what=Message("top-1 accuracy"), value=0.5 + turn / 10)
            demands = tuple(
                Requirement(f"check_public.py:{100 + line}", "top-1 accuracy", passed, 0.5)
                for line in range(3)
            )
            checks.append(
                Check(
                    f"{exercise.id}_{turn}", exercise.id, status, points / CHECKS, exercise.points / CHECKS,
                    measured=measured, required=Message("at least {least:.6g}", least=0.8), exact=measured,
                    hint=Message("Does the head have as many outputs as there are classes?"),
                    title="A sentence that says what this check looks at.", requirements=demands,
                )
            )  # fmt: skip
    points = sum(exercise.points for exercise in exercises)
    return Grade(
        student=student, assignment=assignment.id, attempt=f"{number:016x}", status=Status.PASSED, points=points,
        max_points=sum(exercise.max_points for exercise in exercises), manual_points=None, passed=True,
        exercises=tuple(exercises), checks=tuple(checks), failed_cells=(), limit=None, seconds=Seconds(1, 2, 3, 4, 5, 15),
        sandbox="namespaces", device="cpu", seed=0, data="toy_pets", staff=StaffNotes(),
        provenance={"assignment": "a", "split": "b", "files": f"{number:064x}", "scored": "1", "graded_at": "2026-02-01 09:13 UTC"},
    )  # fmt: skip


def scene(folder: Path, students: int, assignments: int) -> Course:
    """Write the course, its attempts, hand-ins, feedback pages (empty ones) and gradebook."""
    names = [f"lab{number}" for number in range(1, assignments + 1)]
    packaged = packaged_course()
    shutil.copyfile(packaged.folder / "nbgrader_config.py", folder / "nbgrader_config.py")
    course, notebook = Course(folder), new_notebook()
    url = f"sqlite:///{folder}/gradebook.db"
    for name in names:
        source = folder / "solutions" / name
        shutil.copytree(packaged.source(SOURCE), source)
        (source / f"{SOURCE}.ipynb").rename(source / f"{name}.ipynb")
        toml = source / "assignment.toml"
        toml.write_text(toml.read_text().replace(f'id = "{SOURCE}"', f'id = "{name}"', 1))
        assignment = spec.load_assignment(source)
        record_source(folder, name, url)
        grades = [grade_of(assignment, f"student{number:04}", number) for number in range(students)]
        for grade in grades:
            attempts.write(folder, grade, submitted={name: b"{}"}, executed={name: notebook}, answers={})
            attempts.set_current(folder, grade)
            for path in (
                folder / "submitted" / grade.student / name / f"{name}.ipynb",
                page_of(course, grade.student, name),
            ):
                path.parent.mkdir(parents=True)
                path.write_text("{}")
        with open_gradebook(url) as gradebook, transaction(gradebook) as session:
            for grade in grades:
                write_entry(session, Entry(grade, {}, WHEN))
    return course


def seconds_of(work: Callable[[], object]) -> tuple[float, float]:
    """Return how long something takes by the clock on the wall, and in processor time."""
    begin, begin_cpu = time.monotonic(), time.process_time()
    work()
    return time.monotonic() - begin, time.process_time() - begin_cpu


def read_once(course: Course) -> None:
    for path in (course.folder / ".pawgrade" / "attempts").glob("*/*/*/*.json"):
        path.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--students", type=int, default=1000)
    parser.add_argument("--assignments", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="show where the time goes, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        took, _ = seconds_of(lambda: scene(folder, options.students, options.assignments))
        course, settings = Course(folder), load(folder, {})
        print(f"{options.students} students of {options.assignments} assignments, made in {took:.0f} s")
        written = {"lab1": attempts.students(folder, "lab1")}

        def overview() -> None:
            write_overview(course, settings, written)

        first = seconds_of(overview)
        rows = [
            (*seconds_of(lambda: read_once(course)), *seconds_of(overview)) for _ in range(options.rounds)
        ]
        wall, cpu, again, again_cpu = (statistics.median(column) for column in zip(*rows, strict=True))
        print("seconds             by the clock   of the processor")
        for what, took_s, took_cpu in (
            ("read once", wall, cpu),
            ("overview, first", *first),
            ("overview, again", again, again_cpu),
        ):
            print(f"{what:18} {took_s:14.2f} {took_cpu:18.2f}")
        print(f"again beside read  {again / wall:14.1f} {again_cpu / cpu:18.1f}")
        if options.profile:
            with cProfile.Profile() as profile:
                overview()
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


if __name__ == "__main__":
    main()
