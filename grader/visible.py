"""The modules that a graded notebook may import of this package: `grader.lab` and what it needs, nothing else.

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
# What `grader.lab` and `grader.judging.in_kernel` import, whatever they are asked; a test compares.
_OF_NOTEBOOKS = """
datasets datasets.archives datasets.cards datasets.labels datasets.photos datasets.sources datasets.splits datasets.views
downloads downloads.fetch downloads.ranges errors files judging judging.in_kernel kernel_env lab messages
networks networks.backbones networks.feature_store networks.normalising networks.weights networks.zoo records schema settings visible
"""
# What makes a kernel out of a fork, and what `pawgrade doctor` tries in a box.
_OF_KERNELS = """
packets paths self_check_child uids work_times
keepable
inside inside.breakpoints inside.cold_start inside.isolation inside.kernel_app inside.landlock inside.pid1 inside.seccomp inside.syscalls inside.zygote
"""
# Functions of ours that a kernel has, and their modules: an exercise that is named like one asks students to write it.
_FUNCTIONS = {"normalise": "grader.networks.normalising"}
MODULES = frozenset(
    {"grader", "grader.sandbox"}
    | {f"grader.{name}" for name in _OF_NOTEBOOKS.split()}
    | {f"grader.sandbox.{name}" for name in _OF_KERNELS.split()}
)


def withheld(exercises: Iterable[str]) -> dict[str, str]:
    """Return the variables by which a kernel knows what an assignment with these exercises withholds."""
    modules = [_FUNCTIONS[exercise] for exercise in exercises if exercise in _FUNCTIONS]
    return {WITHHELD_VARIABLE: " ".join(modules)} if modules else {}


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
    return any(isinstance(finder, Guard) for finder in sys.meta_path)


def guard(withheld: Sequence[str] = ()) -> None:
    """Guard the imports of this process and its forks from now on.

    Args:
        withheld: modules that are not there although others may have them.
    """
    # First in the list, so that it is asked before a finder that would load the module.
    sys.meta_path[:] = [
        Guard(withheld),
        *(finder for finder in sys.meta_path if not isinstance(finder, Guard)),
    ]
