"""Where the files lie that Pawgrade brings along: the one place that tells an installed package from a checkout.

Two distributions are built from one repository. `pawgrade`, which students install, carries what they may read: the
released assignments and the data cards. `pawgrade-course`, which comes with `pawgrade[staff]`, carries the course that they
were made from, with solutions, hidden checks and mutants. Only the standard library is imported here, since the build
reads this file, too.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
FOLDER = "course"  # of the public parts, inside an installed package
PUBLIC_PARTS = ("assignments", "datasets")
STAFF_FOLDER = "pawgrade_course"  # beside the packages of an environment
STAFF_PARTS = ("assignments", "solutions", "nbgrader_config.py")
STAFF_PROJECT = "pawgrade-course"


def is_installed(package: Path = PACKAGE) -> bool:
    """Say whether a `grader` package was built into a wheel; in a checkout its files lie beside it."""
    return (package / FOLDER).is_dir()


def public_parts(package: Path = PACKAGE) -> Path:
    """Return the folder that holds `PUBLIC_PARTS`: package data, or the checkout.

    Beside an installed package, folders of these names may be another project's: there they are never looked at.
    """
    return package / FOLDER if is_installed(package) else package.parent


def staff_parts(package: Path = PACKAGE) -> Path | None:
    """Return the folder that holds `STAFF_PARTS`: the checkout, or what `pawgrade-course` installed; None: neither."""
    if not is_installed(package) and (package.parent / "solutions").is_dir():
        return package.parent
    return next((folder for folder in staff_folders() if (folder / "solutions").is_dir()), None)


def staff_folders(package: Path = PACKAGE) -> list[Path]:
    """Return every folder of this Python's environment that holds staff's files.

    More than one may be there: of the user and of the system, and what a former version left in the package itself.
    """
    environment = [Path(entry) / STAFF_FOLDER for entry in sys.path if entry]
    return [folder for folder in (*environment, package / FOLDER / "solutions") if folder.is_dir()]


def staff_paths() -> list[Path]:
    """Return what no kernel may see of this Python's environment: staff's folders, and the lists of their files."""
    lists = [
        path for entry in sys.path if entry for path in Path(entry).glob(f"{STAFF_FOLDER}-*.dist-info/RECORD")
    ]
    return [*staff_folders(), *lists]


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Read a hostile file: a regular file of at most `max_bytes`, not a link, pipe or device.

    Raises:
        FileNotFoundError: there is no such file.
        SubmissionError: it is something else, or too large.
    """
    from grader.errors import SubmissionError  # the build reads this file by itself

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise SubmissionError(f"{path.name}: expected a regular file, found something else.") from exc
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(f"{path.name}: expected a regular file, found something else.")
        if status.st_size > max_bytes:
            raise SubmissionError(f"{path.name}: expected at most {max_bytes} bytes, found {status.st_size}.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(max_bytes + 1)
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise SubmissionError(f"{path.name}: expected at most {max_bytes} bytes, found more.")
    return content
