"""`lab.check` at home: the public checks' verdicts, in print."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import files, lab
from grader.checks.questions import Answer, Question
from grader.errors import SpecError
from grader.lab.public_checks import mistaken
from grader.lab.results import LabResult

RIGHT = "def preprocess(images):\n    return ((images.astype(np.float32) - 127) / 128).transpose(0, 3, 1, 2)"


IMAGENET = "def preprocess(images):\n    return ((images / 255 - 0.45) / 0.22).transpose(0, 3, 1, 2)"


BRIGHT = "def classify(images):\n    return np.tile(images.reshape(len(images), -1).mean(1)[:, None], 35)"


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch, toy_cache: Path, tmp_path: Path) -> dict[str, Any]:
    """A fresh namespace, in an empty folder, with the lab set up on toy pets."""
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    lab.setup(scratch_dir=str(tmp_path), seed=3)
    return {"lab": lab, "np": np}


def said(notebook: dict[str, Any], capsys: pytest.CaptureFixture[str], *cells: str) -> str:
    """Run cells and return what they print."""
    capsys.readouterr()
    for cell in cells:
        exec(cell, notebook)  # noqa: S102 - that is what a kernel does
    return capsys.readouterr().out


def test_a_right_answer_passes(notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    text = said(notebook, capsys, RIGHT, "lab.check('normalise')")

    assert "10 of 10 points" in text
    assert "✓" in text


def test_a_wrong_answer_prints_measured_required_and_hint(
    notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(notebook, capsys, IMAGENET, "lab.check('normalise')")

    assert "0 of 10 points" in text
    for word in ("measured:", "required:", "hint: This network wants (x - 127) / 128"):
        assert word in text


def test_a_missing_function_is_told(notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert "no such function" in said(notebook, capsys, "lab.check('split')")


def test_checks_of_other_exercises_come_after_what_they_need(
    notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(notebook, capsys, BRIGHT, "lab.check('breeds')", "lab.check('top3')")

    assert text.count("accuracy 0.000") == 2  # constant scores: every tie counts against the answer


def test_an_unknown_exercise_is_named(notebook: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="breeds35"):
        lab.check("breeds35")


def test_what_comes_back_has_points_and_verdicts(notebook: dict[str, Any]) -> None:
    exec(RIGHT, notebook)  # noqa: S102 - as a cell does
    exec("result = lab.check('normalise')", notebook)  # noqa: S102

    result = notebook["result"]
    assert (result.points, result.max_points, result.passed) == (10, 10, True)
    assert [check.id for check in result.checks] == ["pixels_as_the_network_saw_them"]


def test_all_exercises_are_checked_at_once(
    notebook: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(files.public_parts() / "assignments" / "oxford_pets", tmp_path, dirs_exist_ok=True)
    text = said(notebook, capsys, RIGHT, BRIGHT, "result = lab.check()")

    result = notebook["result"]
    assert isinstance(result, LabResult)
    assert [each.exercise for each in result.exercises][:2] == ["split", "normalise"]
    assert [each.passed for each in result.exercises][:2] == [False, True]
    assert result.max_points == 80
    assert "all exercises: " in text
    breeds = next(each for each in result.exercises if each.exercise == "breeds")
    # Constant scores name every photo alike; each photo is there once.
    assert len(breeds.mistakes) == len({mistake.photo.tobytes() for mistake in breeds.mistakes}) > 30


def test_the_arguments_of_a_public_question_can_be_had(notebook: dict[str, Any]) -> None:
    labels, per_class, seed = lab.call("validation_split")
    by_exercise, other = lab.call("split"), lab.call("validation_split", 2)

    assert np.asarray(labels).dtype == np.int64
    assert (per_class, seed) == (3, 7)
    assert np.array_equal(by_exercise[0], labels)
    assert other[2] != 7


@pytest.mark.parametrize(
    ("name", "number", "words"), [("split", 3, "3 public questions"), ("splat", 0, "splat")]
)
def test_what_is_not_asked_is_told(notebook: dict[str, Any], name: str, number: int, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        lab.call(name, number)


def test_the_call_that_a_message_names_raises_again(
    notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    raising = "def validation_split(labels, per_class, seed):\n    assert seed == 7\n    return labels < 0"
    text = said(notebook, capsys, raising, "lab.check('split')")

    (call,) = re.findall(r"validation_split\(\*lab\.call\(.*?\)\)", text)
    with pytest.raises(AssertionError):
        exec(call, notebook)  # noqa: S102


def test_a_wrong_mask_is_told_its_shape_and_asked_about_no_head(
    notebook: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    cell = "def validation_split(labels, per_class, seed):\n    return np.flatnonzero(labels == 0)"
    text = said(notebook, capsys, cell, "lab.check('split')")

    assert re.search(r"required: bool of shape \(\d+,\)", text)
    assert "Return a mask" in text
    assert "head" not in text


def test_mistakes_are_read_from_scores_of_classes_alone() -> None:
    photos = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    key = {"labels": np.array([1, 0, 0]), "index": np.array([1, 0])}
    scores = np.array([[0.1, 0.9], [0.8, 0.2]])

    (first, second) = mistaken(Question("f", (photos,), key), Answer(scores, key), ("cat", "dog"))
    assert (first.truth, first.answer, second.truth, second.answer) == ("cat", "dog", "dog", "cat")
    assert np.array_equal(first.photo, photos[0])
    assert mistaken(Question("f", (photos,), key), Answer(scores[:, 0], key), ("cat", "dog")) == []
    assert mistaken(Question("f", (3,), key), Answer(scores, key), ("cat", "dog")) == []
    flipped = {**key, "flip": np.array([True, True])}
    assert mistaken(Question("f", (photos,), flipped), Answer(scores, flipped), ("cat", "dog")) == []
