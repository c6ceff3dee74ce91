"""Regions of a cell that students do not get: solutions, hidden tests, mark schemes, each between two delimiters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """One kind of region, as a course's settings delimit it.

    Attributes:
        setting: the class of nbgrader's that takes it out; its settings name the delimiters.
        begin: text of the line that begins one.
        end: text of the line that ends it.
    """

    setting: str
    begin: str
    end: str


# nbgrader's own delimiters.
SOLUTIONS = Region("ClearSolutions", "BEGIN SOLUTION", "END SOLUTION")
HIDDEN_TESTS = Region("ClearHiddenTests", "BEGIN HIDDEN TESTS", "END HIDDEN TESTS")
MARK_SCHEMES = Region("ClearMarkScheme", "BEGIN MARK SCHEME", "END MARK SCHEME")
REGIONS = (SOLUTIONS, HIDDEN_TESTS, MARK_SCHEMES)


def inside(source: str, region: Region) -> list[str]:
    """Return the lines of a cell between the delimiters of a region, without these."""
    lines, within = list[str](), False
    for line in source.split("\n"):
        # In nbgrader's order: a line with both begins.
        if region.begin in line:
            within = True
        elif region.end in line:
            within = False
        elif within:
            lines.append(line)
    return lines


def unbalanced(source: str, region: Region) -> Iterator[str]:
    """Yield what is wrong with the delimiters of a region in a cell.

    nbgrader drops an end without a beginning in silence, and what was to be hidden above it reaches students.
    """
    within = False
    for line in source.split("\n"):
        if region.begin in line:
            if within:
                yield f"{region.begin!r} is there again before {region.end!r}"
            within = True
        elif region.end in line:
            if not within:
                yield f"{region.end!r} without {region.begin!r} before it"
            within = False
    if within:
        yield f"{region.begin!r} without {region.end!r} after it"
