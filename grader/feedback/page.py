"""The page by which a student reads a grade: one HTML file that needs no server, no network and no script.

The page shows fields of `Grade`, as `disclosure` lets them through, and the sanitised notebook, nothing else. All words pass through Jinja's
autoescape or `clean_html`; `Grade.log` is never read here.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from grader import disclosure
from grader.errors import InfrastructureError
from grader.feedback import figures
from grader.feedback.drawings.svg import SVG, Drawing
from grader.feedback.figures import NO_OTHERS, Draw
from grader.limits import explain
from grader.messages import NOTHING, Message
from grader.notebooks.notebook_html import CellView
from grader.notebooks.sanitise_text import plain_text, shown_page, visible
from grader.notebooks.showing import TOO_MUCH, page_cells
from grader.records import Check, Grade, Picture, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    from jinja2 import Environment
    from markupsafe import Markup

PHOTOS = 2  # of each class of a confused pair
PICTURES_CHARS = 1_000_000  # of all our pictures on a page, confused classes included


class PublicPhotos(Protocol):
    """Photos that students have anyway: those of the public training split."""

    def photos(self, name: str, count: int) -> Sequence[npt.NDArray[np.uint8]]:
        """Return up to `count` uint8 photos `[h, w, 3]` of a class or group; the same ones whenever asked."""
        ...


@dataclass(frozen=True)
class ManualComment:
    """What a person said about one cell that is graded by hand.

    Attributes:
        cell: `grade_id` of the cell.
        title: what the cell is about, for people.
        points: given by hand, or None while nobody has.
        max_points: what the cell is worth.
        comment: words for the student; may be empty.
        notebook: name of the notebook that holds the cell; "" where there is one.
    """

    cell: str
    title: str
    points: float | None
    max_points: float
    comment: str = ""
    notebook: str = ""


def render(
    grade: Grade,
    *,
    title: str,
    notebook: bytes | None,
    photos: PublicPhotos | None = None,
    own: Mapping[str, Draw] = NO_OTHERS,
    manual: Sequence[ManualComment] = (),
    pass_points: float | None = None,
    standing: Message = NOTHING,
    about: str = "",
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
        standing: a sentence about how many attempts are scored; may be empty.
        about: name of the notebook that the page is about, where the assignment has several: its exercises alone are shown,
            with the points of the whole assignment, and links to the other pages. "": all of them.
    """
    cell_views = () if notebook is None else page_cells(notebook)
    cells = cell_views or ()  # None: it could not be shown, which the page says; (): there was none
    # Names of folders: characters that turn the direction of writing would change the words around them.
    grade = dataclasses.replace(grade, student=visible(grade.student), assignment=visible(grade.assignment))
    total = _total(grade, manual, pass_points)
    if about:
        grade, manual = of_notebook(grade, about), [cell for cell in manual if cell.notebook == about]
    page = _environment().get_template("feedback.html")
    html = page.render(
        grade=grade,
        title=title,
        state=_STATES[grade.status],
        total=total,
        about=about,
        pages=[(name, f"{quote(name)}.html") for name in grade.notebook_names] if about else [],
        manual=manual,
        standing=standing,
        believed=disclosure.BELIEVED if grade.believed else NOTHING,
        exercises=_exercises(grade, cells),
        limit=_limit(grade),
        seconds=_seconds(grade),
        pictures=_pictures(grade.pictures, photos, own),
        cells=cells,
        left_out=TOO_MUCH if cell_views is None else NOTHING,
        tested={exercise.id: exercise.title or exercise.id for exercise in grade.exercises},
        failed={cell.index: cell for cell in grade.failed_cells},
    )
    return shown_page(plain_text(html))  # a lone surrogate in a student's word could not be written


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


# Templates are compiled once a process, not once a page.
@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = FileSystemLoader(Path(__file__).parent / "templates")
    # StrictUndefined: a misspelt field is an error, not an empty place on the page.
    environment = Environment(
        loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    environment.filters["duration"] = duration
    environment.filters["tagged"] = tagged
    # Sentences in templates are found by Babel under the same keyword as those in code (ADR 17).
    environment.globals["Message"] = Message
    return environment


def tagged(message: Message, **tags: str) -> Markup:
    """Write a message with some of its parameters in elements of HTML: `tagged(message, student="bdi")`."""
    from markupsafe import Markup, escape

    # Each parameter is escaped before a tag is put around it, so that only the tag itself is HTML.
    values = {name: escape(str(value)) for name, value in message.parameters.items()}
    values |= {name: Markup(f"<{tag}>{values[name]}</{tag}>") for name, tag in tags.items()}  # noqa: S704 - escaped
    return Markup(escape(message.template)).format(**values)  # noqa: S704 - escaped


def number(value: float) -> str:
    """Write points with two decimals at most: 60, 67.5, 0.33."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """Write seconds for people: 0.04 s, 7.2 s, 48 s, 3 min 20 s."""
    if seconds >= 120:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


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


def _exercises(grade: Grade, cells: Sequence[CellView]) -> list[dict[str, Any]]:
    # Cells that the notebook lacks, or that found no room, get no link.
    places = {cell.grade_id: cell.index for cell in cells if cell.grade_id}
    return [
        {
            "grade": exercise,
            "title": exercise.title or exercise.id,
            "verdict": _verdict(exercise.status, exercise.points, exercise.max_points),
            "checks": [_check(check) for check in grade.checks if check.exercise == exercise.id],
            "cell": places.get(exercise.id),
        }
        for exercise in grade.exercises
    ]


def _check(check: Check) -> dict[str, Any]:
    return {
        "check": check,
        "title": check.title or check.id.replace("_", " "),
        "verdict": _verdict(check.status, check.points, check.max_points),
    }


def _limit(grade: Grade) -> dict[str, Any] | None:
    if grade.limit is None:
        return None
    words = explain(grade.limit)
    # A limit of the whole notebook may belong to no cell: then there is nothing to link to.
    where = [cell for cell in grade.failed_cells if cell.limit is grade.limit]
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


def _pictures(
    pictures: Sequence[Picture], photos: PublicPhotos | None, draw_functions: Mapping[str, Draw]
) -> list[dict[str, Any]]:
    """Draw the pictures for which the page has room; the others cost the student nothing but the picture."""
    entries, room = [], PICTURES_CHARS
    for picture in pictures:
        entry = _picture(picture, photos, draw_functions)
        # In their order: a later, smaller picture may still fit.
        if _chars(entry) > room:
            entry |= {
                "url": None,
                "pairs": [],
                "seen": NOTHING,
                "says": (),
                "missing": Message("This picture was left out: the page would be too large."),
            }
        room -= _chars(entry)
        entries.append(entry)
    return entries


def _chars(entry: dict[str, Any]) -> int:
    # Counted are the texts in which pictures lie; the HTML around them is small.
    sides = [side for pair in entry["pairs"] for side in (pair["true"], pair["said"])]
    texts = (entry["url"] or "", str(entry["seen"]), *entry["says"])
    return sum(map(len, texts)) + sum(len(photo) for side in sides for photo in side["photos"])


def _picture(
    picture: Picture, photos: PublicPhotos | None, draw_functions: Mapping[str, Draw]
) -> dict[str, Any]:
    # All that the template reads is there from the start, since it allows no undefined field.
    entry: dict[str, Any] = {"kind": picture.kind, "title": picture.title, "url": None}
    entry |= {
        "pairs": [],
        "measured_on": "",
        "seen": NOTHING,
        "says": (),
        "vector": False,
        "missing": Message("This picture could not be drawn."),
    }
    try:
        drawing = figures.draw(picture, draw_functions)
    except InfrastructureError:  # a picture costs only itself (ADR 15)
        return entry
    entry |= {
        "url": drawing.url,
        "says": drawing.says,
        "seen": Message.of(drawing.seen),
        "vector": drawing.mime == SVG,
    }
    if picture.kind == "confusion":
        entry["measured_on"] = picture.content.get("measured on", "")
        entry["pairs"] = _pairs(picture.content, photos)
    return entry


def _pairs(content: dict[str, Any], photos: PublicPhotos | None) -> list[dict[str, Any]]:
    matrix, names = figures.square(content)
    return [
        {
            "true": {"name": names[row], "photos": _thumbnails(photos, names[row])},
            "said": {"name": names[column], "photos": _thumbnails(photos, names[column])},
            "count": count,
            "of": int(matrix[row].sum()),
            "things": figures.things(content),
        }
        for row, column, count in figures.most_confused(matrix, names)
    ]


def _thumbnails(photos: PublicPhotos | None, name: str) -> list[str]:
    if photos is None:
        return []
    return [
        Drawing("image/jpeg", figures.thumbnail(photo)).url for photo in photos.photos(name, PHOTOS)[:PHOTOS]
    ]
