"""What of an assignment decides which questions are asked and how a notebook runs; levels, points and checks do not.

Hidden crops and numbers are drawn from the assignment's version of the day when it was first graded, and the course secret.
While the identity stays the same, so do the questions, and answers that are stored can be judged again (ADR 20).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat

from grader.assignment.source_files import beside_the_notebooks
from grader.assignment.spec import CALIBRATED, PICTURES, version
from grader.errors import SpecError
from grader.files import write_whole

CHECKS = "check_public.py"
# What of nbgrader's metadata a run depends on: points and checksums are not among them.
CELL_MARKS = ("grade", "grade_id", "locked", "solution", "task")


def parts(folder: Path) -> dict[str, str]:
    """Return a digest (16 hex digits) of each part of an assignment that decides questions or runs, by its name for people.

    Not among them: levels, points, titles, check files, what else lies in `staff/`, pictures, calibrations. Check files
    do choose the questions: whether these differ is seen by the questions themselves (`judging.stored_answers`).

    Args:
        folder: the assignment's source folder.

    Raises:
        SpecError: a file of it cannot be read.
    """
    public = _toml(folder / "assignment.toml")
    cards: Mapping[str, Mapping[str, Any]] = public.get("data", {})
    data = {
        card: {name: entry.get(name) for name in ("label_space", "counts")} for card, entry in cards.items()
    }
    limits = {card: entry.get("limits") for card, entry in cards.items()}
    exercises = [exercise.get("id") for kind in ("exercises", "manual") for exercise in public.get(kind, [])]
    return {
        "notebook": _digest(_cells(folder, public.get("notebooks") or [folder.name])),
        "limits": _digest([public.get("limits"), limits]),
        "entry points": _digest(public.get("entry_points")),
        "data": _digest([data, public.get("counts"), public.get("backbone")]),
        "exercises": _digest(exercises),
        "declared files": _digest(public.get("files")),
        "hidden photos": _digest(_holdout(folder)),
        "files beside the notebook": _digest(_files_beside(folder)),
    }


def asked(folder: Path) -> str:
    """Return the digest (16 hex digits) of all `parts` of an assignment; raises SpecError."""
    return _digest(parts(folder))


def noted(course: Path, assignment: str) -> dict[str, str]:
    """Return what questions of a course are drawn from, by `asked`; empty where nothing was noted."""
    try:
        record = json.loads(_note(course, assignment).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # a damaged note is decided anew
        return {}
    return {str(key): str(value) for key, value in record.items()} if isinstance(record, dict) else {}


def note(course: Path, assignment: str, digest: str, drawn: str) -> None:
    """Note what questions are drawn from while `asked` is `digest`; what was noted for other digests stays."""
    record = noted(course, assignment)
    if record.get(digest) != drawn:
        path = _note(course, assignment)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({**record, digest: drawn}, indent=1))


def drawn_from(course: Path, assignment: str, folder: Path) -> str:
    """Return what the questions of an assignment are drawn from in a course, together with its secret.

    That is the assignment's version when it was first graded, as it was noted then, for as long as `asked` stays the same.

    Args:
        course: the course's folder.
        assignment: id of the assignment.
        folder: the assignment's source folder.

    Raises:
        SpecError: a file of the assignment cannot be read.
    """
    return noted(course, assignment).get(asked(folder)) or version(folder)


def fingerprint(drawn: str, secret: bytes) -> str:
    """Return the digest (16 hex digits) of a version and the course secret, as grades carry them."""
    # The secret goes in as a keyed digest only.
    keyed = hmac.new(secret, b"attempt", hashlib.sha256).hexdigest()
    return hashlib.sha256(f"{drawn}{keyed}".encode()).hexdigest()[:16]


def _note(course: Path, assignment: str) -> Path:
    return course / ".pawgrade" / "questions" / f"{assignment}.json"


def _toml(path: Path, content: bytes | None = None) -> dict[str, Any]:
    try:
        return tomllib.loads((path.read_bytes() if content is None else content).decode())
    except FileNotFoundError as exc:
        raise SpecError(f"{path} does not exist.", "Every assignment folder needs one.") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SpecError(f"{path} is not valid TOML: {exc}.") from exc


def _holdout(folder: Path) -> object:
    path = folder / "staff" / "hidden.toml"
    if not path.is_file():
        return {}
    return _toml(path, path.read_bytes().partition(CALIBRATED)[0]).get("holdout", {})


def _cells(folder: Path, notebooks: Sequence[str]) -> list[object]:
    """Return of each cell what decides how notebooks run: outputs, points and checksums do not."""
    rows: list[object] = []
    # Those of the assignment alone: what an author tries out beside them is no part of it.
    for path in [folder / f"{name}.ipynb" for name in notebooks]:
        try:
            notebook = nbformat.read(path, as_version=4)
        except Exception as exc:  # nbformat raises what its parsers raise
            raise SpecError(f"{path} is no notebook that can be read: {exc}.") from exc
        for cell in notebook.cells:
            marks = cell.metadata.get("nbgrader", {})
            chosen = {name: marks.get(name) for name in CELL_MARKS}
            rows.append([path.name, cell.cell_type, cell.source, chosen, cell.metadata.get("tags", [])])
    return rows


def _files_beside(folder: Path) -> list[object]:
    """Return name and digest of the other files that a release puts beside the notebook."""
    names = {path.relative_to(folder).as_posix(): path for path in beside_the_notebooks(folder)}
    return [
        [name, hashlib.sha256(path.read_bytes()).hexdigest()]
        for name, path in names.items()
        if name not in (CHECKS, PICTURES, "assignment.toml")
    ]


def _digest(value: object) -> str:
    # TOML has dates, which JSON has not: as text they tell themselves apart.
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
