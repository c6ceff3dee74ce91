"""Variants of a source notebook: small files that replace whole cells, for mutants, recipes and the demo's class.

```
# /// pawgrade
# title = "Dropout left on while answering"
# loses = ["recognition", "second"]
# fails = ["answers_agree"]
# skips = ["top_1", "top_3"]
# ///
# %% [classify-code]
def classify(images): ...
```
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from grader.errors import SpecError
from grader.notebooks.cells import grade_id

KEYS = {"title", "student", "loses", "fails", "skips", "weak", "leaves", "raises"}
# In the form of inline script metadata (PEP 723), with a name of our own.
_HEADER = re.compile(r"\A# /// pawgrade\n(?P<toml>(?:#.*\n)*?)# ///\n")
_CELL = re.compile(r"^# %% \[(?P<name>[^\]]+)\]\n", re.MULTILINE)


@dataclass(frozen=True)
class Variant:
    """A changed solution.

    Attributes:
        name: the file's name without its ending.
        title: what is different, for people.
        cells: new sources by `grade_id`.
        student: who plays it in the demo, or "".
        loses: exercises that are expected to lose points, these and no others; None for a recipe, which is honest work.
        fails: checks that are expected to fail, these and no others.
        skips: checks that are expected to be skipped, since one that they come after fails.
        weak: a recipe that is honest and not good enough for full marks.
        leaves: solution cells that are left as they were released: not everybody draws every picture.
        raises: exceptions that it is about, of those that otherwise look like a slip of whoever wrote it.
    """

    name: str
    title: str
    cells: dict[str, str]
    student: str = ""
    loses: tuple[str, ...] | None = None
    fails: tuple[str, ...] | None = None
    weak: bool = False
    leaves: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()
    raises: tuple[str, ...] = ()


def read_variant(path: Path) -> Variant:
    """Read a variant file; raises SpecError."""
    text = path.read_text(encoding="utf-8")
    header = _HEADER.match(text)
    if header is None:
        raise SpecError(f"{path}: expected a header between `# /// pawgrade` and `# ///`.")
    try:
        facts = tomllib.loads(re.sub(r"^# ?", "", header["toml"], flags=re.MULTILINE))
    except tomllib.TOMLDecodeError as exc:
        raise SpecError(f"{path}: the header is not valid TOML: {exc}.") from exc
    # Names and sources in turns, after what stands before the first cell: that is ignored.
    parts = _CELL.split(text[header.end() :])
    cells = {name: source.strip("\n") for name, source in zip(parts[1::2], parts[2::2], strict=True)}
    if not cells or not facts.get("title"):
        raise SpecError(f"{path}: expected a title and at least one cell `# %% [name]`.")
    unknown = sorted(set(facts) - KEYS)
    if unknown:
        raise SpecError(
            f"{path}: unknown key {unknown[0]!r} in the header; known are {', '.join(sorted(KEYS))}."
        )
    for key in ("loses", "fails", "skips", "leaves", "raises"):
        if not isinstance(facts.get(key, []), list):
            raise SpecError(f"{path}: {key}: expected a list, found {facts[key]!r}.")
    # None where the key is missing: a mutant must say `fails`, even when it fails nothing.
    loses, fails = (tuple(facts[key]) if key in facts else None for key in ("loses", "fails"))
    leaves, skips, raises = (tuple(facts.get(key, ())) for key in ("leaves", "skips", "raises"))
    student, weak = facts.get("student", ""), bool(facts.get("weak"))
    return Variant(path.stem, facts["title"], cells, student, loses, fails, weak, leaves, skips, raises)


def read_variants(folder: Path, kind: str) -> list[Variant]:
    """Read all variants of a kind (`mutants` or `recipes`) of an assignment's source folder, by name."""
    return [read_variant(path) for path in sorted((folder / "staff" / kind).glob("*.py"))]


def apply(variant: Variant, source: NotebookNode, release: NotebookNode) -> NotebookNode:
    """Return the source notebook with the variant's cells; raises SpecError when it has no such cell."""
    return apply_to_all(variant, {"": source}, {"": release})[""]


def apply_to_all(
    variant: Variant, sources: Mapping[str, NotebookNode], releases: Mapping[str, NotebookNode]
) -> dict[str, NotebookNode]:
    """Return the source notebooks with the variant's cells; raises SpecError when they have no such cell, or two."""
    # A copy: one source serves all variants.
    notebooks = {name: copy.deepcopy(source) for name, source in sources.items()}
    named = [(grade_id(cell), cell) for notebook in notebooks.values() for cell in notebook.cells]
    places = {name: cell for name, cell in named if name}
    stubs = {grade_id(cell): cell.source for release in releases.values() for cell in release.cells}
    changed = {*variant.cells, *variant.leaves}
    counts = Counter(name for name, _ in named)
    twice = sorted(name for name in changed if counts[name] > 1)
    if twice and len(notebooks) > 1:
        raise SpecError(
            f"variant {variant.name}: several cells are called {twice[0]!r}.", "Give them names that differ."
        )
    unknown = sorted(changed - set(places))
    if unknown:
        raise SpecError(f"variant {variant.name}: the source notebook has no cell {unknown[0]!r}.")
    for name in variant.leaves:
        places[name].source = stubs[name]
    # After `leaves`, so a cell that is named by both has the variant's code.
    for name, text in variant.cells.items():
        places[name].source = text
    return notebooks
