"""Notebooks as nbgrader's own preprocessors make them: solutions cleared, cells as its gradebook keeps them."""

from __future__ import annotations

import copy
import fnmatch
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.assignment.layout import CONFIG, layout_of, load_config
from grader.assignment.spec import notebook_names
from grader.errors import SpecError
from grader.gradebook.nbgrader import nbgrader_api, open_gradebook
from grader.gradebook.source_cells import save_cells
from grader.notebooks.regions import Region, unbalanced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbformat import NotebookNode

STAFF = "staff"  # the folder of a source that no release may hold
KEPT_CELL_METADATA = {"nbgrader", "deletable", "editable", "tags", "slideshow", "jupyter"}


def record_source(course: Path, assignment: str, db_url: str) -> None:
    """Put an assignment's cells into the gradebook, as `nbgrader generate_assignment` does; idempotent.

    Raises:
        SpecError: when cells came or went although submissions are in the gradebook.
    """
    notebooks = gradebook_notebooks(course, assignment)
    with open_gradebook(db_url) as gradebook:
        save_cells(gradebook, assignment, notebooks)


def gradebook_notebooks(course: Path, assignment: str) -> dict[str, NotebookNode]:
    """Return the notebooks by name, as nbgrader keeps them in its gradebook: solutions cleared, hidden tests still in."""
    return converted(course, assignment, course_config(course), until_saved=True)


def course_config(course: Path, *, staff: bool = False) -> Any:  # noqa: ANN401 - traitlets' Config
    """Read a course's `nbgrader_config.py`; raises SpecError when it is missing or would release `staff`.

    Args:
        course: the course's folder.
        staff: whether a folder `staff` is about to be written: where there is none, no rule for it is needed.
    """
    nbgrader_api()
    path = course.resolve() / CONFIG
    if not path.is_file():
        raise SpecError(
            f"{path} does not exist.",
            "Every course needs one: `pawgrade new course NAME` makes a course that has it.",
        )
    config = load_config(path)
    ignore = _ignored(config)
    has_staff = staff or any(course.glob(f"{layout_of(course).source}/*/{STAFF}"))
    if has_staff and not any(fnmatch.fnmatch(STAFF, pattern) for pattern in ignore):
        raise SpecError(
            f"{path}: expected {STAFF!r} in c.CourseDirectory.ignore, found {ignore}.",
            f"Write `c.CourseDirectory.ignore = {[*ignore, STAFF]}` there. Without it, nbgrader copies hidden tests into the release.",
        )
    return config


def _ignored(config: Any) -> list[str]:  # noqa: ANN401
    from nbgrader.coursedir import CourseDirectory

    return list(
        CourseDirectory(config=config).ignore
    )  # with nbgrader's defaults, if the course only adds to them


def regions(config: Any) -> tuple[Region, ...]:  # noqa: ANN401 - traitlets' Config
    """Return the regions that students do not get, delimited as a course's settings say."""
    from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearSolutions

    kinds = ((ClearSolutions, "solution"), (ClearHiddenTests, "test"), (ClearMarkScheme, "mark_scheme"))
    # nbgrader's own spelling of the settings.
    return tuple(
        Region(
            kind.__name__,
            *(getattr(kind(config=config), f"{end}_{name}_delimeter") for end in ("begin", "end")),
        )
        for kind, name in kinds
    )


def adds_missing_cells(course: Path) -> bool:
    """Say whether a course's settings have nbgrader put graded cells back that a student deleted; by itself it does not."""
    from nbgrader.preprocessors import OverwriteCells

    return bool(OverwriteCells(config=course_config(course)).add_missing_cells)


def _require_balanced(notebook: NotebookNode, path: Path, config: Any) -> None:  # noqa: ANN401
    """Raise SpecError for a delimiter without its other one: students would get what it was to hide."""
    hidden = regions(config)
    for index, cell in enumerate(notebook.cells):
        for region in hidden:
            problem = next(unbalanced(cell.source, region), None)
            if problem:
                raise SpecError(
                    f"{path}, {cell_name(index, cell)}: {problem}.",
                    f"Lines between the two are hidden from students; c.{region.setting} in {CONFIG} may name other delimiters.",
                )


def converted(
    course: Path,
    assignment: str,
    config: Any,  # noqa: ANN401
    *,
    until_saved: bool,
    names: Sequence[str] = (),
) -> dict[str, NotebookNode]:
    """Run the preprocessors of nbgrader's GenerateAssignment on each notebook, all but the one that writes to a database.

    `names` are those of the notebooks, where no `assignment.toml` names them yet.
    """
    names = names or notebook_names(course / layout_of(course).source / assignment)
    return {name: _convert(course, assignment, name, config, until_saved=until_saved) for name in names}


def _convert(
    course: Path,
    assignment: str,
    name: str,
    config: Any,  # noqa: ANN401
    *,
    until_saved: bool,
) -> NotebookNode:
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import IncludeHeaderFooter, SaveCells

    path = course / layout_of(course).source / assignment / f"{name}.ipynb"
    notebook = read_source(path)
    if not until_saved:
        _require_balanced(notebook, path, config)
    # Asked of nbgrader: the course's configuration may change the list of steps.
    steps = list(GenerateAssignment(config=config).preprocessors)
    if until_saved and SaveCells in steps:
        steps = steps[: steps.index(SaveCells)]
    # What nbgrader's converters put there; the URL is empty: the one step that opens a database is left out.
    identity = {"assignment": assignment, "notebook": name, "student": ".", "db_url": ""}
    resources = {"nbgrader": identity, "unique_key": name, "metadata": {"path": str(path.parent)}}
    for kind in steps:
        if kind is SaveCells:
            continue
        step = kind(config=config)
        if kind is IncludeHeaderFooter:  # nbgrader reads these paths relative to the course
            step.header, step.footer = (file and str(course / file) for file in (step.header, step.footer))
        notebook = _apply(step, notebook, resources, path)
    return _tidy(notebook, path)


def _apply(step: Any, notebook: NotebookNode, resources: dict[str, Any], path: Path) -> NotebookNode:  # noqa: ANN401
    from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError, ValidationError

    schema = (SchemaTooNewError, SchemaTooOldError, ValidationError)
    failures = (RuntimeError, ValueError, KeyError, AttributeError, OSError, *schema)
    # Steps change a notebook in place; the search for the cell at fault needs it as it was.
    before = copy.deepcopy(notebook)
    try:
        return step(notebook, resources)[0]
    except failures as exc:
        where = str(path)
        # Most of nbgrader's errors name no cell, so each is tried alone until one fails.
        for index, cell in enumerate(before.cells):
            alone = copy.deepcopy(before)
            alone.cells = [copy.deepcopy(cell)]
            try:
                step(alone, resources)
            except failures:
                where = f"{path}, {cell_name(index, cell)}"
                break
        # nbgrader replaces a precise message by "the metadata may be corrupted"; the precise one is the context.
        message = str(exc.__context__ or exc).strip().splitlines()[0].rstrip(".")
        raise SpecError(f"{where}: {message}.", f"nbgrader's {type(step).__name__} says so.") from exc


def _tidy(notebook: NotebookNode, path: Path) -> NotebookNode:
    """Drop what differs between machines and runs: kernel versions, execution times, editors' notes."""
    import nbformat

    tidy = copy.deepcopy(notebook)
    kernel = tidy.metadata.get("kernelspec", {})
    language = kernel.get("language") or tidy.metadata.get("language_info", {}).get("name") or "python"
    tidy.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": language}})
    for index, cell in enumerate(tidy.cells):
        if not cell.get("id"):  # of a header or footer, which nbgrader reads as its author saved it
            cell["id"] = f"added-{index + 1}"
        cell.metadata = nbformat.from_dict(
            {k: v for k, v in cell.metadata.items() if k in KEPT_CELL_METADATA}
        )
    try:
        nbformat.validate(tidy)
    except nbformat.ValidationError as exc:
        raise SpecError(f"{path}: not a valid notebook: {str(exc).splitlines()[0]}.") from exc
    return tidy


def cell_name(index: int, cell: NotebookNode) -> str:
    """Return the name of a cell for messages: its number from 1, with its id in nbgrader."""
    grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
    return f"cell {index + 1} ({grade_id})" if grade_id else f"cell {index + 1}"


def read_source(path: Path) -> NotebookNode:
    """Read a source notebook; cells without a usable id get one made from their position."""
    import nbformat

    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        seen: set[str] = set()
        for index, cell in enumerate(raw["cells"]):
            # Made from the position, not drawn: releasing twice must give the same file.
            if not cell.get("id") or cell["id"] in seen:
                cell["id"] = f"cell-{index + 1}"
            seen.add(cell["id"])
        # Ids of cells came with format 4.5; without it nbformat would call them invalid.
        raw["nbformat_minor"] = max(5, int(raw["nbformat_minor"]))
        return nbformat.reads(json.dumps(raw), as_version=4)
    except FileNotFoundError as exc:
        raise SpecError(
            f"{path} does not exist.",
            "The notebook is named after its folder, or in `notebooks` of assignment.toml.",
        ) from exc
    except (ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as exc:
        message = str(exc).strip().splitlines()[0]
        raise SpecError(
            f"{path} is not a notebook of format 4: {message}.", "Save it again in Jupyter."
        ) from exc
