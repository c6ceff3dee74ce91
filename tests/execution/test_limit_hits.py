"""Which limit an exception speaks of, and which words are the student's alone."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

from grader.execution.limit_hits import add_unshown_error, error_output, fills_a_gpu, loses_a_gpu


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


def replied(status: str, *outputs: Any) -> list[Any]:
    """The outputs of a cell after its kernel's reply."""
    cell = nbformat.v4.new_code_cell("1 / 0", outputs=list(outputs))
    content = {"status": status, "ename": "ZeroDivisionError", "evalue": "division by zero"}
    add_unshown_error(cell, 0, {"content": content})
    return list(cell.outputs)


def test_an_error_that_only_the_reply_tells_is_an_error_of_the_cell() -> None:
    (output,) = replied("error")

    assert (output.output_type, output.ename) == ("error", "ZeroDivisionError")


def test_an_error_that_is_shown_is_not_told_twice_and_none_is_made_up() -> None:
    there = error_output("NameError", "x")
    no_memory = nbformat.v4.new_output(
        "stream", text="MemoryError\nDuring handling of the above exception, another exception occurred"
    )

    assert replied("error", there) == [there]
    assert replied("error", no_memory) == [no_memory]
    assert replied("ok") == []
