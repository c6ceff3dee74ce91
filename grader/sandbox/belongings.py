"""Choose the folder that is copied for a notebook: the one that a program names, never one that holds more than a notebook's.

Programs name it as the kernel's working folder. papermill names none unless told; Jupyter's server names none for a
kernel without a notebook, and goes up to its root where the notebook's folder is gone. What a program does not name is
not taken: the current folder of a terminal may be a course, with everybody's work in it.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Mapping
from pathlib import Path

SESSION = "JPY_SESSION_NAME"  # Jupyter's server tells the notebook's path by it
COURSE = ("nbgrader_config.py", "gradebook.db", "pawgrade.toml", ".pawgrade")  # what makes a folder a course
# Folders of a course, and how many folders deep in them a notebook has one of its own.
OWN = {
    "solutions": 1, "source": 1, "assignments": 1, "release": 1,
    "submitted": 2, "autograded": 2, "feedback": 2, "downloaded": 3,
}  # fmt: skip
STAFF = "staff"


class NotTaken(Exception):
    """No folder is copied for the kernel; the text says why."""


def named_folder(cwd: object, environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder that a program names for a notebook.

    Args:
        cwd: the working folder that it gives to the kernel, if it gives one.
        environment: the variables that it gives to the kernel.

    Raises:
        NotTaken: it names none, or one that is not a notebook's own.
    """
    if not cwd:
        raise NotTaken("the program named no folder for the notebook (papermill does by --cwd)")
    try:
        folder = Path(os.fspath(cwd)).resolve(strict=True)  # type: ignore[call-overload]
    except (OSError, TypeError) as exc:
        raise NotTaken(f"{cwd} cannot be found") from exc
    notebook = (environment or {}).get(SESSION, "")
    # The same path as in our own environment was inherited: then the program did not name it for this kernel.
    if notebook != os.environ.get(SESSION, "") and notebook.startswith("/"):
        notebook_folder = Path(notebook).parent
        if notebook_folder.resolve() != folder:
            raise NotTaken(f"{folder} is not where {notebook} lies")
    # `/` and the folders in it, and homes with all that is around them, are nobody's notebook folder.
    if len(folder.parts) <= 2 or any(home.is_relative_to(folder) for home in _homes()):
        raise NotTaken(f"{folder} is no notebook's own folder; keep the notebook in a folder below it")
    _leave_courses_alone(folder)
    return folder


def _homes() -> list[Path]:
    homes = {Path.home(), *(Path(account.pw_dir) for account in pwd.getpwall())}
    # An account without a home has "" there, which would stand for the current folder.
    return [home.resolve() for home in homes if len(home.parts) > 1]


def _leave_courses_alone(folder: Path) -> None:
    course = next((ancestor for ancestor in (folder, *folder.parents) if is_course(ancestor)), None)
    if course is None:
        return
    # `solutions/lab` is a notebook's own folder, `submitted/anna` is not: it holds all that Anna handed in.
    kind, *deeper = folder.relative_to(course).parts or ("",)
    if kind not in OWN or len(deeper) < OWN[kind] or STAFF in deeper:
        raise NotTaken(f"{folder} belongs to the course in {course}, not to one notebook")


def is_course(folder: Path) -> bool:
    """Tell whether a folder is the top of a course: it and what lies in it is for staff."""
    with contextlib.suppress(OSError):
        return any((folder / name).exists() for name in COURSE)
    return False


def travels(entry: os.DirEntry[str]) -> bool:
    """Tell whether an entry of a notebook's folder may be copied: no hidden file, nothing of staff's."""
    if entry.name.startswith(".") or entry.name.startswith(COURSE[:3]):
        return False
    if not entry.is_dir(follow_symlinks=False):
        return True
    return entry.name != STAFF and not is_course(Path(entry.path))
