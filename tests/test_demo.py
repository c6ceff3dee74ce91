"""The demo: what a newcomer runs first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader import demo
from grader.cli.app import app
from grader.errors import SpecError
from grader.gradebook import nbgrader
from grader.sandbox.self_check import Fact
from grader.settings import assignments_named
from tests.support.tiny import tiny_course


def test_the_class_of_the_lab_has_every_part(tmp_path: Path) -> None:
    course = demo.make_course(tmp_path / "demo")

    titles = demo.hand_in(course, "oxford_pets")

    assert list(titles)[:2] == ["student01", "student02"]
    assert len(titles) >= 8
    for student in titles:
        assert (course.folder / "submitted" / student / "oxford_pets" / "oxford_pets.ipynb").is_file()


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(SpecError, match="is not a demo"):
        demo.make_course(tmp_path)

    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_demo_grades_what_the_course_names_for_it_and_says_what_it_left(tmp_path: Path) -> None:
    course = tiny_course(tmp_path / "tiny")
    shutil.copytree(course.source("tiny"), course.folder / "solutions" / "second")

    assert demo.chosen(course) == ("second", "tiny")
    (course.folder / "pawgrade.toml").write_text('demo = ["tiny", "to_come"]\n')
    assert demo.chosen(course) == ("tiny",)
    assert list(demo._not_graded(course, ("tiny",))) == [
        "not graded:        second; `pawgrade demo --all` grades them, too"
    ]
    assert list(demo._not_graded(course, ("tiny", "second"))) == []


def test_the_packaged_course_names_labs_that_it_has_and_that_the_pictures_of_the_docs_need(
    tmp_path: Path,
) -> None:
    course = demo.make_course(tmp_path / "demo")

    assert set(demo.chosen(course)) == set(assignments_named(course.folder, "demo"))
    assert {"oxford_pets", "adversarial_cat", "transfer_learning"} <= set(demo.chosen(course))


@pytest.mark.slow
def test_the_demo_ends_with_a_table_and_pages_twice_in_a_row(
    tmp_path: Path, toy_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = tiny_course(tmp_path / "tiny")
    shutil.copytree(tiny.source("tiny"), tiny.folder / "solutions" / "later")
    (tiny.folder / "solutions" / "later" / "tiny.ipynb").rename(
        tiny.folder / "solutions" / "later" / "later.ipynb"
    )
    described = tiny.folder / "solutions" / "later" / "assignment.toml"
    described.write_text(described.read_text().replace('id = "tiny"', 'id = "later"'))
    (tiny.folder / "pawgrade.toml").write_text('demo = ["tiny"]\n')
    monkeypatch.setattr(demo, "packaged_course", lambda: tiny)
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    command = ["demo", "--folder", str(tmp_path / "demo"), "--json", str(tmp_path / "demo.json")]

    said = [CliRunner().invoke(app, command, catch_exceptions=False).output for _ in range(2)][1]

    found = json.loads((tmp_path / "demo.json").read_text())
    assert [one["points"] for one in found] == [16, 0]
    assert "the reference solution" in said
    if found[0]["sandbox"] == "namespaces":
        assert "sandbox:           namespaces" in said
        assert "left out" not in said
    for student in ("student01", "student02"):
        assert (tmp_path / "demo" / "feedback" / student / "tiny" / "tiny.html").is_file()
        assert (tmp_path / "demo" / "feedback" / student / "index.html").is_file()
    assert "student02" in (tmp_path / "demo" / "feedback" / "index.html").read_text()
    # The tiny course has one assignment more, which its setting leaves out.
    assert "not graded:        later" in said


def test_what_the_demo_did_without_is_one_line_with_what_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Fact("bubblewrap", "bad", "bubblewrap is not installed.", "apt-get install bubblewrap")

    nothing = list(demo._left_out("namespaces", None))
    asked = list(demo._left_out("none", None))
    monkeypatch.setattr(nbgrader, "has_nbgrader", lambda: False)
    (both,) = demo._left_out("none", problem)

    assert nothing == []
    assert asked == ["left out:          the sandbox (the setting sandbox is none)"]
    assert both == (
        "left out:          the sandbox (bubblewrap: bubblewrap is not installed; apt-get install bubblewrap); "
        "the gradebook (nbgrader: pip install 'pawgrade[staff]')"
    )


@pytest.mark.slow
def test_release_prints_where_things_are(tmp_path: Path) -> None:
    course = tiny_course(tmp_path / "tiny")

    made = CliRunner().invoke(app, ["release", "--course", str(course.folder)], catch_exceptions=False)

    assert "released tiny" in made.output
