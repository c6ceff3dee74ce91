"""`pawgrade new` as it is typed, and what other commands say to who has no course or another assignment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.authoring.starters import new
from grader.cli.app import app
from grader.errors import SpecError

CONTROL = "\x1b[2J"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    folder = tmp_path_factory.mktemp("courses") / "course"
    new.new_course(folder)
    return Course(folder)


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


def refusal(*words: object) -> str:
    done = run(*words)
    assert isinstance(done.exception, SpecError), done.output
    return str(done.exception)


def test_a_course_is_made_and_the_next_commands_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run("new", "course", "mine")

    assert done.exit_code == 0
    assert "wrote solutions/example/example.ipynb" in done.stdout
    assert done.stdout.endswith(
        "next: cd mine\n      pawgrade verify example\n      pawgrade new assignment week1\n"
    )
    assert refusal("new", "course", "mine").startswith(f"{tmp_path / 'mine'} exists; nothing was written")


def test_in_a_new_repository_nobody_is_told_to_enter_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run("-q", "new", "course", "quiet").output == ""
    (tmp_path / "fresh").mkdir()
    monkeypatch.chdir(tmp_path / "fresh")
    done = run("new", "course", ".")

    assert done.exit_code == 0
    assert "wrote solutions/example/example.ipynb" in done.stdout
    assert done.stdout.endswith("next: pawgrade verify example\n      pawgrade new assignment week1\n")


def test_a_program_reads_what_was_made(course: Course) -> None:
    done = run(
        "new",
        "assignment",
        "week1",
        "--kind",
        "quiz",
        "--title",
        "One",
        "--course",
        course.folder,
        "--json",
        "-",
    )

    made = json.loads(done.stdout)
    assert made["assignments"] == ["week1"]
    assert made["course"] == str(course.folder)
    assert "solutions/week1/week1.ipynb" in made["files"]
    assert [name for name in made["files"] if not (course.folder / name).is_file()] == []
    assert '"One"' in (course.source("week1") / "assignment.toml").read_text()


def test_every_kind_that_there_is_can_be_asked_for() -> None:
    refused = run("new", "assignment", "week1", "--kind", "moon")
    assert refused.exit_code == 2
    assert "Value error" not in refused.output
    words = " ".join(refused.output.replace("│", " ").split())
    assert "'moon' is not one of " + ", ".join(map(repr, new.KINDS)) in words
    help_text = run("new", "assignment", "--help").stdout
    assert [kind for kind in new.KINDS if f"{kind}:" not in help_text] == []


def test_a_name_that_would_steer_the_terminal_is_shown_by_signs(tmp_path: Path) -> None:
    done = run("new", "course", tmp_path / f"a{CONTROL}")

    assert done.exit_code == 0
    assert CONTROL not in done.output


WRONG = [
    ("grade", "exmaple"),
    ("grade", "exmaple", "--student", "student01"),
    ("verify", "exmaple"),
    ("release", "exmaple"),
    ("feedback", "exmaple"),
    ("review", "exmaple"),
    ("calibrate", "exmaple"),
    ("gradebook", "set-aside", "exmaple"),
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_wrong_assignment_has_the_same_answer_everywhere(course: Course, words: tuple[str, ...]) -> None:
    said = refusal(*words, "--course", course.folder)

    assert said.startswith(
        f"no assignment 'exmaple' in {course.folder / 'solutions'}; the course has example"
    )
    assert said.endswith("Did you mean example?")


@pytest.mark.parametrize("name", ["", ".", "..", "example/../example", "/"])
def test_a_path_is_no_assignment(course: Course, name: str) -> None:
    assert f"no assignment {name!r}" in refusal("grade", name, "--course", course.folder)


def test_a_folder_that_is_not_there_and_one_that_is_no_course_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert refusal("grade", "x", "--course", tmp_path / "no").startswith(f"{tmp_path / 'no'} does not exist;")
    assert refusal("grade", "x", "--course", tmp_path / "file").startswith(f"{tmp_path / 'file'} is a file;")
    said = refusal("grade", "x", "--course", tmp_path)
    assert said.startswith(f"{tmp_path} is no course")
    assert "`pawgrade new course NAME`" in said
