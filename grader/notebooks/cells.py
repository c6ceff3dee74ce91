"""Notebook cells: reading what was handed in, and putting right what a student should not have changed.

Pure functions on notebooks: bytes in, a new notebook out.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader.errors import SubmissionError
from grader.messages import Message
from grader.notebooks import raw_json
from grader.notebooks.raw_json import MAX_NOTEBOOK_BYTES
from grader.records import Repair

__all__ = [
    "MAX_NOTEBOOK_BYTES",
    "PutBack",
    "code_cells",
    "grade_id",
    "is_locked",
    "read_notebook",
    "restore",
]

SIMILAR = 0.6  # difflib ratio from which a cell that lost its name counts as the release's cell
CANDIDATES = (
    5  # cells that are compared in full with one that is missing: those with most characters in common
)
MAX_COMPARED_CHARS = 4000  # of either cell: difflib's time grows with the square, at worst with the cube
NOTICE = "This cell was missing from the submitted notebook."


class PutBack(StrEnum):
    """Which of the release's cells come back when a student deleted them."""

    ALL = "all"
    GRADED = "graded"  # as nbgrader does where its `add_missing_cells` is set
    NOTHING = "nothing"  # as nbgrader does otherwise


def read_notebook(content: bytes) -> NotebookNode:
    """Read a submitted notebook of nbformat 3 or 4 as one of nbformat 4, without its outputs.

    Raises:
        SubmissionError: the bytes are not such a notebook; the message says what they are.
    """
    raw = raw_json.parse(content)
    major = raw.get("nbformat") if isinstance(raw, dict) else None
    if major not in (3, 4) or isinstance(major, bool):
        raise SubmissionError(
            Message("expected a notebook of format 3 or 4, found {found}.", found=_short(major)),
            Message("Open it in a current Jupyter, save it and hand it in again."),
        )
    try:
        # Too many cells or characters have words of their own; whatever else fails here is damage.
        raw_json.trim(raw)  # before anything is copied
        return _upgrade(_storable(raw))
    except SubmissionError:
        raise
    except Exception as exc:  # nbformat raises many kinds on damaged notebooks
        raise SubmissionError(
            Message(
                "the notebook is damaged: {problem}.",
                problem=_short(str(exc).strip().splitlines()[0] if str(exc).strip() else type(exc).__name__),
            ),
            Message("Open it in Jupyter, save it and hand it in again."),
        ) from exc


def _storable(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Copy JSON without halves of characters (lone surrogates), which no file can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_storable(key): _storable(member) for key, member in value.items()}
    return [_storable(element) for element in value] if isinstance(value, list) else value


def _upgrade(raw: dict[str, Any]) -> NotebookNode:
    node = nbformat.from_dict(raw)
    if raw["nbformat"] == 3:
        node = nbformat.convert(node, 4)
        for cell in node.cells:
            cell.pop("id", None)  # random ones
    for cell in node.cells:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
        # A file may hold a source as a list of lines; all that comes later expects one text.
        if isinstance(cell.get("source"), list):
            cell["source"] = "".join(cell["source"])
    # 4.5 is the first version in which cells have ids.
    node.nbformat, node.nbformat_minor = 4, 5
    _name_cells(node)
    nbformat.validate(node)
    return node


def _name_cells(notebook: NotebookNode) -> None:
    """Give every cell a valid `id` of its own; ids that repeat or are malformed are replaced by their place."""
    seen: set[str] = set()
    # Those of later cells, too: a name that is made up must not be one that is still to come.
    taken = {cell.get("id") for cell in notebook.cells if isinstance(cell.get("id"), str)}
    for index, cell in enumerate(notebook.cells):
        cell_id = cell.get("id")
        if (
            not isinstance(cell_id, str)
            or not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell_id)
            or cell_id in seen
        ):
            number = index
            while (cell_id := f"cell-{number}") in seen or cell_id in taken:
                number += 1
            cell["id"] = cell_id
        seen.add(cell_id)


def restore(
    submission: NotebookNode, release: NotebookNode, put_back: PutBack = PutBack.ALL
) -> tuple[NotebookNode, tuple[Repair, ...]]:
    """Put right what the release decides: locked cells, names, points, the parameters cell. Idempotent.

    Args:
        submission: a student's notebook, nbformat 4.
        release: the notebook as it was released.
        put_back: which cells come back when they were deleted.

    Returns:
        A new notebook and what was repaired. Solutions are never touched.
    """
    notebook = copy.deepcopy(submission)
    repairs: list[Repair] = []
    originals = {grade_id(cell): cell for cell in release.cells if grade_id(cell)}
    _drop_injected(notebook, repairs)
    # In this order: a cell that loses a foreign name may be recognised as a lost one, and only what is missing even
    # then is inserted.
    _strip_foreign(notebook, originals, repairs)
    _strip_copies(notebook, originals, repairs)
    _adopt_nameless(notebook, originals, repairs)
    _insert_missing(notebook, release, repairs, put_back)
    for cell in notebook.cells:
        if grade_id(cell):
            _restore_cell(cell, originals[grade_id(cell)], repairs)
    notebook.metadata = copy.deepcopy(release.metadata)
    _name_cells(notebook)
    return notebook, tuple(repairs)


def grade_id(cell: NotebookNode) -> str:
    """Return nbgrader's name of a cell, or ""."""
    nbgrader = cell.get("metadata", {}).get("nbgrader", {})
    name = nbgrader.get("grade_id", "") if isinstance(nbgrader, dict) else ""
    return name if isinstance(name, str) else ""


def is_locked(cell: NotebookNode) -> bool:
    """Whether the release decides a cell's source: tests and read-only cells."""
    flags = cell.metadata.nbgrader
    return not flags.get("solution", False) and bool(flags.get("grade", False) or flags.get("locked", False))


def _drop_injected(notebook: NotebookNode, repairs: list[Repair]) -> None:
    """Remove parameters that somebody's papermill run left: ours would not replace copies of them."""
    remaining = [cell for cell in notebook.cells if "injected-parameters" not in _tags(cell)]
    if len(remaining) < len(notebook.cells):
        repairs.append(
            Repair(
                "injected-parameters",
                Message("Parameters that another program had injected were removed."),
            )
        )
        notebook.cells = remaining


def _strip_foreign(notebook: NotebookNode, originals: dict[str, NotebookNode], repairs: list[Repair]) -> None:
    """Take nbgrader's metadata from cells that the release does not know, and stray `parameters` tags."""
    for cell in notebook.cells:
        name = grade_id(cell)
        if "nbgrader" in cell.metadata and name not in originals:
            del cell.metadata["nbgrader"]
            if name:
                repairs.append(
                    Repair(
                        name,
                        Message(
                            "A cell with a name that the assignment does not have was treated as an ordinary cell."
                        ),
                    )
                )
        if "parameters" in _tags(cell) and "parameters" not in _tags(
            originals.get(name, NotebookNode(metadata={}))
        ):
            cell.metadata["tags"] = [tag for tag in _tags(cell) if tag != "parameters"]


def _strip_copies(notebook: NotebookNode, originals: dict[str, NotebookNode], repairs: list[Repair]) -> None:
    """Where a name occurs twice, keep it on the copy that was worked on; the others stay as ordinary cells."""
    places: dict[str, list[NotebookNode]] = {}
    for cell in notebook.cells:
        if grade_id(cell):
            places.setdefault(grade_id(cell), []).append(cell)
    for name, cells in places.items():
        if len(cells) == 1:
            continue
        edited = [cell for cell in cells if cell.source != originals[name].source]
        # Of a locked cell any copy will do, since its source is restored; of a solution the last edited one counts.
        keeper = cells[0] if is_locked(originals[name]) or not edited else edited[-1]
        for cell in cells:
            if cell is not keeper:
                del cell.metadata["nbgrader"]
                if "parameters" in _tags(cell):
                    cell.metadata["tags"] = [tag for tag in _tags(cell) if tag != "parameters"]
        repairs.append(
            Repair(name, Message("The cell was there more than once; one of the copies was graded."))
        )


def _adopt_nameless(
    notebook: NotebookNode, originals: dict[str, NotebookNode], repairs: list[Repair]
) -> None:
    """Give a solution cell that lost its metadata its name back, by cell id or by likeness."""
    present = {grade_id(cell) for cell in notebook.cells}
    lost = {
        name: original
        for name, original in originals.items()
        if name not in present and not is_locked(original)
    }
    if not lost:
        return
    nameless = [(cell, Counter(cell.source)) for cell in notebook.cells if not grade_id(cell)]
    for name, original in lost.items():
        # Asked anew for each name: a cell that was nameless may have got one in the step before.
        alike = [
            pair for pair in nameless if not grade_id(pair[0]) and pair[0].cell_type == original.cell_type
        ]
        match = next((cell for cell, _ in alike if cell.get("id") == original.get("id")), None)
        match = _most_alike(alike, original.source) if match is None else match
        if match is not None:
            match.metadata["nbgrader"] = copy.deepcopy(original.metadata["nbgrader"])
            repairs.append(
                Repair(name, Message("The cell had lost its name and was recognised by its content."))
            )


def _most_alike(cells: list[tuple[NotebookNode, Counter[str]]], original: str) -> NotebookNode | None:
    """Return the cell whose source is most like another, if it is alike at all.

    Characters in common are counted for all: that bounds difflib's ratio from above. It is asked of the best few.
    """
    original_counts = Counter(original)
    rated = [
        (_bound(counts, len(cell.source), original_counts, len(original)), cell) for cell, counts in cells
    ]
    best = sorted(rated, key=lambda pair: -pair[0])[:CANDIDATES]
    sure = [(_likeness(cell.source, original), cell) for bound, cell in best if bound >= SIMILAR]
    likeness, cell = max(sure, key=lambda pair: pair[0], default=(0.0, None))
    return cell if likeness >= SIMILAR else None


def _bound(counts: Counter[str], chars: int, original_counts: Counter[str], original_chars: int) -> float:
    if not chars + original_chars:
        return 1.0
    # They cannot have more in common than the shorter one has: no need to count.
    if 2 * min(chars, original_chars) / (chars + original_chars) < SIMILAR:
        return 0.0
    common = sum(min(count, counts[character]) for character, count in original_counts.items())
    return 2 * common / (chars + original_chars)


def _likeness(source: str, original: str) -> float:
    """Return how alike two sources are, 0 to 1; of long ones, whole lines are compared, and no longer ones than can be."""
    if max(len(source), len(original)) <= MAX_COMPARED_CHARS:
        return difflib.SequenceMatcher(None, source, original).ratio()
    common = Counter(source.splitlines()) & Counter(original.splitlines())
    shared = sum((len(line) + 1) * count for line, count in common.items())
    # A last line without a line break is counted with one: hence the bound.
    return min(1.0, 2 * shared / (len(source) + len(original)))


def _insert_missing(
    notebook: NotebookNode, release: NotebookNode, repairs: list[Repair], put_back: PutBack
) -> None:
    """Put missing cells back behind the release's preceding cell; a missing solution comes back empty."""
    position = 0
    for original in release.cells:
        name = grade_id(original)
        if not name:
            continue
        at = next((index for index, cell in enumerate(notebook.cells) if grade_id(cell) == name), None)
        if at is None:
            if not _comes_back(original, put_back):
                continue
            cell = copy.deepcopy(original)
            if cell.cell_type == "code" and not is_locked(original):
                cell.source = f"# {NOTICE}"
            elif not is_locked(original):
                cell.source = NOTICE
            notebook.cells.insert(position, cell)
            repairs.append(Repair(name, Message("The cell was missing and was put back.")))
            at = position
        # Behind the release's furthest cell so far, wherever a student moved the others.
        position = max(position, at + 1)


def _comes_back(original: NotebookNode, put_back: PutBack) -> bool:
    flags = original.metadata.nbgrader
    graded = bool(flags.get("grade", False) or flags.get("task", False))
    return put_back is PutBack.ALL or (put_back is PutBack.GRADED and graded)


def _restore_cell(cell: NotebookNode, original: NotebookNode, repairs: list[Repair]) -> None:
    """Make a named cell's type, metadata and - if it is locked - source what they were."""
    name = grade_id(original)
    if cell.cell_type != original.cell_type:
        repairs.append(
            Repair(
                name,
                Message(
                    "The cell was changed to {found}; it is {kind} again.",
                    found=cell.cell_type,
                    kind=original.cell_type,
                ),
            )
        )
        _change_type(cell, original.cell_type)
    if is_locked(original) and cell.source != original.source:
        changed_back = Message("The cell is locked and had been changed; its original content was run.")
        repairs.append(Repair(name, changed_back))
        cell.source = original.source
    if cell.metadata["nbgrader"] != original.metadata["nbgrader"]:
        # Fields that do not matter are restored, too, but nobody is told.
        changed = _changed(cell.metadata["nbgrader"], original.metadata["nbgrader"])
        if changed:
            restored = Message(
                "The cell's grading metadata ({names}) was restored.", names=", ".join(changed)
            )
            repairs.append(Repair(name, restored))
    cell.metadata = copy.deepcopy(original.metadata)


def _changed(submitted: NotebookNode, released: NotebookNode) -> list[str]:
    """Name the fields that matter and differ; the checksum and the schema version of old tools do not."""
    return [
        key
        for key in ("grade", "solution", "locked", "task", "points")
        if submitted.get(key) != released.get(key)
    ]


def _change_type(cell: NotebookNode, kind: str) -> None:
    cell.cell_type = kind
    for key in ("outputs", "execution_count", "attachments"):
        cell.pop(key, None)
    if kind == "code":
        cell.outputs, cell.execution_count = [], None


def _tags(cell: NotebookNode) -> list[str]:
    tags = cell.get("metadata", {}).get("tags", [])
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def code_cells(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Iterate over the code cells."""
    return (cell for cell in notebook.cells if cell.cell_type == "code")


def _short(value: object) -> str:
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= 120 else text[:117] + "..."
