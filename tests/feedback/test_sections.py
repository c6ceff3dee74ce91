"""A notebook on a page: folded by its headings, with an outline without gaps, and links to the student's own function."""

from __future__ import annotations

import re
from dataclasses import replace

import nbformat
import pytest
from markupsafe import Markup

from grader.feedback.sections import own_cell, sections, without_headings
from grader.messages import Message
from grader.notebooks.notebook_html import CellView, cell_views
from grader.notebooks.sanitise import sanitise_notebook
from grader.records import Status
from tests.support import pages

V4 = nbformat.v4
BREEDS = pages.grade().checks[3]


def shown(*cells: nbformat.NotebookNode) -> tuple[CellView, ...]:
    return cell_views(sanitise_notebook(V4.new_notebook(cells=list(cells))))


def judged_cell() -> nbformat.NotebookNode:
    nbgrader = {"grade": True, "grade_id": "breeds", "locked": True, "points": 30, "schema_version": 3}
    return V4.new_code_cell(
        "lab.check('breeds')", metadata={"nbgrader": {**nbgrader, "solution": False, "task": False}}
    )


def test_cells_stand_under_their_headings() -> None:
    parts = sections(
        shown(
            V4.new_code_cell("import numpy"),
            V4.new_markdown_cell("# One & *two*\n\nwords"),
            V4.new_code_cell("x = 1"),
            V4.new_markdown_cell("no heading"),
            V4.new_markdown_cell("### Three"),
        )
    )

    assert [(part.title, [cell.view.index for cell in part.cells]) for part in parts] == [
        ("", [0]),
        ("One & two", [1, 2, 3]),
        ("Three", [4]),
    ]
    assert "<h" not in parts[1].cells[0].view.html  # the heading stands once
    assert "words" in parts[1].cells[0].view.html


def test_a_section_is_folded_where_there_is_nothing_to_look_at() -> None:
    cells = shown(*(V4.new_markdown_cell(f"# {name}") for name in "abc"))

    parts = sections(cells, failed={1}, look_at={2})

    assert [(part.is_open, part.broken) for part in parts] == [(False, 0), (True, 1), (True, 0)]


def test_headings_leave_out_no_level() -> None:
    html = "<h1>big</h1><h6>small</h6>"
    output = V4.new_output("display_data", {"text/html": html, "text/plain": "x"})

    parts = sections(
        shown(
            V4.new_markdown_cell("# A\n\n##### far below"),
            V4.new_code_cell("x", outputs=[output]),
        )
    )

    levels = [
        int(level)
        for cell in parts[0].cells
        for text in (cell.view.html, *(output.view.html for output in cell.outputs))
        for level in re.findall(r"<h(\d)", text)
    ]
    assert levels == [4, 3, 4]
    assert all(
        re.findall(r"<h(\d)", output.view.html) == re.findall(r"</h(\d)", output.view.html)
        for cell in parts[0].cells
        for output in cell.outputs
    )


def test_long_outputs_are_folded_and_tracebacks_scroll() -> None:
    long = V4.new_output("stream", name="stdout", text="line\n" * 200)
    short = V4.new_output("stream", name="stdout", text="line\n" * 3)
    error = V4.new_output("error", ename="E", evalue="v", traceback=["line"] * 200)

    (part,) = sections(shown(V4.new_code_cell("x", outputs=[long, short, error])))

    outputs = part.cells[0].outputs
    assert [(output.lines, output.is_long, output.is_tall) for output in outputs] == [
        (200, True, False),
        (3, False, False),
        (200, False, True),
    ]


def test_an_empty_corner_of_a_table_is_no_header() -> None:
    output = V4.new_output("display_data", {"text/html": "<table><tr><th></th><th>a</th></tr></table>"})

    (part,) = sections(shown(V4.new_code_cell("x", outputs=[output])))

    assert "<td></td><th>a</th>" in part.cells[0].outputs[0].view.html


def test_a_comment_is_no_part_of_the_outline() -> None:
    assert without_headings(Markup("<h3>a</h3>b")) == "<p><strong>a</strong></p>b"


def test_a_verdict_leads_to_the_function_above_its_test_cell() -> None:
    cells = shown(
        V4.new_code_cell("def classify(images):\n    return 1"),
        V4.new_code_cell("def helper():\n    pass"),
        judged_cell(),
        V4.new_code_cell("def preprocess(images):\n    return 1"),
    )

    cell = own_cell("breeds", (), cells, ["classify", "preprocess"])

    assert cell is not None
    assert cell.index == 0


def test_a_function_that_failed_wins_over_one_that_stands_nearer() -> None:
    cells = shown(
        V4.new_code_cell("def classify(images):\n    return 1"),
        V4.new_code_cell("preprocess = abs"),
        judged_cell(),
    )
    raised = replace(BREEDS, measured=Message.of("classify raised KeyError (cell 1, line 2: x)."))

    cell = own_cell("breeds", (raised,), cells, ["classify", "preprocess"])

    assert cell is not None
    assert cell.index == 0


def test_a_function_that_is_missing_leads_to_no_other_one() -> None:
    cells = shown(V4.new_code_cell("def preprocess(images):\n    return 1"), judged_cell())
    missing = replace(BREEDS, measured=Message.of("classify: no such function is defined."))

    cell = own_cell("breeds", (missing,), cells, ["classify", "preprocess"])

    assert cell is not None
    assert cell.index == 1


@pytest.mark.parametrize("status", [Status.PASSED, Status.SKIPPED])
def test_only_a_check_that_failed_names_a_function(status: Status) -> None:
    cells = shown(V4.new_code_cell("def a(x): ..."), V4.new_code_cell("def b(x): ..."), judged_cell())
    check = replace(BREEDS, status=status, measured=Message.of("a: 3"))

    cell = own_cell("breeds", (check,), cells, ["a", "b"])

    assert cell is not None
    assert cell.index == 1


def test_without_cells_there_is_nowhere_to_lead() -> None:
    assert own_cell("breeds", (BREEDS,), (), ["classify"]) is None
