"""Check a student's own notebook: run it from top to bottom, and judge it by the public checks alone."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from grader import files
from grader.assignment.spec import Assignment, load_public
from grader.datasets.cards import load_card
from grader.errors import SpecError
from grader.grading import preparation
from grader.grading.submission import Tools, grade_submission
from grader.messages import NOTHING, Message
from grader.notebooks.places import place_of
from grader.records import NO_CARD, FailedCell, Grade, Submission
from grader.settings import Settings

LISTED = 5  # notebooks that lie where one was looked for


def _unwatched(*_: object) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Checked:
    """What a student's own check gave.

    Attributes:
        grade: by the public checks alone.
        assignment: the assignment's public description.
        folder: the release that the notebook was held to.
        data_title: what the photos in use are called; "" where there are none.
        executed: the notebook as far as it ran, as the bytes of a file; None when nothing did.
    """

    grade: Grade
    assignment: Assignment
    folder: Path
    data_title: str = ""
    executed: bytes | None = None

    def place(self, cell: FailedCell) -> Message:
        """Say where a cell is that failed: Jupyter shows no number of it."""
        executed = None if self.executed is None else nbformat.reads(self.executed.decode(), as_version=4)
        words = NOTHING if executed is None else place_of(executed, cell.index)
        return words or Message("code cell {number}", number=cell.number)


def check_notebook(
    notebook: Path,
    settings: Settings,
    *,
    card: str | None,
    watch: Callable[[str, int, int], object] = _unwatched,
) -> Checked:
    """Run a notebook and judge it by the public checks.

    Args:
        notebook: the student's file; it is not changed.
        settings: where photos are, which kernel.
        card: data card, or None for the default.
        watch: is told how far it has come, as `Tools.watch` is.

    Raises:
        SpecError: there is no such file, or no assignment it belongs to.
    """
    if notebook.is_dir():
        raise SpecError(f"{notebook}: expected a notebook, found a folder.", _which_there_are(notebook))
    if not notebook.is_file():
        raise SpecError(f"{notebook} does not exist.", _which_there_are(notebook.parent))
    folder = release_of(notebook)
    with tempfile.TemporaryDirectory(prefix="pawgrade-check-") as name:
        trusted = dataclasses.replace(
            settings, sandbox="none"
        )  # the student's own machine, the student's own code
        work = preparation.prepare_public(
            folder,
            trusted,
            card=card,
            desk=Path(name) / "desk",
            released=_released(notebook, folder),
        )
        assignment = work.context.assignment
        # A copy under the assignment's name: the student's file may be called otherwise.
        handed_in = Path(name) / "notebook" / assignment.id
        handed_in.mkdir(parents=True)
        shutil.copyfile(notebook, handed_in / f"{assignment.id}.ipynb")
        graded = grade_submission(Submission("you", assignment.id, handed_in), work, Tools(watch=watch))
    # What could not be read has worse troubles than its name.
    names = () if graded.executed is None else _name_notices(notebook, assignment.id)
    grade = dataclasses.replace(graded.grade, notices=(*names, *graded.grade.notices))
    executed = None if graded.executed is None else nbformat.writes(graded.executed).encode()
    title = "" if grade.data == NO_CARD else load_card(grade.data, settings.cards).title
    return Checked(grade, assignment, folder, title, executed)


def _which_there_are(folder: Path) -> str:
    names = sorted(path.name for path in folder.glob("*.ipynb"))[:LISTED]
    if not names:
        return "Give the path of your notebook, for example homework/homework.ipynb."
    return f"There is {', '.join(names)} in that folder."


def _released(notebook: Path, folder: Path) -> NotebookNode:
    """Return what locked cells are held to: the released notebook, else the student's own.

    Who works in the folder of the release, or renames the only copy, has no other one: it then says itself which cells there
    are. One that cannot be read gets its verdict when it is graded.
    """
    released = folder / f"{load_public(folder).id}.ipynb"
    try:
        return nbformat.read(released if released.is_file() else notebook, as_version=4)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return new_notebook()


def _name_notices(notebook: Path, assignment: str) -> tuple[Message, ...]:
    """Say under which name a notebook is to be handed in, where it has another one."""
    name = f"{assignment}.ipynb"
    if notebook.name == name:
        return ()
    return (
        Message(
            "Hand it in as {name}: {found} counts only if it is the one notebook that you hand in.",
            name=name,
            found=notebook.name,
        ),
    )


def release_of(notebook: Path) -> Path:
    """Return the release that a notebook belongs to: the folder it lies in or a packaged one, by the file's name.

    A file of any other name belongs to the assignment in whose folder it lies.

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
    if beside in releases:
        return beside
    raise SpecError(
        f"{notebook.name} belongs to no assignment that is known here ({', '.join(releases.values()) or 'none'}).",
        "Put it into the assignment's folder, beside assignment.toml and check_public.py.",
    )


def _is_release(folder: Path) -> bool:
    return (folder / "assignment.toml").is_file() and (folder / "check_public.py").is_file()


def _same_checks(first: Path, second: Path) -> bool:
    names = ("assignment.toml", "check_public.py")
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
