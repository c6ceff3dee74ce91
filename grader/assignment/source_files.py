"""Which files of an assignment's source folder count: what a release copies, and what of `staff/` judges.

Release, identity and version ask here, so that none of them sees a file that another does not.
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

from grader.assignment.layout import CONFIG, ignored_names

STAFF = "staff"
# What systems, editors and runs leave beside one's files: nobody wrote it as a part of an assignment.
LITTER = (
    "__pycache__", "*.pyc", ".ipynb_checkpoints", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".git",
    ".DS_Store", "._*", "Thumbs.db", "desktop.ini", ".directory", ".nfs*",
    "*~", "*.swp", "*.swo", ".#*", "#*#", ".~lock.*#", ".idea", ".vscode",
)  # fmt: skip
TRIALS = frozenset(
    {"mutants", "recipes"}
)  # of staff: they try an assignment out; no submission ever meets them


def beside_the_notebooks(source: Path) -> list[Path]:
    """Return the files that a release copies beside its notebooks, sorted by path.

    Those are all but notebooks, `staff/`, what the course's `CourseDirectory.ignore` names, and `LITTER`.

    Args:
        source: the assignment's source folder; the nearest `nbgrader_config.py` above it is the course's.

    Raises:
        SpecError: `nbgrader_config.py` fails, or `ignore` is no list of names there.
    """
    home = next((folder for folder in source.absolute().parents if (folder / CONFIG).is_file()), source)
    patterns = (STAFF, *LITTER, *ignored_names(home))
    return [path for path in _files(source, patterns) if path.suffix != ".ipynb"]


def that_decide(source: Path) -> list[Path]:
    """Return the files that decide grades, sorted by path: what students get, its sources, and what of `staff/` judges.

    Args:
        source: the assignment's source folder. Notebooks that its `assignment.toml` does not name are no part of it.

    Raises:
        SpecError: as `beside_the_notebooks` says.
    """
    sources = [path for name in _notebooks(source) if (path := source / f"{name}.ipynb").is_file()]
    judging = list(_files(source / STAFF, (*LITTER, *TRIALS)))
    return sorted([*beside_the_notebooks(source), *sources, *judging])


def _notebooks(source: Path) -> list[str]:
    """Return the names of an assignment's notebooks, its other mistakes aside: a version tells apart what is wrong, too."""
    try:
        named = tomllib.loads((source / "assignment.toml").read_text(encoding="utf-8")).get("notebooks")
    except (OSError, ValueError):
        named = None
    return [str(name) for name in named] if isinstance(named, list) and named else [source.name]


def _files(folder: Path, patterns: Collection[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        # Each part of the path: a pattern that matches a folder leaves out all that is in it.
        names = path.relative_to(folder).parts
        left_out = any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in patterns)
        if not left_out and path.is_file():
            yield path
