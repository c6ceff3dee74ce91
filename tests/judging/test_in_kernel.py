"""Whatever a student's function returns or does, the cell that asks it leaves an array or a note."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.judging.in_kernel import Unusable, ask, call

Function = Callable[..., Any]


def unusable(function: Function | None, *arguments: Any) -> tuple[str, str]:
    with pytest.raises(Unusable) as caught:
        call(function, arguments)
    return caught.value.kind, caught.value.text


class Liar:
    """Claims to be what every check wants to see."""

    shape, dtype, ndim, nbytes = (2, 3), np.dtype(float), 2, 8

    def __eq__(self, other: object) -> bool:
        return True

    __ge__ = __gt__ = __le__ = __lt__ = __eq__
    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        return 1.0

    def __len__(self) -> int:
        return 2

    def __bool__(self) -> bool:
        return True


class Array(Liar):
    """Turns into an array of our choice when it is asked to."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.make()


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("I do not say")


class MuteExit(Exception):
    def __str__(self) -> str:
        raise SystemExit


class Trapped:
    def __getattr__(self, name: str) -> Any:
        raise SystemExit(name)


def raises(error: BaseException) -> Function:
    def function() -> None:
        raise error

    return function


@pytest.mark.parametrize(
    "result",
    [
        np.arange(6.0).reshape(2, 3),
        np.arange(6).reshape(3, 2).T,
        [[1, 2, 3], [4, 5, 6]],
        3,
        2.5,
        True,
        np.float32(1),
        np.zeros((0, 3)),
        [],
        range(4),
        np.array([np.nan, np.inf]),
        np.ma.masked_array([1.0, 2.0], mask=[True, False]),
        np.zeros((2, 2)).view(np.recarray),
        memoryview(b"abc"),
    ],
    ids=range(14),
)
def test_numbers_become_a_plain_array(result: Any) -> None:
    found = call(lambda: result, [])

    assert type(found) is np.ndarray
    assert np.array_equal(found, np.asarray(result), equal_nan=True)


def test_a_tensor_with_a_gradient_becomes_a_plain_array() -> None:
    torch = pytest.importorskip("torch")

    found = call(lambda: torch.ones(2, 3, requires_grad=True) * 2, [])

    assert type(found) is np.ndarray
    assert found.tolist() == [[2, 2, 2], [2, 2, 2]]


def test_a_tensor_of_a_kind_that_numpy_does_not_know_is_read() -> None:
    torch = pytest.importorskip("torch")

    assert call(lambda: torch.ones(2, dtype=torch.bfloat16), []).tolist() == [1.0, 1.0]


def test_arguments_arrive_as_they_were_asked() -> None:
    found = call(lambda images, k: images * k, [np.ones((2, 2)), 3])

    assert found.tolist() == [[3, 3], [3, 3]]


@pytest.mark.parametrize("function", [None, 5, "classify", np.zeros(3)], ids=range(4))
def test_what_cannot_be_called_is_missing(function: Any) -> None:
    assert unusable(function) == ("missing", "")


def test_nothing_is_told_apart_from_something() -> None:
    assert unusable(lambda: None) == ("none", "")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no"), "ValueError: no"),
        (SystemExit(3), "SystemExit: 3"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "MemoryError: "),
        (StopIteration(), "StopIteration: "),
        (Mute(), "Mute"),
        (MuteExit(), "MuteExit"),
        (ValueError("x" * 10_000), "ValueError: " + "x" * 288),
    ],
    ids=range(8),
)
def test_what_was_raised_is_told_shortly(error: BaseException, text: str) -> None:
    assert unusable(raises(error)) == ("raised", text)


def test_endless_recursion_is_told() -> None:
    def forever() -> Any:
        return forever()

    assert unusable(forever)[0] == "raised"


def test_an_interrupt_ends_the_asking_because_it_comes_from_the_budget() -> None:
    with pytest.raises(KeyboardInterrupt):
        call(raises(KeyboardInterrupt()), [])


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "result",
    [
        Liar(),
        object(),
        generator(),
        {"a": 1},
        {1, 2},
        "text",
        b"bytes",
        ["a", "b"],
        [[1], [2, 3]],
        [1, None],
        lambda: 1,
        np.array([Liar(), Liar()]),
        np.array([1j]),
        np.array(["2026-01-01"], "datetime64[D]"),
        np.zeros(2, [("a", float)]),
        np.zeros(2, "V8"),
        Array(lambda: np.array([Liar()] * 2, dtype=object)),
        Array(lambda: "text"),
        Array(raises(ValueError("no"))),
        Array(raises(SystemExit())),
        Trapped(),
        10**400,
    ],
    ids=range(22),
)
def test_what_is_no_array_of_numbers_is_a_note(result: Any) -> None:
    kind, text = unusable(lambda: result)

    assert kind == "object"
    assert len(text) <= 100


def test_an_object_that_turns_into_numbers_is_those_numbers() -> None:
    assert call(lambda: Array(lambda: np.ones(3)), []).tolist() == [1, 1, 1]


def test_a_view_of_a_thousand_million_numbers_is_refused_before_it_is_copied() -> None:
    kind, text = unusable(lambda: np.broadcast_to(np.float32(0), (10**9, 35)))

    assert (kind, text) == ("large", "float32 of shape (1000000000, 35)")


# One question in a folder


def asked(folder: Path, functions: dict[str, Any], arguments: list[Any]) -> dict[str, Any]:
    """Write a question, have it answered, and read what lies in the folder then."""
    items: list[dict[str, Any]] = []
    for position, argument in enumerate(arguments):
        if isinstance(argument, np.ndarray):
            np.save(folder / f"{position}.npy", argument)
            items.append({"file": f"{position}.npy"})
        else:
            items.append({"value": argument})
    (folder / "question.json").write_text(json.dumps({"entry_point": "double", "arguments": items}))
    ask(str(folder), functions)
    answer, note = folder / "answer.npy", folder / "note.json"
    found = {answer.name: np.load(answer).tolist()} if answer.exists() else {}
    return {**found, **({note.name: json.loads(note.read_text())} if note.exists() else {})}


@pytest.mark.parametrize(("argument", "answer"), [(np.array([1, 2]), [2, 4]), (5, 10)])
def test_a_question_is_answered_with_a_file(tmp_path: Path, argument: Any, answer: Any) -> None:
    found = asked(tmp_path, {"double": lambda value: np.asarray(value) * 2}, [argument])

    assert found == {"answer.npy": answer}


def test_a_missing_function_is_noted(tmp_path: Path) -> None:
    note = asked(tmp_path, {}, [1])["note.json"]

    assert note == {"kind": "missing", "text": "", "class": "", "cell": 0, "line": 0, "frames": []}


def test_an_exception_is_noted_with_its_class(tmp_path: Path) -> None:
    note = asked(tmp_path, {"double": lambda _: raises(ValueError("negative"))()}, [-1])["note.json"]

    assert (note["kind"], note["text"], note["class"]) == ("raised", "ValueError: negative", "ValueError")


def test_an_object_array_is_never_pickled(tmp_path: Path) -> None:
    found = asked(tmp_path, {"double": lambda _: np.array([Liar()], dtype=object)}, [1])

    assert set(found) == {"note.json"}
    assert (found["note.json"]["kind"], found["note.json"]["text"]) == ("object", "dtype object")


def test_a_text_of_halves_of_characters_can_be_noted(tmp_path: Path) -> None:
    found = asked(tmp_path, {"double": lambda _: raises(ValueError("\ud83d"))()}, [1])

    assert found["note.json"]["text"] == "ValueError: \ud83d"
