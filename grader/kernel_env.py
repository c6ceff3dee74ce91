"""The environment of kernels and of our own processes: paths, variables, imports, what makes a run on a GPU repeatable.

Loads nothing: a process that has not imported torch has nothing to switch.
"""

from __future__ import annotations

import sys

LEASE_VARIABLE = "PAWGRADE_LEASE"

ROOM = "/pawgrade"
WORK, HOME, DATA = f"{ROOM}/work", f"{ROOM}/home", f"{ROOM}/data"
SHARED = "/dev/shm"  # noqa: S108 - memory to everybody who uses it, and to the verdict
# Variables of every kernel, sandboxed or not, read when the libraries are loaded.
TUNING = {
    # glibc returns large blocks to the system at once; torch asks for them again at every layer. Keeping them
    # halves the time of a forward pass on a CPU.
    "MALLOC_MMAP_THRESHOLD_": str(2**30),
    "MALLOC_TRIM_THRESHOLD_": str(2**31),
    "OMP_WAIT_POLICY": "PASSIVE",  # idle threads that spin cost up to ten times on a busy machine
    "PYTHONHASHSEED": "0",
}

PLACE = "/pawgrade/features"  # where a kernel that calibrates finds the folder

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


def leave_out_iri_grammar() -> None:
    """Let `jsonschema`, which `nbformat` imports, go without a grammar of web addresses.

    `jsonschema` builds it when it is imported, if the package is there (it comes with JupyterLab), in most of a second. No
    schema of notebooks asks for that format. Only for processes that are ours alone: `import rfc3987_syntax` fails afterwards.
    """
    # None in place of a module makes its import an ImportError, which jsonschema is prepared for.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
