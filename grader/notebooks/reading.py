"""Read a submitted notebook and put it right, in a process with a memory limit and a clock."""

from __future__ import annotations

import ast
import json

import nbformat
from nbformat import NotebookNode

from grader import confined
from grader.confined import Bounds, Broken
from grader.errors import InfrastructureError, SubmissionError
from grader.messages import Message
from grader.notebooks import cells
from grader.records import Repair

BOUNDS = Bounds(cpu_s=5, memory_mb=400, answer_mb=64)
CODE_BOUNDS = Bounds(cpu_s=2, memory_mb=400, answer_mb=16)


def read_restored(
    content: bytes, release: NotebookNode, put_back: cells.PutBack = cells.PutBack.ALL
) -> tuple[NotebookNode, tuple[Repair, ...]]:
    """Return a submission as `read_notebook` and `restore` make it, and what was repaired.

    Args:
        content: the file, as it was handed in.
        release: the notebook as it was released.
        put_back: which of its cells come back when they were deleted.

    Raises:
        SubmissionError: it is no notebook, or it takes more memory or time than any notebook of a student does.
        InfrastructureError: it could not be looked at, through a fault of ours.
    """
    reply = confined.run(restored, content, BOUNDS, release=nbformat.writes(release), put_back=put_back)
    if isinstance(reply, Broken):
        raise _refusal(reply)
    answer = json.loads(reply)
    # An exception does not cross the border of the process, its two messages do.
    if "refused" in answer:
        message, hint = map(_flat, answer["refused"])
        raise SubmissionError(message, hint)
    repairs = tuple(Repair(cell, _flat(what)) for cell, what in answer["repairs"])
    return nbformat.from_dict(answer["notebook"]), repairs


def _flat(record: object) -> Message:
    return Message.from_record(record, nested=False)  # of a process that has met hostile bytes


def restored(content: bytes, release: str, put_back: str) -> bytes:
    """Do the work of `read_restored`; what it returns is JSON."""
    try:
        notebook = cells.read_notebook(content)
    except SubmissionError as exc:
        return json.dumps({"refused": [exc.message.to_record(), exc.hint.to_record()]}).encode()
    # Up to 50 MiB, in a process whose memory is limited.
    del content
    notebook, repairs = cells.restore(
        notebook, nbformat.reads(release, as_version=4), cells.PutBack(put_back)
    )
    answer = {"notebook": notebook, "repairs": [(repair.cell, repair.what.to_record()) for repair in repairs]}
    return json.dumps(answer, ensure_ascii=False).encode()


def definitions_of(source: str) -> str:
    """Return what a cell imports and defines; nothing of one that is no Python, or takes too long to be parsed."""
    # "replace": half a character (a lone surrogate) has no UTF-8.
    reply = confined.run(definitions, source.encode("utf-8", "replace"), CODE_BOUNDS)
    return "" if isinstance(reply, Broken) else reply.decode()


def definitions(content: bytes) -> bytes:
    """Do the work of `definitions_of`."""
    source = content.decode()
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    try:
        nodes = [node for node in ast.parse(source).body if isinstance(node, kinds)]
    except (SyntaxError, ValueError, RecursionError):  # magics are no Python
        return b""
    return "\n\n".join(ast.get_source_segment(source, node) or "" for node in nodes).encode()


def _refusal(broken: Broken) -> Exception:
    # No verdict on the notebook: a crash counts as a fault of ours.
    if broken.how == "crash":
        return InfrastructureError(f"a notebook could not be read: {broken.log}")
    amount = Message("{size} MiB", size=BOUNDS.answer_mb)
    if broken.how == "memory":
        amount = Message("{size} MiB of memory", size=BOUNDS.memory_mb)
    elif broken.how == "clock":
        amount = Message("{seconds} s", seconds=BOUNDS.cpu_s)
    return SubmissionError(
        Message(
            "the notebook needs more than {amount} to be read: more than any notebook of this assignment.",
            amount=amount,
        ),
        Message(
            "Clear its outputs (Kernel, Restart and Clear Outputs), delete what does not belong to the assignment, and hand it in again."
        ),
    )
