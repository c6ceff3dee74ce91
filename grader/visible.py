"""What of this package there is where a notebook is graded: `grader.lab` and what it needs, nothing else.

Elsewhere in the package stand measures that exercises ask for. A sandbox shows only the files of `MODULES`; in a graded
kernel, with or without a sandbox, importing anything else is refused with words that help. On a student's own machine
everything is there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Never

WITHHELD_VARIABLE = "PAWGRADE_WITHHELD"  # modules, besides, that the assignment of this kernel withholds
# What `grader.lab` and `grader.probe_cell` import, whatever they are asked; a test compares.
_OF_NOTEBOOKS = """
archives backbones cards determinism downloads errors http_ranges known_features lab networks normalising pets probe_cell
packaged records settings tars toypets toypets.anatomy toypets.breeds toypets.head toypets.markings toypets.strokes visible weights
"""
# What makes a kernel out of a fork, and what `pawgrade doctor` tries in a box.
_OF_KERNELS = (
    "cold isolation kernel_app landlock layout linux packets seccomp trial uids warden work_times zygote"
)
_NORMALISE = "normalise"  # an exercise of this id asks for what `grader.normalising` gives away
MODULES = frozenset(
    {"grader", "grader.sandbox"}
    | {f"grader.{name}" for name in _OF_NOTEBOOKS.split()}
    | {f"grader.sandbox.{name}" for name in _OF_KERNELS.split()}
)


def withheld(exercises: Iterable[str]) -> dict[str, str]:
    """Return the variables by which a kernel knows what an assignment with these exercises withholds."""
    return {WITHHELD_VARIABLE: "grader.normalising"} if _NORMALISE in {*exercises} else {}


class Guard(MetaPathFinder):
    """Refuses to import what is not there while a notebook is graded.

    Args:
        withheld: modules that are not there although others may have them.
    """

    def __init__(self, withheld: Sequence[str] = ()) -> None:
        self._there = MODULES - {*withheld}

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> None:
        """Let an import go on to the next finder, or refuse it."""
        del path, target
        if name.startswith("grader.") and name not in self._there:
            _refuse(name)


def _refuse(name: str) -> Never:
    raise ModuleNotFoundError(
        f"{name} is not there while your notebook is graded: of Pawgrade only `grader.lab` is. "
        "What an exercise asks for, write yourself; then it works here, too.",
        name=name,
    )


def is_guarded() -> bool:
    """Whether imports are guarded here."""
    return any(isinstance(one, Guard) for one in sys.meta_path)


def guard(withheld: Sequence[str] = ()) -> None:
    """Guard the imports of this process and its forks from now on.

    Args:
        withheld: modules that are not there although others may have them.
    """
    sys.meta_path[:] = [Guard(withheld), *(one for one in sys.meta_path if not isinstance(one, Guard))]
