"""The teacher's guide to the unit: its titles, points, cells, checks and quoted hints are those of the assignments."""

from __future__ import annotations

import ast
import re
from functools import cache

import nbformat
import pytest

from grader.assignment.course import packaged_course
from grader.assignment.spec import load_assignment
from tests.support.notebooks import REPOSITORY

COURSE = packaged_course()
PAGE = (REPOSITORY / "docs" / "unit.md").read_text()
SECTIONS = {
    match["id"]: (match["title"], match["body"])
    for match in re.finditer(
        r"^## `(?P<id>\w+)`: (?P<title>.+)\n(?P<body>(?:(?!## ).*\n)*)", PAGE, re.MULTILINE
    )
}
REFERENCES = re.findall(r"`(\w+)/([\w-]+)`", PAGE)
QUOTED = [
    (assignment, quote)
    for assignment, (_, body) in SECTIONS.items()
    for quote in re.findall(r'^\| [^|]+ \| "(.+)" \|$', body, re.MULTILINE)
]


@cache
def names(assignment: str) -> set[str]:
    """Return the names of an assignment's cells, checks and mutants."""
    folder = COURSE.source(assignment)
    cells = nbformat.read(folder / f"{assignment}.ipynb", as_version=4).cells
    functions = {
        node.name.removeprefix("test_")
        for tree in trees(assignment)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    mutants = {path.stem for path in (folder / "staff" / "mutants").glob("*.py")}
    return {cell.id for cell in cells} | functions | mutants


@cache
def trees(assignment: str) -> tuple[ast.Module, ...]:
    folder = COURSE.source(assignment)
    files = [folder / "check_public.py", folder / "staff" / "check_hidden.py"]
    return tuple(ast.parse(path.read_text()) for path in files if path.is_file())


@cache
def texts(assignment: str) -> str:
    """Return every text in an assignment's checks, a line each."""
    found = (node for tree in trees(assignment) for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return "\n".join(node.value for node in found if isinstance(node.value, str))


def test_there_is_something_to_hold() -> None:
    assert len(REFERENCES) >= 60
    assert len(QUOTED) >= 30


@pytest.mark.parametrize("assignment", COURSE.assignments())
def test_every_assignment_has_a_section_with_its_title_and_points(assignment: str) -> None:
    described = load_assignment(COURSE.source(assignment))
    title, body = SECTIONS[assignment]

    assert title == described.title
    assert body.strip().startswith(f"{described.points:g} points, pass mark {described.pass_points:g}, ")
    assert "\nSay: " in body
    assert [quote for name, quote in QUOTED if name == assignment]


def test_sections_come_in_the_order_of_the_course() -> None:
    assert tuple(name for name in SECTIONS if name in COURSE.assignments()) == COURSE.assignments()


def test_every_cell_check_and_mutant_that_is_named_exists() -> None:
    named = [(assignment, name) for assignment, name in REFERENCES if assignment in COURSE.assignments()]

    assert [(assignment, name) for assignment, name in named if name not in names(assignment)] == []


def test_every_assignment_that_is_named_is_the_courses_or_still_to_come() -> None:
    expected = {*COURSE.assignments(), *COURSE.missing_in_order()}

    assert {assignment for assignment, _ in REFERENCES} | set(SECTIONS) <= expected


def test_every_hint_in_quotes_is_what_the_checks_say() -> None:
    held = [(assignment, quote) for assignment, quote in QUOTED if assignment in COURSE.assignments()]

    assert [(assignment, quote) for assignment, quote in held if quote not in texts(assignment)] == []
