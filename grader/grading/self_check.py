"""Check a student's own notebook: run it from top to bottom, and judge it by the public checks alone."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_notebook

from grader import files
from grader.assignment.quizzes.cells import drawing_number
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
        executed: the notebooks as far as they ran, as the bytes of files, by name.
    """

    grade: Grade
    assignment: Assignment
    folder: Path
    data_title: str = ""
    executed: dict[str, bytes] = field(default_factory=dict)

    def place(self, cell: FailedCell) -> Message:
        """Say where a cell is that failed: Jupyter shows no number of it."""
        content = self.executed.get(cell.notebook)
        words = (
            NOTHING
            if content is None
            else place_of(nbformat.reads(content.decode(), as_version=4), cell.index)
        )
        words = words or Message("code cell {number}", number=cell.number)
        if len(self.assignment.notebooks) == 1:
            return words
        return Message("{notebook}: {words}", notebook=cell.notebook, words=words)


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
        # A copy under the name that it should have: the student's file may be called otherwise.
        handed_in = Path(name) / "notebook" / assignment.id
        handed_in.mkdir(parents=True)
        for expected, path in _belonging(notebook, assignment).items():
            shutil.copyfile(path, handed_in / f"{expected}.ipynb")
        graded = grade_submission(Submission("you", assignment.id, handed_in), work, Tools(watch=watch))
    # What could not be read has worse troubles than its name.
    names = _name_notices(notebook, assignment) if graded.executed else ()
    grade = dataclasses.replace(graded.grade, notices=(*names, *graded.grade.notices))
    executed = {name: nbformat.writes(ran).encode() for name, ran in graded.executed.items()}
    title = "" if grade.data == NO_CARD else load_card(grade.data, settings.cards).title
    return Checked(grade, assignment, folder, title, executed)


def _which_there_are(folder: Path) -> str:
    names = sorted(path.name for path in folder.glob("*.ipynb"))[:LISTED]
    if not names:
        return "Give the path of your notebook, for example homework/homework.ipynb."
    return f"There is {', '.join(names)} in that folder."


def _released(notebook: Path, folder: Path) -> dict[str, NotebookNode]:
    """Return what locked cells are held to, by name: the released notebooks, else the student's own.

    Who works in the folder of the release, or renames the only copy, has no other one: it then says itself which cells there
    are. One that cannot be read gets its verdict when it is graded.
    """
    assignment = load_public(folder)
    handed_in = _belonging(notebook, assignment)
    return {
        name: _read(folder / f"{name}.ipynb", handed_in.get(name, notebook)) for name in assignment.notebooks
    }


def _read(released: Path, handed_in: Path) -> NotebookNode:
    try:
        if not released.is_file():
            return nbformat.read(handed_in, as_version=4)
        notebook = nbformat.read(released, as_version=4)
        # The release of a quiz is a sample: a student's own questions stand in the student's notebook alone.
        sample = drawing_number(notebook)
        own = notebook if sample is None else nbformat.read(handed_in, as_version=4)
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return new_notebook()
    return notebook if drawing_number(own) in (None, sample) else own


def _belonging(notebook: Path, assignment: Assignment) -> dict[str, Path]:
    """Return the files that are checked, by the names of the notebooks: of several, those beside the one that is given."""
    names = assignment.notebooks
    if len(names) == 1:
        return {names[0]: notebook}
    paths = {name: notebook.with_name(f"{name}.ipynb") for name in names}
    return {name: path for name, path in paths.items() if path.is_file()}


def _name_notices(notebook: Path, assignment: Assignment) -> tuple[Message, ...]:
    """Say under which name a notebook is to be handed in, where it has another one."""
    name = f"{assignment.notebooks[0]}.ipynb"
    if notebook.name == name or len(assignment.notebooks) > 1:
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
        SpecError: it belongs to none, or to one whose tests are in the notebook itself.
    """
    beside = notebook.resolve().parent
    brought = sorted((files.public_parts() / "assignments").glob("*"))
    assignments = {folder: load_public(folder) for folder in (beside, *brought) if _is_release(folder)}
    releases = {folder: assignment.id for folder, assignment in assignments.items()}
    for folder, assignment in releases.items():
        if _is_of(notebook, assignments[folder].notebooks) and all(
            (folder / f"{name}.ipynb").is_file() for name in assignments[folder].notebooks
        ):
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
    if (beside / "assignment.toml").is_file():
        # A classic assignment that was adopted as it stands has no check files.
        preparation.require_checks(load_public(beside))
    raise SpecError(
        f"{notebook.name} belongs to no assignment that is known here ({', '.join(releases.values()) or 'none'}).",
        "Put it into the assignment's folder, beside assignment.toml and check_public.py.",
    )


def _is_of(notebook: Path, names: tuple[str, ...]) -> bool:
    """Say whether a file is one of an assignment's notebooks; where there is one, more words may follow its name."""
    return notebook.stem.startswith(names[0]) if len(names) == 1 else notebook.stem in names


def _is_release(folder: Path) -> bool:
    return (folder / "assignment.toml").is_file() and (folder / "check_public.py").is_file()


def _same_checks(first: Path, second: Path) -> bool:
    names = ("assignment.toml", "check_public.py")
    return all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
