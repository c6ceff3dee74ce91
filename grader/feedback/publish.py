"""Feedback pages of a class, from its stored attempts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import nbformat
import numpy as np
import numpy.typing as npt

from grader import disclosure
from grader.assignment import spec
from grader.assignment.course import Course
from grader.assignment.quizzes.quiz import Quiz
from grader.checks.scoring import with_manual
from grader.checks.soundness import exercise_notebooks
from grader.datasets import cards, sources, views
from grader.errors import GraderError, SpecError
from grader.feedback import figures, ladder, page, picture_files
from grader.feedback.explanations import explained_quiz, explanations
from grader.files import write_whole
from grader.gradebook import attempts, versions
from grader.gradebook.nbgrader import NO_RESPONSE, has_nbgrader
from grader.records import Grade, Submission
from grader.settings import Settings

Given = tuple[float | None, str]
NOTHING: Given = (None, "")
# Date, hour and minute, and zone of a `timestamp.txt`: it came with the submission, so nothing else of it is shown.
TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(?::\d\d(?:\.\d+)?)? ?([A-Za-z0-9_/+:-]{0,40})$", re.ASCII
)


@dataclass(frozen=True)
class TrainingPhotos:
    """Photos of the public training split, by class or by group."""

    view: views.View

    def photos(self, name: str, count: int) -> Sequence[npt.NDArray[np.uint8]]:
        """Return up to `count` photos of a class, or of all classes of a group; the same ones whenever asked, of other names none."""
        train, groups = self.view.photos("train"), np.array(self.view.groups)
        # A mask over classes for each name; a class wins over a group of the same name.
        masks = {group: groups == group for group in set(self.view.groups) - {""}}
        masks |= dict(zip(self.view.classes, np.eye(len(groups), dtype=bool), strict=True))
        indices = np.flatnonzero(masks.get(name, np.zeros(len(groups), bool))[train.labels])[:count]
        return [np.asarray(train.images[index]) for index in indices]


def write_pages(
    course: Course,
    assignment_id: str,
    settings: Settings,
    students: tuple[str, ...] = (),
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Path]:
    """Write `feedback/<student>/<assignment>/<notebook>.html` for everybody who has been graded, a page for each notebook.

    Args:
        course: the course.
        assignment_id: id of the assignment.
        settings: where photos and gradebook are, which attempt counts.
        students: only these; empty: everybody.
        tell: called with the name of each phase as it begins.

    Yields:
        The path of each page.

    Raises:
        SpecError: nobody has been graded yet, or somebody named has not been.
    """
    # Before any page is written: a misspelt name, or grades that are missing, change nothing.
    chosen = _chosen(course, assignment_id, students)
    tell("looking up points given by hand")
    shared = _shared(course, assignment_id, settings)
    for number, student in enumerate(chosen, start=1):
        tell(f"page {number} of {len(chosen)}, {student}")
        for name, html in _pages(shared, student):
            path = course.folder / course.layout.feedback / student / assignment_id / f"{name}.html"
            write_whole(path, html)
            yield path


@dataclass(frozen=True)
class _Shared:
    """What all pages of an assignment share, read once.

    Attributes:
        course: the course.
        assignment: as its file has it.
        settings: which attempt counts, where photos are.
        places: what `_places` gives.
        draw_functions: what draws the assignment's own pictures, by kind.
        by_hand: what `_given_by_hand` gives.
        submissions: what lies handed in, by student.
        quiz: whose questions may be explained now; None: none.
        photos: by data card, since the attempts of a class may be on several; filled in as they come.
    """

    course: Course
    assignment: spec.Assignment
    settings: Settings
    places: Mapping[str, str]
    draw_functions: Mapping[str, figures.Draw]
    by_hand: Mapping[str, Mapping[str, Given]]
    submissions: Mapping[str, Submission]
    quiz: Quiz | None
    photos: dict[str, TrainingPhotos | None] = field(default_factory=dict)


def _shared(course: Course, assignment_id: str, settings: Settings) -> _Shared:
    source = course.source(assignment_id)
    assignment = spec.load_assignment(source)
    return _Shared(
        course,
        assignment,
        settings,
        _places(source, assignment),
        picture_files.drawn_by(source),
        _given_by_hand(course, assignment_id, settings),
        _submissions(course, assignment_id),
        explained_quiz(course, assignment, settings),
    )


def _pages(shared: _Shared, student: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each notebook of a student's assignment and its page; nothing where no attempt counts."""
    course, assignment, settings = shared.course, shared.assignment, shared.settings
    # Which attempt is best is a score too: a ladder shows the one handed in.
    rule = "latest" if settings.ladder else settings.counts
    grade = versions.counting(course.folder, assignment.id, student, rule)
    if grade is None:
        return
    judged = versions.judged(course.folder, assignment.id, student, versions.against(grade))
    standing = versions.standing(grade, judged, settings.attempts)
    grade = _as_shown(course, assignment, grade, settings)
    if grade.data not in shared.photos:
        shared.photos[grade.data] = _training_photos(assignment, grade, settings)
    rows = shared.by_hand.get(student, {})
    comments = _comments(assignment, rows, shared.places)
    given = [comment.points for comment in comments if comment.points is not None]
    executed = attempts.executed_bytes(course.folder, grade)
    for name in grade.notebook_names:
        yield (
            name,
            page.render(
                with_manual(grade, sum(given) if given else None, assignment.pass_points),
                title=assignment.title,
                notebook=executed.get(name),
                photos=shared.photos[grade.data],
                own=shared.draw_functions,
                manual=comments,
                pass_points=assignment.pass_points,
                entry_points=[entry_point.name for entry_point in assignment.entry_points],
                handed_in=page.HandedIn(
                    _handed_in(shared.submissions.get(student), grade),
                    standing,
                    _remarks(assignment, rows) | (explanations(shared.quiz, grade) if shared.quiz else {}),
                ),
                about=name if len(grade.notebook_names) > 1 else "",
            ),
        )


def _submissions(course: Course, assignment: str) -> Mapping[str, Submission]:
    """Return what lies handed in, by student; nothing where that cannot be read: pages are made of stored attempts."""
    try:
        return {submission.student: submission for submission in course.submissions(assignment)}
    except GraderError:
        return {}


def _handed_in(submission: Submission | None, grade: Grade) -> str:
    """Return when the work was handed in that a grade is of; "" where that is not known."""
    try:
        # What lies there may be a later version than the one that counts.
        same = submission is not None and versions.version(submission) == versions.version_of(grade)
    except (GraderError, OSError):
        same = False
    text = submission.timestamp if same and submission else grade.provenance.get(versions.HANDED_IN)
    moment = TIME.match((text or "").strip())
    return " ".join(filter(None, moment.groups())) if moment else ""


def _remarks(assignment: spec.Assignment, rows: Mapping[str, Given]) -> dict[str, str]:
    """Return what people said about cells that are not graded by hand; what nbgrader itself notes is left out."""
    by_hand = {cell.id for cell in assignment.manual}
    return {
        cell: comment
        for cell, (_, comment) in rows.items()
        if cell not in by_hand and comment and comment != NO_RESPONSE
    }


def _chosen(course: Course, assignment: str, students: tuple[str, ...]) -> tuple[str, ...]:
    """Return the students named, or all who have been graded; raises SpecError for one who has not been, or where nobody has."""
    graded = attempts.students(course.folder, assignment)
    if missing := [student for student in students if student not in graded]:
        raise SpecError(
            f"student {missing[0]!r} has not been graded in {assignment}.",
            f"Run `pawgrade grade {shlex.quote(assignment)}` first.",
        )
    if not graded:
        raise attempts.nobody_graded(assignment)
    return students or tuple(graded)


def _as_shown(course: Course, assignment: spec.Assignment, grade: Grade, settings: Settings) -> Grade:
    """Return the grade as its page shows it: with the notice about an unscored version, without what students may not know."""
    words = versions.waiting(course.folder, assignment.id, grade.student)
    if words:
        grade = replace(grade, notices=(words, *grade.notices))
    if not settings.ladder or not attempts.has_run(course.folder, grade):
        return disclosure.told(grade)
    history = versions.judged(course.folder, assignment.id, grade.student, versions.against(grade))
    levels = levels_on(course, assignment, grade.data)
    return disclosure.told(ladder.held_back(grade, history, levels, settings.ladder))


def levels_on(course: Course, assignment: spec.Assignment, card: str) -> Mapping[str, spec.Levels]:
    """Return the credit levels on a data card. Secret ones count as well: what a rounded accuracy is worth at least follows from them."""
    hidden = spec.load_hidden(course.source(assignment.id)).levels.get(card, {})
    return {**assignment.on(card).levels, **hidden}


def _training_photos(assignment: spec.Assignment, grade: Grade, settings: Settings) -> TrainingPhotos | None:
    """Find the photos that the grade's data card has; a page without photos is better than none."""
    try:
        label_space = assignment.on(grade.data).label_space
        card = cards.load_card(grade.data, settings.cards)
        if sources.at_hand(card, settings.data_folder, settings.cache) is None:
            return None  # a page is no reason for a download
        return TrainingPhotos(views.read_view(views.find_data(grade.data, label_space, settings)[3]))
    except GraderError:
        return None


def _given_by_hand(course: Course, assignment: str, settings: Settings) -> Mapping[str, Mapping[str, Given]]:
    """Look up manual points and comments by student and cell; there are none without nbgrader."""
    url = course.db_url(settings.db_url)
    if not has_nbgrader():
        return {}
    from grader.gradebook.manual_work import given_by_hand, sqlite_path
    from grader.gradebook.nbgrader import open_gradebook

    # Opening would create an empty gradebook, and pages are no reason for one.
    path = sqlite_path(url)
    if path is not None and not path.is_file():
        return {}
    with open_gradebook(url) as gradebook:
        return given_by_hand(gradebook, assignment)


def _places(source: Path, assignment: spec.Assignment) -> dict[str, str]:
    """Return the notebook of each graded cell, where there are several."""
    if len(assignment.notebooks) == 1:
        return {}
    names = assignment.notebooks
    return exercise_notebooks({name: nbformat.read(source / f"{name}.ipynb", as_version=4) for name in names})


def _comments(
    assignment: spec.Assignment, rows: Mapping[str, Given], places: Mapping[str, str]
) -> list[page.ManualComment]:
    """Return the cells graded by hand of one student, in the assignment's order."""
    return [
        page.ManualComment(
            cell.id,
            cell.title,
            rows.get(cell.id, NOTHING)[0],
            cell.points,
            rows.get(cell.id, NOTHING)[1],
            places.get(cell.id, ""),
        )
        for cell in assignment.manual
    ]
