"""Reading a submitted notebook and putting it right, in a process with a memory limit and a clock."""

from __future__ import annotations

import ast
import json

import nbformat
from nbformat import NotebookNode

from grader import confined
from grader.confined import Bounds, Broken
from grader.errors import InfrastructureError, SubmissionError
from grader.notebooks import cells
from grader.records import Repair

BOUNDS = Bounds(cpu_s=5, memory_mb=400, answer_mb=64)
CODE_BOUNDS = Bounds(cpu_s=2, memory_mb=400, answer_mb=16)


def read_restored(content: bytes, release: NotebookNode) -> tuple[NotebookNode, tuple[Repair, ...]]:
    """Return a submission as `read_notebook` and `restore` make it, and what was repaired.

    Args:
        content: the file, as it was handed in.
        release: the notebook as it was released.

    Raises:
        SubmissionError: it is no notebook, or it takes more memory or time than any notebook of a student does.
        InfrastructureError: it could not be looked at, through a fault of ours.
    """
    found = confined.run(restored, content, BOUNDS, release=nbformat.writes(release))
    if isinstance(found, Broken):
        raise _refusal(found)
    answer = json.loads(found)
    if "refused" in answer:
        raise SubmissionError(*answer["refused"])
    return nbformat.from_dict(answer["notebook"]), tuple(Repair(*one) for one in answer["repairs"])


def restored(content: bytes, release: str) -> bytes:
    """Do the work of `read_restored`; what it returns is JSON."""
    try:
        notebook = cells.read_notebook(content)
    except SubmissionError as exc:
        return json.dumps({"refused": [exc.message, exc.hint]}).encode()
    del content
    notebook, repairs = cells.restore(notebook, nbformat.reads(release, as_version=4))
    answer = {"notebook": notebook, "repairs": [(one.cell, one.what) for one in repairs]}
    return json.dumps(answer, ensure_ascii=False).encode()


def definitions_of(source: str) -> str:
    """Return what a cell imports and defines; nothing of one that is no Python, or takes too long to be parsed."""
    found = confined.run(definitions, source.encode("utf-8", "replace"), CODE_BOUNDS)
    return "" if isinstance(found, Broken) else found.decode()


def definitions(content: bytes) -> bytes:
    """Do the work of `definitions_of`."""
    source = content.decode()
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    try:
        kept = [one for one in ast.parse(source).body if isinstance(one, kinds)]
    except (SyntaxError, ValueError, RecursionError):  # magics are no Python
        return b""
    return "\n\n".join(ast.get_source_segment(source, one) or "" for one in kept).encode()


def _refusal(broken: Broken) -> Exception:
    if broken.how == "crash":
        return InfrastructureError(f"a notebook could not be read: {broken.log}")
    needs = {"memory": f"{BOUNDS.memory_mb} MiB of memory", "clock": f"{BOUNDS.cpu_s} s"}
    return SubmissionError(
        f"the notebook needs more than {needs.get(broken.how, f'{BOUNDS.answer_mb} MiB')} to be read: more than any notebook of this assignment.",
        "Clear its outputs (Kernel, Restart and Clear Outputs), delete what does not belong to the assignment, and hand it in again.",
    )
