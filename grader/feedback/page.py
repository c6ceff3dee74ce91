"""The page by which a student reads a grade: one HTML file that needs no server, no network and no script.

The page shows fields of `Grade`, as `disclosure` lets them through, and the sanitised notebook, nothing else. All words pass through Jinja's
autoescape or `clean_html`; `Grade.log` is never read here.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from grader import disclosure
from grader.checks.measures import measures, share_bounds
from grader.feedback import page_pictures
from grader.feedback.beginning import Beginning, beginning, other_notices
from grader.feedback.figures import NO_OTHERS, Draw
from grader.feedback.page_pictures import PublicPhotos
from grader.feedback.sections import Section, own_cell, sections, without_headings
from grader.feedback.templating import template
from grader.limits import explain
from grader.messages import NOTHING, Message
from grader.notebooks.notebook_html import CellView
from grader.notebooks.sanitise_text import plain_text, shown_page, visible
from grader.notebooks.showing import TOO_MUCH, page_cells, page_words
from grader.records import Check, Grade, Status


@dataclass(frozen=True)
class ManualComment:
    """What a person said about one cell that is graded by hand.

    Attributes:
        cell: `grade_id` of the cell.
        title: what the cell is about, for people.
        points: given by hand, or None while nobody has.
        max_points: what the cell is worth.
        comment: words for the student, in Markdown; may be empty.
        notebook: name of the notebook that holds the cell; "" where there is one.
    """

    cell: str
    title: str
    points: float | None
    max_points: float
    comment: str = ""
    notebook: str = ""


@dataclass(frozen=True)
class HandedIn:
    """What is known of a hand-in beside its grade.

    Attributes:
        when: the time, in words; "" when it is not known.
        standing: a sentence about how many attempts are scored; may be empty.
        comments: what people said about cells that are not graded by hand, in Markdown, by `grade_id`.
    """

    when: str = ""
    standing: Message = NOTHING
    comments: Mapping[str, str] = field(default_factory=dict)


def render(
    grade: Grade,
    *,
    title: str,
    notebook: bytes | None,
    photos: PublicPhotos | None = None,
    own: Mapping[str, Draw] = NO_OTHERS,
    manual: Sequence[ManualComment] = (),
    pass_points: float | None = None,
    entry_points: Collection[str] = (),
    handed_in: HandedIn | None = None,
    about: str = "",
    files: Mapping[str, str] | None = None,
) -> str:
    """Return the page as one self-contained HTML text.

    Args:
        grade: what to show; nothing of `log`, and of `provenance` only the package's version and the date.
        title: the assignment's title.
        notebook: the executed notebook's file, as it came out of the sandbox; it is sanitised and rendered in a process of
            its own. None when there is none.
        photos: where the photos of confused classes come from; None shows their names only.
        own: what draws the assignment's own pictures, by kind; a picture that nothing draws costs only itself.
        manual: the cells graded by hand, in their order.
        pass_points: what automatic and manual points together have to reach; None does not mention it.
        entry_points: names of the functions that the assignment asks for: verdicts lead to the cells that define them.
        handed_in: what is known of the hand-in; None: nothing.
        about: name of the notebook that the page is about, where the assignment has several: its exercises alone are shown,
            with the points of the whole assignment, and links to the other pages. "": all of them.
        files: names of the files of these pages, by notebook; None: `<notebook>.html`.
    """
    cell_views = () if notebook is None else page_cells(notebook)
    # Names of folders: characters that turn the direction of writing would change the words around them.
    grade = dataclasses.replace(grade, student=visible(grade.student), assignment=visible(grade.assignment))
    total = _total(grade, manual, pass_points)
    names = files or {name: f"{name}.html" for name in grade.notebook_names}
    if about:
        grade, manual = of_notebook(grade, about), [cell for cell in manual if cell.notebook == about]
    html = template("feedback.html").render(
        title=title,
        total=total,
        about=about,
        pages=[(name, quote(file)) for name, file in names.items()] if about else [],
        pictures=page_pictures.entries(grade.pictures, photos, own),
        left_out=TOO_MUCH if cell_views is None else NOTHING,
        # None: it could not be shown, which the page says; (): there was none.
        **_fields(grade, cell_views or (), manual, entry_points, handed_in or HandedIn()),
    )
    return shown_page(plain_text(html))  # a lone surrogate in a student's word could not be written


def _fields(
    grade: Grade,
    cells: Sequence[CellView],
    manual: Sequence[ManualComment],
    entry_points: Collection[str],
    handed_in: HandedIn,
) -> dict[str, Any]:
    """Return what the template shows of a grade and its notebook."""
    places = {
        exercise.id: own_cell(exercise.id, _checks(grade, exercise.id), cells, entry_points)
        for exercise in grade.exercises
    }
    begin = beginning(grade, cells, places)
    return {
        "grade": grade,
        "state": _STATES[grade.status],
        "handed_in": handed_in,
        "believed": disclosure.BELIEVED if grade.believed else NOTHING,
        "begin": begin,
        "begin_words": _BEGIN[grade.status is Status.PASSED],
        "notices": other_notices(grade, begin),
        "exercises": _exercises(grade, places),
        "limit": _limit(grade, begin),
        "seconds": _seconds(grade),
        **_notebook(grade, cells, places, begin, manual, handed_in.comments),
    }


def _notebook(
    grade: Grade,
    cells: Sequence[CellView],
    places: Mapping[str, CellView | None],
    begin: Beginning | None,
    manual: Sequence[ManualComment],
    comments: Mapping[str, str],
) -> dict[str, Any]:
    """Return what the template needs to show the notebook, with what people said about its cells."""
    by_hand = {comment.cell: comment.comment for comment in manual if comment.comment}
    words = dict(
        zip(
            (texts := {**comments, **by_hand}),
            map(without_headings, page_words([*texts.values()])),
            strict=True,
        )
    )
    failed = {cell.index: cell for cell in grade.failed_cells}
    lost = {exercise.id for exercise in grade.exercises if exercise.status is not Status.PASSED}
    look_at = {place.index for exercise, place in places.items() if place and exercise in lost}
    look_at |= {cell.index for cell in cells if cell.grade_id in words}
    look_at |= {begin.index} if begin and begin.index is not None else set()
    titles = Counter(comment.title for comment in manual)
    parts = sections(cells, failed=failed, look_at=look_at)
    return {
        "cells": _Cells(cells, parts),
        "sections": parts,
        "failed": failed,
        "manual": [
            {
                "entry": comment,
                # Cells under one heading have one title.
                "title": comment.title if titles[comment.title] == 1 else f"{comment.title} ({comment.cell})",
                "words": words.get(comment.cell),
                "index": _index(comment.cell, cells),
            }
            for comment in manual
        ],
        "comments": words,
        "tested": {exercise.id: exercise.title or exercise.id for exercise in grade.exercises},
    }


def _index(grade_id: str, cells: Sequence[CellView]) -> int | None:
    return next((cell.index for cell in cells if cell.grade_id == grade_id), None)


class _Cells:
    """Names cells so that their author finds them in Jupyter, which shows no number of a cell."""

    def __init__(self, cells: Sequence[CellView], parts: Sequence[Section]) -> None:
        self.views = {cell.index: cell for cell in cells}
        self.titles = {cell.view.index: part.title for part in parts for cell in part.cells}

    def __contains__(self, index: int) -> bool:
        return index in self.views

    def place(self, index: int, number: int | None = None) -> Message:
        """Return the heading that a cell stands under and its first line; its number where it is not on the page."""
        view = self.views.get(index)
        if view is None:
            return Message("code cell {number}", number=number) if number else NOTHING
        heading, line = self.titles.get(index, ""), Message("`{line}`", line=view.line.replace("`", "'"))
        if not view.line:
            return (
                Message("under “{heading}”", heading=heading)
                if heading
                else Message("a cell of your notebook")
            )
        if not heading:
            return Message("the cell that begins with {line}", line=line)
        return Message("under “{heading}”, the cell that begins with {line}", heading=heading, line=line)


def _checks(grade: Grade, exercise: str) -> list[Check]:
    return [check for check in grade.checks if check.exercise == exercise]


def of_notebook(grade: Grade, name: str) -> Grade:
    """Return what of a grade is about one of several notebooks; points, notices and times stay those of all."""
    exercises = tuple(exercise for exercise in grade.exercises if exercise.notebook == name)
    ids = {exercise.id for exercise in exercises}
    checks = tuple(check for check in grade.checks if check.exercise in ids)
    elsewhere = {check.id for check in grade.checks} - {check.id for check in checks}
    failed = tuple(cell for cell in grade.failed_cells if cell.notebook == name)
    # A limit of the whole notebook belongs to no cell; the notices say which notebook met it.
    in_cells = {cell.notebook for cell in grade.failed_cells if cell.limit is grade.limit}
    return dataclasses.replace(
        grade,
        exercises=exercises,
        checks=checks,
        failed_cells=failed,
        limit=grade.limit if not in_cells or name in in_cells else None,
        repairs=tuple(repair for repair in grade.repairs if repair.notebook == name),
        pictures=tuple(picture for picture in grade.pictures if picture.check not in elsewhere),
    )


@dataclass(frozen=True)
class _Total:
    """The total at the top of the page.

    Attributes:
        points: earned so far, automatic and manual.
        max_points: what can be earned, manual cells included where they are known.
        pass_points: where the assignment is passed, or None.
        pending: points still to be graded by hand.
    """

    points: float
    max_points: float
    pass_points: float | None
    pending: float

    def percent(self, points: float) -> float:
        """Return where `points` lie on the bar, in [0, 100]."""
        return min(100.0, max(0.0, 100 * points / self.max_points)) if self.max_points else 0.0


def _total(grade: Grade, manual: Sequence[ManualComment], pass_points: float | None) -> _Total:
    # The points of a grade are those of its exercises; cells graded by hand come on top.
    by_hand = sum(cell.max_points for cell in manual)
    pending = sum(cell.max_points for cell in manual if cell.points is None)
    return _Total(
        grade.points + (grade.manual_points or 0.0), grade.max_points + by_hand, pass_points, pending
    )


# Colour class, symbol, words: a verdict never stands on colour alone.
_STATES = {
    Status.PASSED: {"name": "passed", "symbol": "✓", "words": Message("Passed")},
    Status.FAILED: {"name": "failed", "symbol": "✗", "words": Message("Not passed yet")},
    Status.SKIPPED: {"name": "skipped", "symbol": "→", "words": Message("Not graded")},
    Status.ERROR: {
        "name": "error",
        "symbol": "!",
        "words": Message("Could not be decided: course staff look at it"),
    },
}
_BEGIN = {False: Message("Begin here"), True: Message("What would earn more points")}
_WORDS = {
    Status.PASSED: ("passed", "✓", Message("Full points")),
    Status.FAILED: ("failed", "✗", Message("Not yet")),
    Status.SKIPPED: ("skipped", "→", Message("Skipped")),
    Status.ERROR: ("error", "!", Message("Course staff will look at it")),
}


def _verdict(status: Status, points: float, max_points: float) -> dict[str, str | Message]:
    if status is Status.FAILED and points > 0:
        name, symbol, words = "partial", "◐", Message("Part of the points")
    else:
        name, symbol, words = _WORDS[status]
    # A guard earns nothing: "Full points" would be odd for a check without any.
    if status is Status.PASSED and max_points == 0:
        words = Message("In order")
    return {"name": name, "symbol": symbol, "words": words}


def _exercises(grade: Grade, places: Mapping[str, CellView | None]) -> list[dict[str, Any]]:
    """Return what the page says of each exercise; those with something left to do come first."""
    entries = [
        {
            "grade": exercise,
            "number": position,
            "title": exercise.title or exercise.id,
            "verdict": _verdict(exercise.status, exercise.points, exercise.max_points),
            "checks": [_check(check) for check in _checks(grade, exercise.id)],
            "cell": places[exercise.id],
        }
        for position, exercise in enumerate(grade.exercises, start=1)
    ]
    return sorted(entries, key=lambda entry: entry["grade"].status is Status.PASSED)


def _check(check: Check) -> dict[str, Any]:
    rows = measures(check)
    return {
        "check": check,
        "title": check.title or check.id.replace("_", " "),
        "verdict": _verdict(check.status, check.points, check.max_points),
        "rows": rows,
        "shared": share_bounds(rows),
    }


def _limit(grade: Grade, begin: Beginning | None) -> dict[str, Any] | None:
    """Return what is said of the limit that was met, unless the page begins with it."""
    if grade.limit is None:
        return None
    words = explain(grade.limit)
    # A limit of the whole notebook may belong to no cell: then there is nothing to link to.
    where = [cell for cell in grade.failed_cells if cell.limit is grade.limit]
    if begin and begin.advice == words.advice:
        return None
    return {"what": words.headline, "advice": words.advice, "cell": where[0] if where else None}


_STEPS = (
    ("kernel", Message("Starting Python")),
    ("execute", Message("Running your notebook")),
    ("probe", Message("Asking your functions")),
)


def _seconds(grade: Grade) -> list[dict[str, Any]]:
    """Return the steps that took time, as coarse as `disclosure` tells them; the grader's own time is left out."""
    told = disclosure.times(grade.seconds)
    # Where nothing is asked from outside, that time went to a second run, with the hidden tests in it.
    words_of = dict(_STEPS) | ({"probe": Message("Running hidden tests")} if grade.believed else {})
    steps = [(words, float(getattr(told, name))) for name, words in words_of.items()]
    longest = max(seconds for _, seconds in steps) or 1.0  # nothing ran: no division by 0
    return [
        {"words": words, "s": seconds, "percent": 100 * seconds / longest}
        for words, seconds in steps
        if seconds
    ]
