"""The pictures of this lab's feedback: each is drawn by the function that is called like its kind in `show(kind, ...)`.

Each function documents its content, refuses any other with KeyError, TypeError or ValueError, draws no more of it than
a page can hold, and says in words what is to be seen.
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

LAYERS, MAPS, GAP = 6, 8, 8  # drawn at most; maps of a layer at most; pixels between them


def feature_maps(content: dict[str, Any]) -> Drawing:
    """Draw what layers of a network answer to one photo.

    Args:
        content: `photo`: the image; `layers`: from early to late, a list of {`name`: text; `maps`: grey images, uint8
            `[h, w]` as nested lists, or images as `unpacked` takes them}. Six layers and eight maps of each are
            drawn.
    """
    shown = unpacked(content["photo"])
    layers = [
        (
            short(str(layer["name"]), 60),
            [_map(one) for one in rows_of(layer, MAPS, "maps")],
            len(layer["maps"]),
        )
        for layer in rows_of(content, LAYERS, "layers")
    ]
    tile = (WIDTH - 2 * MARGIN - (MAPS - 1) * GAP) / MAPS
    pieces = [
        photo((MARGIN, MARGIN), 1.5 * tile, shown),
        words((MARGIN + 1.5 * tile + 16, MARGIN + 16), "the photo", bold=True),
        words((MARGIN + 1.5 * tile + 16, MARGIN + 38), "below: what each layer answers, early layers first;"),
        words((MARGIN + 1.5 * tile + 16, MARGIN + 57), "bright where the answer is strong"),
    ]
    says, top = list[str](), MARGIN + 1.5 * tile + 16
    for name, maps, given in layers:
        height, width = maps[0].shape[:2]
        some = f", {len(maps)} of {given} maps" if given > len(maps) else ""
        pieces.append(words((MARGIN, top + 14), name, bold=True))
        detail = f"{height} × {width} pixels{some}"
        pieces.append(words((WIDTH - MARGIN, top + 14), detail, colour=SOFT, anchor="end"))
        for place, one in enumerate(maps):
            pieces.append(exact((MARGIN + place * (tile + GAP), top + 22), tile, one))
        says.append(f"{name}: {len(maps)} maps of {height} x {width} pixels.")
        top += 22 + tile + 18
    return sheet(
        WIDTH,
        top - 4,
        pieces,
        says,
        seen="Early layers answer to edges and colours at full size, late layers to parts of the animal, a few pixels"
        " each. Bright is a strong answer.",
    )


def _map(value: object) -> Pixels:
    if isinstance(value, dict):
        return unpacked(value)
    found = np.asarray(value)
    if found.ndim == 3:
        return unpacked(found)
    if (
        found.dtype.kind not in "iu"
        or found.ndim != 2
        or not found.size
        or found.min() < 0
        or found.max() > 255
    ):
        raise ValueError(f"expected a uint8 map [h, w], found {found.dtype} {found.shape}")
    return found.astype(np.uint8)
