"""Honest runs through the ordinary path: over seeds and splits, resumed, written down, held against the levels."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grader.assignment import calibration_file, spec
from grader.assignment.course import Course
from grader.authoring import calibrate
from grader.cli.app import app
from grader.errors import InfrastructureError, SpecError
from grader.grading import assemble
from grader.grading.runners import InlineExecutor
from grader.grading.submission import Graded, grade_submission
from grader.sandbox.host import client
from grader.settings import Settings
from tests.support.checked import FEW_MUTANTS, checked_course, write_variants
from tests.support.tiny import SECRET

slow = [pytest.mark.slow, pytest.mark.sandbox]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    yield checked_course(tmp_path_factory.mktemp("course"))
    client.release_zygotes()


@pytest.fixture
def course(pristine: Course, tmp_path: Path) -> Course:
    shutil.copytree(pristine.folder, tmp_path / "course")
    return Course(tmp_path / "course")


def calibrated(
    course: Course, cache: Path, seeds: int = 2, **options: Any
) -> tuple[calibrate.Found, list[str]]:
    told: list[str] = []
    found = calibrate.calibrate(
        course,
        "tiny",
        Settings(None, cache, secret=SECRET.encode()),
        card=None,
        seeds=range(seeds),
        recipes=options.pop("recipes", ()),
        runner=InlineExecutor(),
        jobs=1,
        tell=lambda event, text, _: told.append(f"{event} {text}"),
        **options,
    )
    return found, told


@pytest.mark.slow
@pytest.mark.sandbox
def test_honest_runs_are_counted_kept_and_written_beside_the_levels(course: Course, toy_cache: Path) -> None:
    found, told = calibrated(course, toy_cache, seeds=4)

    one = found.calibration
    assert (one.runs, one.lost, one.seeds, one.splits) == (12, 0, 4, 2)
    assert one.recipes == ("source", "added", "shifted")
    assert one.measures["photos/bright"].trials == 6
    assert sum(text.startswith("graded") for text in told) == 12
    assert not list((course.folder / ".pawgrade" / "calibration").glob(".desk*"))

    again, told = calibrated(course, toy_cache, seeds=4)
    assert sum(text.startswith("known") for text in told) == 12
    assert again.calibration == one

    folder, before = course.source("tiny"), spec.version(course.source("tiny"))
    path = calibration_file.write(folder, "toy_pets", one)
    calibration_file.write(folder, "other_card", one)
    assert spec.load_hidden(folder).calibration == {"toy_pets": one, "other_card": one}
    assert spec.version(folder) == before  # nobody is graded again
    text = path.read_text()
    calibration_file.write(folder, "other_card", one)
    assert path.read_text() == text
    assert tomllib.loads(text)["calibration"]["toy_pets"]["runs"] == 12


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_run_that_was_stopped_goes_on_where_it_was(
    course: Course, toy_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grade = grade_submission
    done: list[int] = []

    def stopped(*arguments: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return grade(*arguments)

    monkeypatch.setattr("grader.authoring.calibration_runs.grade_submission", stopped)
    with pytest.raises(KeyboardInterrupt):
        calibrated(course, toy_cache)
    monkeypatch.setattr("grader.authoring.calibration_runs.grade_submission", grade)

    found, told = calibrated(course, toy_cache)

    assert found.calibration.runs == 6
    assert sum(text.startswith("known") for text in told) == 2
    assert sum(text.startswith("graded") for text in told) == 4


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_recipe_that_loses_is_named_by_the_command(course: Course, toy_cache: Path) -> None:
    recipe = course.source("tiny") / "staff" / "recipes" / "added.py"
    recipe.write_text(recipe.read_text().replace("numbers + numbers", "numbers + numbers + seed * 1e-3"))
    environment = {"PAWGRADE_CACHE": str(toy_cache), "PAWGRADE_SECRET": SECRET}
    paths = [course.folder / "found.json", course.folder / "plot.png"]
    arguments = [
        "calibrate",
        "tiny",
        "--course",
        str(course.folder),
        "--seeds",
        "2",
        "--jobs",
        "1",
        "--check",
    ]

    done = CliRunner().invoke(
        app,
        [*arguments, "--recipe", "added", "--json", str(paths[0]), "--plot", str(paths[1])],
        env=environment,
    )

    assert done.exit_code == 1, done.output
    assert "added, seed 1: double: largest error: 0.001" in done.output
    assert "1 of 2 runs lost a point" in done.output
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert [len(row["lost"]) for row in json.loads(paths[0].read_text())["runs"]] == [0, 1]
    assert spec.load_hidden(course.source("tiny")).calibration == {}


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_run_that_lacks_a_measure_is_not_kept(course: Course, toy_cache: Path) -> None:
    by_order = FEW_MUTANTS["by_order"]
    write_variants(course.source("tiny") / "staff" / "recipes", {"by_order": by_order[1:]})

    (first, _), (again, told) = (calibrated(course, toy_cache, recipes=["by_order"]) for _ in range(2))

    for found in (first, again):
        assert all("agree: " in one.lost(found.levels)[0] for one in found.outcomes)
        assert all(one.skipped == ("brightness", "photos") for one in found.outcomes)
    assert not any(text.startswith("known") for text in told)


def test_an_unknown_recipe_is_refused(course: Course, toy_cache: Path) -> None:
    with pytest.raises(SpecError, match="no honest recipe 'magic'; there are source, added, shifted"):
        calibrated(course, toy_cache, recipes=["magic"])


def test_runs_that_could_not_be_decided_are_not_counted(
    course: Course, toy_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(submission: Any, work: Any, _: Any) -> Graded:
        return Graded(assemble.undecided(submission, work, "RuntimeError: no kernel"), {}, {})

    monkeypatch.setattr("grader.authoring.calibration_runs.grade_submission", broken)

    with pytest.raises(
        InfrastructureError, match=r"6 of 6 runs could not be decided: .*RuntimeError: no kernel"
    ):
        calibrated(course, toy_cache)
