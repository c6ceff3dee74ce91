"""One submission comes to a grade whatever it is: a student's mistake is a verdict, one of ours an ERROR with a log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.course import Course
from grader.errors import KernelDied
from grader.grading import handed_in, preparation, submission
from grader.grading.preparation import Work
from grader.grading.submission import Graded, grade_submission
from grader.records import Status, Submission
from grader.settings import Settings
from tests.support.handed_in import folder_of
from tests.support.tiny import SECRET, hand_in, solved, tiny_course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    return tiny_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def work(course: Course, toy_cache: Path) -> Work:
    settings = Settings(None, toy_cache, secret=SECRET.encode(), sandbox="none")
    return preparation.prepare(
        course, "tiny", settings, card=None, secret=SECRET.encode(), desk=course.folder / "desk"
    )


def graded(course: Course, work: Work, content: Any) -> Graded:
    folder = hand_in(course, "student01", content)
    return grade_submission(Submission("student01", "tiny", folder), work)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty (0 bytes)"),
        (b"{not json", "not valid JSON"),
        (b"\xff\xfe\x00", "UTF-16"),
        (b"[" * 100_000, "The notebook could not be read"),
        (b"{}", "The notebook could not be read"),
        (b"<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> mine\n", "line 1 is <<<<<<< HEAD"),
        (b"<!DOCTYPE html><title>Log in</title>", "it is a web page"),
    ],
)
def test_what_is_no_notebook_is_told_and_earns_nothing(
    course: Course, work: Work, content: bytes, said: str
) -> None:
    found = graded(course, work, content)

    assert (found.grade.status, found.grade.points) == (Status.FAILED, 0)
    assert said in str(found.grade.notices[0])
    assert (found.submitted, found.executed) == ({"tiny": content}, {})


def test_a_notebook_that_is_not_there_is_named(tmp_path: Path, work: Work) -> None:
    found = grade_submission(Submission("student01", "tiny", tmp_path), work)

    assert found.grade.status is Status.FAILED
    assert "There is no tiny.ipynb" in str(found.grade.notices[0])
    assert found.submitted == {}


def test_notebooks_in_folders_are_named(tmp_path: Path, work: Work) -> None:
    folder_of(tmp_path, {"a/other.ipynb": "{}"})
    assert "only in folders of it: a/other.ipynb." in missing(tmp_path, work)

    folder_of(tmp_path, {"sub/x/tiny.ipynb": "{}", **{f"many/{number}.ipynb": "{}" for number in range(9)}})
    assert (
        "There is no tiny.ipynb at the top of what was handed in, only in folders of it: sub/x/tiny.ipynb. Hand"
        in missing(tmp_path, work)
    )


def missing(folder: Path, work: Work) -> str:
    return str(grade_submission(Submission("student01", "tiny", folder), work).grade.notices[0])


def test_several_notebooks_of_other_names_are_named(tmp_path: Path, work: Work) -> None:
    for name in ("final.ipynb", "final\u202e2.ipynb"):
        (tmp_path / name).write_text("{}")

    told = str(grade_submission(Submission("student01", "tiny", tmp_path), work).grade.notices[0])

    assert (
        "There is no tiny.ipynb in what was handed in, and 2 notebooks of other names: final.ipynb, final 2.ipynb."
        in told
    )


def test_the_only_notebook_is_read_under_its_own_name(course: Course, work: Work) -> None:
    folder = hand_in(course, "student09", b"{not json")
    (folder / "tiny.ipynb").rename(folder / "tiny final.ipynb")
    (submission,) = course.submissions("tiny", ("student09",))

    assert "not valid JSON" in str(grade_submission(submission, work).grade.notices[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_the_notebooks_place_stops_nobody(tmp_path: Path, work: Work) -> None:
    os.mkfifo(tmp_path / "tiny.ipynb")

    found = grade_submission(Submission("student01", "tiny", tmp_path), work)

    assert found.grade.points == 0
    assert found.executed == {}


def test_what_is_lost_through_no_fault_of_the_submission_is_tried_again_and_then_an_error(
    course: Course, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def lost(taken: Any, *_: Any) -> Any:
        tries.append(taken.facts.get("tries", ""))
        raise KernelDied("the zygote was ended.")

    monkeypatch.setattr(submission, "_run", lost)

    grade = graded(course, work, solved()).grade

    assert tries == ["", "2", "3"]
    assert (grade.status, grade.points) == (Status.ERROR, 0)
    assert [f"try {number}:" in grade.staff.log for number in (1, 2, 3, 4)] == [True, True, True, False]


def test_a_fault_of_our_own_code_is_not_tried_again(
    course: Course, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def broken(taken: Any, *_: Any) -> Any:
        tries.append(taken)
        raise ZeroDivisionError

    monkeypatch.setattr(submission, "_run", broken)

    grade = graded(course, work, solved()).grade

    assert len(tries) == 1
    assert grade.status is Status.ERROR
    assert "ZeroDivisionError" in grade.staff.log


def test_in_the_place_of_a_cell_that_met_the_memory_limit_its_definitions_and_an_error_run() -> None:
    source = "import json\ndef double(x):\n    return 2 * x\nhuge = [0] * 10**12\n"
    namespace: dict[str, Any] = {}

    with pytest.raises(MemoryError, match="met the memory limit"):
        exec(handed_in._definitions(source), namespace)  # noqa: S102 - that is what a kernel does

    assert namespace["double"](4) == 8
    assert "json" in namespace
    assert "huge" not in namespace


@pytest.mark.slow
def test_a_limit_that_is_met_on_a_busy_machine_is_a_verdict_of_the_second_run(
    course: Course, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def is_overloaded(*_: object) -> bool:
        looks.append(1)
        return len(looks) == 1

    monkeypatch.setattr("grader.execution.clock.is_overloaded", is_overloaded)

    grade = graded(course, work, solved(double_code="import time\ntime.sleep(1000)")).grade

    assert len(looks) == 2
    assert (grade.limit, grade.points) == ("cell", 10)
    assert "ran once more, alone" in str(grade.notices[0])
