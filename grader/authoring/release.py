"""Build releases: what students receive, made from the source notebook by nbgrader's own preprocessors.

A release is deterministic: the same source gives the same bytes, so that CI can tell a stale one.
"""

from __future__ import annotations

import functools
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from grader.assignment.layout import layout_of
from grader.assignment.source_files import beside_the_notebooks
from grader.assignment.spec import Assignment, load_assignment, load_hidden
from grader.authoring.leaks import folder_contents, leaks
from grader.authoring.quizzes import making
from grader.checks.soundness import require_sound
from grader.datasets.cards import cards_folder, load_card, program_file
from grader.errors import SpecError
from grader.feedback.picture_files import require_drawn
from grader.files import fresh_folder
from grader.gradebook.conversion import (
    cell_name,
    converted,
    course_config,
    read_source,
    record_source,
    regions,
)
from grader.gradebook.nbgrader import nbgrader_api
from grader.schema import told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from nbformat import NotebookNode


Read = TypeVar("Read")
_CHECKED = re.compile(r"""lab\.check\(\s*["'](\w+)["']""")


def release(
    course: Path, assignment: str, db_url: str, *, tell: Callable[[str], None] = lambda _: None
) -> Path:
    """Make the release of an assignment that can be graded, and put its cells into the gradebook.

    Args:
        course: the course's folder.
        assignment: id of the assignment.
        db_url: SQLAlchemy URL of the gradebook.
        tell: called with the name of each phase as it begins.

    Returns:
        The folder of the release.

    Raises:
        SpecError: as `build_release` and `record_source` say; or checks, points and exercises do not fit together, or a
            picture that checks show cannot be drawn.
    """
    source = course / layout_of(course).source / assignment
    # Before anything is written: a release of an assignment that cannot be graded would reach students.
    tell("looking at checks and points")
    making.refresh(source)  # the questions of a quiz stand in its bank
    require_readable(source)
    tell("looking at its pictures")
    require_drawn(source)
    tell("making the notebook that students get")
    path = build_release(course, assignment, course / layout_of(course).release)
    tell("putting its cells into the gradebook")
    record_source(course, assignment, db_url)
    return path


def require_readable(source: Path) -> None:
    """Read the files of an assignment that people write, and tell all of their mistakes at once.

    Args:
        source: the source folder: `assignment.toml`, `staff/hidden.toml`, the notebook's cells, the check files.

    Raises:
        SpecError: a line for each mistake, with file, key, what was found and what is allowed.
    """
    nbgrader_api()  # what reads cells: where it is missing, that alone is told
    errors: list[SpecError] = []

    def tried(read: Callable[[], Read]) -> Read | None:
        try:
            return read()
        except SpecError as exc:
            errors.append(exc)
            return None

    assignment = tried(lambda: load_assignment(source))
    tried(lambda: load_hidden(source))
    names = _names_despite_mistakes(source) if assignment is None else assignment.notebooks
    paths = {name: source / f"{name}.ipynb" for name in names}
    read = {name: tried(functools.partial(read_source, path)) for name, path in paths.items()}
    notebooks = {name: notebook for name, notebook in read.items() if notebook is not None}
    for name, notebook in notebooks.items():
        tried(functools.partial(_require_metadata, paths[name], notebook))
    tried(lambda: making.require_current(source))
    if assignment is not None:
        if len(notebooks) == len(names):
            tried(lambda: _check_graded_cells(source, notebooks, assignment))
        # Imports the check files: last, so that mistakes of other files are told beside what that raises.
        if not assignment.in_the_notebook:
            tried(lambda: require_sound(source, assignment))
    if len(errors) == 1:
        raise errors[0]
    if errors:
        hints = dict.fromkeys(str(error.hint) for error in errors if error.hint)
        raise SpecError("\n".join(str(error.message) for error in errors), " ".join(hints))


def _names_despite_mistakes(source: Path) -> tuple[str, ...]:
    """Return the notebooks that an `assignment.toml` with mistakes names; where none can be read, the folder's if it is there."""
    try:
        table = tomllib.loads((source / "assignment.toml").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return (source.name,)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        table = {"notebooks": None}
    names = table.get("notebooks", [source.name])
    # Other values are mistakes of that file, which are told already.
    if isinstance(names, list) and all(isinstance(name, str) and Path(name).name == name for name in names):
        return tuple(dict.fromkeys(names))
    return (source.name,) if (source / f"{source.name}.ipynb").is_file() else ()


def _require_metadata(path: Path, notebook: NotebookNode) -> None:
    """Raise SpecError with each cell whose nbgrader metadata is not what JupyterLab's panel writes."""
    nbgrader_api()
    from nbgrader.nbgraderformat import (
        MetadataValidator,
        SchemaTooNewError,
        SchemaTooOldError,
        ValidationError,
    )

    validator, problems = MetadataValidator(), []
    for index, cell in enumerate(notebook.cells):
        try:
            validator.validate_cell(cell)
        except (ValidationError, SchemaTooNewError, SchemaTooOldError) as exc:
            problems.append(f"{cell_name(index, cell)}: {str(exc).splitlines()[0]}")
        except (KeyError, TypeError, AttributeError) as exc:  # metadata that is no table
            problems.append(f"{cell_name(index, cell)}: metadata of nbgrader: {exc}")
    if problems:
        raise SpecError(
            told(str(path), problems), "JupyterLab's panel `Create Assignment` writes the metadata of a cell."
        )


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
    source, target = course / layout_of(course).source / assignment, destination / assignment
    spec = load_assignment(source)
    config = course_config(course)
    making.require_current(source)
    notebooks = making.released(source, converted(course, assignment, config, until_saved=False))
    # Of the converted notebooks, since those are what will be graded.
    _check_graded_cells(source, notebooks, spec)
    with fresh_folder(target) as draft:
        for path in beside_the_notebooks(source):
            copied = draft / path.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)
        for card in spec.data:
            _copy_card(course, card, draft)
        for name, notebook in notebooks.items():
            (draft / f"{name}.ipynb").write_text(_text(notebook), encoding="utf-8")
        for path in draft.rglob("*"):
            if path.is_file():
                # The same modes whatever this process's umask is.
                path.chmod(0o644)
        # Inside the block: an error here leaves the old release in its place.
        findings = leaks(draft, source, regions(config))
        if findings:
            raise SpecError(f"assignment {assignment}: the release would give away: {'; '.join(findings)}.")
    return target


def stale_files(course: Path, assignment: str) -> list[str]:
    """Compare the release of an assignment with a fresh build; return what differs, relative to the course."""
    name = layout_of(course).release
    lying = course / name / assignment
    with tempfile.TemporaryDirectory() as scratch:
        # Not `release`, which would write into the gradebook.
        rebuilt = build_release(course, assignment, Path(scratch))
        old, new = folder_contents(lying), folder_contents(rebuilt)
    differing = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    return [f"{name}/{assignment}/{file}" for file in sorted(differing)]


def _text(notebook: NotebookNode) -> str:
    import nbformat

    return str(nbformat.writes(notebook)).rstrip("\n") + "\n"


def _check_graded_cells(source: Path, notebooks: Mapping[str, NotebookNode], spec: Assignment) -> None:
    """The notebooks' graded cells and the exercises of `assignment.toml` must be the same, with the same points."""
    problems = list(_wrong_cells(notebooks, spec))
    if problems:
        path = source / f"{spec.notebooks[0]}.ipynb" if len(notebooks) == 1 else source
        raise SpecError(told(str(path), problems), "A graded cell's grade_id is the exercise's id.")


def _wrong_cells(notebooks: Mapping[str, NotebookNode], spec: Assignment) -> Iterator[str]:
    graded_cells = {exercise.id: (exercise.points, "autograded") for exercise in spec.exercises}
    graded_cells |= {exercise.id: (exercise.points, "manually graded") for exercise in spec.manual}
    for name, notebook in notebooks.items():
        where = f"{name}.ipynb, " if len(notebooks) > 1 else ""
        # Cells that were met are taken out of `graded_cells`: what is left has no cell in any notebook.
        yield from (f"{where}{problem}" for problem in _wrong_in(notebook, graded_cells))
    if graded_cells:
        yield f"no graded cell for {', '.join(sorted(graded_cells))} of assignment.toml"


def _wrong_in(notebook: NotebookNode, graded_cells: dict[str, tuple[float, str]]) -> Iterator[str]:
    from nbgrader import utils

    for index, cell in enumerate(notebook.cells):
        if not (utils.is_grade(cell) or utils.is_task(cell)):
            continue
        meta = cell.metadata.nbgrader
        # In nbgrader's words: what a student writes into a graded cell is graded by hand.
        kind = "manually graded" if utils.is_solution(cell) or utils.is_task(cell) else "autograded"
        grade_id, points = str(meta.get("grade_id", "")), meta.get("points", 0)
        # Taken out, so that a second cell of the same id finds nothing, and what is left in the end has no
        # cell.
        expected = graded_cells.pop(grade_id, None)
        if expected != (points, kind):
            declared = "nothing" if expected is None else f"{expected[1]}, {expected[0]:g} points"
            yield f"{cell_name(index, cell)}: the cell is {kind}, {points} points; assignment.toml says {declared}"
        for asked in _CHECKED.findall(cell.source):
            if asked != grade_id:
                yield f"{cell_name(index, cell)}: the cell checks {asked!r}; expected lab.check({grade_id!r})"


def _copy_card(course: Path, card: str, release: Path) -> None:
    # A course's own card goes before a packaged one of the same name.
    candidates = (folder / f"{card}.toml" for folder in (course / "datasets", cards_folder()))
    path = next((path for path in candidates if path.is_file()), None)
    if path is None:
        raise SpecError(f"data card {card}: {course / 'datasets' / card}.toml does not exist.")
    (release / "datasets").mkdir(exist_ok=True)
    shutil.copyfile(path, release / "datasets" / path.name)
    program = program_file(load_card(card, path.parent))
    if program is not None:  # whoever does the assignment at home draws the set there
        shutil.copyfile(program, release / "datasets" / program.name)
