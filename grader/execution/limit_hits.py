"""Tell which limit ended a cell, and put it into words.

The texts of libraries that say that a limit was met, or a GPU lost, are here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from grader.execution.kernels import Usage
from grader.limits import Limits, explain
from grader.messages import Message
from grader.notebooks.sanitise_text import printable
from grader.records import Limit

NO_MEMORY = (
    "can't allocate memory",
    "Cannot allocate memory",
    "Unable to allocate",  # numpy's
    "could not create a primitive",  # oneDNN's, which says no more
    "bad_alloc",
)
NO_SPACE = ("No space left on device", "[Errno 28]")
NO_PROCESS = ("can't start new thread", "Resource temporarily unavailable")

GPU_FULL = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "cudaErrorMemoryAllocation",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
GPU_LOST = (
    "no CUDA-capable device",
    "No CUDA GPUs are available",
    "CUDA driver initialization failed",
    "CUDA unknown error",
    "Found no NVIDIA driver",
    "driver version is insufficient",
    "not compiled with CUDA",
    "busy or unavailable",
    "system not yet initialized",
    "driver shutting down",
    "ECC error",
    "GPU is lost",
    "fallen off the bus",
)


def fills_a_gpu(name: str, text: str) -> bool:
    """Whether an exception, its class and its text, says that the memory of a GPU was full."""
    return name == "OutOfMemoryError" or any(words in text for words in GPU_FULL)


def loses_a_gpu(text: str) -> bool:
    """Whether an exception's text says that there is no GPU to be had: the student's word, to be looked into."""
    return any(words in text for words in GPU_LOST)


def unformatted(outputs: Iterable[Mapping[str, Any]]) -> tuple[str, str] | None:
    """Find an error for which there was no memory left to format it: IPython prints it then, and tells no error.

    Args:
        outputs: of a cell; the student's word, which decides no more than an explanation.
    """
    for output in outputs:
        text = output.get("text", "") if output.get("output_type") == "stream" else ""
        if isinstance(text, str) and "During handling of the above exception" in text:
            line = next((line for line in text.splitlines() if any(words in line for words in NO_MEMORY)), "")
            if line or "MemoryError" in text:
                return "MemoryError", printable(line.strip(), 300)
    return None


def new_hits(usage: Usage, known: Container[Limit]) -> list[Limit]:
    """Return the limits that a sandbox says were hit and that are not known yet, the most telling first."""
    hits = {
        Limit.MEMORY: usage.memory_hit,
        Limit.PROCESSES: usage.processes_hit,
        Limit.DISK: usage.disk_full,
    }
    return [limit for limit, hit in hits.items() if hit and limit not in known]


def limit_behind(name: str, text: str, usage: Usage, *, sandboxed: bool) -> Limit | None:
    """Return the limit that an exception speaks of, or None.

    Args:
        name: the exception's class.
        text: what it says: the student's word, which decides no more than an explanation.
        usage: what the sandbox says.
        sandboxed: whether there is a sandbox that limits processes.
    """
    if name == "MemoryError" or any(words in text for words in NO_MEMORY):
        return Limit.MEMORY
    # The sandbox must agree: a notebook may say this of any disk.
    if usage.disk_full and any(words in text for words in NO_SPACE):
        return Limit.DISK
    # Without a sandbox no limit on processes is ours: the machine itself refused one.
    if sandboxed and (name == "BlockingIOError" or any(words in text for words in NO_PROCESS)):
        return Limit.PROCESSES
    return None


def describe(limit: Limit, limits: Limits, number: int, *, on_gpu: bool = False) -> Message:
    """Say which limit was hit, in the words that people read.

    Args:
        limit: the limit.
        limits: its value.
        number: of the cell, as Jupyter shows it.
        on_gpu: whether the memory is that of a GPU, whose size is the limit.
    """
    if on_gpu:
        return Message("filled the memory of the GPU")
    return explain(limit, limits, cell=number).short
