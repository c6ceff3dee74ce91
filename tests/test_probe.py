"""Questions cross the border without their keys; what comes back is an answer or an explanation."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from grader.errors import SpecError, SubmissionError
from grader.probe import Answers, asker, read_answers, read_rounds, rounds, write_questions
from grader.probe_cell import ask_all
from grader.questions import Answer, Question
from grader.spec import Assignment

KEY = {"labels": np.array([41, 42])}
PLAN = {
    "photos": [
        Question("classify", (np.ones((2, 4), np.uint8),), KEY),
        Question("classify", (np.zeros((1, 4), np.uint8),), KEY),
    ],
    "numbers": [Question("classify", (np.ones((3, 4), np.uint8),)), Question("scale", (2.5, 3, "cat"))],
}


def assignment() -> Assignment:
    photos = {"name": "images", "dtype": "uint8", "shape": ["n", 4]}
    scale = [{"name": "x", "dtype": "float"}, {"name": "k", "dtype": "int"}, {"name": "word", "dtype": "str"}]
    return Assignment.model_validate(
        {
            "id": "toy",
            "title": "Toy",
            "points": 1,
            "pass_points": 0,
            "exercises": [{"id": "one", "title": "One", "points": 1}],
            "entry_points": [
                {
                    "name": "classify",
                    "budget_s": 5,
                    "inputs": [photos],
                    "output": {"dtype": "float", "shape": ["n", 3]},
                },
                {"name": "scale", "budget_s": 5, "inputs": scale, "output": {"dtype": "float"}},
            ],
            "data": {"toy_pets": {}},
        }
    )


def honest(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return np.full((len(images), 3), 0.5)


def scale(x: float, k: int, word: str) -> float:
    return x * k + len(word)


def asked(
    folder: Path,
    classify: Any = honest,
    *,
    spent: set[str] | None = None,
    reason: str = "",
    meddle: Callable[[Path], None] = lambda _: None,
) -> Answers:
    folders = write_questions(PLAN, assignment(), folder)
    for place in folders.values():
        ask_all({"classify": classify, "scale": scale}, str(place))
    meddle(folder / "classify" / "answers")
    return read_answers(PLAN, assignment(), folder, spent or set(), reason)


def refusal(answers: Answers, name: str = "photos") -> str:
    found = answers[name]
    assert isinstance(found, SubmissionError)
    assert found.hint
    return str(found)


def test_honest_answers_come_back_beside_their_keys(tmp_path: Path) -> None:
    found = asked(tmp_path)

    photos, numbers = found["photos"], found["numbers"]
    assert not isinstance(photos, SubmissionError)
    assert not isinstance(numbers, SubmissionError)
    assert [answer.value.shape for answer in photos] == [(2, 3), (1, 3)]
    assert photos[0].key is KEY
    assert numbers[1].value.item() == 10.5
    assert numbers[1].value.dtype == np.float64


def test_no_key_crosses_the_border(tmp_path: Path) -> None:
    write_questions(PLAN, assignment(), tmp_path)

    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    arrays = [np.load(path) for path in written if path.suffix == ".npy"]
    notes = [json.loads(path.read_text()) for path in written if path.suffix == ".json"]
    assert not any("labels" in path.name for path in written)
    assert not any((array == 41).any() for array in arrays)
    assert {key for note in notes for key in note} == {"set", "entry_point", "arguments"}
    assert len(arrays) + len(notes) == len(written)


def test_a_question_to_an_undeclared_function_is_staffs_mistake(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no entry point 'steal'"):
        write_questions({"a": [Question("steal", (1,))]}, assignment(), tmp_path)


def generator() -> Iterator[float]:
    yield 0.5


class Liar:
    shape, dtype = (2, 3), np.dtype(float)

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        return 1.0

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(None, dtype=object)


def leave() -> None:
    raise SystemExit(0)


# what classify returns, and the words of the refusal
DISHONEST: dict[str, tuple[Callable[..., Any], str]] = {
    "a liar": (lambda _: Liar(), "found Python objects"),
    "an array of liars": (lambda _: np.full((2, 3), Liar(), dtype=object), "found Python objects"),
    "a generator": (lambda _: generator(), "found Python objects"),
    "text": (lambda _: "0.5", "found Python objects"),
    "nothing": (lambda _: None, "found None"),
    "an exit": (lambda _: leave(), "classify raised SystemExit: 0"),
    "an exception": (lambda images: images / Liar, "classify raised TypeError"),
    "no arguments": (lambda: 1, "classify raised TypeError"),
    "NaN": (lambda images: honest(images) * np.nan, "found 6 that are NaN or infinite"),
    "too many columns": (lambda images: np.zeros((len(images), 4)), "does the head have 3 outputs"),
    "too few rows": (lambda _: np.zeros((1, 3)), "one row for every input"),
    "complex numbers": (lambda images: honest(images) * 1j, "found Python objects"),
    "long doubles": (lambda images: honest(images).astype(np.longdouble), "plain numpy array of numbers"),
    "a thousand million rows": (lambda _: np.broadcast_to(0.0, (10**9, 3)), "too large to be an answer"),
}


@pytest.mark.parametrize("name", DISHONEST)
def test_a_dishonest_answer_is_explained_and_the_others_are_read(tmp_path: Path, name: str) -> None:
    function, words = DISHONEST[name]

    assert words in refusal(asked(tmp_path, function))


def test_a_missing_function_is_told_as_that(tmp_path: Path) -> None:
    assert "no such function is defined" in refusal(asked(tmp_path, None))


def test_a_tensor_with_a_gradient_is_an_honest_answer(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    found = asked(tmp_path, lambda images: torch.full((len(images), 3), 0.5, requires_grad=True))

    assert not isinstance(found["photos"], SubmissionError)


# What a student's code may do to the folder


def rewrite(content: bytes) -> Callable[[Path], None]:
    def meddle(place: Path) -> None:
        (place / "photos-0000.npy").write_bytes(content)

    return meddle


def replace_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def meddle(place: Path) -> None:
        path = place / "photos-0000.npy"
        path.unlink()
        make(path)

    return meddle


def a_link(path: Path) -> None:
    stolen = path.with_name("stolen.npy")
    np.save(stolen, honest(np.zeros((2, 4), np.uint8)))
    path.symlink_to(stolen)


def a_sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 2**30)


def no_folder(place: Path) -> None:
    place.rename(place.with_name("elsewhere"))


MEDDLING: dict[str, tuple[Callable[[Path], None], str]] = {
    "garbage": (rewrite(b"garbage"), "not a plain numpy array"),
    "a pickle": (rewrite(b"\x80\x04K\x01."), "not a plain numpy array"),
    "a link": (replace_by(a_link), "regular file"),
    "a pipe": (replace_by(os.mkfifo), "regular file"),
    "a folder": (replace_by(Path.mkdir), "regular file"),
    "10 GB": (replace_by(a_sparse_file), "at most"),
    "nothing": (replace_by(lambda _: None), "found no answer"),
    "no folder": (no_folder, "found no answer"),
}


@pytest.mark.parametrize("name", MEDDLING)
def test_meddling_with_the_answers_costs_the_meddler_only(tmp_path: Path, name: str) -> None:
    meddle, words = MEDDLING[name]

    found = asked(tmp_path, meddle=meddle)

    error = found["photos"]
    assert isinstance(error, SubmissionError)
    assert words in str(error)


@pytest.mark.parametrize("level", ["answers", "entry point", "questions"])
def test_a_folder_of_answers_that_became_a_link_is_not_followed(tmp_path: Path, level: str) -> None:
    def meddle(place: Path) -> None:
        target = {"answers": place, "entry point": place.parent, "questions": place.parent.parent}[level]
        moved = target.with_name("moved")
        target.rename(moved)
        target.symlink_to(moved)

    found = asked(tmp_path / "questions", meddle=meddle)

    assert "replaced by a link" in refusal(found)


def test_a_forged_note_says_nothing_that_is_not_cut_and_printable(tmp_path: Path) -> None:
    def forge(place: Path) -> None:
        (place / "photos-0000.npy").unlink()
        note = {"kind": "raised", "text": "\x1b[2J" + "x" * 9_000}
        (place / "photos-0000.json").write_text(json.dumps(note))

    text = refusal(asked(tmp_path, meddle=forge))

    assert text.isprintable()
    assert len(text) < 500


def test_a_spent_budget_and_a_dead_kernel_are_told_apart(tmp_path: Path) -> None:
    drop = replace_by(lambda _: None)

    assert "no answer within 5 s" in refusal(asked(tmp_path / "a", spent={"classify"}, meddle=drop))
    assert "could not be asked: the kernel died" in refusal(
        asked(tmp_path / "b", reason="the kernel died", meddle=drop)
    )


def test_what_was_answered_before_the_budget_was_spent_counts(tmp_path: Path) -> None:
    found = asked(tmp_path, spent={"classify"})

    assert isinstance(found["photos"], list)
    assert all(isinstance(answer, Answer) for answer in found["photos"])


# What feedback may show is asked before any hidden photo is there


class Desk:
    """A kernel's lease and client in one: copies folders in and answers out, and notes in which order."""

    def __init__(self, place: Path, functions: dict[str, Any]) -> None:
        self.walk = self.lease = self
        self.place, self.functions, self.events = place, functions, list[str]()

    def left_s(self) -> float:
        return 100.0

    def bring(self, folder: Path) -> str:
        self.events.append("bring")
        shutil.copytree(folder, self.place / folder.name)
        return str(self.place / folder.name)

    def collect(self, folder: Path, names: list[str]) -> None:
        self.events.append("collect")
        for name in names:
            if (self.place / folder.name / name).is_file():
                shutil.copy(self.place / folder.name / name, folder / name)

    def request(self, code: str, within_s: float) -> None:
        assert within_s > 0
        exec(code, self.functions)  # noqa: S102 - what the engine would send


def test_what_is_shown_is_fetched_before_any_other_question_is_there(tmp_path: Path) -> None:
    seen: list[np.ndarray] = []

    def remember(images: np.ndarray) -> np.ndarray:
        """Answer with what was seen so far, as somebody would who wants to read hidden photos in the feedback."""
        seen.append(images)
        for path in inside.rglob("answers/*.npy"):  # and write it into answers given before
            np.save(path, np.full((len(np.load(path)), 3), 255.0))
        return np.full((len(images), 3), float(max(image.max() for image in seen)))

    hidden, public = np.full((2, 4), 200, np.uint8), np.full((1, 4), 3, np.uint8)
    plan = {
        "photos": [
            Question("classify", (hidden,), {"n": np.array(0)}),
            Question("classify", (public,), {"n": np.array(1)}, shown=True),
            Question("classify", (hidden[:1],), {"n": np.array(2)}),
        ]
    }
    inside, mine, spent = tmp_path / "inside", tmp_path / "mine", set[str]()
    asked = rounds(plan, mine)
    desk: Any = Desk(inside, {"classify": remember})

    asker(asked, assignment(), spent)(desk)
    for part in asked:
        part.fetch(desk)
    found = read_rounds(asked, plan, assignment(), spent, "")["photos"]

    assert not isinstance(found, SubmissionError)
    assert desk.events == ["bring", "collect", "bring", "collect"]
    assert [int(answer.key["n"]) for answer in found] == [0, 1, 2]
    assert found[1].value.max() == 3
    assert found[2].value.max() == 200


def test_a_set_of_which_one_round_is_missing_is_refused(tmp_path: Path) -> None:
    plan = {
        "photos": [
            Question("classify", (np.zeros((1, 4), np.uint8),), shown=number == 1) for number in range(2)
        ]
    }
    asked = rounds(plan, tmp_path)
    desk: Any = Desk(tmp_path / "inside", {"classify": honest})
    asker(asked[:1], assignment(), set())(desk)
    asked[0].fetch(desk)

    found = read_rounds(asked, plan, assignment(), set(), "the kernel died")

    assert "could not be asked: the kernel died" in refusal(found)
