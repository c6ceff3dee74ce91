"""The digits that Pawgrade brings along are those of scikit-learn, and a damaged file is told in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from grader import lab
from grader.datasets import digits
from grader.errors import SpecError


def test_they_are_scikit_learns() -> None:
    copy, ours = load_digits(), digits.read()

    assert ours.images.dtype == np.uint8
    assert ours.labels.dtype == np.int64
    assert np.array_equal(ours.images, copy.images)
    assert np.array_equal(ours.labels, copy.target)


def test_notebooks_get_them_and_may_write_on_them() -> None:
    lab.digits().images[:] = 0

    assert lab.digits().images.max() == 16


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off", b"no archive"])
def test_a_file_that_is_missing_or_damaged_is_told(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "datasets" / "digits.npz"
    file.parent.mkdir()
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr("grader.files.public_parts", lambda: tmp_path)

    with pytest.raises(SpecError, match=r"digits\.npz: expected the digits that come with Pawgrade") as told:
        digits.read()

    assert "pip install" in str(told.value)
