"""Bytes out of the sandbox are an array that keeps its contract, or a sentence for the student; never anything else."""

from __future__ import annotations

import io
import json
import os
import pickle
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.assignment.spec import Dtype, Value
from grader.errors import SubmissionError
from grader.files import read_bytes
from grader.judging.answers import (
    MAX_ANSWER_BYTES,
    MAX_HEADER_BYTES,
    AnswerBudget,
    conform,
    most_bytes,
    read_array,
    read_note,
)

SCORES = Value(dtype="float", shape=("n", 3))
SIZES = {"n": 2}
ROWS = np.arange(6.0).reshape(2, 3)


def npy(array: npt.NDArray[Any], version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version, allow_pickle=True)
    return file.getvalue()


def crafted(descr: str, shape: str, body: bytes = b"", *, fortran: str = "False") -> bytes:
    """Return an npy file whose header says what we want, whatever its body holds."""
    return headed(f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode(), body)


def headed(header: bytes, body: bytes = b"", version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes((version, 0)) + length + header + body


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., npt.NDArray[Any]]:
    def of(
        content: bytes, value: Value = SCORES, sizes: dict[str, int] | None = None
    ) -> npt.NDArray[np.generic]:
        path = tmp_path / "answer.npy"
        path.write_bytes(content)
        return read_array(path, value, SIZES if sizes is None else sizes, "classify")

    return of


Read = Callable[..., npt.NDArray[Any]]


# Arrays that are taken


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", ">f4", "<f2", "<i8", ">i2", "|u1", "|i1"])
def test_numbers_of_any_width_and_order_are_floats(read: Read, dtype: str, order: Any) -> None:
    found = read(npy(np.asarray(ROWS.astype(dtype), order=order)))

    assert found.dtype == np.float64
    assert (found == ROWS).all()


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_both_old_versions_of_the_format_are_read(read: Read, version: tuple[int, int]) -> None:
    assert (read(npy(ROWS, version)) == ROWS).all()


def test_what_was_read_is_an_array_of_its_own(read: Read) -> None:
    found = read(npy(ROWS))

    found[0, 0] = 99
    assert found.flags.writeable


@pytest.mark.parametrize(
    ("dtype", "array", "expected"),
    [
        ("int", np.array([1, 2], np.uint16), np.int64),
        ("int64", np.array([1, -2], ">i4"), np.int64),
        ("bool", np.array([True, False]), np.bool_),
        ("bool", np.array([1, 0], np.uint8), np.bool_),
        ("uint8", np.array([0, 255], np.uint8), np.uint8),
        ("float32", np.array([0.5, 1.5], np.float64), np.float32),
        ("float64", np.array([0.5, 1.5], np.float16), np.float64),
    ],
)
def test_an_array_comes_in_the_dtype_of_its_contract(
    read: Read, dtype: Dtype, array: npt.NDArray[Any], expected: type
) -> None:
    found = read(npy(array), Value(dtype=dtype, shape=("n",)))

    assert found.dtype == expected
    assert found.tolist() == array.tolist()


def test_a_single_number_has_no_shape(read: Read) -> None:
    assert read(npy(np.array(0.25)), Value(dtype="float")).item() == 0.25


def test_an_empty_answer_to_an_empty_question_is_read(read: Read) -> None:
    assert read(npy(np.zeros((0, 3))), SCORES, {"n": 0}).shape == (0, 3)


def test_nan_is_taken_where_the_contract_allows_it(read: Read) -> None:
    allowed = Value(dtype="float", shape=("n", 3), finite=False)

    assert np.isnan(read(npy(np.full((2, 3), np.nan)), allowed)).all()


@given(hnp.arrays(st.sampled_from(["<f8", ">f4", "<i4", "|u1"]), (2, 3), elements=st.integers(0, 100)))
def test_a_saved_array_is_read_as_numpy_reads_it(tmp_path: Path, array: npt.NDArray[Any]) -> None:
    path = tmp_path / "a.npy"
    np.save(path, array)

    assert (read_array(path, SCORES, SIZES, "f") == np.load(path)).all()


FREE = Value(dtype="float32", shape=("n", "d"), free={"d": (3, 5)})


@pytest.mark.parametrize("width", [3, 4, 5])
def test_a_free_size_is_the_answer_s_own_within_its_bounds(read: Read, width: int) -> None:
    assert read(npy(np.ones((2, width))), FREE).shape == (2, width)
    assert conform(np.ones((2, width)), FREE, SIZES, "features").dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((2, 2), "from 3 to 5"),
        ((2, 6), "from 3 to 5"),
        ((3, 4), "one row for every input"),
        ((4, 2), "another order"),
        ((2,), "Print the shape"),
        ((2, 4, 1), "Print the shape"),
        ((3, 6), "Print the shape"),
    ],
)
def test_a_free_size_out_of_bounds_or_another_shape_is_told(
    read: Read, shape: tuple[int, ...], hint: str
) -> None:
    with pytest.raises(SubmissionError) as caught:
        read(npy(np.ones(shape)), FREE)

    assert "expected float32 of shape (2, d) with d from 3 to 5, found shape" in str(caught.value.message)
    assert hint in str(caught.value.hint)


def test_a_free_name_that_stands_twice_is_one_size(read: Read) -> None:
    square = Value(dtype="float", shape=("d", "d"), free={"d": (1, 9)})

    assert read(npy(np.ones((4, 4))), square).shape == (4, 4)
    with pytest.raises(SubmissionError, match=r"\(d, d\) with d from 1 to 9"):
        read(npy(np.ones((4, 5))), square)


# Arrays that are refused

BODY = ROWS.tobytes()
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "text": b"not an array",
    "a pickle": pickle.dumps([1, 2, 3]),
    "the magic alone": b"\x93NUMPY",
    "half a header": npy(ROWS)[:40],
    "a header alone": npy(ROWS)[:128],
    "one byte missing": npy(ROWS)[:-1],
    "one byte too many": npy(ROWS) + b"\0",
    "another array behind": npy(ROWS) * 2,
    "version 3": npy(ROWS, (3, 0)),
    "version 9": b"\x93NUMPY\x09\x00" + npy(ROWS)[8:],
    "objects": npy(np.array([[1, 2, 3]] * 2, dtype=object)),
    "objects by header": crafted("'|O'", "(2, 3)", BODY),
    "records": npy(np.zeros((2, 3), [("a", "<f8")])),
    "records of objects": crafted("[('a', '|O')]", "(2, 3)", BODY),
    "nested records": crafted("[('a', [('b', '<f8')])]", "(2, 3)", BODY),
    "arrays in arrays": crafted("('<f8', (3,))", "(2,)", BODY),
    "text in cells": npy(np.array([["a", "b", "c"]] * 2)),
    "bytes in cells": npy(np.array([[b"a", b"b", b"c"]] * 2)),
    "complex numbers": npy(ROWS.astype(complex)),
    "long doubles": npy(ROWS.astype(np.longdouble)),
    "dates": npy(ROWS.astype("datetime64[s]")),
    "durations": npy(ROWS.astype("timedelta64[s]")),
    "raw memory": crafted("'|V8'", "(2, 3)", BODY),
    "cells of no size": crafted("'|V0'", "(2, 3)"),
    "text of no size": crafted("'<U0'", "(2, 3)"),
    "an unknown type": crafted("'<q9'", "(2, 3)", BODY),
    "a type that is code": crafted("__import__('os').getcwd()", "(2, 3)", BODY),
    "a type that is none": crafted("None", "(2, 3)", BODY),
    "a type of commas": crafted("'f8,f8'", "(2, 3)", BODY),
    "huge rows": crafted("'<f8'", "(1000000000000, 3)", BODY),
    "an overflowing shape": crafted("'<f8'", "(4611686018427387904, 4)", BODY),
    "a shape beyond any integer": crafted("'<f8'", f"({'9' * 500}, 3)", BODY),
    "a negative shape": crafted("'<f8'", "(-2, -3)", BODY),
    "a shape that hides a negative one": crafted("'<f8'", "(2, 3, -1)", BODY),
    "a shape of floats": crafted("'<f8'", "(2.0, 3.0)", BODY),
    "a shape that is a list": crafted("'<f8'", "[2, 3]", BODY),
    "a shape that is a number": crafted("'<f8'", "6", BODY),
    "no shape": headed(b"{'descr': '<f8', 'fortran_order': False}\n", BODY),
    "a shape too many": headed(b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), 'x': 1}\n", BODY),
    "an order that is text": crafted("'<f8'", "(2, 3)", BODY, fortran="'yes'"),
    "a header that is a list": headed(b"[1, 2]\n", BODY),
    "a header that is no expression": headed(b"{{{{\n", BODY),
    "a header of brackets": headed(b"(" * 900, BODY),
    "a header of minus signs": headed(b"-" * 1000 + b"1", BODY),
    "a header of sums": headed(b"1" + b"+1" * 500, BODY),
    "a header of 60 KB": headed(b"{'descr': '<f8'" + b" " * 60_000 + b"}", BODY),
    "a header of 30 MB": headed(b" " * 30_000_000, BODY, version=2),
    "a header that ends beyond the file": headed(b"{}", b"", 1)[:8] + b"\xff\xff{}",
    "a header of zeros": headed(b"\0" * 100, BODY),
    "an image": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "a zip": b"PK\x03\x04" + b"\0" * 100,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.filterwarnings("default:Reading")  # numpy's word on headers as Python 2 wrote them
def test_hostile_bytes_are_refused_with_a_hint(read: Read, name: str) -> None:
    with pytest.raises(SubmissionError, match="classify: ") as caught:
        read(HOSTILE[name])

    assert caught.value.hint
    assert len(str(caught.value.message)) < 1500


@given(st.binary(max_size=300))
def test_arbitrary_bytes_behind_the_magic_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + content)

    with pytest.raises(SubmissionError):
        read_array(path, SCORES, SIZES, "classify")


@given(st.integers(0, 175), st.integers(0, 255))
@pytest.mark.filterwarnings("default:Reading")
def test_one_damaged_byte_gives_an_array_or_a_refusal(tmp_path: Path, place: int, byte: int) -> None:
    content = bytearray(npy(ROWS))
    content[place] = byte
    path = tmp_path / "a.npy"
    path.write_bytes(content)

    try:
        found = read_array(path, SCORES, SIZES, "classify")
    except SubmissionError:
        return
    assert found.shape == (2, 3)
    assert found.dtype == np.float64
    assert np.isfinite(found).all()


def test_reading_objects_runs_nothing(read: Read, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "trapped"),)

    array = np.empty((2, 3), dtype=object)
    array[...] = Trap()
    with pytest.raises(SubmissionError, match="dtype object"):
        read(npy(array))

    assert not (tmp_path / "trapped").exists()


def test_a_shape_of_truth_values_is_numbers(read: Read) -> None:
    found = read(crafted("'<f8'", "(True, 3)", BODY[:24]), SCORES, {"n": 1})

    assert found.shape == (1, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_and_counted(read: Read, bad: float) -> None:
    array = ROWS.copy()
    array[0, 1] = array[1, 2] = bad

    with pytest.raises(SubmissionError, match="found 2 that are NaN or infinite"):
        read(npy(array))


def test_what_overflows_on_its_way_into_the_contract_is_not_finite(read: Read) -> None:
    with pytest.raises(SubmissionError, match="NaN or infinite"):
        read(npy(np.full((2, 3), 1e300)), Value(dtype="float32", shape=("n", 3)))


@pytest.mark.parametrize("dtype", ["int", "int64"])
def test_numbers_beyond_int64_do_not_wrap(read: Read, dtype: Dtype) -> None:
    with pytest.raises(SubmissionError, match="fit into int64"):
        read(npy(np.array([1, 2**64 - 1], np.uint64)), Value(dtype=dtype, shape=("n",)))


@pytest.mark.parametrize("width", [np.uint16, np.uint64])
def test_pixels_beyond_255_do_not_wrap(read: Read, width: Any) -> None:
    with pytest.raises(SubmissionError, match="Convert the result to uint8"):
        read(npy(np.array([0, 256], width)), Value(dtype="uint8", shape=("n",)))


@pytest.mark.parametrize(
    ("dtype", "array"),
    [
        ("float", np.array([True, False])),
        ("int", np.array([True, False])),
        ("uint8", np.array([1, 2], np.int8)),
        ("uint8", np.array([0.5, 0.5])),
        ("float32", np.array([1, 2])),
        ("bool", np.array([0.0, 1.0])),
    ],
)
def test_another_kind_of_number_is_refused_with_the_wanted_one(
    read: Read, dtype: Dtype, array: npt.NDArray[Any]
) -> None:
    with pytest.raises(SubmissionError, match=f"Convert the result to {dtype}"):
        read(npy(array), Value(dtype=dtype, shape=("n",)))


def test_indices_are_no_mask(read: Read) -> None:
    with pytest.raises(SubmissionError, match="Return a mask, not indices"):
        read(npy(np.array([3, 7])), Value(dtype="bool", shape=("n",)))


@pytest.mark.parametrize(
    ("dtype", "hint"),
    [("bool", "one True or False for every input, 2 of them"), ("float", "one row for every input")],
)
def test_too_few_values_of_one_column_are_no_question_of_a_head(read: Read, dtype: Dtype, hint: str) -> None:
    with pytest.raises(SubmissionError, match=hint) as caught:
        read(npy(np.zeros(1, dtype)), Value(dtype=dtype, shape=("n",)))

    assert "head" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((2, 37), r"does the head have 3 outputs"),
        ((1, 3), "one row for every input"),
        ((3, 2), "transpose or permute"),
        ((2,), "Print the shape"),
        ((2, 3, 1), "Print the shape"),
        ((), "Print the shape"),
    ],
)
def test_a_wrong_shape_gets_the_hint_that_helps(read: Read, shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(SubmissionError, match=hint) as caught:
        read(npy(np.zeros(shape)))

    assert "expected float of shape (2, 3)" in str(caught.value.message)
    assert str(shape) in str(caught.value.message)


def test_an_array_in_memory_is_held_to_the_same_contract() -> None:
    assert conform(ROWS.astype(np.float32), SCORES, SIZES, "f").dtype == np.float64
    for bad in (ROWS.T, ROWS.astype(object), ROWS * np.nan, ROWS.astype(complex)):
        with pytest.raises(SubmissionError):
            conform(bad, SCORES, SIZES, "f")


def test_an_array_in_memory_is_copied() -> None:
    array = ROWS.copy()

    conform(array, SCORES, SIZES, "f")[0, 0] = 99

    assert array[0, 0] == 0


# Files


def test_a_missing_file_is_told_apart_from_a_bad_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "missing", 10)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    for name in ("link", "dangling", "loop"):
        with pytest.raises(SubmissionError, match="regular file"):
            read_bytes(tmp_path / name, 10)


def test_a_pipe_without_a_writer_does_not_stop_the_reader(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")

    with pytest.raises(SubmissionError, match="regular file"):
        read_bytes(tmp_path / "fifo", 10)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="regular file"):
        read_bytes(tmp_path, 10)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_a_device_is_no_file(device: str) -> None:
    with pytest.raises(SubmissionError, match="regular file"):
        read_bytes(Path(device), 10)


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # socket addresses must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")

        with pytest.raises(SubmissionError, match="regular file"):
            read_bytes(tmp_path / "socket", 10)


def test_a_file_below_a_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")

    with pytest.raises(SubmissionError, match="regular file"):
        read_bytes(tmp_path / "file" / "below", 10)


def test_a_file_of_10_gb_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10 * 2**30)

    with pytest.raises(SubmissionError, match="at most 10 bytes, found 10737418240"):
        read_bytes(tmp_path / "sparse", 10)


def test_a_file_as_large_as_allowed_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")

    assert read_bytes(tmp_path / "file", 10) == b"0123456789"
    with pytest.raises(SubmissionError, match="at most 9 bytes"):
        read_bytes(tmp_path / "file", 9)


def test_refusals_leave_no_open_file(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 20)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        for path in (tmp_path, tmp_path / "large", Path("/dev/null")):
            with pytest.raises(SubmissionError):
                read_bytes(path, 10)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Notes


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b'"text"',
        b"null",
        b"\xff\xfe{}",
        b"[" * 16_000,
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b'{"kind": ' + b"9" * 10_000 + b"}",
        json.dumps({"kind": "x" * 20_000}).encode(),
    ],
    ids=range(11),
)
def test_a_note_that_is_none_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "note.json").write_bytes(content)

    assert read_note(tmp_path / "note.json") == {}


def test_a_missing_note_or_a_link_is_empty(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text('{"kind": "none"}')
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")

    assert read_note(tmp_path / "missing.json") == read_note(tmp_path / "link.json") == {}
    assert read_note(tmp_path / "real.json") == {"kind": "none"}


def test_of_an_answer_no_more_is_fetched_than_its_contract_has() -> None:
    free = Value(dtype="float32", shape=("n", "d"), free={"d": (1, 4096)})

    assert most_bytes(Value(dtype="float", shape=(2, 3)), {}) == 2 * 3 * 8 + MAX_HEADER_BYTES
    assert most_bytes(free, {"n": 5}) == 5 * 4096 * 8 + MAX_HEADER_BYTES
    assert most_bytes(free, {"n": 10**9}) == MAX_ANSWER_BYTES
    assert most_bytes(Value(dtype="float"), {}) == 8 + MAX_HEADER_BYTES


def test_an_answer_of_another_shape_is_told_by_its_beginning(read: Read) -> None:
    value = Value(dtype="float", shape=(2, 3))
    content = npy(np.zeros((2, 4000)))[: most_bytes(value, {})]

    with pytest.raises(SubmissionError, match=r"found shape \(2, 4000\)"):
        read(content, value)


def test_all_answers_of_a_run_have_one_budget() -> None:
    value, budget = Value(dtype="float", shape=(100,)), AnswerBudget(2000)

    rooms = []
    for _ in range(2):
        rooms.append(budget.room(value, {}))
        budget.spend(np.zeros(100), "classify")

    assert rooms == [most_bytes(value, {})] * 2
    assert budget.room(value, {}) == 400 + MAX_HEADER_BYTES
    with pytest.raises(SubmissionError, match="classify: the answers of this run have more than"):
        budget.spend(np.zeros(100), "classify")
    assert budget.room(value, {}) == MAX_HEADER_BYTES


def test_whole_numbers_may_come_as_floats_and_others_may_not(tmp_path: Path) -> None:
    value = Value(dtype="int", shape=("n",))
    np.save(tmp_path / "whole.npy", np.array([1.0, -2.0]))

    assert read_array(tmp_path / "whole.npy", value, {"n": 2}, "quiz").tolist() == [1, -2]
    for other in (1.5, np.nan, np.inf, 1e300):
        np.save(tmp_path / "other.npy", np.array([1.0, other]))
        with pytest.raises(SubmissionError, match="expected whole numbers"):
            read_array(tmp_path / "other.npy", value, {"n": 2}, "quiz")
