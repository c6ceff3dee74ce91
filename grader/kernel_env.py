"""What makes a run on a GPU repeatable: variables that its libraries read first, and torch's own switches.

Loads nothing: a process that has not imported torch has nothing to switch.
"""

from __future__ import annotations

import sys

VARIABLES = {
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it cuBLAS may add up in another order each time
    "NVIDIA_TF32_OVERRIDE": "0",  # products keep 24 bits, not 11: batches of other sizes agree within what checks ask
}


def apply() -> None:
    """Ask torch for operations that give the same result each time; those that have no such form warn.

    Warn, not raise: the gradients of some interpolations and poolings, which honest notebooks take, have none.
    """
    torch = sys.modules.get("torch")
    if torch is not None:
        # What `use_deterministic_algorithms(True, warn_only=True)` does, without importing the compiler for 2 seconds.
        torch.set_deterministic_debug_mode("warn")
        torch.backends.cudnn.benchmark = False  # it chooses an algorithm by time, so by luck
