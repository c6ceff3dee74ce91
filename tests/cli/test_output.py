"""Tables for a terminal and JSON for programs: what is in them, and what must not be read as a verdict."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path

import pytest
from rich.table import Table

from grader.authoring.findings import Finding
from grader.cli import output
from grader.messages import Message
from grader.records import Check, ExerciseGrade, FailedCell, Grade, Status
from tests.support.notebooks import toy_grade

RAISED = FailedCell(3, 2, None, "NameError", Message("name 'x' is not defined"))
FAILED = Check(
    "double",
    "double",
    Status.FAILED,
    0,
    6,
    Message("error: 3"),
    Message("at most 1"),
    Message("Mend."),
    "Twice",
)


def printed(table: Table) -> str:
    """Return a table as a log has it."""
    file = io.StringIO()
    output.Terminal(file=file, width=output.WIDTH).print(table)
    return file.getvalue()


def graded(**changes: object) -> Grade:
    return dataclasses.replace(toy_grade(), **changes)  # type: ignore[arg-type]


def test_a_class_is_a_row_for_each_student_with_points_and_status() -> None:
    text = printed(
        output.grades_table([toy_grade(), toy_grade("student02", double=3.5)], {"student02": "weak"})
    )

    assert "toy on toy_pets" in text
    assert "10/10" in text
    assert "7.5/10" in text
    assert "weak" in text
    assert text.count("to do") == 2  # nobody has given manual points


def test_an_exercise_that_was_not_decided_shows_no_number() -> None:
    undecided = ExerciseGrade("double", Status.ERROR, 0.0, 6.0)

    row = printed(output.grades_table([graded(exercises=(undecided,), status=Status.ERROR, points=0.0)]))

    cells = [cell.strip() for line in row.splitlines() if "student01" in line for cell in line.split("│")]
    assert cells[2] == "!"
    assert "! ERROR" in cells


def test_nobody_handed_in_is_a_table_too() -> None:
    assert "nothing handed in" in printed(output.grades_table([]))


def test_brackets_in_names_are_no_markup() -> None:
    text = printed(output.grades_table([graded(student="[red]anna", assignment="[b]toy")]))

    assert "[red]anna" in text
    assert "[b]toy" in text


@pytest.mark.parametrize(
    ("grade", "said"),
    [
        (graded(), ""),
        (graded(failed_cells=(RAISED, RAISED)), "cell 2: NameError"),
        (graded(checks=(FAILED, FAILED)), "double: error: 3"),
        (graded(failed_cells=(RAISED,), checks=(FAILED,)), "cell 2: NameError; double: error: 3"),
        (graded(failed_cells=(RAISED,), notices=(Message("Not scored."), Message("More."))), "Not scored."),
    ],
)
def test_what_happened_is_what_a_teacher_wants_to_know_first(grade: Grade, said: str) -> None:
    assert output.what_happened(grade) == said


def test_a_check_that_passed_is_not_told_what_it_needed() -> None:
    passed = dataclasses.replace(FAILED, status=Status.PASSED, points=6, hint=Message(""))

    assert "required: at most 1" in printed(output.checks_table([FAILED]))
    assert "hint: Mend." in printed(output.checks_table([FAILED]))
    assert "required" not in printed(output.checks_table([passed]))


def test_json_is_a_whole_file_or_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (Path("-"), tmp_path / "found.json"):
        output.write_json([{"points": 3}], path)

    assert json.loads(capsys.readouterr().out) == [{"points": 3}]
    assert json.loads((tmp_path / "found.json").read_text()) == [{"points": 3}]
    assert [path.name for path in tmp_path.iterdir()] == ["found.json"]


def test_a_summary_goes_behind_what_others_wrote(tmp_path: Path) -> None:
    (tmp_path / "summary.md").write_text("theirs\n")

    output.append("ours\n", tmp_path / "summary.md")

    assert (tmp_path / "summary.md").read_text() == "theirs\nours\n"


@pytest.mark.parametrize(
    ("oks", "said"),
    [((True, True), "2 looked at, all as they must be"), ((True, False), "1 of 2 not as they must be")],
)
def test_findings_say_in_one_line_whether_all_is_well(oks: tuple[bool, bool], said: str) -> None:
    findings = [Finding("tiny", f"finding {number}", ok, "detail") for number, ok in enumerate(oks)]

    text = printed(output.findings_table(findings))

    assert said in text
    assert text.count("✗") == oks.count(False)
