"""What `verify` finds, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from grader.records import FailedCell

Kind = Literal["release", "photos", "source", "resources", "mutant", "requirement", "calibration"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        assignment: id of the assignment.
        what: what must be true.
        ok: whether it is.
        detail: what was found.
        seconds: how long it took to look.
        kind: what it is about.
        data: id of the data card; "" where it does not matter.
        subject: name of the mutant, check or demand; "" otherwise.
        file: the file of the course to look at, relative to it; "" where there is none.
        cells: cells of that notebook that raised.
    """

    assignment: str
    what: str
    ok: bool
    detail: str
    seconds: float = 0.0
    kind: Kind = "release"
    data: str = ""
    subject: str = ""
    file: str = ""
    cells: tuple[FailedCell, ...] = ()
