"""`pawgrade adopt` says what it found and what to do next."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from grader.cli.app import app
from tests.support.classic import classic_course


def test_adopting_tells_cells_points_files_and_what_comes_next(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course")

    done = CliRunner().invoke(app, ["adopt", "week1", "--course", str(course.folder)])

    assert done.exit_code == 0, done.output
    for words in (
        "week1: 1 notebook (week1)",
        "3 cells with tests, 8 points, 1 of them with hidden tests",
        "2 cells graded by hand, 9 points",
        "wrote solutions/week1/assignment.toml",
        "next: pawgrade grade week1",
    ):
        assert words in done.output


def test_drafting_checks_counts_what_is_to_be_completed(tmp_path: Path) -> None:
    course = classic_course(tmp_path / "course")
    with (course.folder / "nbgrader_config.py").open("a") as file:
        file.write('c.CourseDirectory.ignore = ["staff"]\n')

    done = CliRunner().invoke(
        app, ["adopt", "week1", "--checks", "--course", str(course.folder), "--json", "-"]
    )

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["todo"]["check_public.py"] == 4
    again = CliRunner().invoke(app, ["adopt", "week1", "--checks", "--course", str(course.folder)])
    assert again.exit_code != 0
