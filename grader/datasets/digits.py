"""Handwritten digits that Pawgrade brings along: small enough to repeat an experiment on them many times."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from grader import files
from grader.errors import SpecError


@dataclass(frozen=True)
class Digits:
    """Digits with their labels.

    Attributes:
        images: uint8 `[1797, 8, 8]`, 0 (paper) to 16 (ink).
        labels: int64 `[1797]`, 0 to 9.
    """

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def path() -> Path:
    """Return where the digits lie; `scripts/bundle-digits` writes the file."""
    return files.public_parts() / "datasets" / "digits.npz"


def read() -> Digits:
    """Return the digits, by E. Alpaydin and C. Kaynak (UCI Machine Learning Repository, 1998, CC BY 4.0).

    Raises:
        SpecError: the file is missing or damaged.
    """
    try:
        # Read at once: numpy leaves a damaged archive open.
        content = io.BytesIO(path().read_bytes())
        with np.load(content, allow_pickle=False) as arrays:
            return Digits(arrays["images"], arrays["labels"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as exc:
        raise SpecError(
            f"{path()}: expected the digits that come with Pawgrade, found {type(exc).__name__}.",
            "Install Pawgrade again: pip install --force-reinstall --no-deps pawgrade",
        ) from exc
