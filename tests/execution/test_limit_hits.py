"""Which limit an exception speaks of, and which words are the student's alone."""

from __future__ import annotations

import pytest

from grader.execution.limit_hits import fills_a_gpu, loses_a_gpu


@pytest.mark.parametrize(
    ("name", "text", "full"),
    [
        ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 GiB", True),
        ("AcceleratorError", "CUDA error: out of memory", True),
        ("RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True),
        ("RuntimeError", "CUDA error: device-side assert triggered", False),
        ("MemoryError", "", False),
    ],
)
def test_words_for_a_full_gpu(name: str, text: str, full: bool) -> None:
    assert fills_a_gpu(name, text) == full


def test_words_for_a_lost_gpu_are_not_those_for_a_full_one() -> None:
    assert loses_a_gpu("CUDA error: no CUDA-capable device is detected")
    assert not loses_a_gpu("CUDA out of memory.")
    assert not loses_a_gpu("CUDA error: device-side assert triggered")
