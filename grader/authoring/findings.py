"""Define what `verify` finds: one record for each thing that it looked at."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
        line: the line of that file to look at, from 1.
        cells: cells of that notebook that raised.
        names_cells: whether `detail` says what these cells raised.
        log: for the author, where a check of theirs broke: its tracebacks, own lines first.
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
    line: int = 1
    cells: tuple[FailedCell, ...] = ()
    names_cells: bool = False
    log: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what `verify --json` writes."""
        record = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        # For reports that mark lines of files (`reports.other_programs`); the JSON never had them.
        for name in ("line", "names_cells"):
            del record[name]
        return {**record, "cells": [cell.to_json() for cell in self.cells]}


def place(course: Path, folder: str, site: str) -> tuple[str, int]:
    """Return the check file, relative to the course, and the line that a demand's site names.

    Args:
        course: course folder.
        folder: the assignment's source folder, relative to it.
        site: as in `Requirement.site`.
    """
    # From the right, since the line is the last part.
    name, _, line = site.rpartition(":")
    # A site names the file alone, and hidden check files lie in another folder than public ones.
    hidden = f"{folder}/staff/{name}"
    return hidden if (course / hidden).is_file() else f"{folder}/{name}", int(line)
