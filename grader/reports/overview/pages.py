"""The two pages above the feedback: the class for staff, and for each student all assignments.

```
feedback/index.html             for staff: it names everybody, so it lies where no student's folder is
feedback/<student>/index.html   for that student: nothing of others in it
```
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from grader.assignment import spec
from grader.assignment.course import Course
from grader.errors import GraderError, SpecError
from grader.feedback import publish
from grader.feedback.templating import template
from grader.files import write_whole
from grader.gradebook import attempts
from grader.gradebook.roster import Roster, course_roster
from grader.messages import Message
from grader.notebooks.sanitise_text import plain_text, visible
from grader.records import Status
from grader.reports.exports.rows import read_gradebook
from grader.reports.overview import told
from grader.reports.overview.history import read_history
from grader.reports.overview.standings import (
    Material,
    Standing,
    State,
    histogram,
    moment,
    read_submitted,
    standing,
)
from grader.settings import Settings

TEMPLATES = Path(__file__).parent / "templates"
OPEN = 60  # students in a table that is not folded
WRITTEN: Mapping[str, Collection[str]] = {}


@dataclass(frozen=True)
class Overview:
    """What was written.

    Attributes:
        page: the page of the class.
        students: how many pages of students were written.
        notes: sentences for staff; the page of the class has them, too.
    """

    page: Path
    students: int
    notes: tuple[str, ...] = ()


def write_overview(
    course: Course,
    settings: Settings,
    written: Mapping[str, Collection[str]] = WRITTEN,
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Overview:
    """Write the page of the class, and the page of each student whose feedback was just written.

    Nothing is run: all comes from the stored attempts and the gradebook. What cannot be read is named on the class's page
    and ends nothing.

    Args:
        course: the course.
        settings: which attempt counts, how many are scored, where the gradebook is.
        written: students whose feedback pages are new, by assignment: they are told what is on them.
        tell: called with the name of each phase as it begins.

    Returns:
        What was written.
    """
    people, notes = _people(course, settings)
    standings = []
    for assignment in course.assignments():
        tell(f"overview of {assignment}")
        try:
            material = _read(course, assignment, settings)
            standings.append(standing(course.folder, material, people))
            if students := written.get(assignment):
                _tell_students(course, settings, material, students)
        except GraderError as exc:  # an assignment that is being written spoils no other one's page
            notes.append(f"{assignment} is not in the overview: {exc}")
    students_written = sorted({student for students in written.values() for student in students})
    tell(f"pages of {len(students_written)} student{'s' * (len(students_written) != 1)}")
    notes += _write_students(course, people, students_written)
    page = course.folder / course.layout.feedback / "index.html"
    tell("the page of the class")
    write_whole(page, render_class(course, standings, notes, attempts_limit=settings.attempts))
    return Overview(
        page, len(students_written), (*notes, *(note for entry in standings for note in entry.notes))
    )


def _people(course: Course, settings: Settings) -> tuple[Roster, list[str]]:
    """Read the roster; without one that can be read, everybody goes by the id."""
    try:
        return course_roster(course.folder, course.db_url(settings.db_url)), []
    except GraderError as exc:
        return Roster((), ""), [f"names are missing: {exc}"]


def _read(course: Course, assignment_id: str, settings: Settings) -> Material:
    assignment = spec.load_assignment(course.source(assignment_id))
    submitted, pending, notes = read_submitted(course, assignment_id)
    histories = {
        student: read_history(course, assignment_id, student, settings.counts)
        for student in attempts.students(course.folder, assignment_id)
    }
    recorded = read_gradebook(assignment_id, course.db_url(settings.db_url))
    return Material(assignment, histories, recorded, submitted, notes, pending)


def _tell_students(course: Course, settings: Settings, material: Material, students: Collection[str]) -> None:
    """Note what the pages tell that were just written."""
    assignment = material.assignment
    histories = {
        student: material.histories[student] for student in students if student in material.histories
    }
    levels: dict[str, Mapping[str, spec.Levels]] = {}
    if settings.ladder:
        # As the page does: which attempt is best is a score, too.
        histories = {
            student: read_history(course, assignment.id, student, "latest", read=attempts.read)
            for student in histories
        }
        cards = {grade.data for history in histories.values() for grade in history.latest}
        levels = {card: publish.levels_on(course, assignment, card) for card in sorted(cards)}
    teller = told.Teller(course.folder, assignment, settings, levels, material.recorded)
    told.add(course.folder, assignment.id, teller.tell(histories))


def _write_students(course: Course, people: Roster, students: Sequence[str]) -> list[str]:
    """Write the pages of these students; return what staff should know."""
    records: dict[str, Mapping[str, told.Told]] = {}
    notes = []
    for assignment in course.assignments() if students else ():
        try:
            records[assignment] = told.read(course.folder, assignment)
        except SpecError as exc:
            notes.append(str(exc))
    feedback = course.folder / course.layout.feedback
    files_by_assignment = {name: _first_page(course, name) for name in course.assignments() if students}
    for student in students:
        rows = [
            (assignment, file, records.get(assignment, {}).get(student))
            for assignment, file in files_by_assignment.items()
            if feedback.joinpath(student, assignment, file).is_file()
        ]
        _write_changed(
            feedback.joinpath(student, "index.html"), render_student(student, _name(people, student), rows)
        )
    return notes


def _write_changed(path: Path, html: str) -> None:
    """Write a page unless it is there as it should be: to write a thousand takes seconds."""
    if not path.is_file() or path.read_bytes() != html.encode():
        write_whole(path, html)


def page_of(course: Course, student: str, assignment: str) -> Path:
    """Return where a student's feedback page of an assignment lies; of several notebooks that of the first."""
    return course.folder.joinpath(
        course.layout.feedback, student, assignment, _first_page(course, assignment)
    )


def _first_page(course: Course, assignment: str) -> str:
    """Return the file that the page of an assignment's first notebook has; it links to the others."""
    try:
        name = spec.notebook_names(course.source(assignment))[0]
    except SpecError:  # an assignment that is being written: its pages may be there all the same
        name = assignment
    return f"{name}.html"


def _name(people: Roster, student: str) -> str:
    match = people.find("id", told.composed(student)).student
    return match.full_name if match else ""


def render_student(student: str, name: str, rows: Sequence[tuple[str, str, told.Told | None]]) -> str:
    """Return a student's page as one self-contained HTML text.

    Args:
        student: the student's folder.
        name: the full name; "" where the roster has none.
        rows: ids of the assignments that have a feedback page, the page's file, and what it tells; None where that was not noted.
    """
    assignments = [
        {
            "id": assignment,
            "title": visible(record.title if record else assignment),
            "told": record,
            "state": None if record is None else _words_for_student(record),
            "href": _href(assignment, file),
        }
        for assignment, file, record in rows
    ]
    page = template("student.html", TEMPLATES)
    html = page.render(student=visible(student), name=visible(name), assignments=assignments)
    return plain_text(html)


def render_class(
    course: Course, standings: Sequence[Standing], notes: Sequence[str], *, attempts_limit: int
) -> str:
    """Return the class's page as one self-contained HTML text.

    Args:
        course: the course; its feedback pages are linked where they are.
        standings: one an assignment.
        notes: sentences for staff that belong to no assignment.
        attempts_limit: how many versions are scored; 0: all.
    """
    page = template("class.html", TEMPLATES)
    html = page.render(
        course=visible(course.folder.name),
        assignments=[_section(course, entry) for entry in standings],
        notes=list(map(visible, notes)),
        limit=attempts_limit,
        written=moment(datetime.now(UTC)),
    )
    return plain_text(html)


def _section(course: Course, entry: Standing) -> dict[str, Any]:
    """Return what the template shows of one assignment."""
    bins = histogram(entry.points, entry.assignment.points)
    return {
        "id": entry.assignment.id,
        "title": visible(entry.assignment.title),
        "standing": entry,
        "bins": bins,
        "chart": _chart(bins, entry.assignment.pass_points),
        "failing": entry.failing,
        "students": _lines(course, entry),
        "open": len(entry.entries) <= OPEN,
        "notes": list(map(visible, entry.notes)),
    }


def _lines(course: Course, entry: Standing) -> Iterable[dict[str, Any]]:
    assignment, file = entry.assignment.id, f"{entry.assignment.notebooks[0]}.html"
    feedback = course.folder / course.layout.feedback
    for line in entry.entries:
        page = feedback.joinpath(line.folder, assignment, file)
        index = feedback.joinpath(line.folder, "index.html")
        yield {
            "id": visible(line.row.student.id),
            "name": visible(line.row.student.full_name),
            "points": line.points,
            "state": _STATES[line.state],
            "waiting": len(line.row.waiting) if line.is_graded else 0,
            "number": line.history.number if line.history.counting else None,
            "handed_in": visible(line.handed_in),
            "flags": line.flags,
            "unscored": line.unscored,
            "newer": line.row.newer,
            "href": _href(line.folder, assignment, file) if page.is_file() else "",
            "index": _href(line.folder, "index.html") if index.is_file() else "",
        }


def _href(*names: str) -> str:
    """Return a relative address; in a folder's name any character may stand."""
    return "/".join(quote(name, safe="", errors="surrogateescape") for name in names)


def _words(name: str, symbol: str, words: Message) -> dict[str, str | Message]:
    return {"name": name, "symbol": symbol, "words": words}


# Colour class, symbol, words: a state never stands on colour alone.
_STATES = {
    State.PASSED: _words("passed", "✓", Message("Passed")),
    State.FAILED: _words("failed", "✗", Message("Not passed")),
    State.UNDECIDED: _words("error", "!", Message("Not decided")),
    State.DAMAGED: _words("error", "!", Message("Attempt damaged")),
    State.UNGRADED: _words("skipped", "…", Message("Handed in, not graded yet")),
    State.MISSING: _words("skipped", "–", Message("Not handed in")),
}


def _words_for_student(record: told.Told) -> dict[str, str | Message]:
    if record.status is Status.PASSED:
        return _words("passed", "✓", Message("Passed"))
    if record.status is Status.ERROR:
        return _words("error", "!", Message("Could not be decided: course staff look at it"))
    return _words("failed", "✗", Message("Not passed yet"))


# The chart, in units of its own view box: small enough that its words can be read on a telephone.
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 360, 150, 6, 20, 24


def _chart(bins: Sequence[Any], pass_points: float) -> dict[str, Any]:
    """Return bars, ticks and the pass mark of a histogram, in units of its view box."""
    highest = max((entry.count for entry in bins), default=0) or 1  # an empty class: no division by 0
    step = (_WIDTH - 2 * _LEFT) / len(bins)
    width = bins[0].high - bins[0].low
    floor = _HEIGHT - _BOTTOM
    bars = [
        {
            "x": _LEFT + step * at + 2,
            "width": step - 4,
            "height": (floor - _TOP) * entry.count / highest,
            "count": entry.count,
        }
        for at, entry in enumerate(bins)
    ]
    every = 1 + len(bins) // 11  # a tick for each bound would overlap
    ticks = [{"x": _LEFT + step * at, "value": width * at} for at in range(0, len(bins) + 1, every)]
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "floor": floor,
        "top": _TOP,
        "bars": bars,
        "ticks": ticks,
        "pass_x": _LEFT + step * pass_points / width,
    }
