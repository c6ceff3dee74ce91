"""The picture of this assignment's feedback: a picture, what the student's function made of it, and what was expected."""

from grader.feedback.drawings import (
    COLUMNS,
    MARGIN,
    TILE,
    WIDTH,
    exact,
    rows_of,
    sheet,
    short,
    unpacked,
    words,
)


def slopes(content):
    """Draw slopes as grey pictures.

    Args:
        content: `photo`: the picture; `rows`: for each direction {`name`; `yours`, `expected`: pictures}. Two are drawn.
    """
    photo, rows = unpacked(content["photo"]), rows_of(content, 2)
    pieces, says = [], []
    for place, row in enumerate(rows):
        top, name = MARGIN + place * (TILE + 40), short(str(row["name"]), 28)
        tiles = (
            ("the picture", photo),
            (f"{name}: yours", row["yours"]),
            (f"{name}: expected", row["expected"]),
        )
        for left, (title, pixels) in zip(COLUMNS, tiles, strict=True):
            pieces += [words((left, top + 14), title), exact((left, top + 20), TILE, unpacked(pixels))]
        same = (unpacked(row["yours"]) == unpacked(row["expected"])).all()
        says.append(f"{name}: {'as expected' if same else 'not as expected'}.")
    seen = "Bright where the picture grows brighter, dark where it grows darker, grey where nothing changes."
    return sheet(WIDTH, MARGIN + len(rows) * (TILE + 40), pieces, says, seen=seen)
