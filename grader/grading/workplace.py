"""Working folders of runs: lay out the files, name them to the kernel, and let runs take turns."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from nbformat import NotebookNode

from grader import files
from grader.assignment import course
from grader.assignment.spec import PICTURES
from grader.errors import SubmissionError
from grader.grading.preparation import Work
from grader.kernel_env import TUNING
from grader.messages import Message, listed
from grader.notebooks import sanitise_text
from grader.records import Submission

if TYPE_CHECKING:
    from grader.execution import kernels

# Released files that are not there while a notebook is graded: they hold reference values, and draw what nobody looks at there.
LEFT_OUT = frozenset({"check_public.py", PICTURES})


@contextlib.contextmanager
def turn(desk: Path, *, alone: bool) -> Iterator[None]:
    """Wait for one's turn among all runs that share a desk, in this process and others.

    Args:
        desk: folder for working copies.
        alone: whether no other run may go on meanwhile.
    """
    desk.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except (
        ImportError
    ):  # Windows, where nothing but `check` runs: its desk is its own, and it runs one notebook at a time
        yield
        return
    with (
        (desk / ".door").open("a", encoding="utf-8") as door,
        (desk / ".turn").open("a", encoding="utf-8") as file,
    ):
        fcntl.flock(door, fcntl.LOCK_EX)  # who waits to be alone stands in it, so that nobody new goes past
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield


@contextlib.contextmanager
def folder(work: Work) -> Iterator[Path]:
    """Make a folder for one run, and remove it afterwards, whatever the submission made of its permissions."""
    run_folder = work.desk / uuid.uuid4().hex
    run_folder.mkdir(parents=True)
    try:
        yield run_folder
    finally:
        shutil.rmtree(run_folder, onerror=_make_writable)


def _make_writable(function: Any, path: str, _: Any) -> None:  # noqa: ANN401 - shutil's callback
    with contextlib.suppress(OSError):
        # Its parent too: to remove an entry, the folder must be writable. Links are left, their targets are
        # not ours.
        Path(path).parent.chmod(0o700)
        Path(path).chmod(0o700, follow_symlinks=False) if not Path(path).is_symlink() else None
        function(path)


def without_paths(notebook: NotebookNode, place: Path, work: Work) -> NotebookNode:
    """Return the notebook with neutral names for this machine's folders: students read it, others may."""
    text = nbformat.writes(notebook)
    # In the text of the whole notebook, since outputs name paths, too; there JSON may have escaped them.
    for path, name in (
        (place, "/pawgrade"),
        (work.data_dir, "/pawgrade/data"),
        (Path(sys.prefix), "/environment"),
    ):
        if path is None:
            continue
        text = text.replace(json.dumps(str(path))[1:-1], name)
    return nbformat.reads(text, as_version=4)


def lay_out(place: Path, submission: Submission, work: Work) -> list[Message]:
    """Put the release's files, but for checks and pictures, and the declared ones beside the notebook; say what was left out."""
    for name in ("work", "work/scratch", "home", "tmp"):
        (place / name).mkdir()
    for path in work.public_files:
        # As in the release, so that notebooks find files by the same paths as at home.
        relative = path.relative_to(_root(work.public_files, work.context.assignment.id))
        if relative.as_posix() in LEFT_OUT:
            continue
        target = place / "work" / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    declared = {file.name: file for file in work.context.assignment.files}
    expected_names = {*(path.name for path in submission.paths.values()), course.TIMESTAMP, *declared}
    expected_names |= {path.name for path in work.public_files}
    told: list[Message] = []
    if submission.name:
        told.append(
            Message(
                "The notebook was called {name}. It was taken, since it was the only one; next time hand it in as {expected}.",
                name=sanitise_text.printable(submission.name, 60),
                expected=f"{work.context.assignment.notebooks[0]}.ipynb",
            )
        )
    for name, file in declared.items():
        try:
            # Read without following links, up to the declared size: the file is the student's.
            (place / "work" / name).write_bytes(
                files.read_bytes(submission.folder / name, file.max_kb * 1024)
            )
        except FileNotFoundError:
            told.append(
                Message("The file {name} that belongs to this assignment was not handed in.", name=name)
            )
        except SubmissionError as exc:
            told.append(Message("A file was left out: {reason}", reason=exc.words))
    others = (
        sorted({path.name for path in submission.folder.iterdir()} - expected_names)
        if submission.folder.is_dir()
        else []
    )
    if others:
        names = some_names(others)
        told.append(
            Message("Only the notebook counts; these files beside it were ignored: {names}.", names=names)
            if len(submission.paths) == 1
            else Message(
                "Only the notebooks count; these files beside them were ignored: {names}.", names=names
            )
        )
    return told


def some_names(names: Sequence[str]) -> Message:
    """Return the first names of a list, as they may be shown: students choose them."""
    # Control characters go, and a few names suffice.
    first_names = listed([sanitise_text.printable(name, 60) for name in names[:5]])
    return Message("{names} and more", names=first_names) if len(names) > 5 else first_names


def _root(files: tuple[Path, ...], assignment: str) -> Path:
    return next(
        parent
        for parent in files[0].parents
        if parent.name == assignment or (parent / "assignment.toml").is_file()
    )


def parameters(lease: kernels.Lease, place: Path, work: Work) -> dict[str, Any]:
    """Return what papermill injects: folders as the kernel calls them, seed and device.

    Nothing where the notebook's own tests grade it: those of nbgrader expect no names but the notebook's.
    """
    if work.context.assignment.in_the_notebook:
        return {}
    return {
        "data_dir": None if work.data_dir is None else lease.place(work.data_dir),
        "scratch_dir": lease.place(place / "work" / "scratch"),
        "seed": work.seed,
        "device": work.device,
        "language": "en",
    }


def environment(place: Path, work: Work) -> dict[str, str]:
    """Return a plain kernel's own variables: private folders, as many threads as the assignment allows."""
    threads = str(work.context.assignment.limits_on(work.context.card).cpus)
    fonts = matplotlib_cache(work.desk)
    # A copy for each run, since a notebook can write there.
    private = place / "home" / "matplotlib"
    shutil.copytree(fonts, private)
    return {
        "HOME": str(place / "home"),
        "TMPDIR": str(place / "tmp"),
        "IPYTHONDIR": str(place / "home" / "ipython"),
        "MPLCONFIGDIR": str(private),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        **TUNING,
        "PYTHONNOUSERSITE": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads),
    }


def matplotlib_cache(desk: Path) -> Path:
    """Return a folder with matplotlib's font list, made once: without it every kernel would spend seconds on it."""
    folder = desk / "matplotlib"
    if not folder.is_dir():
        # Made aside and renamed, so that no worker sees half of it.
        draft = desk / f".fonts-{uuid.uuid4().hex}"
        draft.mkdir(parents=True)
        environment = {**os.environ, "MPLCONFIGDIR": str(draft)}
        subprocess.run(
            [sys.executable, "-c", "import matplotlib.font_manager"],
            env=environment,
            check=False,
            capture_output=True,
        )
        with contextlib.suppress(OSError):  # another worker was faster
            draft.rename(folder)
    return folder
