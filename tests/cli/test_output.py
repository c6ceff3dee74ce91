"""Tables for a terminal and JSON for programs: what is in them, and what must not be read as a verdict."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.table import Table

from grader.cli import output
from grader.messages import Message
from grader.records import Check, ExerciseGrade, FailedCell, Grade, Seconds, Status
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
NAMED = dataclasses.replace(FAILED, measured=Message("double: expected float, found None."))


def printed(table: Table) -> str:
    """Return a table as a log has it."""
    file = io.StringIO()
    output.Terminal(file=file, width=output.WIDTH).print(table)
    return file.getvalue()


GOLDEN = Path(__file__).parent / "golden"
NAMES = ("split", "features", "breeds", "top3", "species", "mirror", "confusion_matrix")
LONG = "a-name-as-some-universities-write-them.class-of-2026@students.example.edu"
WIDE = "学生零二-computer-vision"


def class_of_three() -> list[Grade]:
    """Grades with a long name, one of wide characters, and reasons of more than a line."""
    rows = (
        ("student01", Status.PASSED, 90.0, 7.5, ""),
        (
            WIDE,
            Status.FAILED,
            61.25,
            None,
            "Stopped after 15 s in code cell 29: one cell may take no longer.",
        ),
        (LONG, Status.ERROR, 0.0, None, "写真を分類できませんでした。 Your teachers have been told [staff]."),
    )
    return [
        graded(
            student=student,
            assignment="oxford_pets",
            status=status,
            points=points,
            max_points=90.0,
            manual_points=by_hand,
            exercises=tuple(ExerciseGrade(name, status, points / 9, 10.0) for name in NAMES),
            notices=(Message(reason),) if reason else (),
            seconds=Seconds(total=120.0),
        )
        for student, status, points, by_hand, reason in rows
    ]


def squeezed(text: str) -> str:
    """Return a table's text without borders and line ends: what a column breaks into lines is whole again."""
    return re.sub(r"[\s│┃]", "", text)


def column(text: str, number: int) -> str:
    """Return what stands in a column of a table, its lines joined."""
    rows = (line.split("│")[1:-1] for line in text.splitlines() if line.startswith("│"))
    return "".join(row[number].strip() for row in rows)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_names_status_and_reasons_are_whole_in_a_window_of_any_width(width: int) -> None:
    grades = class_of_three()
    file = io.StringIO()
    terminal = output.Terminal(file=file, width=width, force_terminal=True, color_system=None)

    terminal.print(output.grades_table(grades, width=width))

    text = "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
    assert text == (GOLDEN / f"grades-{width}.txt").read_text(encoding="utf-8")
    assert max(map(cell_len, text.splitlines())) <= width
    for grade in grades:
        assert grade.student in column(text, 0)
        assert f" {grade.status} " in text
        assert squeezed(output.what_happened(grade)) in squeezed(column(text, -1))
    assert ("confusion_matrix" in text, "by hand" in text.splitlines()[2]) == (width == 200, width >= 100)


def test_piped_a_submission_is_a_line_of_columns_and_never_cut() -> None:
    grades = class_of_three()

    lines = list(output.grades_lines(grades))

    assert "".join(f"{line}\n" for line in lines) == (GOLDEN / "grades-piped.txt").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in lines]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [row[0] for row in rows[1:]] == [grade.student for grade in grades]


def test_no_name_or_reason_can_begin_a_line_or_a_column_of_its_own() -> None:
    (_, line) = output.grades_lines([graded(student="anna\tPASSED\n100", notices=(Message("a\nb\x1b[2J"),))])

    assert line.split("\t")[0] == "anna PASSED 100"
    assert line.split("\t")[-1].startswith("a b")
    assert "\x1b" not in line
    assert "\n" not in line


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


def test_where_nobody_grades_by_hand_nothing_is_to_do() -> None:
    table = printed(output.grades_table([toy_grade()], by_hand=False))
    names, line = output.grades_lines([toy_grade()], by_hand=False)

    assert not {"by hand", "to do"} & {word for word in ("by hand", "to do") if word in table}
    assert dict(zip(names.split("\t"), line.split("\t"), strict=True))["by hand"] == "-"
    # Extra credit is shown all the same.
    assert "by hand" in printed(output.grades_table([graded(manual_points=2.0)], by_hand=False))


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
        (graded(checks=(NAMED,)), "double: expected float, found None."),
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
