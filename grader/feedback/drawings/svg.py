"""Words, bars, photos and curves as one SVG file: text stays sharp, and each photo is stored in the form that suits it.

Everything here returns a piece of SVG as text; `sheet` joins pieces into a file. Positions are pixels at the size the
file is made for, x to the right, y downwards. No function keeps state, so the same values give the same bytes.
"""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from grader.messages import Message

BLUE, ORANGE = "#2166ac", "#d95f02"  # differ for every kind of colour vision
PALE_BLUE, PALE_ORANGE = "#bcd6ee", "#fccda3"  # behind words
INK, SOFT, ALARM, GRID, PAPER, TRACK = "#1a2030", "#566072", "#9a4300", "#dfe3ea", "#ffffff", "#f1f3f6"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
SIDE_PX = 512  # of an image inside a sheet; feedback shows crops of 224 x 224
PHOTO_BYTES, QUALITIES = 40_000, (88, 75, 60)
PNG, SVG = "image/png", "image/svg+xml"

Pixels = npt.NDArray[np.uint8]
Point = tuple[float, float]


@dataclass(frozen=True)
class Drawing:
    """A drawn picture.

    Attributes:
        mime: `image/png` or `image/svg+xml`.
        content: the file's bytes.
        says: what can be seen in it, one sentence each, for those who cannot see it; may be empty.
        seen: how it is read, a sentence or two for everybody; may be empty.
        table: what is drawn as rows of texts, the first one their heads; empty: `says` stands in its place.
    """

    mime: str
    content: bytes
    says: tuple[str, ...] = ()
    seen: str | Message = ""
    table: tuple[tuple[str, ...], ...] = ()

    @property
    def url(self) -> str:
        """The file as a `data:` URL that fits between quotes of HTML."""
        if self.mime == SVG:  # base64 inside base64 would cost a third once more
            return f"data:{SVG},{quote(self.content, safe='/:;,=+()')}"
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode('ascii')}"


# What XML 1.0 does not allow, not even escaped: one such character and no browser shows the file.
_FORBIDDEN = re.compile("[^\\t\\n\\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def short(text: str, chars: int) -> str:
    """Return one line of at most `chars` characters."""
    # Line breaks become spaces, too: a line of SVG text does not wrap.
    line = " ".join(_FORBIDDEN.sub("", text).split())
    return line if len(line) <= chars else line[: chars - 1] + "…"


def sheet(
    width: float, height: float, pieces: Iterable[str], says: Sequence[str], *, seen: str | Message = ""
) -> Drawing:
    """Return a white sheet of `width` x `height` pixels with the pieces on it, in their order.

    Args:
        width: in pixels.
        height: in pixels.
        pieces: what the other functions here return.
        says: what is to be seen, one sentence each, for those who cannot see it.
        seen: how the picture is read, for everybody.
    """
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
        f' viewBox="0 0 {width:g} {height:g}" font-family="{FONT}">'
    )
    parts = [head, bar((0, 0), (width, height), PAPER), *pieces, "</svg>"]
    return Drawing(SVG, "\n".join(parts).encode("utf-8"), tuple(says), seen)


def words(
    at: Point, text: str, *, size: float = 13, colour: str = INK, bold: bool = False, anchor: str = "start"
) -> str:
    """Write one line; `at` is the left end of its base line, or the right end or middle by `anchor`."""
    # Names of classes and words of checks may hold `<` and quotes: nothing reaches the file unescaped.
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{at[0]:g}" y="{at[1]:g}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{html.escape(short(text, 200))}</text>"
    )


def bar(at: Point, size: Point, colour: str) -> str:
    """Fill a box; `at` is its upper left corner."""
    return f'<rect x="{at[0]:g}" y="{at[1]:g}" width="{size[0]:.2f}" height="{size[1]:g}" fill="{colour}"/>'


def curve(points: Sequence[Point], colour: str, *, width: float = 2, dashed: bool = False) -> str:
    """Join points by straight lines."""
    places = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    dashes = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashes}/>'


def dot(at: Point, colour: str, *, radius: float = 3.2, hollow: bool = False) -> str:
    """Mark a point with a disc, or with a ring."""
    fill = PAPER if hollow else colour
    return (
        f'<circle cx="{at[0]:.2f}" cy="{at[1]:.2f}" r="{radius:g}" fill="{fill}" stroke="{colour}"'
        ' stroke-width="1.8"/>'
    )


def photo(at: Point, side: float, pixels: Pixels) -> str:
    """Show a photo uint8 `[h, w, 3]` in a square, stored as a JPEG: a good one, or a smaller one when it is mostly noise."""
    from PIL import Image

    picture = Image.fromarray(_sane(pixels))
    # The last quality is taken whatever its size is: `_sane` bounds the pixels.
    for quality in QUALITIES:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality, subsampling=0)  # `optimize` fails on noise
        if buffer.tell() <= PHOTO_BYTES:
            break
    return _image(at, side, "image/jpeg", buffer.getvalue(), sharp=False)


def exact(at: Point, side: float, pixels: Pixels) -> str:
    """Show uint8 `[h, w, 3]` or grey `[h, w]` in a square, stored as it is; its pixels stay squares when enlarged."""
    from PIL import Image

    buffer = io.BytesIO()  # a third smaller than PNG, and as exact
    Image.fromarray(_sane(pixels)).save(buffer, "WEBP", lossless=True, quality=100, method=4)
    # Pixelated only when enlarged: an image made smaller that way would lose pixels instead of mixing them.
    return _image(at, side, "image/webp", buffer.getvalue(), sharp=side >= max(pixels.shape[:2]))


def _sane(pixels: Pixels) -> Pixels:
    # Each picture is part of the page's one file, and the page has room for so many characters only.
    if max(pixels.shape[:2]) > SIDE_PX:
        raise ValueError(f"expected at most {SIDE_PX} x {SIDE_PX} pixels, found {pixels.shape[:2]}")
    return pixels


def _image(at: Point, side: float, mime: str, content: bytes, *, sharp: bool) -> str:
    text = base64.b64encode(content).decode("ascii")
    look = ' style="image-rendering:pixelated"' if sharp else ""
    return (
        f'<image x="{at[0]:g}" y="{at[1]:g}" width="{side:g}" height="{side:g}"'
        f' preserveAspectRatio="xMidYMid"{look} href="data:{mime};base64,{text}"/>'
    )
