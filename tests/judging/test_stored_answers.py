"""Answers are stored with what was asked, and read back only where every question is the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from grader.checks.questions import Answer, Question
from grader.errors import SubmissionError
from grader.judging import stored_answers
from grader.judging.probe import Answers, Place
from grader.messages import Message

PLAN = {
    "numbers": [Question("double", (np.arange(3.0),), {"expected": np.array(1)})],
    "photos": [Question("classify", (np.zeros((2, 4, 4, 3), np.uint8),)), Question("classify", (1, "a"))],
}
ORDER = (("numbers", 0), ("photos", 1), ("photos", 0))


def stored(folder: Path) -> Path:
    answers: Answers = {
        "numbers": SubmissionError(
            Message("no such function"), Message("Define {name}.", name="double"), "NameError"
        ),
        "photos": [Answer(np.full(2, number), {}) for number in range(2)],
    }
    arrays, sets = stored_answers.pack(answers)
    np.savez_compressed(folder / stored_answers.ARRAYS, **arrays)  # type: ignore[arg-type] # numpy's stub: names may be flags
    facts = {"run": {}, "questions": stored_answers.asked(PLAN, ORDER, {}), "sets": sets}
    (folder / stored_answers.RECORD).write_text(json.dumps({"format": stored_answers.FORMAT, **facts}))
    return folder


def test_answers_come_back_with_the_keys_of_now(tmp_path: Path) -> None:
    folder = stored(tmp_path)
    record = stored_answers.read_record(folder)
    assert record is not None
    later = {
        **PLAN,
        "photos": [
            Question(one.entry_point, one.arguments, {"expected": np.array(7)}) for one in PLAN["photos"]
        ],
    }

    assert stored_answers.differences(record, stored_answers.asked(later, ORDER, {})) == []
    answers = stored_answers.read(folder, record, later)

    refused = answers["numbers"]
    assert isinstance(refused, SubmissionError)
    assert (str(refused.message), str(refused.hint), refused.raised) == (
        "no such function",
        "Define double.",
        "NameError",
    )
    photos = answers["photos"]
    assert not isinstance(photos, SubmissionError)
    assert [(answer.value.tolist(), int(answer.key["expected"])) for answer in photos] == [
        ([0, 0], 7),
        ([1, 1], 7),
    ]


@pytest.mark.parametrize(
    ("plan", "order", "words"),
    [
        ({**PLAN, "numbers": [Question("double", (np.arange(4.0),))]}, ORDER, ["numbers (changed)"]),
        ({**PLAN, "numbers": [Question("double", (np.arange(3),))]}, ORDER, ["numbers (changed)"]),
        ({**PLAN, "more": []}, ORDER, ["more (new)"]),
        ({"photos": PLAN["photos"]}, ORDER[1:], ["numbers (gone)"]),
        (PLAN, ORDER[::-1], [stored_answers.ORDER]),
    ],
    ids=["values", "dtype", "new", "gone", "order"],
)
def test_other_questions_are_named(
    tmp_path: Path, plan: dict[str, list[Question]], order: tuple[Place, ...], words: list[str]
) -> None:
    record = stored_answers.read_record(stored(tmp_path))
    assert record is not None

    assert stored_answers.differences(record, stored_answers.asked(plan, order, {})) == words


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 99}', b"\xff", b"[" * 100_000])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / stored_answers.RECORD).write_bytes(content)

    assert stored_answers.read_record(tmp_path) is None


def test_files_that_do_not_belong_together_are_damaged(tmp_path: Path) -> None:
    folder = stored(tmp_path)
    record = stored_answers.read_record(folder)
    assert record is not None
    (folder / stored_answers.ARRAYS).unlink()

    with pytest.raises(ValueError, match="FileNotFoundError"):
        stored_answers.read(folder, record, PLAN)


def test_arrays_that_would_unpack_to_too_much_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stored(tmp_path)
    record = stored_answers.read_record(folder)
    assert record is not None
    monkeypatch.setattr(stored_answers, "RUN_BYTES", 8)
    monkeypatch.setattr(stored_answers, "MAX_HEADER_BYTES", 8)

    with pytest.raises(ValueError, match="more than 8 bytes"):
        stored_answers.read(folder, record, PLAN)
