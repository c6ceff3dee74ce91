"""Questions cross the border without their keys; what comes back is an answer or an explanation."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from grader.assignment.spec import Assignment
from grader.checks.questions import Question
from grader.errors import SpecError, SubmissionError
from grader.judging.answer_notes import raised_again
from grader.judging.probe import Answers, Asking, Overrun, Plan, sequence, write_question
from grader.messages import Message

KEY = {"labels": np.array([41, 42])}
PLAN = {
    "photos": [
        Question("classify", (np.ones((2, 2, 2), np.uint8),), KEY),
        Question("classify", (np.zeros((1, 2, 2), np.uint8),), KEY),
    ],
    "numbers": [Question("classify", (np.ones((3, 2, 2), np.uint8),)), Question("scale", (2.5, 3, "cat"))],
}


def assignment() -> Assignment:
    photos = {"name": "images", "dtype": "uint8", "shape": ["n", 2, 2]}
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


class Desk:
    """A kernel's lease and client in one, without a process: it asks the functions, then lets somebody meddle.

    Args:
        functions: what the notebook defines.
        meddle: called with the folder of each question when it is answered, before the answer is fetched.
        charge_s: seconds that each question is charged.
        apart: folder of a world of its own, where questions are copies; None: they lie where the grader wrote them.
    """

    def __init__(
        self,
        functions: dict[str, Any],
        meddle: Callable[[Path], None] = lambda _: None,
        charge_s: float = 0.0,
        apart: Path | None = None,
    ) -> None:
        self.lease = self
        self.functions, self.meddle, self.charge_s, self.apart = functions, meddle, charge_s, apart
        self.dead, self.events = False, list[str]()
        self.nb = new_notebook(
            cells=[new_code_cell(""), new_code_cell("\n\nx = 1\nraise ValueError(secret)")]
        )

    def bring(self, folder: Path) -> str:
        self.events.append("bring")
        self.inside = folder if self.apart is None else self.apart / folder.name
        if self.apart is not None:
            shutil.copytree(folder, self.inside)
        return str(self.inside)

    def request(self, code: str, within_s: float) -> float:
        assert within_s > 0
        exec(code, self.functions)  # noqa: S102 - what the engine would send
        self.meddle(self.inside)
        return self.charge_s

    def collect(self, folder: Path, names: Sequence[str]) -> None:
        self.events.append("collect")
        for name in names if self.apart is not None else ():
            if (self.inside / name).is_file():
                shutil.copy(self.inside / name, folder / name)


def asking(folder: Path, plan: Plan = PLAN, **options: Any) -> Asking:
    order = [(name, number) for name, asked in plan.items() for number in range(len(asked))]
    return Asking(plan, assignment(), folder, options.pop("order", order), **options)


def asked(
    folder: Path,
    classify: Any = honest,
    *,
    meddle: Callable[[Path], None] = lambda _: None,
    public: bool = True,
) -> Answers:
    desk: Any = Desk({"classify": classify, "scale": scale}, meddle)
    found = asking(folder, public=public)
    found.ask(desk)
    return found.answers()


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
    for number, question in enumerate(one for questions in PLAN.values() for one in questions):
        write_question(tmp_path / str(number), question)

    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    arrays = [np.load(path) for path in written if path.suffix == ".npy"]
    notes = [json.loads(path.read_text()) for path in written if path.suffix == ".json"]
    assert not any("labels" in path.name for path in written)
    assert not any((array == 41).any() for array in arrays)
    assert {key for note in notes for key in note} == {"entry_point", "arguments"}
    assert len(arrays) + len(notes) == len(written)


def test_a_question_to_an_undeclared_function_is_staffs_mistake(tmp_path: Path) -> None:
    desk: Any = Desk({})

    with pytest.raises(SpecError, match="no entry point 'steal'"):
        asking(tmp_path, {"a": [Question("steal", (1,))]}).ask(desk)


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
        (place / "answer.npy").write_bytes(content)

    return meddle


def replace_by(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def meddle(place: Path) -> None:
        path = place / "answer.npy"
        path.unlink()
        make(path)

    return meddle


def a_link(path: Path) -> None:
    stolen = path.with_name("stolen.npy")
    np.save(stolen, honest(np.zeros((2, 2, 2), np.uint8)))
    path.symlink_to(stolen)


def a_sparse_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10 * 2**30)


def no_folder(place: Path) -> None:
    place.rename(place.with_name(f"elsewhere-{place.name}"))


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


def test_a_folder_of_answers_that_became_a_link_is_not_followed(tmp_path: Path) -> None:
    def meddle(place: Path) -> None:
        moved = place.with_name(f"moved-{place.name}")
        place.rename(moved)
        place.symlink_to(moved)

    found = asked(tmp_path / "questions", meddle=meddle)

    assert "replaced by a link" in refusal(found)
    assert not any(path.is_symlink() for path in (tmp_path / "questions").iterdir())


def test_a_forged_note_says_nothing_that_is_not_cut_and_printable(tmp_path: Path) -> None:
    def forge(place: Path) -> None:
        (place / "answer.npy").unlink()
        note = {"kind": "raised", "text": "\x1b[2J" + "x" * 9_000}
        (place / "note.json").write_text(json.dumps(note))

    text = refusal(asked(tmp_path, meddle=forge))

    assert text.isprintable()
    assert len(text) < 500


BATCHES = {
    "photos": [
        Question("classify", (np.full((size, 2, 2), size, np.uint8),), {"n": np.array(size)}, partial=True)
        for size in (3, 1, 2)
    ]
}


def test_what_was_answered_before_the_budget_ran_out_counts_and_the_rest_is_nan(tmp_path: Path) -> None:
    desk: Any = Desk({"classify": honest}, charge_s=2.5)
    found = asking(tmp_path, BATCHES, order=[("photos", 2), ("photos", 0), ("photos", 1)])

    found.ask(desk)

    answers = found.answers()["photos"]
    assert not isinstance(answers, SubmissionError)
    assert [answer.value.shape for answer in answers] == [(3, 3), (1, 3), (2, 3)]
    assert [bool(np.isnan(answer.value).all()) for answer in answers] == [False, True, False]
    assert found.overruns() == (Overrun("classify", 5, 2, 3, photos=True),)


@pytest.mark.parametrize(
    ("dtype", "missing"), [("int", np.iinfo(np.int64).min), ("bool", None), ("uint8", None)]
)
def test_what_did_not_come_in_time_is_right_for_nobody_whatever_its_type(
    tmp_path: Path, dtype: str, missing: int | None
) -> None:
    desk: Any = Desk({"classify": lambda images: np.ones((len(images), 3), dtype)}, charge_s=2.5)
    found = asking(tmp_path, BATCHES, order=[("photos", 2), ("photos", 0), ("photos", 1)])
    facts = found.assignment.model_dump()
    facts["entry_points"][0]["output"]["dtype"] = dtype
    found.assignment = Assignment.model_validate(facts)

    found.ask(desk)

    answers = found.answers()["photos"]
    if missing is None:  # no value of the type is wrong for sure
        assert isinstance(answers, SubmissionError)
    else:
        assert not isinstance(answers, SubmissionError)
        assert [set(answer.value.ravel().tolist()) for answer in answers] == [{1}, {missing}, {1}]


def test_each_set_has_the_budget_of_its_entry_point_for_itself(tmp_path: Path) -> None:
    plan = {"one": BATCHES["photos"], "two": BATCHES["photos"]}
    desk: Any = Desk({"classify": honest}, charge_s=1.6)
    found = asking(tmp_path, plan)

    found.ask(desk)

    assert found.overruns() == ()
    assert len(found.values) == 6


def test_a_set_that_needs_all_its_answers_is_refused_when_one_did_not_come(tmp_path: Path) -> None:
    plan = {"photos": [Question("classify", (np.ones((1, 2, 2), np.uint8),)) for _ in range(3)]}
    desk: Any = Desk({"classify": honest}, charge_s=2.5)
    found = asking(tmp_path, plan)

    found.ask(desk)

    assert "no answer within 5 s" in refusal(found.answers())


def test_a_kernel_that_died_could_not_be_asked(tmp_path: Path) -> None:
    desk: Any = Desk({"classify": honest})
    desk.dead = True
    found = asking(tmp_path)

    found.ask(desk)

    assert "could not be asked: the kernel died" in refusal(found.answers(Message("the kernel died")))


# One question at a time, in an order that says nothing


def test_a_notebook_sees_one_question_and_its_answer_is_fetched_before_the_next(tmp_path: Path) -> None:
    there: list[int] = []

    def look(images: np.ndarray) -> np.ndarray:
        there.append(len(list((tmp_path / "mine").rglob("question.json"))))
        return honest(images)

    desk: Any = Desk({"classify": look, "scale": scale})
    found = asking(tmp_path / "mine")

    found.ask(desk)

    assert there == [1, 1, 1]
    assert desk.events == ["bring", "collect"] * 4
    assert not list((tmp_path / "mine").iterdir())


def test_an_answer_given_before_cannot_be_written_again(tmp_path: Path) -> None:
    seen: list[np.ndarray] = []

    def remember(images: np.ndarray) -> np.ndarray:
        seen.append(images)
        for path in tmp_path.rglob("answer.npy"):  # of earlier questions
            np.save(path, np.full((len(np.load(path)), 3), 255.0))
        return np.full((len(images), 3), float(max(image.max() for image in seen)))

    desk: Any = Desk({"classify": remember}, apart=tmp_path / "inside")
    found = asking(tmp_path / "mine", BATCHES)

    found.ask(desk)

    answers = found.answers()["photos"]
    assert not isinstance(answers, SubmissionError)
    assert [answer.value.max() for answer in answers] == [3, 3, 3]


def test_public_questions_come_first_then_those_without_photos_then_all_photos_mixed() -> None:
    photo = np.zeros((2, 8, 8, 3), np.uint8)
    plan = {
        "a": [Question("f", (photo,), shown=number == 5) for number in range(20)],
        "b": [Question("g", (np.zeros(3), number)) for number in range(3)],
        "c": [Question("h", (photo,)) for _ in range(20)],
    }

    order = sequence(plan, np.random.default_rng(3))

    assert order[0] == ("a", 5)
    assert {name for name, _ in order[1:4]} == {"b"}
    late = [name for name, _ in order[4:]]
    assert sorted(order) == sorted(
        (name, number) for name, asked in plan.items() for number in range(len(asked))
    )
    assert "".join(late) != "".join(sorted(late))
    assert order != sequence(plan, np.random.default_rng(4))


def test_a_rehearsal_that_fails_is_told_in_full_and_nothing_hidden_is_asked(tmp_path: Path) -> None:
    seen: list[int] = []

    def wrong(images: np.ndarray) -> np.ndarray:
        seen.append(len(images))
        return np.zeros((len(images), 4))

    desk: Any = Desk({"classify": wrong, "scale": scale})
    rehearsal = {"classify": Question("classify", (np.ones((7, 2, 2), np.uint8),))}
    found = asking(tmp_path, rehearsal=rehearsal)

    found.ask(desk)

    assert seen == [7]
    assert "found shape (7, 4)" in refusal(found.answers())


def test_of_hidden_numbers_a_function_tells_nothing_but_what_public_ones_showed(tmp_path: Path) -> None:
    def fails(x: float, *_: object) -> None:
        raise ValueError(f"I have seen {x}")

    plan = {"numbers": [Question("scale", (47.11, 2, "word"))]}
    desk: Any = Desk({"scale": fails})
    blind = asking(tmp_path / "blind", plan)
    rehearsed = asking(tmp_path / "rehearsed", plan, rehearsal={"scale": Question("scale", (1.5, 2, "a"))})

    blind.ask(desk)
    rehearsed.ask(desk)

    assert "scale raised ValueError" in refusal(blind.answers(), "numbers")
    assert "47.11" not in refusal(blind.answers(), "numbers")
    assert "I have seen 1.5" in refusal(rehearsed.answers(), "numbers")
    assert "47.11" not in refusal(rehearsed.answers(), "numbers")


def test_a_function_of_numbers_that_fails_in_its_rehearsal_is_asked_all_the_same(tmp_path: Path) -> None:
    def small_only(x: float, k: int, word: str) -> float:
        if x < 2:
            raise ValueError("too small")
        return scale(x, k, word)

    plan = {"numbers": [Question("scale", (47.0, 2, "word"))]}
    found = asking(tmp_path, plan, rehearsal={"scale": Question("scale", (1.5, 2, "a"))})

    desk: Any = Desk({"scale": small_only})
    found.ask(desk)

    numbers = found.answers()["numbers"]
    assert not isinstance(numbers, SubmissionError)
    assert [float(answer.value) for answer in numbers] == [98.0]


# Of hidden questions nothing is told that a photo could lie in


def tells(photo: int) -> dict[str, Callable[[np.ndarray], Any]]:
    """Return functions that say a number that they have seen, each in another way."""
    other = type(f"E{photo}", (Exception,), {})
    return {
        "an exception's text": lambda _: (_ for _ in ()).throw(ValueError(f"{photo}")),
        "an exception's class": lambda _: (_ for _ in ()).throw(other()),
        "a shape": lambda images: np.zeros((len(images), photo)),
        "axes": lambda _: np.zeros((photo, 2, 2)),
        "a count of NaN": lambda images: np.where(
            np.arange(3) < photo % 3 + 1, np.nan, np.zeros((len(images), 3))
        ),
        "a class's name": lambda _: [other()],
        "a size": lambda _: np.broadcast_to(0.0, (10**7 + photo, 3)),
        "a dtype": lambda images: np.full((len(images), 3), "x" * photo),
    }


@pytest.mark.parametrize("way", tells(1))
def test_a_refusal_about_hidden_photos_is_the_same_whatever_was_seen(tmp_path: Path, way: str) -> None:
    said = {refusal(asked(tmp_path / str(photo), tells(photo)[way], public=False)) for photo in (10, 11, 300)}

    assert len(said) == 1
    (words,) = said
    assert not any(word in words for word in ("300", "E10"))


def test_of_a_hidden_exception_class_and_line_are_told_and_the_line_is_the_one_handed_in(
    tmp_path: Path,
) -> None:
    def forge(cell: object, line: object) -> Callable[[Path], None]:
        def meddle(place: Path) -> None:
            (place / "answer.npy").unlink(missing_ok=True)
            note = {"kind": "raised", "text": "a photo", "class": "ValueError", "cell": cell, "line": line}
            (place / "note.json").write_text(json.dumps(note))

        return meddle

    told = refusal(asked(tmp_path / "a", meddle=forge(1, 2), public=False))
    assert "classify raised ValueError (cell 1, line 2: raise ValueError(secret))." in told
    for cell, line in ((1, 3), (2, 1), (0, 1), (1, 0), ("1", 2), (True, 2), (1, 2.0), (10**30, 1)):
        told = refusal(asked(tmp_path / f"{cell} {line}", meddle=forge(cell, line), public=False))
        assert "classify raised ValueError." in told
        assert "a photo" not in told


def test_a_call_to_paste_is_told_of_public_questions_alone(tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a photo")

    told = {public: refusal(asked(tmp_path / str(public), fails, public=public)) for public in (True, False)}

    assert re.search(r'classify\(\*lab\.call\("classify"(, \d+)?\)\)$', told[True])
    assert "lab.call" not in told[False]


def test_a_rehearsal_that_raises_is_told_with_the_lines_and_the_call_and_hidden_questions_never(
    tmp_path: Path,
) -> None:
    def meddle(place: Path) -> None:
        (place / "answer.npy").unlink(missing_ok=True)
        note = {"kind": "raised", "text": "KeyError: 9", "class": "KeyError", "frames": [[1, 1], [1, 2]]}
        (place / "note.json").write_text(json.dumps(note))

    desk: Any = Desk({"classify": honest, "scale": scale}, meddle)
    rehearsal = {"classify": Question("classify", (np.ones((7, 2, 2), np.uint8),))}
    rehearsed, hidden = (
        asking(tmp_path / name, rehearsal=given) for name, given in (("a", rehearsal), ("b", {}))
    )

    rehearsed.ask(desk)
    hidden.ask(desk)

    told = refusal(rehearsed.answers())
    assert "cell 1, line 2: raise ValueError(secret); called in cell 1, line 1: x = 1" in told
    assert told.endswith('classify(*lab.call("classify"))')
    assert "as the checks do" not in told
    assert "lab.call" not in refusal(hidden.answers())
    assert "called in" not in refusal(hidden.answers())


def test_a_page_tells_one_line_that_raised_on_hidden_photos(tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise ValueError("a photo")

    desk: Any = Desk({"classify": fails, "scale": fails})
    plan = dict.fromkeys(("one", "two"), PLAN["photos"])
    found = asking(tmp_path, plan)

    found.ask(desk)

    assert "raised ValueError" in refusal(found.answers(), "one")
    assert refusal(found.answers(), "one") == refusal(
        found.answers(), "two"
    )  # it says no more the second time
    other = found._one("scale", SubmissionError("what it saw"), raised_again)
    assert "scale raised an exception, too" in str(other)


def test_a_function_that_breaks_on_a_public_question_is_asked_no_hidden_one_and_told_in_full(
    tmp_path: Path,
) -> None:
    seen: list[int] = []

    def wrong(images: np.ndarray) -> np.ndarray:
        seen.append(len(images))
        return np.zeros((len(images), 4))

    photo = np.zeros((5, 2, 2), np.uint8)
    plan = {
        "pictured": [Question("classify", (photo,), shown=True)],
        "photos": [Question("classify", (photo[:2],)), Question("classify", (photo[:3],))],
    }
    desk: Any = Desk({"classify": wrong, "scale": scale})
    found = asking(tmp_path, plan)

    found.ask(desk)

    assert seen == [5]
    assert "found shape (5, 4)" in refusal(found.answers(), "photos")
