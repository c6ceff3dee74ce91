"""A student's own check: the notebook run from top to bottom, judged by the public checks alone."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from grader import pipeline, preparation
from grader.course import packaged_course
from grader.errors import SpecError
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
            f"{notebook} does not exist.", "Give the path of your notebook, for example oxford_pets.ipynb."
        )
    folder = release_of(notebook)
    with tempfile.TemporaryDirectory(prefix="pawgrade-check-") as name:
        work = preparation.prepare_public(folder, settings, card=card, desk=Path(name) / "desk")
        assignment = work.context.assignment.id
        handed_in = Path(name) / "notebook" / assignment
        handed_in.mkdir(parents=True)
        shutil.copyfile(notebook, handed_in / f"{assignment}.ipynb")
        return pipeline.grade(Submission("you", assignment, handed_in), work).grade


def release_of(notebook: Path) -> Path:
    """Return the release that a notebook belongs to: by its file name, else by its first words.

    Raises:
        SpecError: it belongs to none.
    """
    beside = notebook.resolve().parent
    releases = [beside, *sorted((packaged_course().folder / "assignments").glob("*"))]
    releases = [folder for folder in releases if (folder / "assignment.toml").is_file()]
    for folder in releases:
        if (folder / f"{folder.name}.ipynb").is_file() and notebook.stem.startswith(folder.name):
            original = packaged_course().folder / "assignments" / folder.name
            # A student works in the release's own folder: the untouched notebook is then only in the package.
            return original if folder == beside and original.is_dir() else folder
    known = ", ".join(folder.name for folder in releases) or "none"
    raise SpecError(
        f"{notebook.name} belongs to no assignment that is known here ({known}).",
        "Keep the assignment's name at the start of the file's name.",
    )
