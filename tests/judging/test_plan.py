"""What is asked follows from check files, photos and a seed, and from nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grader.checks.questions import Material
from grader.errors import SpecError
from grader.judging.plan import check_files, plan_questions
from tests.support.check_texts import GOOD


def material() -> Material:
    return Material(
        np.zeros((2, 4, 4, 3), np.uint8),
        np.array([0, 1]),
        ("a", "b"),
        ("letters", "letters"),
        np.random.default_rng(0),
    )


def written(folder: Path, *texts: str) -> tuple[Path, ...]:
    """Write check files and return their paths."""
    paths = tuple(folder / f"check_{number}.py" for number in range(len(texts)))
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


def drawn(folder: Path, seed: bytes) -> object:
    return plan_questions(written(folder, GOOD), material(), seed)["numbers"][0].arguments


def test_the_same_seed_asks_the_same_and_another_seed_something_else(tmp_path: Path) -> None:
    assert drawn(tmp_path, b"a") == drawn(tmp_path, b"a") != drawn(tmp_path, b"b")


def test_files_draw_from_generators_of_their_own(tmp_path: Path) -> None:
    files = written(tmp_path, GOOD, GOOD.replace('"numbers"', '"others"'))

    together = plan_questions(files, material(), b"a")
    alone = plan_questions(files[1:], material(), b"a")

    assert together["others"][0].arguments == alone["others"][0].arguments
    assert together["others"][0].arguments != together["numbers"][0].arguments


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["1 / 0"], r"check_0\.py cannot be imported: ZeroDivisionError"),
        (["x = 1"], r"check_0\.py: no function questions"),
        ([GOOD, GOOD], r"check_1\.py: question set 'numbers' is already used"),
        (
            ["def helped():\n    return 1 / 0\n\ndef questions(material):\n    return helped()"],
            r"check_0\.py: questions\(material\) raised ZeroDivisionError: .* Line 2, in helped: return 1 / 0",
        ),
        (
            ["def questions(material):\n    return [1]"],
            r"check_0\.py: questions\(material\) raised AttributeError",
        ),
        (
            ["def questions(material):\n    return {'numbers': [('double', (2.0,))]}"],
            r"check_0\.py: question set 'numbers': expected a list of Question, found tuple in it",
        ),
    ],
)
def test_a_plan_that_cannot_be_made_is_told_with_its_file(
    tmp_path: Path, texts: list[str], words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        plan_questions(written(tmp_path, *texts), material(), b"a")


def test_check_files_are_public_first_and_hidden_ones_stay_out_of_public_runs(tmp_path: Path) -> None:
    (tmp_path / "staff").mkdir()
    public, hidden = tmp_path / "check_public.py", tmp_path / "staff" / "check_hidden.py"
    with pytest.raises(SpecError, match=r"no check_public\.py"):
        check_files(tmp_path, "all")
    for path in (public, hidden):
        path.write_text("")

    assert check_files(tmp_path, "all") == (public, hidden)
    assert check_files(tmp_path, "public") == (public,)
