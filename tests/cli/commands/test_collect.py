"""What `pawgrade collect` prints, writes and ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.errors import SpecError
from tests.support.handed_in import cat_course, zip_of

ADA = "Ada Example_17_assignsubmission_file_"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return cat_course(tmp_path / "course")


def run(course: Course, source: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        app,
        [
            "collect",
            str(source),
            "--assignment",
            "cat_lab",
            "--course",
            str(course.folder),
            "--timezone",
            "UTC",
            *words,
        ],
    )
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_the_table_says_who_when_and_what_happens(course: Course, tmp_path: Path) -> None:
    source = zip_of(tmp_path / "all.zip", {f"{ADA}/lab final.ipynb": "{}", f"{ADA}/report.pdf": ""})

    tried = run(course, source, "--dry-run")
    first, second = run(course, source), run(course, source)

    assert [code for code, _ in (tried, first, second)] == [0, 0, 0]
    for words in (
        "Moodle's download",
        "ada-example",
        "2026-03-01 10:00",
        "new",
        "was called lab final.ipynb",
        "report.pdf",
    ):
        assert words in tried[1]
    assert "1 new. Nothing was written: --dry-run" in tried[1]
    assert "1 new\n" in first[1]
    assert ["next: pawgrade grade cat_lab" in text for _, text in (tried, first, second)] == [
        False,
        True,
        False,
    ]
    assert "put aside: 1 file, under collected/cat_lab/" in first[1]
    assert "a roster.csv in the course gives your own" in first[1]
    assert "1 unchanged. Nothing was changed" in second[1]


def test_work_that_fits_nothing_is_exit_code_1_and_steers_no_terminal(course: Course, tmp_path: Path) -> None:
    source = zip_of(tmp_path / "all.zip", {f"{ADA}/a.ipynb": "{}", f"{ADA}/b\x1b[2J\u202e[red].ipynb": "{}"})

    code, printed = run(course, source)

    assert code == 1
    assert "2 notebooks, none called cat_lab.ipynb" in printed
    assert "1 not taken" in printed
    assert "[red]" in printed
    assert not {"\x1b", "\u202e"} & set(printed)


def test_json_on_standard_output_is_all_there_is(course: Course, tmp_path: Path) -> None:
    code, printed = run(course, zip_of(tmp_path / "all.zip", {f"{ADA}/cat_lab.ipynb": "{}"}), "--json", "-")

    assert code == 0
    assert [row["action"] for row in json.loads(printed)["hand_ins"]] == ["new"]


def test_an_empty_source_is_said(course: Course, tmp_path: Path) -> None:
    code, printed = run(course, zip_of(tmp_path / "all.zip", {}))

    assert (code, "no hand-in was found; read as a folder by student" in printed) == (1, True)


def test_many_lines_are_cut_with_those_of_work_first(course: Course, tmp_path: Path) -> None:
    files = {
        f"{ADA}/cat_lab.ipynb": "{}",
        "Bo Example_18_assignsubmission_file_/cat_lab.ipynb": "{}",
        **{f"{ADA}/{number}.txt": "" for number in range(50)},
        "z.ipynb": "",
    }

    _, printed = run(course, zip_of(tmp_path / "all.zip", files), "--dry-run")

    assert "left out: z.ipynb" in printed
    assert "and 11 more; --json has all" in printed


def test_a_zone_that_is_none_is_told(course: Course, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="'Mars/Base' is no time zone"):
        run(course, tmp_path, "--timezone", "Mars/Base")
