"""`pawgrade verify` and `calibrate` as they are typed: mistakes stop them before anything runs, reports go where they are asked for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from grader.assignment.calibrated import Calibration
from grader.assignment.course import Course
from grader.authoring.calibrate import Found
from grader.cli.app import app
from grader.cli.commands import assignments
from grader.errors import SpecError
from tests.support.tiny import tiny_course


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path) -> Course:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    return tiny_course(tmp_path / "course")


def run(course: Course, *words: object) -> Any:
    return CliRunner().invoke(app, [*map(str, words), "--course", str(course.folder)])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "--part", "moon"), "--part: expected release, .*found 'moon'"),
        (("verify", "moon"), "no assignment 'moon'"),
        (("verify", "--only", "moon"), "no mutant 'moon'"),
        (("calibrate", "moon"), "no assignment 'moon'"),
        (("calibrate", "tiny", "--recipe", "moon"), "no honest recipe 'moon'"),
    ],
)
def test_a_misspelt_word_is_told_before_anything_runs(
    course: Course, words: tuple[str, ...], said: str
) -> None:
    before = sorted(course.folder.rglob("*"))

    done = run(course, *words)

    with pytest.raises(SpecError, match=said):
        raise done.exception
    assert sorted(course.folder.rglob("*")) == before


def test_to_look_at_nothing_is_no_success(course: Course) -> None:
    done = run(course, "verify", "--part", "mutants")

    with pytest.raises(SpecError, match="nothing was looked at in tiny: there is nothing to --part mutants"):
        raise done.exception


def test_what_is_wrong_is_in_every_report_and_in_the_exit_code(course: Course, tmp_path: Path) -> None:
    release = course.release("tiny") / "check_public.py"
    release.write_text(f"{release.read_text()}\n# edited after the release\n")
    junit, summary, quality, found = (tmp_path / name for name in ("j.xml", "s.md", "q.json", "f.json"))
    summary.write_text("others wrote this\n")

    done = run(
        course, "verify", "--part", "release", "--json", found, "--junit", junit, "--summary", summary,
        "--code-quality", quality, "--annotate", "github",
    )  # fmt: skip

    wrong = [finding for finding in json.loads(found.read_text()) if not finding["ok"]]
    assert done.exit_code == 1
    assert len(wrong) == 1
    assert "check_public.py" in wrong[0]["detail"]
    assert len(list(ElementTree.parse(junit).iter("failure"))) == 1  # noqa: S314 - our own
    assert summary.read_text().startswith("others wrote this\n")
    assert "1 of" in summary.read_text()
    assert len(json.loads(quality.read_text())) == 1
    assert "::error" in done.output


def test_a_release_that_is_right_is_exit_code_0_and_json_alone_on_standard_output(course: Course) -> None:
    done = run(course, "verify", "--part", "release", "--json", "-")

    assert done.exit_code == 0
    assert all(finding["ok"] for finding in json.loads(done.stdout))


def test_what_an_author_got_wrong_stands_below_the_table_and_others_are_verified_all_the_same(
    course: Course,
) -> None:
    checks = course.source("tiny") / "check_public.py"
    checks.write_text(
        checks.read_text().replace("few = material.images[:6]", 'few = material.images["moon"]')
    )
    broken = course.folder / "solutions" / "broken"
    broken.mkdir()
    (broken / "assignment.toml").write_text('id = "broken"\ntitle = 3\npoints = 1\npas_points = 1\n')

    done = run(course, "verify", "--part", "release")

    rows, _, below = done.output.partition("not as they must be")
    assert done.exit_code == 2
    assert "(more below)" in rows
    lines = [line.strip() for line in below.splitlines()]
    assert f"{broken / 'assignment.toml'}: 4 mistakes:" in lines
    assert "- title: Input should be a valid string, found 3" in lines
    assert f"{broken / 'broken.ipynb'} does not exist." in lines
    place = lines.index("tiny: it can be verified")
    assert lines[place + 1].startswith(f"{checks}: questions(material) raised IndexError")
    assert lines[place + 2].startswith("Line ")
    assert lines[place + 2].endswith('few = material.images["moon"]')


def test_an_assignment_that_was_not_released_is_told_with_the_command_that_does_it(course: Course) -> None:
    shutil.rmtree(course.folder / "assignments")

    done = run(course, "verify", "tiny", "--json", "-")

    (finding,) = json.loads(done.stdout)
    assert done.exit_code == 2
    assert finding["detail"].endswith("Run `pawgrade release tiny`.")


def test_what_has_no_levels_needs_no_table() -> None:
    calibration = Calibration(
        date="2026-03-01", digest="0" * 16, runs=2, lost=0, seeds=2, splits=1, recipes=("source",), machine="cpu",
        rate=0.0, measures={},
    )  # fmt: skip

    lines = list(assignments._calibration_report("softmax", Found(calibration, (), {}, "none")))

    assert lines == [
        "softmax: no check has a level ([levels] in assignment.toml), so there is no luck to measure; "
        "0 of 2 honest runs lost a point"
    ]
