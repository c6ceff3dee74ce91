"""An attempt is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from grader.errors import InfrastructureError, SpecError
from grader.gradebook import attempts, versions
from grader.messages import Message
from grader.records import Grade, StaffNotes
from tests.support.notebooks import source_notebook, toy_grade


def write(course: Path, grade: Grade) -> Path:
    answers = {"photos-0000": np.arange(3.0)}
    return attempts.write(
        course, grade, submitted={"toy": b"{}"}, executed={"toy": source_notebook()}, answers=answers
    )


def attempt(name: str, *, points: float = 10, graded_at: str = "2026-01-01") -> Grade:
    return dataclasses.replace(toy_grade(attempt=name), points=points, provenance={"graded_at": graded_at})


def stored(course: Path) -> set[str]:
    folder = attempts.root(course, "toy", "student01")
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


# Storing


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    grade = dataclasses.replace(attempt("a1"), staff=StaffNotes(log="Traceback: ours"))

    folder = write(tmp_path, grade)

    assert attempts.read(tmp_path, "toy", "student01", "a1") == grade
    executed = attempts.executed_bytes(tmp_path, grade)["toy"]
    assert executed is not None
    assert nbformat.reads(executed.decode(), as_version=4) == source_notebook()
    assert (folder / "submitted.ipynb").read_bytes() == b"{}"
    assert (folder / "staff.log").read_text() == "Traceback: ours"
    with np.load(folder / "answers.npz", allow_pickle=False) as answers:
        assert answers["photos-0000"].tolist() == [0.0, 1.0, 2.0]


def test_an_attempt_of_which_nothing_ran_is_its_grade_alone(tmp_path: Path) -> None:
    folder = attempts.write(tmp_path, attempt("a1"), submitted={}, executed={}, answers={})

    assert {path.name for path in folder.iterdir()} == {"grade.json", "staff.json"}
    assert attempts.executed_bytes(tmp_path, attempt("a1")) == {}


def test_there_is_no_grade_where_nothing_was_stored(tmp_path: Path) -> None:
    assert attempts.read(tmp_path, "toy", "student01", "a1") is None
    assert attempts.students(tmp_path, "toy") == []
    assert versions.counting(tmp_path, "toy", "student01") is None
    assert versions.counting(tmp_path, "toy", "student01", "best") is None


def test_an_attempt_that_is_written_again_replaces_the_first(tmp_path: Path) -> None:
    write(tmp_path, attempt("a1", points=1))
    attempts.write(tmp_path, attempt("a1", points=2), submitted={}, executed={}, answers={})

    found = attempts.read(tmp_path, "toy", "student01", "a1")

    assert found is not None
    assert found.points == 2
    assert stored(tmp_path) == {"a1"}
    assert not (attempts.root(tmp_path, "toy", "student01") / "a1" / "answers.npz").exists()


def test_outputs_with_halves_of_characters_can_be_stored(tmp_path: Path) -> None:
    cell = new_code_cell("print()", outputs=[new_output("stream", text="half: \ud83d")])
    grade = dataclasses.replace(
        attempt("a1"), staff=StaffNotes(log="file \udcff"), notices=(Message("half: \ud83d"),)
    )

    folder = attempts.write(
        tmp_path, grade, submitted={}, executed={"toy": new_notebook(cells=[cell])}, answers={}
    )

    assert nbformat.read(folder / "executed.ipynb", as_version=4).cells[0].outputs[0].text == "half: ?"
    assert attempts.read(tmp_path, "toy", "student01", "a1") == grade


class PowerCutError(Exception):
    pass


@pytest.mark.parametrize("survived", range(7))
def test_an_interrupted_write_leaves_nothing_under_the_attempts_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    calls = iter(range(100))

    def sync(path: Path) -> None:
        if next(calls) >= survived and path != attempts.root(tmp_path, "toy", "student01"):
            raise PowerCutError

    monkeypatch.setattr(attempts, "_sync", sync)
    if survived < 6:
        with pytest.raises(PowerCutError):
            write(tmp_path, attempt("a1"))
        assert attempts.read(tmp_path, "toy", "student01", "a1") is None
        assert versions.counting(tmp_path, "toy", "student01", "best") is None
        assert all(name.startswith(".new-") for name in stored(tmp_path))
    else:
        write(tmp_path, attempt("a1"))
        assert attempts.read(tmp_path, "toy", "student01", "a1") is not None


def test_an_interrupted_second_write_leaves_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, attempt("a1", points=1))

    def cut(path: Path) -> None:
        raise PowerCutError

    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        patch.setattr(attempts, "_sync", cut)
        write(tmp_path, attempt("a1", points=2))

    found = attempts.read(tmp_path, "toy", "student01", "a1")
    assert found is not None
    assert found.points == 1


def test_the_next_write_sweeps_what_an_interrupted_one_left(tmp_path: Path) -> None:
    folder = attempts.root(tmp_path, "toy", "student01")
    for name in (".new-1", ".old-2"):
        (folder / name / "inside").mkdir(parents=True)
        (folder / name / "grade.json").write_text("{")
    (folder / ".new-3").write_text("a pointer")

    write(tmp_path, attempt("a1"))

    assert stored(tmp_path) == {"a1"}


def test_sweeping_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("keep me")
    (tmp_path / "attempts").mkdir()
    (tmp_path / "attempts" / ".new-1").symlink_to(tmp_path / "precious")

    attempts.sweep(tmp_path / "attempts")

    assert (tmp_path / "precious" / "file").exists()


GOOD = json.dumps(toy_grade().to_record())


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", "5", '"text"', "{}", GOOD[:-30], GOOD.replace("PASSED", "GREAT"), "\x00" * 50],
)
def test_a_damaged_grade_is_told_with_its_file(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, attempt("a1")) / "grade.json"
    path.write_text(content)

    with pytest.raises(SpecError, match=r"grade\.json is damaged.*grade again") as caught:
        attempts.read(tmp_path, "toy", "student01", "a1")

    assert str(path) in str(caught.value.message)


def test_a_grade_that_is_no_text_is_damaged(tmp_path: Path) -> None:
    (write(tmp_path, attempt("a1")) / "grade.json").write_bytes(b"\xff\xfe")

    with pytest.raises(SpecError, match="is damaged"):
        attempts.read(tmp_path, "toy", "student01", "a1")


# Which attempt counts


def test_the_latest_is_the_one_that_is_handed_in_now(tmp_path: Path) -> None:
    for name, points in (("a1", 9.0), ("b2", 3.0)):
        write(tmp_path, attempt(name, points=points))
        attempts.set_current(tmp_path, attempt(name))
    attempts.set_current(tmp_path, attempt("a1"))

    found = versions.counting(tmp_path, "toy", "student01")

    assert found is not None
    assert found.attempt == "a1"


def test_the_best_is_the_one_with_most_points_and_of_equals_the_last(tmp_path: Path) -> None:
    for name, points, day in (("a1", 9.0, "1"), ("b2", 9.0, "3"), ("c3", 9.0, "2"), ("d4", 3.0, "4")):
        write(tmp_path, attempt(name, points=points, graded_at=f"2026-01-0{day}"))
        attempts.set_current(tmp_path, attempt(name))

    found = versions.counting(tmp_path, "toy", "student01", "best")

    assert found is not None
    assert found.attempt == "b2"


def test_a_pointer_to_nothing_counts_as_nothing(tmp_path: Path) -> None:
    write(tmp_path, attempt("a1"))
    attempts.set_current(tmp_path, attempt("f0"))

    assert versions.counting(tmp_path, "toy", "student01") is None


def test_setting_the_pointer_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write(tmp_path, attempt("a1"))
    attempts.set_current(tmp_path, attempt("a1"))

    assert stored(tmp_path) == {"a1", "current"}


def test_students_are_sorted(tmp_path: Path) -> None:
    for student in ("student02", "student10", "student01"):
        write(tmp_path, dataclasses.replace(attempt("a1"), student=student))

    assert attempts.students(tmp_path, "toy") == ["student01", "student02", "student10"]


# One writer


def test_a_second_writer_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with (
        attempts.sole_writer(tmp_path),
        pytest.raises(InfrastructureError, match=rf"process {os.getpid()}"),
        attempts.sole_writer(tmp_path),
    ):
        pytest.fail("two writers")


def test_a_writer_of_another_process_is_refused(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from grader.gradebook.attempts import sole_writer\n"
        "with sole_writer(pathlib.Path(sys.argv[1])): pass"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]

    with attempts.sole_writer(tmp_path):
        refused = subprocess.run(command, capture_output=True, text=True, check=False)
    allowed = subprocess.run(command, capture_output=True, text=True, check=False)

    assert "InfrastructureError" in refused.stderr
    assert (refused.returncode, allowed.returncode) == (1, 0), allowed.stderr


def test_a_writer_that_failed_or_died_is_in_nobodys_way(tmp_path: Path) -> None:
    with pytest.raises(PowerCutError), attempts.sole_writer(tmp_path):
        raise PowerCutError
    code = (
        "import os, sys, pathlib; from grader.gradebook.attempts import sole_writer\n"
        "with sole_writer(pathlib.Path(sys.argv[1])): os._exit(9)"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert died.returncode == 9

    with attempts.sole_writer(tmp_path):
        pass


def test_an_attempt_whose_successor_never_came_is_put_back(tmp_path: Path) -> None:
    folder = write(tmp_path, attempt("a1"))
    folder.rename(folder.with_name(".old-a1-0123"))  # a crash between the two renames

    write(tmp_path, attempt("b2"))

    assert attempts.read(tmp_path, "toy", "student01", "a1") == attempt("a1")
