"""The pictures on a page: drawn, described in words and as a table, with public photos of what was confused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from grader.errors import InfrastructureError
from grader.feedback import figures
from grader.feedback.drawings.svg import SVG, Drawing, short
from grader.feedback.figures import Draw
from grader.messages import NOTHING, Message
from grader.records import Picture

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

PHOTOS = 2  # of each class of a confused pair
PICTURES_CHARS = 1_000_000  # of all our pictures on a page, confused classes included
ALT_CHARS = 400


class PublicPhotos(Protocol):
    """Photos that students have anyway: those of the public training split."""

    def photos(self, name: str, count: int) -> Sequence[npt.NDArray[np.uint8]]:
        """Return up to `count` uint8 photos `[h, w, 3]` of a class or group; the same ones whenever asked."""
        ...


def entries(
    pictures: Sequence[Picture], photos: PublicPhotos | None, draw_functions: Mapping[str, Draw]
) -> list[dict[str, Any]]:
    """Draw the pictures for which the page has room; the others cost the student nothing but the picture.

    Args:
        pictures: what checks attached.
        photos: where the photos of confused classes come from; None shows their names only.
        draw_functions: what draws the assignment's own pictures, by kind.
    """
    drawn, room = [], PICTURES_CHARS
    for picture in pictures:
        entry = _picture(picture, photos, draw_functions)
        # In their order: a later, smaller picture may still fit.
        if _chars(entry) > room:
            entry |= {
                "url": None,
                "pairs": [],
                "seen": NOTHING,
                "alt": "",
                "table": (),
                "missing": Message("This picture was left out: the page would be too large."),
            }
        room -= _chars(entry)
        drawn.append(entry)
    return drawn


def _chars(entry: dict[str, Any]) -> int:
    # Counted are the texts in which pictures lie; the HTML around them is small.
    sides = [side for pair in entry["pairs"] for side in (pair["true"], pair["said"])]
    cells = [cell for row in entry["table"] for cell in row]
    texts = (entry["url"] or "", str(entry["seen"]), entry["alt"], *cells)
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
        "alt": "",
        "table": (),
        "vector": False,
        "missing": Message("This picture could not be drawn."),
    }
    try:
        drawing = figures.draw(picture, draw_functions)
    except InfrastructureError:  # a picture costs only itself (ADR 15)
        return entry
    entry |= {
        "url": drawing.url,
        "alt": short(" ".join((f"{picture.title}.", *drawing.says)), ALT_CHARS),
        "table": drawing.table or _table(drawing.says),
        "seen": Message.of(drawing.seen),
        "vector": drawing.mime == SVG,
    }
    if picture.kind == "confusion":
        entry["measured_on"] = picture.content.get("measured on", "")
        entry["pairs"] = _pairs(picture.content, photos)
    return entry


def _table(says: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return what a picture says as a table: what stands before a sentence's first colon is the head of its row."""
    if not says:
        return ()
    rows = [line.partition(": ") for line in says]
    return (("what", "how much"), *((before, after) if after else (before, "") for before, _, after in rows))


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
