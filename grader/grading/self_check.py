"""Check a student's own notebook: run it from top to bottom, and judge it by the public checks alone."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path

from grader import files
from grader.assignment.spec import load_public
from grader.errors import SpecError
from grader.grading import preparation
from grader.grading.submission import grade_submission
from grader.records import Grade, Submission
from grader.settings import Settings


def check_notebook(notebook: Path, settings: Settings, *, card: str | None) -> Grade:
    """Run a notebook and judge it by the public checks.

    Args:
        notebook: the student's file; it is not changed.
        settings: where photos are, which kernel.
        card: data card, or None for the default.

    Raises:
        SpecError: there is no such file, or no assignment it belongs to.
    """
    if not notebook.is_file():
        raise SpecError(
            f"{notebook} does not exist.", "Give the path of your notebook, for example homework.ipynb."
        )
    folder = release_of(notebook)
    with tempfile.TemporaryDirectory(prefix="pawgrade-check-") as name:
        trusted = dataclasses.replace(
            settings, sandbox="none"
        )  # the student's own machine, the student's own code
        work = preparation.prepare_public(folder, trusted, card=card, desk=Path(name) / "desk")
        assignment = work.context.assignment.id
        # A copy under the assignment's name: the student's file may be called otherwise.
        handed_in = Path(name) / "notebook" / assignment
        handed_in.mkdir(parents=True)
        shutil.copyfile(notebook, handed_in / f"{assignment}.ipynb")
        return grade_submission(Submission("you", assignment, handed_in), work).grade


def release_of(notebook: Path) -> Path:
    """Return the release that a notebook belongs to: the folder it lies in, else a packaged one, by the file's name.

    Raises:
        SpecError: it belongs to none.
    """
    beside = notebook.resolve().parent
    brought = sorted((files.public_parts() / "assignments").glob("*"))
    releases = {folder: load_public(folder).id for folder in (beside, *brought) if _is_release(folder)}
    for folder, assignment in releases.items():
        if notebook.stem.startswith(assignment) and (folder / f"{assignment}.ipynb").is_file():
            # A student works in the release's own folder: the untouched notebook is then only in the package. It
            # serves while the assignment is the same; a teacher's own version of it lies beside the notebook.
            untouched = [
                packaged
                for packaged in brought
                if releases.get(packaged) == assignment and _same_checks(packaged, folder)
            ]
            return untouched[0] if untouched else folder
    raise SpecError(
        f"{notebook.name} belongs to no assignment that is known here ({', '.join(releases.values()) or 'none'}).",
        "Keep the assignment's name at the start of the file's name.",
    )


def _is_release(folder: Path) -> bool:
    return (folder / "assignment.toml").is_file() and (folder / "check_public.py").is_file()


def _same_checks(first: Path, second: Path) -> bool:
    names = ("assignment.toml", "check_public.py")
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
