"""`lab.check` at home: the public checks' verdicts, in print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader import lab
from grader.errors import SpecError

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
