"""Where a course keeps its folders: Pawgrade's names, or those that `CourseDirectory` has in `nbgrader_config.py`.

The file is staff's program and is executed, by traitlets' own loader, as nbgrader executes it.
"""

from __future__ import annotations

import functools
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import SpecError

CONFIG = "nbgrader_config.py"
# nbgrader's default of CourseDirectory.ignore: names and patterns of what is not copied into a release.
IGNORED = (".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback")
STRUCTURE = "{nbgrader_step}/{student_id}/{assignment_id}".replace("/", "")  # compared without separators


@dataclass(frozen=True)
class Layout:
    """Names of a course's folders, below it.

    Attributes:
        source: what staff write, a folder for each assignment.
        release: what students get.
        submitted: what they hand in, by student.
        autograded: what the formgrader shows, by student.
        feedback: the pages, by student.
        db_url: the gradebook's URL; "": `gradebook.db` in the course.
    """

    source: str = "solutions"
    release: str = "assignments"
    submitted: str = "submitted"
    autograded: str = "autograded"
    feedback: str = "feedback"
    db_url: str = ""


def layout_of(course: Path) -> Layout:
    """Return the names of a course's folders.

    Args:
        course: its folder.

    Raises:
        SpecError: `nbgrader_config.py` fails, or says what Pawgrade cannot follow; names file and line.
    """
    path = course / CONFIG
    try:
        content = path.read_bytes()
    except OSError:  # no such file: whoever needs one says so
        return Layout()
    # By content: the file may change while a process lives.
    return _read(path.absolute(), content)


@functools.lru_cache(maxsize=32)
def _read(path: Path, _content: bytes) -> Layout:
    settings = load_config(path).get("CourseDirectory", {})
    _require_followed(path, settings)
    names = {kind: settings.get(f"{kind}_directory", default) for kind, default in _defaults(path, settings)}
    for kind, name in names.items():
        # A folder of the course: Pawgrade replaces what lies in it.
        if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise SpecError(
                f"{path}: c.CourseDirectory.{kind}_directory: expected a folder in the course, found {name!r}.",
                f'For example c.CourseDirectory.{kind}_directory = "{kind}".',
            )
    url = settings.get("db_url", "")
    return Layout(**names, db_url=url if isinstance(url, str) else "")


def _defaults(path: Path, settings: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - traitlets' Config
    """Return nbgrader's names; a course that names neither folder may keep Pawgrade's."""
    names = {name: name for name in ("source", "release", "submitted", "autograded", "feedback")}
    unnamed = not {"source_directory", "release_directory"} & set(settings)
    if unnamed and (path.parent / "solutions").is_dir() and not (path.parent / "source").is_dir():
        names |= {"source": "solutions", "release": "assignments"}
    return list(names.items())


def _require_followed(path: Path, settings: Any) -> None:  # noqa: ANN401 - traitlets' Config
    """Raise SpecError for settings that would have Pawgrade look elsewhere than nbgrader does."""
    structure = settings.get("directory_structure", "")
    if isinstance(structure, str) and structure.replace("/", "").replace("\\", "") not in ("", STRUCTURE):
        raise SpecError(
            f"{path}: c.CourseDirectory.directory_structure is {structure!r}; expected nbgrader's own, by student and assignment.",
            "Remove the line: Pawgrade reads submitted/<student>/<assignment>.",
        )
    root = settings.get("root", "")
    if isinstance(root, str) and root and Path(path.parent, root).resolve() != path.parent.resolve():
        raise SpecError(
            f"{path}: c.CourseDirectory.root is {root!r}, another folder than the file lies in.",
            f"Put the file there, or write c.CourseDirectory.root = {str(path.parent)!r}.",
        )


def ignored_names(course: Path) -> tuple[str, ...]:
    """Return the patterns of `CourseDirectory.ignore`: files and folders of those names go into no release.

    Args:
        course: its folder; without `nbgrader_config.py` it is nbgrader's default.

    Raises:
        SpecError: the file fails, or the setting is no list of names.
    """
    path = course / CONFIG
    try:
        content = path.read_bytes()
    except OSError:
        return IGNORED
    return _read_ignored(path.absolute(), content)


@functools.lru_cache(maxsize=32)
def _read_ignored(path: Path, _content: bytes) -> tuple[str, ...]:
    from traitlets.config import LazyConfigValue

    names = load_config(path).get("CourseDirectory", {}).get("ignore", IGNORED)
    if isinstance(names, LazyConfigValue):  # the course adds to the default
        names = names.get_value(list(IGNORED))
    if not isinstance(names, list | tuple | set) or not all(isinstance(name, str) for name in names):
        raise SpecError(
            f"{path}: c.CourseDirectory.ignore: expected a list of names, found {names!r}.",
            f"For example c.CourseDirectory.ignore = {[*IGNORED, 'staff']}.",
        )
    return tuple(names)


def load_config(path: Path) -> Any:  # noqa: ANN401 - traitlets' Config
    """Execute a configuration file; return what it sets; raises SpecError with file and line where it fails."""
    from traitlets.config import PyFileConfigLoader

    try:
        return PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    except Exception as exc:  # a program of staff's: it may raise anything
        line = exc.lineno if isinstance(exc, SyntaxError) else None
        for frame in traceback.extract_tb(exc.__traceback__):
            if Path(frame.filename).name == path.name:
                line = frame.lineno
        where = f"{path}, line {line}" if line else str(path)
        first_line = (str(exc).strip().splitlines() or [""])[0]
        raise SpecError(
            f"{where}: {type(exc).__name__}: {first_line.rstrip('.')}.", "nbgrader could not read it either."
        ) from exc
