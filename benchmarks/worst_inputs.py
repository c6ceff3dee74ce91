"""The worst file of each kind up to 50 MiB that anybody found, and what it costs the grader: seconds and peak memory.

Run: `python benchmarks/worst_inputs.py [--kind WORD]`. Each stage runs as in grading: reading and putting right, making safe
for the formgrader, rendering for a page, reading for a review. Time is that of the processor; memory is the resident set of the
process that does the work, at its peak. A stage that met a limit says which. `compare` is the part of a review that has no
process of its own.
"""

from __future__ import annotations

import argparse
import base64
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat

from grader import confined
from grader.confined import Bounds, Broken
from grader.notebooks import reading, showing
from grader.reports import shared_cells

MIB = 2**20
FULL = 50 * MIB - 4000  # bytes of the part that grows
RELEASE = Path(__file__).parents[1] / "assignments" / "oxford_pets" / "oxford_pets.ipynb"


def book(*cells: dict[str, Any], **metadata: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return a notebook's file."""
    found = {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    return json.dumps(found, ensure_ascii=False).encode()


def code(source: str = "x = 1", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a code cell."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": []}
    return {**cell, "execution_count": None, **changes}


def text(source: str) -> dict[str, Any]:
    """Return a Markdown cell."""
    return {"cell_type": "markdown", "id": "a", "metadata": {}, "source": source}


def shown(mime: str, content: str) -> dict[str, Any]:
    """Return a code cell that shows something."""
    return code(outputs=[{"output_type": "display_data", "data": {mime: content}, "metadata": {}}])


def picture() -> str:
    """Return a PNG of four million pixels in few bytes, but enough that a page would make it smaller."""
    import io

    import numpy as np
    from PIL import Image

    rows = np.random.default_rng(0).integers(0, 2, (100, 2000), dtype=np.uint8) * 255
    buffer = io.BytesIO()
    Image.fromarray(rows[np.minimum(np.arange(2000), 99)]).convert("RGBA").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def alike() -> bytes:
    """Return 1,900 cells without names that look like the release's longest solution, each a little different."""
    cells = nbformat.read(RELEASE, as_version=4).cells
    longest = max((one.source for one in cells if "nbgrader" in one.metadata), key=len)
    return book(*(code(f"{longest}\n# {number}") for number in range(1900)))


MARKDOWN = {
    "blanks between two letters": "x" + " " * 40_000 + "y",
    "open brackets": "[" * 100_000,
    "open pictures": "![" * 50_000,
    "links in links": "[a](" * 50_000,
    "TeX environments": "\\begin{a}" * 20_000,
    "stars and underlines": "*_" * 50_000,
    "one star each": "*a " * 50_000,
    "stars": "*a**b" * 20_000,
    "quotes in quotes": ">" * 20_000,
    "backticks": "".join("`" * number + "a" for number in range(600)),
    "open tags": "<a " * 50_000,
    "open comments": "<!--" * 40_000,
    "entities": "&" * 100_000,
    "lists in lists": "".join(" " * (2 * number) + "- a\n" for number in range(400)),
    "wide tables": "|" * 20_000 + "\n" + "|-" * 20_000 + "|\n" + "|a" * 20_000,
    "link definitions": "".join(f"[{number}]: http://a\n" for number in range(20_000)),
    "open definitions": "[a]:\n" * 20_000,
    "dollars": "$" * 100_001,
    "a dollar a word": "$a " * 40_000,
    "tildes": "~~a" * 40_000,
    "headings": "# a\n" * 20_000,
    "escapes": "\\" * 100_001,
    "addresses": "http://" * 20_000,
    "definitions": "a\n: b\n" * 20_000,
    "half a scheme": "java" + "&Tab;" * 60_000,
    "ampersands": "&amp" * 100_000,
}


def kinds() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield each kind of file, and what makes it."""
    yield "the released notebook", RELEASE.read_bytes
    yield "two million empty objects", lambda: book(a=[{}] * 2_000_000)
    yield "empty objects, 50 MiB", lambda: book(a=0).replace(b"0", b"[" + b"{}," * (FULL // 3) + b"{}]", 1)
    yield "values as many as are read", lambda: book(a=[{"a": 0}] * 240_000)
    yield "one text", lambda: book(a="x" * FULL)
    yield "one text with a cat", lambda: book(a="x" * FULL + "\U0001f408")
    yield "short texts", lambda: book(a="HERE").replace(b"HERE", b'","' * (FULL // 3))
    yield "escaped quotes", lambda: book(a="HERE").replace(b"HERE", b'\\",' * (FULL // 3))
    yield "a text without end", lambda: b'{"a": "' + b'\\",' * (FULL // 3)
    yield "open lists", lambda: b"[" * FULL
    yield "a number", lambda: b"[" + b"1" * FULL + b"]"
    yield "numbers", lambda: b"[" + (b"1" * 4000 + b",") * (FULL // 4001) + b"1]"
    yield (
        "metadata of 2,000 cells",
        lambda: book(*[code(metadata={f"k{one}": "y" * 900 for one in range(25)})] * 2000),
    )
    yield (
        "tags of 2,000 cells",
        lambda: book(*[code(metadata={"tags": [f"t{one}" for one in range(49)]})] * 2000),
    )
    yield "nameless look-alikes", alike
    yield "code, as much as is read", lambda: book(*[code("x=1;" * MIB)] * 3)
    yield (
        "code of many letters",
        lambda: book(*[code("".join(chr(19968 + one % 20_000) for one in range(4 * MIB - 9)))] * 3),
    )
    yield "control characters", lambda: book(*[code("\x01" * (2 * MIB))] * 4)
    yield (
        "runs of quotes",
        lambda: book(*[code('"' * 199_999), code('\\"' * 99_999), code("'''" + '"\\' * 99_000)] * 20),
    )
    yield (
        "long lines of digits",
        lambda: book(
            *[code(outputs=[{"output_type": "stream", "name": "stdout", "text": "1" * 200_000}])] * 100
        ),
    )
    yield "pictures of 4 megapixels", lambda: book(*[shown("image/png", picture())] * 200)
    yield "colours of a terminal", lambda: book(*[shown("text/plain", "\x1b[31ma" * 16_000)] * 250)
    yield "tags in tags", lambda: book(*[shown("text/html", "<b>" * 8000)] * 300)
    yield "an attribute", lambda: book(*[shown("text/html", f"<a title='{'&' * 99_000}'>")] * 300)
    yield "code in colours", lambda: book(*[code("f'{" * 30_000)] * 100)
    for name, source in MARKDOWN.items():
        many = min(1900, 12 * MIB // len(source))
        yield f"Markdown: {name}", lambda source=source, many=many: book(*[text(source)] * many)


def measured(content: bytes, what: str, **options: Any) -> bytes:  # noqa: ANN401 - JSON
    """Do the work in a limited process, and tell what it took in place of what it returned."""
    module, name = what.split(":")
    begin = time.process_time()
    try:
        getattr(__import__(module, fromlist=[name]), name)(content, **options)
        ended = ""
    except MemoryError:
        ended = "memory"
    except Exception as exc:
        ended = type(exc).__name__
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return json.dumps([time.process_time() - begin, peak_mb, ended]).encode()


def _itself() -> Any:  # noqa: ANN401 - this module, under a name that the limited process can import
    folder = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = folder
    sys.path.append(folder)
    return importlib.import_module("worst_inputs")


def stage(work: str, content: bytes, bounds: Bounds, **options: Any) -> str:  # noqa: ANN401 - JSON
    """Return one field of the table."""
    found = confined.run(_itself().measured, content, bounds, what=work, **options)
    if isinstance(found, Broken):
        return f"{bounds.cpu_s} s: {found.how}" if found.how == "clock" else found.how
    seconds, peak_mb, ended = json.loads(found)
    return f"{seconds:.1f} s, {peak_mb:.0f} MB{f': {ended}' if ended else ''}"


def compare(content: bytes) -> str:
    """Return what the comparison takes of what a review has read."""
    found = confined.run(shared_cells.listed, content, shared_cells.BOUNDS)
    if isinstance(found, Broken):
        return "not looked at"
    work = shared_cells.Work("student01", tuple(shared_cells.Cell(*one) for one in json.loads(found)))
    begin = time.process_time()
    shared_cells.compare([work], ())
    return f"{time.process_time() - begin:.1f} s"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", default="", help="only kinds with this word in their name")
    only = parser.parse_args().kind
    _itself()
    release = nbformat.writes(nbformat.read(RELEASE, as_version=4))
    for work in (reading.restored, showing.sanitised, showing.rendered):  # imports are no file's fault
        confined.run(
            work,
            RELEASE.read_bytes(),
            Bounds(60, 300, 4000),
            **({"release": release} if work is reading.restored else {}),
        )
    print(
        f"{os.cpu_count()} cores; processor seconds, peak resident memory (limits: 5 s, 400 MiB beyond what a fork has)\n"
    )
    print("| file | MiB | read, put right | made safe | rendered | read for review | compared |")
    print("|---|---|---|---|---|---|---|")
    for name, make in kinds():
        if only not in name:
            continue
        content = make()
        fields = (
            stage("grader.notebooks.reading:restored", content, reading.BOUNDS, release=release),
            stage("grader.notebooks.showing:sanitised", content, showing.BOUNDS),
            stage("grader.notebooks.showing:rendered", content, showing.BOUNDS),
            stage("grader.reports.shared_cells:listed", content, shared_cells.BOUNDS),
            compare(content),
        )
        print(f"| {name} | {len(content) / MIB:.1f} | {' | '.join(fields)} |", flush=True)


if __name__ == "__main__":
    main()
