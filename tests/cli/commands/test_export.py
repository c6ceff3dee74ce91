"""`pawgrade export` on a real course: what is written, what is messages, and how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.errors import SpecError
from tests.support.handed_in import folder_of
from tests.support.marks import exported_course


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return exported_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def course(template: Course, tmp_path: Path) -> Course:
    return Course(Path(shutil.copytree(template.folder, tmp_path / "course")))


def run(course: Course, *words: str) -> Any:
    done = CliRunner().invoke(app, ["export", "toy", "--course", str(course.folder), *words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ((), "toy-csv.csv"),
        (("--format", "canvas", "--canvas-id", "5"), "toy-canvas.csv"),
        (("--format", "moodle", "--decimal-comma"), "toy-moodle.csv"),
        (("--format", "gradescope"), "toy-gradescope/student01/results.json"),
        (("--format", "junit"), "toy-junit.xml"),
    ],
)
def test_each_format_goes_to_a_telling_name_in_the_course(
    course: Course, words: tuple[str, ...], path: str
) -> None:
    done = run(course, *words)

    assert done.exit_code == 0
    content = (course.folder / "exports" / path).read_text()
    assert "11.8" in content or "11,8" in content or "3.3333 of 6" in content
    messages = " ".join(done.stderr.split())
    assert "student03: not handed in" in messages
    assert ("student04: not decided: double" in messages) == ("junit" not in words)
    assert "still to be graded by hand: student02 (reflection)" in messages


def test_standard_output_has_the_file_alone(course: Course) -> None:
    done = run(course, "--format", "canvas", "--canvas-column", "Toy (5)", "--output", "-")

    assert done.stdout_bytes.startswith(b'"Student","ID",')
    assert b"\r\n" in done.stdout_bytes
    assert b"not in roster.csv" not in done.stdout_bytes
    assert "student05: not in roster.csv" in done.stderr
    assert not (course.folder / "exports").exists()


def test_work_that_is_not_graded_is_named_with_the_command(course: Course) -> None:
    folder_of(course.submitted, {"student03/toy/toy.ipynb": "{}"})

    done = run(course, "--output", "-")

    assert '"student03","Kim Sample","kim@example.org","toy","handed in, not graded yet",""' in done.stdout
    assert "note: handed in, not graded yet: student03. Run `pawgrade grade toy`." in done.stderr
    assert "no points: student03: handed in, not graded yet" in done.stderr


def test_a_sheet_is_filled_into_another_file(course: Course, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_bytes(b"Identifier,ID number,Grade\r\nParticipant 17,1001,-\r\n")

    run(
        course,
        "--format",
        "moodle-sheet",
        "--sheet",
        str(sheet),
        "--identifier",
        "idnumber",
        "--decimal-comma",
    )

    filled = course.folder / "exports" / "toy-moodle-sheet.csv"
    assert filled.read_bytes() == b'Identifier,ID number,Grade\r\nParticipant 17,1001,"11,8333"\r\n'
    assert sheet.read_bytes().endswith(b",-\r\n")


def test_json_has_who_is_in_it_and_who_is_not(course: Course) -> None:
    done = run(course, "--format", "moodle", "--excused", "student02", "--json", "-")

    record = json.loads(done.stdout)
    assert record["exported"] == ["student01"]
    assert record["left_out"]["student02"] == "excused"
    assert record["open_by_hand"] == {"student05": ["reflection"]}
    assert record["output"].endswith("exports/toy-moodle.csv")


def test_nobody_exported_is_exit_code_1_and_no_file(course: Course, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("id,username\nstudent09,nobody\n")

    done = run(course, "--format", "moodle", "--roster", str(roster))

    assert done.exit_code == 1
    assert "nobody's points could be exported" in done.stderr
    assert not (course.folder / "exports").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--canvas-id", "5"), "--format csv has no use for --canvas-id"),
        (("--format", "canvas", "--decimal-comma"), "has no use for --decimal-comma"),
        (("--format", "moodle-sheet"), "needs --sheet FILE"),
        (("--format", "moodle", "--identifier", "participant"), "knows no participants"),
        (("--format", "gradescope", "--output", "-"), "prints one file"),
    ],
)
def test_options_that_do_nothing_are_refused(template: Course, words: tuple[str, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        run(template, *words)
