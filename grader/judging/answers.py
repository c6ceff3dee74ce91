"""Read answers that came out of the sandbox as inert bytes, believing none of them.

A file is opened without following links, must be a regular file under a size limit, is read once, and is parsed as
`.npy` with no pickle: its header's shape and dtype are checked against the contract before an array is made.
"""

from __future__ import annotations

import functools
import io
import itertools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from grader.assignment.spec import Value
from grader.errors import SubmissionError
from grader.files import read_bytes
from grader.messages import Message, quoted

Array = npt.NDArray[np.generic]

MAX_ANSWER_BYTES = 64 * 2**20  # far above any honest answer: 10,000 photos x 35 float64 scores are 2.7 MiB
RUN_BYTES = 512 * 2**20  # of all answers of a run: the lab's five sets have 20 MiB
MAX_NOTE_BYTES = 16 * 2**10
MAX_HEADER_BYTES = 1024

_KINDS = {
    "float": "fiu",
    "float32": "f",
    "float64": "f",
    "int": "iuf",  # whole ones
    "int64": "iuf",
    "uint8": "u",
    "bool": "biu",
}


@dataclass
class AnswerBudget:
    """How many bytes of answers one run may still bring back, all of them together.

    Attributes:
        left_bytes: of what contracts admit; an answer of another size is read no further than it takes to say so.
    """

    left_bytes: int = RUN_BYTES

    def room(self, value: Value, sizes: Mapping[str, int]) -> int:
        """Return how many bytes of the next answer's file are read."""
        # Room for a header is always left, so that a refusal can say what was found.
        return min(most_bytes(value, sizes), max(self.left_bytes, 0) + MAX_HEADER_BYTES)

    def spend(self, answer: Array, where: str) -> None:
        """Count an answer that is kept; raises SubmissionError when it is too much."""
        self.left_bytes -= answer.nbytes
        if self.left_bytes < 0:
            raise SubmissionError(
                Message(
                    "{function}: the answers of this run have more than {size} MiB together.",
                    function=where,
                    size=RUN_BYTES // 2**20,
                ),
                Message("Return fewer numbers for each input."),
            )


def most_bytes(value: Value, sizes: Mapping[str, int]) -> int:
    """Return the size of the largest file that holds an answer of a contract: eight bytes a number, free sizes at their most."""
    contract_shape = resolve_shape(value, sizes)
    numbers = math.prod(value.free[size][1] if isinstance(size, str) else size for size in contract_shape)
    return min(8 * numbers + MAX_HEADER_BYTES, MAX_ANSWER_BYTES)


def read_note(path: Path) -> dict[str, Any]:
    """Read a small JSON object; anything else is an empty one."""
    try:
        note = json.loads(read_bytes(path, MAX_NOTE_BYTES))
    # RecursionError: brackets nested thousands deep are all it takes.
    except (FileNotFoundError, SubmissionError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}


def read_array(path: Path, value: Value, sizes: Mapping[str, int], where: str, *, told: bool = True) -> Array:
    """Read a `.npy` file that must keep a contract.

    Args:
        path: the file.
        value: dtype and shape that are expected.
        sizes: what the names in the shape stand for.
        where: the entry point's name, for messages.
        told: whether a message may tell sizes, dtypes and counts that were found: not of answers about hidden photos.

    Returns:
        A new array: float64 for `float`, int64 for `int`, bool for `bool`, otherwise the named dtype.

    Raises:
        FileNotFoundError: there is no such file.
        SubmissionError: the bytes are not such an array.
    """
    # Once: what was checked is what is used, whatever happens to the file meanwhile.
    content = read_bytes(path, MAX_ANSWER_BYTES)
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        # Version 3.0 names fields of records in UTF-8; an array of plain numbers never needs it.
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        header_shape, fortran, dtype = read_header(file, max_header_size=MAX_HEADER_BYTES)
        shape = tuple(int(size) for size in header_shape)  # a header may say True for 1
    # Of hostile bytes numpy's parser may raise anything.
    except Exception as exc:
        raise SubmissionError(
            Message(
                "{function}: expected {expected}, found bytes that are not a plain numpy array.",
                function=where,
                expected=expected(value, sizes, told=told),
            ),
            Message("Return a numpy array of numbers."),
        ) from exc
    _check_type(dtype, shape, value, sizes, where, told=told)
    start = file.tell()
    # Before any array is made: a header can claim any shape. Python's integers do not wrap.
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise SubmissionError(
            Message("{function}: the array is cut short or too long.", function=where),
            Message("Return a plain numpy array."),
        )
    flat = np.frombuffer(content, dtype, offset=start)
    return _finish(flat.reshape(shape, order="F" if fortran else "C"), value, where, told=told)


def conform(array: Array, value: Value, sizes: Mapping[str, int], where: str) -> Array:
    """Hold an array in memory to a contract, as `read_array` does for a file; raises SubmissionError."""
    _check_type(array.dtype, array.shape, value, sizes, where)
    return _finish(np.array(array), value, where)


def _check_type(
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    value: Value,
    sizes: Mapping[str, int],
    where: str,
    *,
    told: bool = True,
) -> None:
    wants = expected(value, sizes, told=told)
    other_dtype = Message("dtype {dtype}", dtype=str(dtype)) if told else Message("another dtype")
    # Before the shape: an object array is told as that, whatever its shape.
    if dtype.hasobject or dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise SubmissionError(
            found_instead(where, wants, other_dtype), Message("Return a plain numpy array of numbers.")
        )
    contract_shape = resolve_shape(value, sizes)
    if not _fits(shape, contract_shape, value):
        other_shape = Message("shape {shape}", shape=_show(shape)) if told else Message("another shape")
        raise SubmissionError(
            found_instead(where, wants, other_shape), _shape_hint(shape, contract_shape, value)
        )
    if dtype.kind not in _KINDS[value.dtype] or (value.dtype == "uint8" and dtype.itemsize > 1):
        raise SubmissionError(
            found_instead(where, wants, other_dtype),
            Message("Convert the result to {dtype}.", dtype=value.dtype),
        )


def found_instead(where: str, wanted: Message, found: Message) -> Message:
    """Say of an entry point what was expected of it, and what was found."""
    return Message(
        "{function}: expected {expected}, found {found}.", function=where, expected=wanted, found=found
    )


def _finish(array: Array, value: Value, where: str, *, told: bool = True) -> Array:
    target = {"float": np.float64, "int": np.int64, "bool": np.bool_}.get(value.dtype, value.dtype)
    # What float32 cannot hold becomes infinite, what no integer can becomes another: both are refused below.
    with np.errstate(over="ignore", invalid="ignore"):
        converted = array.astype(target)
    if value.finite and converted.dtype.kind == "f" and not np.isfinite(converted).all():
        message = Message(
            "{function}: expected finite numbers, found some that are NaN or infinite.", function=where
        )
        if told:
            message = Message(
                "{function}: expected finite numbers, found {count} that are NaN or infinite.",
                function=where,
                count=int((~np.isfinite(converted)).sum()),
            )
        raise SubmissionError(
            message, Message("Look for a division by zero, a log of zero or a training that diverged.")
        )
    if value.dtype == "bool" and array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
        raise SubmissionError(
            Message("{function}: expected True or False, found other numbers.", function=where),
            Message("Return a mask, not indices."),
        )
    if converted.dtype.kind == "i" and array.dtype.kind == "f":
        # From 2**53 on, floats skip whole numbers: what was meant cannot be told.
        whole = np.isfinite(array) & (np.floor(array) == array) & (np.abs(array) < 2**53)
        if not whole.all():
            raise SubmissionError(
                Message("{function}: expected whole numbers, found others.", function=where),
                Message("Convert the result to {dtype}.", dtype=value.dtype),
            )
    # What was unsigned and too large for int64 has become negative.
    if converted.dtype.kind == "i" and (array != converted).any():
        raise SubmissionError(
            Message("{function}: expected numbers that fit into int64, found larger ones.", function=where),
            Message("Did an unsigned number wrap?"),
        )
    return converted


def resolve_shape(value: Value, sizes: Mapping[str, int]) -> tuple[int | str, ...]:
    """Return the shape with its names replaced by sizes; free names stay, an unknown one is a KeyError."""
    return tuple(
        sizes[size] if isinstance(size, str) and size not in value.free else size for size in value.shape
    )


def _fits(shape: tuple[int, ...], contract_shape: tuple[int | str, ...], value: Value) -> bool:
    if len(shape) != len(contract_shape):
        return False
    chosen: dict[str, int] = {}  # a free name that stands twice stands for one size
    for size, want in zip(shape, contract_shape, strict=True):
        if isinstance(want, str):
            smallest, largest = value.free[want]
            if not smallest <= size <= largest or chosen.setdefault(want, size) != size:
                return False
        elif size != want:
            return False
    return True


def expected(value: Value, sizes: Mapping[str, int], *, told: bool = True) -> Message:
    """Say what a contract wants, with the sizes of this question or, where they may not be told, with their names."""
    shape = resolve_shape(value, sizes) if told else value.shape
    if not shape:
        return Message("one {dtype}", dtype=value.dtype)
    bounds = [
        Message("{name} from {least} to {most}", name=name, least=least, most=most)
        for name, (least, most) in value.free.items()
    ]
    if not bounds:
        return Message("{dtype} of shape {shape}", dtype=value.dtype, shape=_show(shape))
    free = functools.reduce(lambda first, then: Message("{first} and {then}", first=first, then=then), bounds)
    return Message(
        "{dtype} of shape {shape} with {bounds}", dtype=value.dtype, shape=_show(shape), bounds=free
    )


def _show(shape: tuple[int | str, ...]) -> Message:
    if not shape:
        return Message("() (one number)")
    return quoted(f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})")


def _shape_hint(shape: tuple[int, ...], contract_shape: tuple[int | str, ...], value: Value) -> Message:
    if len(shape) == len(contract_shape) == 1 and value.dtype == "bool" and contract_shape[0] != shape[0]:
        # The usual slip: positions of what is chosen, in place of a mask.
        return Message(
            "Return a mask: one True or False for every input, {size} of them, not their positions.",
            size=contract_shape[0],
        )
    if len(shape) == len(contract_shape) > 1 and shape[:-1] == contract_shape[:-1]:
        if isinstance(contract_shape[-1], str):
            smallest, largest = value.free[contract_shape[-1]]
            return Message("The last dimension must be from {least} to {most}.", least=smallest, most=largest)
        return Message(
            "The last dimension must be {size}: does the head have {size} outputs?", size=contract_shape[-1]
        )
    if len(shape) == len(contract_shape) and _fits(shape[1:], contract_shape[1:], value):
        return Message("Return one row for every input, in the order of the inputs.")
    if len(shape) == len(contract_shape) and any(
        _fits(permuted, contract_shape, value) for permuted in itertools.permutations(shape)
    ):
        return Message("The axes are in another order: look at transpose or permute.")
    return Message("Print the shape of what you return for two inputs.")
