"""The demo: a small made-up class on drawn pets, graded by the real path from release to feedback."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat

from grader.assignment.course import Course, packaged_course
from grader.assignment.layout import CONFIG
from grader.assignment.spec import load_assignment
from grader.authoring import variants
from grader.datasets import cards
from grader.errors import SpecError
from grader.feedback import publish
from grader.gradebook import nbgrader
from grader.grading import coordinator
from grader.grading.deciding import Options
from grader.grading.preparation import read_notebooks
from grader.grading.runners import InlineExecutor
from grader.records import NOT_RUN, Grade
from grader.reports.overview.pages import write_overview
from grader.sandbox.self_check import Fact, sandbox_problem
from grader.settings import FILE, assignments_named, load

SECRET = b"the demo keeps no secrets"
MARK = ".pawgrade-demo"


@dataclass(frozen=True)
class Shown:
    """The outcome of the demo: its grades, and where to look.

    Attributes:
        grades: one a student.
        titles: what each student did, by assignment and student.
        where: lines that say where to look.
    """

    grades: tuple[Grade, ...]
    titles: dict[str, dict[str, str]]
    where: tuple[str, ...]


def run(
    folder: Path,
    environment: Mapping[str, str],
    tell: Callable[[Any, str, Grade | None], None],
    *,
    everything: bool = False,
) -> Shown:
    """Make the course in `folder`, hand in for everybody, grade, write the feedback.

    Args:
        folder: where the course goes; a former demo there is replaced, anything else is left alone.
        environment: usually `os.environ`; the photos it names are not used.
        tell: as in `grading.grade_class`.
        everything: grade every assignment of the course, not only those that it names for the demo.

    Raises:
        SpecError: `folder` holds something that is not a demo, or the course is not installed.
    """
    course = make_course(folder)
    # Drawn photos and a gradebook in the folder, whatever the environment says.
    settings = replace(load(None, environment), data_folder=None, secret=SECRET, db_url=None)
    problem = sandbox_problem() if settings.sandbox != "none" else None
    if problem is not None:  # these notebooks are our own: the demo always completes
        settings = replace(settings, sandbox="none", kernel="")
    graded = course.assignments() if everything else chosen(course)
    titles = {assignment: hand_in(course, assignment) for assignment in graded}
    tell("total", str(sum(map(len, titles.values()))), None)
    grades: list[Grade] = []
    written: dict[str, list[str]] = {}
    for assignment in graded:
        options = Options(card=cards.drawn()[0])
        grades += coordinator.grade_class(
            course, assignment, settings, options, runner=InlineExecutor(), tell=tell
        )
        # A list: pages are written while the generator is read.
        pages = list(publish.write_pages(course, assignment, settings))
        written[assignment] = [path.parent.parent.name for path in pages]
    write_overview(course, settings, written)
    where = (
        *_where(course, grades),
        _sandbox_line(grades),
        *_not_graded(course, graded),
        *_left_out(settings.sandbox, problem),
    )
    return Shown(tuple(grades), titles, where)


def make_course(folder: Path) -> Course:
    """Copy the packaged course to `folder`; raises SpecError when something else is there, or no course is installed."""
    folder, source = folder.resolve(), packaged_course().folder
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARK).is_file():
            raise SpecError(f"{folder} exists and is not a demo.", "Choose another folder with --folder.")
        # An empty folder, or one that a former demo made.
        shutil.rmtree(folder)
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("solutions", "assignments"):
        shutil.copytree(source / name, folder / name, ignore=ignored)
    for name in (CONFIG, FILE):
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    (folder / MARK).write_text("made by `pawgrade demo`; replaced by the next one\n", encoding="utf-8")
    return Course(folder)


def chosen(course: Course) -> tuple[str, ...]:
    """Return what the demo grades: the assignments that the course's setting `demo` names, or all where it names none."""
    named = assignments_named(course.folder, "demo")
    return tuple(name for name in course.assignments() if name in named) or course.assignments()


def hand_in(course: Course, assignment: str) -> dict[str, str]:
    """Hand in for the class: the source, the template, and every variant that names a student.

    Returns:
        What each student did, by id.
    """
    described = load_assignment(course.source(assignment))
    source = read_notebooks(course.source(assignment), described)
    release = read_notebooks(course.release(assignment), described)
    notebooks = {
        "student01": ("the reference solution", source),
        "student02": ("the empty template", release),
    }
    folder = course.source(assignment)
    for variant in (*variants.read_variants(folder, "recipes"), *variants.read_variants(folder, "mutants")):
        if variant.student:
            notebooks[variant.student] = (variant.title, variants.apply_to_all(variant, source, release))
    for student, (_, by_name) in sorted(notebooks.items()):
        submission_folder = course.submitted / student / assignment
        submission_folder.mkdir(parents=True)
        for name, notebook in by_name.items():
            nbformat.write(notebook, submission_folder / f"{name}.ipynb")
        (submission_folder / "timestamp.txt").write_text("2026-01-15 12:00:00 UTC", encoding="utf-8")
    return {student: title for student, (title, _) in sorted(notebooks.items())}


def _where(course: Course, grades: list[Grade]) -> tuple[str, ...]:
    first = grades[0]
    feedback = course.folder / course.layout.feedback
    page = feedback / first.student / first.assignment / f"{first.notebook_names[0]}.html"
    lines = [f"the class:         {feedback / 'index.html'}", f"a student's page:  {page}"]
    lines.append(f"all attempts:      {course.folder / '.pawgrade' / 'attempts'}")
    if nbgrader.has_nbgrader():
        lines.append(
            f"the gradebook:     {course.folder / 'gradebook.db'}   (nbgrader's; `nbgrader export` in {course.folder})"
        )
    return tuple(lines)


def _not_graded(course: Course, graded: tuple[str, ...]) -> Iterator[str]:
    others = [name for name in course.assignments() if name not in graded]
    if others:
        yield f"not graded:        {', '.join(others)}; `pawgrade demo --all` grades them, too"


def _sandbox_line(grades: list[Grade]) -> str:
    levels = {grade.sandbox for grade in grades}
    if levels == {NOT_RUN}:
        return "sandbox:           no notebook ran: `pawgrade doctor` tries what they need"
    if "none" not in levels:
        return "sandbox:           namespaces: each notebook ran in a fresh fork, apart from this machine and the network"
    return "sandbox:           none: these notebooks are our own; others' need one"


def _left_out(sandbox: str, problem: Fact | None) -> Iterator[str]:
    """Say in one line what the demo did without, and what gets it."""
    lacks = []
    if problem is not None:
        lacks.append(f"the sandbox ({problem.what}: {problem.found.rstrip('.')}; {problem.advice})")
    elif sandbox == "none":
        lacks.append("the sandbox (the setting sandbox is none)")
    if not nbgrader.has_nbgrader():
        lacks.append("the gradebook (nbgrader: pip install 'pawgrade[staff]')")
    if lacks:
        yield f"left out:          {'; '.join(lacks)}"
