"""What students receive, made from the source notebook by nbgrader's own preprocessors.

A release is deterministic: the same source gives the same bytes, so that CI can tell a stale one.
"""

from __future__ import annotations

import copy
import fnmatch
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.assignment.spec import Assignment, load_assignment
from grader.authoring.leaks import CACHES, STAFF, cell_name, folder_contents, leaks, read_source
from grader.checks.soundness import require_sound
from grader.datasets.cards import cards_folder
from grader.errors import SpecError
from grader.gradebook.formgrader import fresh_folder
from grader.gradebook.nbgrader import nbgrader_api, open_gradebook, save_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

KEPT_CELL_METADATA = {"nbgrader", "deletable", "editable", "tags", "slideshow", "jupyter"}

_CHECKED = re.compile(r"""lab\.check\(\s*["'](\w+)["']""")


def release(course: Path, assignment: str, db_url: str) -> Path:
    """Make the release of an assignment that can be graded, and put its cells into the gradebook.

    Returns:
        The folder of the release.

    Raises:
        SpecError: as `build_release` and `record_source` say; or checks, points and exercises do not fit together.
    """
    source = course / "solutions" / assignment
    require_sound(source, load_assignment(source))
    path = build_release(course, assignment, course / "assignments")
    record_source(course, assignment, db_url)
    return path


def build_release(course: Path, assignment: str, destination: Path) -> Path:
    """Make the release of one assignment, and replace the folder only when nothing hidden is in it.

    Args:
        course: the course's folder: `solutions/<assignment>/` and `nbgrader_config.py` are in it.
        assignment: id of the assignment.
        destination: folder of the releases, such as `<course>/assignments`.

    Returns:
        `destination / assignment`.

    Raises:
        SpecError: naming file and cell, when the source is wrong or something hidden would be released.
    """
    source, target = course / "solutions" / assignment, destination / assignment
    spec = load_assignment(source)
    config = course_config(course)
    notebook = _convert(course, assignment, config, until_saved=False)
    _check_graded_cells(source / f"{assignment}.ipynb", notebook, spec)
    with fresh_folder(target) as draft:
        for path in _public_files(source, _ignored(config)):
            copied = draft / path.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)
        for card in spec.data:
            _copy_card(course, card, draft)
        (draft / f"{assignment}.ipynb").write_text(_text(notebook), encoding="utf-8")
        for path in draft.rglob("*"):
            if path.is_file():
                path.chmod(0o644)
        found = leaks(draft, source)
        if found:
            raise SpecError(f"assignment {assignment}: the release would give away: {'; '.join(found)}.")
    return target


def record_source(course: Path, assignment: str, db_url: str) -> None:
    """Put an assignment's cells into the gradebook, as `nbgrader generate_assignment` does; idempotent.

    Raises:
        SpecError: when cells came or went although submissions are in the gradebook.
    """
    notebook = gradebook_notebook(course, assignment)
    with open_gradebook(db_url) as gradebook:
        save_cells(gradebook, assignment, notebook)


def gradebook_notebook(course: Path, assignment: str) -> NotebookNode:
    """Return the notebook as nbgrader keeps it in its gradebook: solutions cleared, hidden tests still in."""
    return _convert(course, assignment, course_config(course), until_saved=True)


def stale_files(course: Path, assignment: str) -> list[str]:
    """Compare `assignments/<assignment>` with a fresh build; return what differs, relative to the course."""
    lying = course / "assignments" / assignment
    with tempfile.TemporaryDirectory() as scratch:
        fresh = build_release(course, assignment, Path(scratch))
        old, new = folder_contents(lying), folder_contents(fresh)
    differing = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return [f"assignments/{assignment}/{name}" for name in sorted(differing)]


def course_config(course: Path) -> Any:  # noqa: ANN401 - traitlets' Config
    """Read a course's `nbgrader_config.py`; raises SpecError when it is missing or would release `staff`."""
    nbgrader_api()
    from traitlets.config import ConfigFileNotFound, PyFileConfigLoader

    path = course.resolve() / "nbgrader_config.py"
    try:
        config = PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    except ConfigFileNotFound as exc:
        raise SpecError(
            f"{path} does not exist.", "Every course needs one: `pawgrade new course` writes it."
        ) from exc
    ignore = _ignored(config)
    if not any(fnmatch.fnmatch(STAFF, pattern) for pattern in ignore):
        raise SpecError(
            f"{path}: expected {STAFF!r} in c.CourseDirectory.ignore, found {ignore}.",
            "Without it, nbgrader copies hidden tests into the release.",
        )
    return config


def _ignored(config: Any) -> list[str]:  # noqa: ANN401
    from nbgrader.coursedir import CourseDirectory

    return list(
        CourseDirectory(config=config).ignore
    )  # with nbgrader's defaults, if the course only adds to them


def _convert(course: Path, assignment: str, config: Any, *, until_saved: bool) -> NotebookNode:  # noqa: ANN401
    """Run the preprocessors of nbgrader's GenerateAssignment, all but the one that writes to a database."""
    from nbgrader.converters import GenerateAssignment
    from nbgrader.preprocessors import IncludeHeaderFooter, SaveCells

    path = course / "solutions" / assignment / f"{assignment}.ipynb"
    notebook = read_source(path)
    steps = list(GenerateAssignment(config=config).preprocessors)
    if until_saved and SaveCells in steps:
        steps = steps[: steps.index(SaveCells)]
    identity = {"assignment": assignment, "notebook": assignment, "student": ".", "db_url": ""}
    resources = {"nbgrader": identity, "unique_key": assignment, "metadata": {"path": str(path.parent)}}
    for kind in steps:
        if kind is SaveCells:
            continue
        step = kind(config=config)
        if kind is IncludeHeaderFooter:  # nbgrader reads these paths relative to the course
            step.header, step.footer = (part and str(course / part) for part in (step.header, step.footer))
        notebook = _apply(step, notebook, resources, path)
    return _tidy(notebook, path)


def _apply(step: Any, notebook: NotebookNode, resources: dict[str, Any], path: Path) -> NotebookNode:  # noqa: ANN401
    from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError, ValidationError

    schema = (SchemaTooNewError, SchemaTooOldError, ValidationError)
    failures = (RuntimeError, ValueError, KeyError, AttributeError, OSError, *schema)
    before = copy.deepcopy(notebook)
    try:
        return step(notebook, resources)[0]
    except failures as exc:
        where = str(path)
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
    for cell in tidy.cells:
        cell.metadata = nbformat.from_dict(
            {k: v for k, v in cell.metadata.items() if k in KEPT_CELL_METADATA}
        )
    try:
        nbformat.validate(tidy)
    except nbformat.ValidationError as exc:
        raise SpecError(f"{path}: not a valid notebook: {str(exc).splitlines()[0]}.") from exc
    return tidy


def _text(notebook: NotebookNode) -> str:
    import nbformat

    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def _check_graded_cells(path: Path, notebook: NotebookNode, spec: Assignment) -> None:
    """The notebook's graded cells and the exercises of `assignment.toml` must be the same, with the same points."""
    from nbgrader import utils

    wanted = {exercise.id: (exercise.points, "autograded") for exercise in spec.exercises}
    wanted |= {exercise.id: (exercise.points, "manually graded") for exercise in spec.manual}
    for index, cell in enumerate(notebook.cells):
        if not (utils.is_grade(cell) or utils.is_task(cell)):
            continue
        meta = cell.metadata.nbgrader
        kind = "manually graded" if utils.is_solution(cell) or utils.is_task(cell) else "autograded"
        expected = wanted.pop(meta["grade_id"], None)
        if expected != (meta["points"], kind):
            said = "nothing" if expected is None else f"{expected[1]}, {expected[0]:g} points"
            raise SpecError(
                f"{path}, {cell_name(index, cell)}: the cell is {kind}, {meta['points']:g} points; "
                f"assignment.toml says {said}.",
                "A graded cell's grade_id is the exercise's id.",
            )
        for asked in _CHECKED.findall(cell.source):
            if asked != meta["grade_id"]:
                raise SpecError(
                    f"{path}, {cell_name(index, cell)}: the cell checks {asked!r}; expected lab.check({meta['grade_id']!r})."
                )
    if wanted:
        raise SpecError(f"{path}: no graded cell for {', '.join(sorted(wanted))} of assignment.toml.")


def _public_files(source: Path, ignore: list[str]) -> Iterator[Path]:
    """What nbgrader copies beside the notebook: everything that no pattern of CourseDirectory.ignore matches."""
    for path in sorted(source.rglob("*")):
        parts = path.relative_to(source).parts
        ignored = any(fnmatch.fnmatch(part, pattern) for part in parts for pattern in [*ignore, *CACHES])
        if path.is_file() and not ignored and path.suffix != ".ipynb":
            yield path


def _copy_card(course: Path, card: str, release: Path) -> None:
    known = (folder / f"{card}.toml" for folder in (course / "datasets", cards_folder()))
    path = next((path for path in known if path.is_file()), None)
    if path is None:
        raise SpecError(f"data card {card}: {course / 'datasets' / card}.toml does not exist.")
    (release / "datasets").mkdir(exist_ok=True)
    shutil.copyfile(path, release / "datasets" / path.name)
