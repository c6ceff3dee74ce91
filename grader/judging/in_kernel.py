"""Ask entry points inside the kernel, next to the student's code.

It shares a process with the student's code, so nothing it says is believed: it only writes files, which the trusted
side reads as inert bytes. `ask` answers one question; `call` is also what `lab.check` uses.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_BYTES = 64 * 2**20
MOST_FRAMES = 8  # of a traceback: a note has to stay small


class Unusable(Exception):
    """The function gave nothing that can be saved; `kind` and `text` say why.

    Where it raised, `name` is the exception's class and `frames` are the places in the notebook that it came through, the
    innermost last: execution count of the cell, and line in it.
    """

    def __init__(
        self, kind: str, text: str = "", name: str = "", frames: Sequence[tuple[int, int]] = ()
    ) -> None:
        super().__init__(kind, text, name, frames)
        self.kind, self.text, self.name, self.frames = kind, text, name, tuple(frames)

    def to_note(self) -> dict[str, Any]:
        """Return what a probe writes in place of an answer: `cell` and `line` are those that raised, 0 where not known."""
        cell, line = self.frames[-1] if self.frames else (0, 0)
        note = {"kind": self.kind, "text": self.text, "class": self.name, "cell": cell, "line": line}
        return {**note, "frames": [list(frame) for frame in self.frames]}


def call(function: Callable[..., Any] | None, arguments: Sequence[Any]) -> npt.NDArray[np.generic]:
    """Call an entry point and return its answer as a numeric array; raises Unusable."""
    if not callable(function):
        raise Unusable("missing")
    try:
        result = function(*arguments)
    except (Exception, SystemExit) as exc:
        raise Unusable("raised", _say(exc), type(exc).__name__[:100], _frames(exc)) from exc
    if result is None:
        raise Unusable("none")
    try:
        if hasattr(result, "detach"):  # a torch tensor, perhaps on a GPU or with a gradient
            result = _plain(result.detach().cpu())
        array = np.asarray(result)
    except (Exception, SystemExit) as exc:
        raise Unusable("object", type(result).__name__[:100]) from exc
    if array.dtype.kind == "O" and array.ndim == 0:  # no list of objects, but one: a generator, a dictionary
        raise Unusable("object", type(result).__name__[:100])
    if array.dtype.kind not in "fiub":
        raise Unusable("object", f"dtype {array.dtype}"[:100])
    if array.nbytes > MAX_BYTES:
        raise Unusable("large", f"{array.dtype} of shape {array.shape}"[:200])
    return array


def _plain(tensor: Any) -> Any:  # noqa: ANN401 - torch is the notebook's, and may not be there
    """Return a tensor's numbers; numpy has no bfloat16."""
    try:
        return tensor.numpy()
    except TypeError:
        return tensor.float().numpy()


def ask(folder: str, namespace: Mapping[str, Any] | None = None) -> None:
    """Answer the question in `folder`: `answer.npy`, or `note.json` that says why there is none."""
    root = Path(folder)
    if namespace is None:  # not `globals()`, which a notebook may have redefined
        namespace = sys._getframe(1).f_globals
    question = json.loads((root / "question.json").read_text(encoding="utf-8"))
    try:
        arguments = [_argument(root, item) for item in question["arguments"]]
        array = call(namespace.get(question["entry_point"]), arguments)
        np.save(root / "answer.npy", array, allow_pickle=False)
    except Unusable as exc:
        (root / "note.json").write_text(json.dumps(exc.to_note()), encoding="utf-8")


def recover() -> None:
    """Let go of what a cell that met the memory limit still holds: its frames, and memory that is kept for later use."""
    trace = getattr(sys, "last_traceback", None)
    if trace is not None:
        traceback.clear_frames(trace)
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        vars(sys).pop(name, None)
    try:
        sys.modules["IPython"].get_ipython().InteractiveTB.tb = None
    except (Exception, SystemExit):
        trace = None
    del trace
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def _say(exc: BaseException) -> str:
    """Name an exception and quote it; its own `__str__` is the student's code, too."""
    try:
        return f"{type(exc).__name__}: {exc}"[:300]
    except (Exception, SystemExit):
        return type(exc).__name__[:300]


def _frames(exc: BaseException) -> list[tuple[int, int]]:
    """Return execution count and line of the notebook's own frames of an exception, the innermost last; [] when unknown."""
    frames: list[tuple[int, int]] = []
    try:
        shell = sys.modules["IPython"].get_ipython()
        cells, trace = shell.compile._filename_map, exc.__traceback__
        while trace is not None:
            count = cells.get(trace.tb_frame.f_code.co_filename)
            if count is not None:
                frames.append((int(count), int(trace.tb_lineno)))
            trace = trace.tb_next
    except (Exception, SystemExit):
        return []
    return frames[-MOST_FRAMES:]


def _argument(root: Path, item: dict[str, Any]) -> Any:  # noqa: ANN401 - numbers, text or arrays
    return np.load(root / item["file"], allow_pickle=False) if "file" in item else item["value"]
