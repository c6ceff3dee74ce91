"""Draw the pictures of the feedback from inert values, without any global drawing state.

`FIGURES` names the kinds that every assignment may show, drawn by Matplotlib in here. All others an assignment draws
itself, in its `pictures.py`, with the words of `drawings`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from grader.checks.images import unpacked
from grader.errors import InfrastructureError
from grader.feedback.drawings.svg import BLUE, GRID, ORANGE, PAPER, PNG, SVG, Drawing, short
from grader.messages import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from grader.records import Picture

RIGHT, WRONG = BLUE, ORANGE
PHOTOS = "photos"  # what a confusion matrix counts
LABEL_CHARS, CAPTION_CHARS = 28, 90
MISTAKES = 5  # named in a row of the table
CLASSES = 200  # more rows than this cannot be read in any picture


Draw = Callable[[dict[str, Any]], Drawing]
NO_OTHERS: Mapping[str, Draw] = MappingProxyType({})


def draw(picture: Picture, own: Mapping[str, Draw] = NO_OTHERS) -> Drawing:
    """Return the drawing of a picture of a known kind.

    Args:
        picture: what a check attached.
        own: the functions of the assignment's own kinds.

    Raises:
        InfrastructureError: no function draws this kind, its content is not what that function documents, or what it
            returned is no drawing.
    """
    # Pawgrade's own kinds go first: no file of an assignment replaces them (ADR 15).
    function = FIGURES.get(picture.kind) or own.get(picture.kind)
    if function is None:
        kinds = ", ".join((*FIGURES, *own))
        raise InfrastructureError(f"picture: no drawing for kind {picture.kind!r}; known are {kinds}.")
    try:
        drawing = function(picture.content)
    except (
        Exception,
        SystemExit,
    ) as exc:  # an assignment's own file may raise anything: that costs the picture, never the page
        raise InfrastructureError(
            f"picture {picture.kind}: its content cannot be drawn ({type(exc).__name__}: {exc})."
        ) from exc
    if not _is_whole(drawing):
        raise InfrastructureError(
            f"picture {picture.kind}: expected a Drawing, as `sheet` returns it, found {type(drawing).__name__}."
        )
    return drawing


def _is_whole(drawing: object) -> bool:
    # The function is an assignment's: its annotation is no promise, and the page relies on every field.
    return (
        isinstance(drawing, Drawing)
        and drawing.mime in {PNG, SVG}
        and isinstance(drawing.content, bytes)
        and isinstance(drawing.says, tuple)
        and all(isinstance(line, str) for line in drawing.says)
        and isinstance(drawing.seen, str | Message)
        and isinstance(drawing.table, tuple)
        and all(isinstance(cell, str) for row in drawing.table for cell in row)
    )


def confusion(content: dict[str, Any]) -> Drawing:
    """Draw a confusion matrix.

    Args:
        content: `matrix`, ints `[n, n]`, photos of class [row] that were taken for class [column]; `names`, n
            texts; `measured on`, where the photos come from; `things`, what they are called where they are no photos.

    Returns:
        A PNG: blue diagonal by share of the row, orange elsewhere, with the counts of what went wrong.
    """
    matrix, names = square(content)
    size = max(4.0, 0.27 * len(names) + 2.2)  # inches: room for a row of text each, and for the names
    figure = _figure(size, size)
    axes = figure.add_subplot()
    axes.imshow(_shades(matrix), interpolation="nearest")
    for row, column in np.argwhere(_mistakes(matrix) > 0):
        axes.text(
            column, row, str(matrix[row, column]), ha="center", va="center", fontsize=7, color="#1f1300"
        )
    ticks = np.arange(len(names))
    labels = [_literal(name) for name in names]
    axes.set_xticks(ticks, labels, rotation=90, fontsize=7.5)
    axes.set_yticks(ticks, labels, fontsize=7.5)
    # Minor ticks lie between the classes: the grid runs around the squares, not through them.
    axes.set_xticks(ticks[1:] - 0.5, minor=True)
    axes.set_yticks(ticks[1:] - 0.5, minor=True)
    axes.grid(which="minor", color=GRID, linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_color("#98a2b3")
    axes.set_xlabel("what the network said", fontsize=9)
    axes.set_ylabel("what the photo shows" if things(content) == PHOTOS else "what is right", fontsize=9)
    return _png(
        figure,
        seen=Message(
            "Each row is a class, each column an answer. Blue on the diagonal is right; an orange square with a number"
            " is that many {things} taken for something else.",
            things=things(content),
        ),
        says=_confusion_said(matrix, names, things(content)),
        table=_confusion_table(matrix, names, things(content)),
    )


def _confusion_said(matrix: npt.NDArray[np.int64], names: Sequence[str], counted: str) -> tuple[str, ...]:
    pairs = [
        f"{short(names[row], LABEL_CHARS)} taken for {short(names[column], LABEL_CHARS)}: {count} of {int(matrix[row].sum())}."
        for row, column, count in most_confused(matrix, names)
    ]
    # No sum: where accuracies are shown in steps, nobody is to read the exact one off a sentence.
    wrong = int((_mistakes(matrix) > 0).sum())
    return (f"{len(names)} classes of {counted}; {wrong} pairs of classes are confused.", *pairs)


def _confusion_table(
    matrix: npt.NDArray[np.int64], names: Sequence[str], counted: str
) -> tuple[tuple[str, ...], ...]:
    """Return one row a class: how many there are, how many are right, and what the others were taken for."""
    rows = []
    for row, name in enumerate(names):
        columns = sorted(map(int, np.flatnonzero(matrix[row])), key=lambda column: -matrix[row, column])
        mistakes = [
            f"{short(names[column], LABEL_CHARS)} {matrix[row, column]}"
            for column in columns
            if column != row
        ]
        more = f" and {len(mistakes) - MISTAKES} more" if len(mistakes) > MISTAKES else ""
        total, right = str(int(matrix[row].sum())), str(int(matrix[row, row]))
        rows.append((short(name, LABEL_CHARS), total, right, ", ".join(mistakes[:MISTAKES]) + more or "-"))
    return (("class", counted, "right", "taken for"), *rows)


def things(content: dict[str, Any]) -> str:
    """Return what a confusion matrix counts: photos, unless the check calls them something else."""
    return short(str(content.get("things", PHOTOS)), LABEL_CHARS)


def _literal(text: str, chars: int = LABEL_CHARS) -> str:
    """Return one short line that matplotlib takes for words, not for a formula."""
    return short(text, chars).replace("$", r"\$")


def _shades(matrix: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return RGB `[n, n, 3]` in [0, 1]: white to full colour with the share of the row."""
    from matplotlib.colors import to_rgb

    totals = matrix.sum(axis=1, keepdims=True)
    # A class without photos has a row of zeros: it stays white instead of becoming NaN.
    share = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
    share = np.where(matrix > 0, 0.15 + 0.7 * share, 0.0)[..., None]  # one photo of many is still visible
    diagonal = np.eye(len(matrix), dtype=bool)[..., None]
    colour = np.where(diagonal, to_rgb(RIGHT), to_rgb(WRONG))
    return np.asarray(1 - share * (1 - colour))


def photo_grid(content: dict[str, Any]) -> Drawing:
    """Draw rows of photos under captions.

    Args:
        content: `rows`, a list of {`caption`: text, `images`: uint8 images `[h, w, 3]`, as `images.unpacked` takes them}.

    Returns:
        A PNG of 256 colours.
    """
    rows = [(str(row["caption"]), [unpacked(image) for image in row["images"]]) for row in content["rows"]]
    columns = max((len(images) for _, images in rows), default=0)
    if columns == 0:
        raise ValueError("no images")
    figure = _figure(1.7 * columns, 2.0 * len(rows))
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for line, (caption, images) in zip(axes, rows, strict=True):
        line[0].set_title(_literal(caption, CAPTION_CHARS), loc="left", fontsize=9)
        for column, axis in enumerate(line):
            axis.set_axis_off()  # of the empty places of a shorter row, too
            if column < len(images):
                axis.imshow(images[column])
    return _png(figure, says=tuple(f"{caption}: {len(images)} images." for caption, images in rows))


FIGURES: dict[str, Draw] = {"confusion": confusion, "photo_grid": photo_grid}


def square(content: dict[str, Any]) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Read the matrix and the names of a `confusion` picture.

    Raises:
        ValueError: the matrix is not a square of counts with a name for each row. KeyError, TypeError likewise.
    """
    # Content lay in a file as JSON: nothing about its form can be taken for granted.
    matrix, names = np.asarray(content["matrix"]), [str(name) for name in content["names"]]
    if (
        matrix.dtype.kind not in "iu"
        or matrix.shape != (len(names), len(names))
        or not 0 < len(names) <= CLASSES
    ):
        raise ValueError(f"expected ints {len(names)} x {len(names)}, found {matrix.dtype} {matrix.shape}")
    if (matrix < 0).any():
        raise ValueError("a count is negative")
    return matrix.astype(np.int64), names


def most_confused(matrix: npt.ArrayLike, names: Sequence[str], top: int = 5) -> list[tuple[int, int, int]]:
    """Return the largest mistakes as (class of the photo, class it was taken for, photos), most first.

    Args:
        matrix: ints `[n, n]`, photos of class [row] that were taken for class [column].
        names: n names; they decide the order among equal counts, so that it is always the same.
        top: how many to return at most; pairs without a mistake are never returned.
    """
    mistakes = _mistakes(np.asarray(matrix))
    pairs = [(int(row), int(column)) for row, column in np.argwhere(mistakes > 0)]
    pairs.sort(key=lambda pair: (-mistakes[pair], names[pair[0]], names[pair[1]]))
    return [(row, column, int(mistakes[row, column])) for row, column in pairs[:top]]


def _mistakes(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.asarray(matrix * ~np.eye(len(matrix), dtype=bool))


def thumbnail(image: npt.NDArray[np.uint8], side_px: int = 168) -> bytes:
    """Return the middle square of a uint8 photo `[h, w, 3]` as a JPEG of `side_px` x `side_px`."""
    from PIL import Image, ImageOps

    small = ImageOps.fit(Image.fromarray(unpacked(image)), (side_px, side_px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=82, optimize=True)
    return buffer.getvalue()


def _figure(width_inches: float, height_inches: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inches, height_inches), dpi=130, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)  # pyplot would keep the figure alive in a global list
    return figure


def _png(
    figure: Figure,
    seen: str | Message = "",
    says: tuple[str, ...] = (),
    table: tuple[tuple[str, ...], ...] = (),
) -> Drawing:
    """Save with 256 colours and no time stamp: small, and the same bytes for the same values."""
    from PIL import Image

    drawn, buffer = io.BytesIO(), io.BytesIO()
    # Without `Software`, which names the version of Matplotlib.
    figure.savefig(drawn, format="png", metadata={"Software": None})
    with Image.open(drawn) as picture:
        # Dithering would speckle plain colours, and specks compress badly.
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return Drawing(PNG, buffer.getvalue(), says, seen, table)
