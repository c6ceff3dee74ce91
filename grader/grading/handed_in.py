"""The notebooks of one submission as they were handed in: which can be run, and why another cannot."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from nbformat import NotebookNode

from grader import files
from grader.assignment.course import deeper_notebooks, notebooks
from grader.errors import SubmissionError
from grader.grading import workplace
from grader.grading.preparation import Work
from grader.messages import Message
from grader.notebooks import cells, reading
from grader.notebooks.places import jupyter_numbers
from grader.records import Repair, Submission


@dataclass(frozen=True)
class Read:
    """The notebooks of a submission, by name.

    Attributes:
        submitted: the bytes of those that are there.
        notebooks: those that can be run, put right.
        repairs: what was put right in them.
        refused: why one cannot be run.
    """

    submitted: dict[str, bytes] = field(default_factory=dict)
    notebooks: dict[str, NotebookNode] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)
    refused: dict[str, Message] = field(default_factory=dict)

    def refused_exercises(self, work: Work) -> dict[str, Message]:
        """Return why the notebook of an exercise cannot be run, by exercise."""
        notebooks = work.exercise_notebooks
        return {
            name: self.refused[notebook] for name, notebook in notebooks.items() if notebook in self.refused
        }


def read_notebooks(submission: Submission, work: Work) -> Read:
    """Read what was handed in; a notebook that is missing or damaged costs only its own exercises."""
    read = Read()
    for name, path in submission.paths.items():
        try:
            read.submitted[name] = files.read_bytes(path, cells.MAX_NOTEBOOK_BYTES)
            content = read.submitted[name]
            notebook, repairs = reading.read_restored(content, work.releases[name], work.put_back)
        except (FileNotFoundError, SubmissionError) as exc:
            read.refused[name] = _explain_unread(exc, submission, name)
        else:
            read.notebooks[name] = notebook
            read.repairs.extend(replace(repair, notebook=name) for repair in repairs)
    return read


def _explain_unread(exc: Exception, submission: Submission, name: str) -> Message:
    several, file = len(submission.paths) > 1, submission.paths[name].name
    if isinstance(exc, SubmissionError):
        if several:
            return Message("The notebook {name} could not be read: {reason}", name=file, reason=exc.words)
        return Message("The notebook could not be read: {reason}", reason=exc.words)
    names = notebooks(submission.folder)
    if len(names) > 1 and not several:
        return Message(
            "There is no {name} in what was handed in, and {count} notebooks of other names: {names}. Hand in one, under this name.",
            name=file,
            count=len(names),
            names=workplace.some_names(names),
        )
    deeper = deeper_notebooks(submission.folder)
    same = [path for path in deeper if PurePosixPath(path).name.casefold() == file.casefold()]
    # Of several notebooks the others belong to other exercises.
    if paths := same or ([] if several else deeper):
        return Message(
            "There is no {name} at the top of what was handed in, only in folders of it: {paths}. Hand in the notebook itself, without a folder, as {name}.",
            name=file,
            paths=workplace.some_names(paths),
        )
    return Message(
        "There is no {name} in what was handed in. Hand in the notebook under this name.",
        name=file,
    )


def without_cell(notebook: NotebookNode, executed: NotebookNode, index: int) -> tuple[int, NotebookNode]:
    """Return the number of a cell of an executed notebook, and the notebook to run with an error in that cell's place."""
    number = jupyter_numbers(executed.cells)[index]
    shorter = copy.deepcopy(notebook)
    for cell in shorter.cells:
        # By id, not by position: papermill has put a cell with the parameters into the executed notebook.
        if cell.get("id") == executed.cells[index].get("id"):
            cell.source = _definitions(cell.source)
    return number, shorter


def _definitions(source: str) -> str:
    """Return what a cell imports and defines, and an error in place of everything else that it does."""
    return f'{reading.definitions_of(source)}\n\nraise MemoryError("this cell met the memory limit: all but its definitions was left out")'
