"""`pawgrade review` after a class was graded for real: shared cells, attempts, flags; no verdict, and no page shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_output
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.errors import SpecError
from grader.grading.coordinator import grade_class
from grader.grading.deciding import Options
from grader.grading.runners import InlineExecutor
from grader.reports import shared_cells
from grader.reports.review import review
from grader.settings import load
from tests.support.tiny import SECRET, hand_in, solved, tiny_course

COPIED = """\
def double(numbers):
    "Twice the numbers, by a long way."
    total = np.zeros(len(numbers))
    for place, number in enumerate(numbers):
        total[place] = number + number
    return total
"""
OWN = "def double(numbers):\n    return np.array([sum([one, one]) for one in list(numbers)], dtype=float).reshape(-1)"
LOSSES = "\n".join(f"loss {0.7312 / n:.6f}" for n in range(1, 6))
ENVIRONMENT = {"PAWGRADE_SECRET": SECRET}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, toy_cache: Path) -> Course:
    """Grade three students: two with one function, renamed, and one output; one with work of her own."""
    found = tiny_course(tmp_path_factory.mktemp("course"))
    renamed = COPIED.replace("total", "result").replace("place", "i")
    for student, source in (("student01", COPIED), ("student02", renamed), ("student03", OWN)):
        notebook = solved(double_code=f"import numpy as np\n{source}")
        printed = [] if student == "student03" else [new_output("stream", text=LOSSES)]
        notebook.cells.insert(3, new_code_cell("print('trained elsewhere')", id="extra", outputs=printed))
        hand_in(found, student, notebook)
    settings = load(None, {**ENVIRONMENT, "PAWGRADE_CACHE": str(toy_cache), "PAWGRADE_SANDBOX": "none"})
    grade_class(found, "tiny", settings, Options(), runner=InlineExecutor(), tell=lambda *_: None)
    return found


def run(course: Course, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["review", "tiny", "--course", str(course.folder), *arguments])


def test_the_review_names_what_is_shared_and_says_that_it_is_no_verdict(course: Course) -> None:
    done = run(course)

    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert "student01: double-code" in words
    assert "renamed" in words
    assert "same output" in words
    assert "student01 and student02" in words
    assert "This is no verdict" in words
    assert "innocent reasons" in words
    assert "1 of 5" in words


def test_the_review_as_json_has_students_shared_cells_and_pairs(course: Course) -> None:
    found = json.loads(run(course, "--json", "-").output)

    assert [(row["student"], row["scored"], row["shared"], row["flags"]) for row in found["students"]] == [
        ("student01", 1, 3, []),
        ("student02", 1, 3, []),
        ("student03", 1, 1, []),
    ]
    kinds = [(one["kind"], len(one["students"]), one["model"]) for one in found["shared"]]
    assert kinds == [("renamed", 2, False), ("same output", 2, False), ("same code", 3, True)]
    pairs = [(pair["students"], pair["shared"], pair["outputs"]) for pair in found["pairs"]]
    assert pairs == [(["student01", "student02"], 1, 1)]


def test_nobody_graded_is_said_with_the_command_that_helps(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nobody has been graded in tiny yet.*pawgrade grade tiny"):
        review(tiny_course(tmp_path), "tiny", load(None, ENVIRONMENT))


def test_a_flag_is_shown_to_staff_and_on_no_page(course: Course) -> None:
    flag = "brightness: accuracy is far above [all] honest runs"
    (path,) = (course.folder / ".pawgrade/attempts/tiny/student03").glob("*/staff.json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "flags": [flag]}))

    shown = run(course).output
    CliRunner().invoke(app, ["feedback", "tiny", "--course", str(course.folder)])
    path.write_text(json.dumps(record))

    assert f"student03: {flag}" in " ".join(shown.split())
    page = (course.folder / "feedback/student03/tiny/tiny.html").read_text()
    assert "far above" not in page


def test_a_notebook_that_cannot_be_looked_at_is_named_and_the_others_are_compared(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shared_cells.read_cells
    monkeypatch.setattr(
        shared_cells, "read_cells", lambda path: None if "student03" in str(path) else real(path)
    )

    done = run(course)
    found = review(course, "tiny", load(None, ENVIRONMENT))

    assert "not looked at: student03" in " ".join(done.output.split())
    assert found.unread == ("student03",)
    assert found.report.shared
