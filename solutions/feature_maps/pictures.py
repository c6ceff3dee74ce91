"""The picture of this lab's feedback, drawn by the function that is called like its kind in `show(kind, ...)`.

It documents its content, refuses any other with KeyError, TypeError or ValueError, draws no more of it than a page can hold, and
says in words what is to be seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.feedback.drawings import (
    MARGIN,
    SOFT,
    WIDTH,
    Drawing,
    Pixels,
    exact,
    photo,
    rows_of,
    sheet,
    short,
    unpacked,
    words,
)

LAYERS, MAPS, GAP = 4, 8, 8  # drawn at most; maps of a layer at most; pixels between them


def map_strips(content: dict[str, Any]) -> Drawing:
    """Draw a photo, and below it what a function returned for layers of a network: a strip of maps for each.

    Args:
        content: `photo`: an image as `unpacked` takes it; `layers`: from early to late, a list of {`name`: text; `maps`:
            grey images, uint8 `[h, w]` as nested lists}. Four layers and eight maps of each are drawn.
    """
    tile = (WIDTH - 2 * MARGIN - (MAPS - 1) * GAP) / MAPS
    top, says = MARGIN + 1.5 * tile + 16, list[str]()
    beside = MARGIN + 1.5 * tile + 16
    pieces = [
        photo((MARGIN, MARGIN), 1.5 * tile, unpacked(content["photo"])),
        words((beside, MARGIN + 16), "the photo", bold=True),
        words((beside, MARGIN + 38), "below: what your function returned, early layers first;"),
        words((beside, MARGIN + 57), "bright where the answer is strong"),
    ]
    for layer in rows_of(content, LAYERS, "layers"):
        name, maps = short(str(layer["name"]), 60), [_grey(values) for values in rows_of(layer, MAPS, "maps")]
        height, width = maps[0].shape
        pieces += [
            words((MARGIN, top + 14), name, bold=True),
            words((WIDTH - MARGIN, top + 14), f"{height} × {width} pixels", colour=SOFT, anchor="end"),
            *(
                exact((MARGIN + column * (tile + GAP), top + 22), tile, drawn)
                for column, drawn in enumerate(maps)
            ),
        ]
        says.append(f"{name}: {len(maps)} maps of {height} x {width} pixels.")
        top += 22 + tile + 18
    return sheet(
        WIDTH,
        top - 4,
        pieces,
        says,
        seen="The maps that vary most over the photo. Early maps follow its edges at full size; late ones are a few pixels"
        " each and no longer look like it.",
    )


def _grey(value: object) -> Pixels:
    values = np.asarray(value)
    if (
        values.dtype.kind not in "iu"
        or values.ndim != 2
        or not values.size
        or values.min() < 0
        or values.max() > 255
    ):
        raise ValueError(f"expected a uint8 map [h, w], found {values.dtype} {values.shape}")
    return values.astype(np.uint8)
