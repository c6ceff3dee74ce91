"""What runs inside the kernel when a notebook's entry points are asked.

It shares a process with the student's code, so nothing it says is believed: it only writes files, which the trusted
side reads as inert bytes. `ask_all` answers a folder of questions; `call` is also what `lab.check` uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAX_BYTES = 64 * 2**20


class Unusable(Exception):
    """The function gave nothing that can be saved; `kind` and `text` say why."""

    def __init__(self, kind: str, text: str = "") -> None:
        super().__init__(kind, text)
        self.kind, self.text = kind, text


def call(function: Callable[..., Any] | None, arguments: Sequence[Any]) -> npt.NDArray[np.generic]:
    """Call an entry point and return its answer as a numeric array; raises Unusable."""
    if not callable(function):
        raise Unusable("missing")
    try:
        result = function(*arguments)
    except (Exception, SystemExit) as exc:
        raise Unusable("raised", _say(exc)) from exc
    if result is None:
        raise Unusable("none")
    try:
        if hasattr(result, "detach"):  # a torch tensor, perhaps on a GPU or with a gradient
            result = result.detach().cpu().numpy()
        array = np.asarray(result)
    except (Exception, SystemExit) as exc:
        raise Unusable("object", type(result).__name__[:100]) from exc
    if array.dtype.kind not in "fiub":
        raise Unusable("object", f"dtype {array.dtype}"[:100])
    if array.nbytes > MAX_BYTES:
        raise Unusable("large", f"{array.dtype} of shape {array.shape}"[:200])
    return array


def ask_all(namespace: Mapping[str, Any], folder: str) -> None:
    """Answer every question in `folder`: `<id>.json` beside its arrays, answers into `answers/`.

    A failure of one question ends its question set: the rest would fail alike and cost time.
    """
    root = Path(folder)
    failed: set[str] = set()
    for path in sorted(root.glob("*.json")):
        question = json.loads(path.read_text(encoding="utf-8"))
        if question["set"] in failed:
            continue
        try:
            arguments = [_argument(root, item) for item in question["arguments"]]
            array = call(namespace.get(question["entry_point"]), arguments)
            np.save(root / "answers" / f"{path.stem}.npy", array, allow_pickle=False)
        except Unusable as exc:
            failed.add(question["set"])
            note = json.dumps({"kind": exc.kind, "text": exc.text})
            (root / "answers" / path.name).write_text(note, encoding="utf-8")


def _say(exc: BaseException) -> str:
    """Name an exception and quote it; its own `__str__` is the student's code, too."""
    try:
        return f"{type(exc).__name__}: {exc}"[:300]
    except (Exception, SystemExit):
        return type(exc).__name__[:300]


def _argument(root: Path, item: dict[str, Any]) -> Any:  # noqa: ANN401 - numbers, text or arrays
    return np.load(root / item["file"], allow_pickle=False) if "file" in item else item["value"]
