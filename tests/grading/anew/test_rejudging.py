"""Levels and checks that change are judged by stored answers: as a full run would, without a kernel, and nothing is lost."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from grader.assignment.course import Course
from grader.cli.app import app
from grader.cli.commands import outcomes as lines
from grader.cli.output import what_happened
from grader.feedback.publish import write_pages
from grader.gradebook import attempts, versions
from grader.grading.anew.forecast import forecast
from grader.grading.coordinator import grade_class
from grader.grading.deciding import Options, Outcome
from grader.grading.runners import InlineExecutor
from grader.messages import JUDGED_AGAIN
from grader.records import Grade, Status
from grader.reports.exports.rows import gather
from grader.settings import Settings
from tests.support.tiny import SECRET, hand_in, solved, tiny_course

ALMOST = "def double(numbers):\n    return numbers * 2 + 0.3"
WRONG = "def double(numbers):\n    return numbers * 3"
TIGHT, LOOSE = "at_most=1e-9", "at_most=0.5"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(toy_cache: Path) -> Settings:
    return Settings(None, toy_cache, secret=SECRET.encode(), sandbox="none", device="cpu")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Course:
    """A class of four that was graded once: a full solution, one nearly right, one wrong, and one that is no notebook."""
    course = tiny_course(tmp_path_factory.mktemp("graded") / "course")
    hand_in(course, "student01", solved())
    hand_in(course, "student02", solved(double_code=ALMOST))
    hand_in(course, "student03", solved(double_code=WRONG))
    hand_in(course, "student04", "<html>Log in</html>")
    points = {grade.student: grade.points for grade in grade(course, settings)[0]}
    assert points == {"student01": 16, "student02": 10, "student03": 10, "student04": 0}
    return course


@pytest.fixture
def course(graded: Course, tmp_path: Path) -> Course:
    """A copy of that class, to change."""
    return Course(shutil.copytree(graded.folder, tmp_path / "course"))


def grade(
    course: Course, settings: Settings, *students: str, force: bool = False
) -> tuple[list[Grade], dict[str, Outcome]]:
    outcomes: list[Outcome] = []
    grades = grade_class(
        course,
        "tiny",
        settings,
        Options(students=students, force=force),
        runner=InlineExecutor(),
        tell=lambda *_: None,
        explain=outcomes.append,
    )
    return grades, {outcome.student: outcome for outcome in outcomes}


def change(course: Course, file: str, old: str, new: str) -> None:
    """Change source and release alike: neither is executed."""
    for folder in (course.source("tiny"), course.release("tiny")):
        path = folder / file
        if path.is_file():
            text = path.read_text()
            assert old in text
            path.write_text(text.replace(old, new))


def loosen(course: Course) -> None:
    change(course, "check_public.py", TIGHT, LOOSE)


def facts(grade: Grade) -> dict[str, object]:
    """Return what a judgement decides."""
    checks = [
        (check.id, check.status, check.points, str(check.measured), str(check.hint)) for check in grade.checks
    ]
    return {
        "points": grade.points,
        "status": grade.status,
        "passed": grade.passed,
        "exercises": [dataclasses.astuple(exercise) for exercise in grade.exercises],
        "checks": checks,
        "attempt": grade.attempt,
    }


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def start() -> None:
        def refuse(*_: object, **__: object) -> None:
            raise AssertionError("a notebook was executed")

        monkeypatch.setattr("grader.execution.kernels.lease", refuse)

    return start


def test_a_changed_check_judges_stored_answers_as_a_full_run_would(
    course: Course, settings: Settings, tmp_path: Path, nothing_runs: Callable[[], None]
) -> None:
    loosen(course)
    fresh = Course(
        shutil.copytree(
            course.folder, tmp_path / "fresh", ignore=shutil.ignore_patterns("attempts", "manual", "*.db")
        )
    )
    by_running, _ = grade(fresh, settings, "student01", "student02", "student03")
    nothing_runs()
    chosen = ("student01", "student02", "student03")
    foretold = forecast(course, "tiny", settings, Options(students=chosen), tell=lambda *_: None)

    by_answers, outcomes = grade(course, settings, *chosen)

    assert [facts(one) for one in by_answers] == [facts(one) for one in by_running]
    assert [one.points for one in by_answers] == [16, 16, 10]
    assert [what_happened(one) for one in by_answers] == [what_happened(one) for one in by_running]
    assert [one.notices[-1] for one in by_answers] == [JUDGED_AGAIN] * 3
    assert {outcome.what for outcome in outcomes.values()} == {"judged anew"}
    assert [outcome.to_json() for outcome in foretold] == [outcome.to_json() for outcome in outcomes.values()]
    assert lines.judged_line(foretold) == "3 judged anew, 1 changed (student02 10 -> 16)"


def test_a_judgement_is_no_new_attempt_and_keeps_the_former_grade(
    course: Course, settings: Settings, nothing_runs: Callable[[], None]
) -> None:
    (before,) = attempts.stored(course.folder, "tiny", "student02")
    loosen(course)
    nothing_runs()

    grade(course, settings, "student02")

    (after,) = attempts.stored(course.folder, "tiny", "student02")
    assert after.attempt == before.attempt
    assert after.provenance["scored"] == before.provenance["scored"] == "1"
    assert after.provenance["graded_at"] == before.provenance["graded_at"]
    former = json.loads((attempts.folder_of(course.folder, after) / "former/1/grade.json").read_text())
    assert former["points"] == before.points == 10
    # Back again: two former grades, and the points of the beginning.
    change(course, "check_public.py", LOOSE, TIGHT)
    ((again,), _) = grade(course, settings, "student02")
    assert again.points == 10
    assert sorted(path.name for path in (attempts.folder_of(course.folder, again) / "former").iterdir()) == [
        "1",
        "2",
    ]


def test_nothing_that_changed_is_nothing_to_do(
    course: Course, settings: Settings, nothing_runs: Callable[[], None]
) -> None:
    nothing_runs()

    _, outcomes = grade(course, settings, "student01", "student02")

    assert {outcome.what for outcome in outcomes.values()} == {"unchanged"}


def test_points_and_the_pass_mark_judge_anew(
    course: Course, settings: Settings, nothing_runs: Callable[[], None]
) -> None:
    change(course, "assignment.toml", "pass_points = 9", "pass_points = 12")
    nothing_runs()

    grades, outcomes = grade(course, settings, "student01", "student03")

    assert [(one.points, one.status) for one in grades] == [(16, Status.PASSED), (10, Status.FAILED)]
    assert outcomes["student03"].changed


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        (
            "check_public.py",
            "material.rng.normal(size=5)",
            "material.rng.normal(size=6)",
            "other questions: numbers (changed)",
        ),
        ("assignment.toml", "cell_s = 12", "cell_s = 11", "changed: limits"),
    ],
)
def test_what_asks_or_runs_otherwise_runs_again_and_says_why(
    course: Course, settings: Settings, file: str, old: str, new: str, why: str
) -> None:
    change(course, file, old, new)

    (_, outcomes) = grade(course, settings, "student01")

    assert outcomes["student01"].what == "executed anew"
    assert why in outcomes["student01"].reason


@pytest.mark.parametrize("damage", ["answers.npz", "answers.json"])
def test_damaged_answers_are_executed_again(course: Course, settings: Settings, damage: str) -> None:
    loosen(course)
    (before,) = attempts.stored(course.folder, "tiny", "student02")
    (attempts.folder_of(course.folder, before) / damage).write_bytes(b"PK\x03\x04 nothing")

    ((after,), outcomes) = grade(course, settings, "student02")

    assert outcomes["student02"].what == "executed anew"
    assert after.points == 16


def test_a_judge_that_breaks_leaves_the_former_grade(
    course: Course, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loosen(course)

    def broken(*_: object) -> None:
        raise RuntimeError("the judge is broken")

    monkeypatch.setattr("grader.grading.anew.rejudging.judge_stored", broken)

    ((after,), outcomes) = grade(course, settings, "student02")

    assert (after.points, outcomes["student02"].what) == (10, "not judged anew")
    assert "the judge is broken" in outcomes["student02"].reason


def test_an_earlier_version_that_cannot_be_judged_costs_the_new_one_nothing(
    course: Course, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loosen(course)
    hand_in(course, "student03", solved())

    def broken(*_: object) -> None:
        raise RuntimeError("the judge is broken")

    monkeypatch.setattr("grader.grading.anew.rejudging.judge_stored", broken)

    ((after,), outcomes) = grade(course, settings, "student03")

    assert (after.points, outcomes["student03"].what) == (16, "new")
    assert outcomes["student03"].stale


def break_the_check(course: Course) -> None:
    change(course, "check_public.py", f"require(gap, {TIGHT}", f"require(1 / 0, {TIGHT}")


@pytest.mark.parametrize("anew", ["forced", "executed", "judged"])
def test_a_fault_of_ours_leaves_a_grade_that_was_decided(
    course: Course, settings: Settings, anew: str
) -> None:
    (before,) = attempts.stored(course.folder, "tiny", "student02")
    break_the_check(course)
    if anew == "executed":
        change(course, "check_public.py", "material.rng.normal(size=5)", "material.rng.normal(size=6)")
    chosen = Options(students=("student02",), force=anew == "forced")
    foretold = forecast(course, "tiny", settings, chosen, tell=lambda *_: None)

    ((after,), outcomes) = grade(course, settings, "student02", force=anew == "forced")

    assert (after.points, after.status, after.attempt) == (10, Status.PASSED, before.attempt)
    outcome = outcomes["student02"]
    assert outcome.what == ("not judged anew" if anew == "judged" else "not decided anew")
    assert "ZeroDivisionError" in outcome.reason
    if anew == "judged":
        assert [one.to_json() for one in foretold] == [outcome.to_json()]
    log = attempts.folder_of(course.folder, before) / "fault.log"
    assert "ZeroDivisionError" in log.read_text()
    # Mended, it is graded as ever, and the fault is gone.
    change(course, "check_public.py", "require(1 / 0,", "require(gap,")
    loosen(course)
    ((mended,), _) = grade(course, settings, "student02")
    assert mended.points == 16
    assert not log.exists()


def test_a_fault_of_ours_is_told_and_ends_with_3(
    course: Course, toy_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    break_the_check(course)

    done = run(course, "--student", "student02")

    assert done.exit_code == 3, done.output
    assert "not judged anew: student02: " in done.stderr
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "student02: the former grade stays" in done.stderr
    assert "student02\ttiny\tPASSED\t10\t16\t" in done.stdout


def test_a_worker_that_dies_under_force_costs_no_grade_that_was_decided(
    course: Course, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object, **__: object) -> None:
        raise RuntimeError("the worker is gone")

    monkeypatch.setattr("grader.grading.coordinator.treat", dies)

    ((after,), outcomes) = grade(course, settings, "student02", force=True)

    assert (after.points, outcomes["student02"].what) == (10, "not decided anew")
    assert outcomes["student02"].reason == "RuntimeError: the worker is gone"


def test_other_points_of_the_same_levels_keep_the_former_grade(course: Course, settings: Settings) -> None:
    (before,) = attempts.stored(course.folder, "tiny", "student02")

    attempts.write_judged(course.folder, dataclasses.replace(before, points=12.0))
    attempts.write_judged(course.folder, dataclasses.replace(before, points=12.0))

    former = attempts.folder_of(course.folder, before) / "former"
    assert [json.loads((path / "grade.json").read_text())["points"] for path in former.iterdir()] == [10]


@pytest.mark.parametrize(
    "damage", [b"", b'{"points": 1', b"[]", b'{"checks": 5, "points": "many"}', b"\xff\xfe"]
)
def test_a_damaged_attempt_stops_nobody_and_is_moved_aside(
    course: Course, settings: Settings, monkeypatch: pytest.MonkeyPatch, toy_cache: Path, damage: bytes
) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    (before,) = attempts.stored(course.folder, "tiny", "student04")
    loosen(course)
    folder = attempts.folder_of(course.folder, before)
    (folder / "former" / "1").mkdir(parents=True)
    (folder / "former" / "1" / "grade.json").write_text("what was before")
    (folder / "grade.json").write_bytes(damage)
    chosen = ("--student", "student02", "--student", "student04")

    foretold = run(course, "--dry-run", *chosen)
    done = run(course, *chosen)

    assert "student04\texecuted anew" in foretold.stdout, foretold.output
    assert "student02\tjudged anew\t10/16 PASSED\t16/16 PASSED" in foretold.stdout
    grades = {name: attempts.stored(course.folder, "tiny", name) for name in ("student02", "student04")}
    assert [one.points for one in grades["student02"]] == [16]
    assert [one.status for one in grades["student04"]] == [Status.FAILED]
    aside = folder.parent / f"unreadable-{before.attempt}"
    assert (aside / "grade.json").read_bytes() == damage
    assert (aside / "former" / "1" / "grade.json").read_text() == "what was before"
    assert "grade.json is damaged" in done.stderr
    assert f"kept as {aside.name}" in done.stderr
    assert done.exit_code == 1  # student04's file is no notebook; nothing else is wrong


KILLED = """
import os, signal, sys
from grader.feedback.publish import write_pages
from grader.gradebook import attempts, versions
from grader.cli import main

write = attempts.write_judged
def once(*arguments):
    write(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
attempts.write_judged = once
main()
"""


def test_points_that_moved_in_a_run_that_was_killed_are_told_by_the_next(
    course: Course, toy_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    loosen(course)
    chosen = ("--student", "student02", "--student", "student03")
    environment = {
        **os.environ, "PAWGRADE_SECRET": SECRET, "PAWGRADE_SANDBOX": "none", "PAWGRADE_DEVICE": "cpu",
    }  # fmt: skip

    killed = subprocess.run(
        [sys.executable, "-c", KILLED, "grade", "tiny", "--course", str(course.folder), *chosen],
        env=environment,
        capture_output=True,
        check=False,
    )
    moved = attempts.stored(course.folder, "tiny", "student02")[0].points
    foretold = run(course, "--dry-run", *chosen)
    done = run(course, *chosen)
    again = run(course, *chosen)

    assert killed.returncode == -signal.SIGKILL
    assert moved == 16  # judged and stored, and nobody was told
    for text in (foretold.stderr, done.stderr):
        assert "2 judged anew, 1 changed (student02 10 -> 16)" in text
    assert "student02: what moved includes an earlier run that ended before its report" in done.stderr
    assert "judged anew" not in again.stderr


@pytest.fixture
def by_the_best(settings: Settings) -> Settings:
    return dataclasses.replace(settings, counts="best")


def test_the_best_is_looked_for_among_versions_that_the_same_levels_judged(
    course: Course, by_the_best: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    # The first version has 16 points by loose levels; by tight ones it would have 10, but its answers are damaged.
    loosen(course)
    ((first,), _) = grade(course, by_the_best, "student02")
    assert first.points == 16
    (attempts.folder_of(course.folder, first) / "answers.npz").write_bytes(b"PK\x03\x04 nothing")
    change(course, "check_public.py", LOOSE, TIGHT)
    hand_in(course, "student02", solved(double_code=WRONG))
    chosen = Options(students=("student02",))

    ((counts,), outcomes) = grade(course, by_the_best, "student02")
    ((same,), later) = grade(course, by_the_best, "student02")
    foretold = forecast(course, "tiny", by_the_best, chosen, tell=lambda *_: None)

    assert (counts.points, same.points) == (10, 10)
    assert counts.attempt == same.attempt != first.attempt
    assert outcomes["student02"].apart
    lines.tell(course, "tiny", list(outcomes.values()), force=False)
    assert f"not compared: student02: {lines.APART}" in capsys.readouterr().err
    assert later["student02"].apart
    assert [one.apart for one in foretold] == [True]
    assert [one.after and one.after.points for one in foretold] == [10]
    exported = versions.counting(course.folder, "tiny", "student02", "best")
    assert exported is not None
    assert exported.attempt == counts.attempt


def test_an_older_version_that_counts_has_its_own_time(
    course: Course, by_the_best: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.feedback.publish._training_photos", lambda *_: None)
    folder = hand_in(course, "student02", solved(double_code=WRONG))
    (folder / "timestamp.txt").write_text("2026-01-20 08:30:00 UTC")
    ((counts,), _) = grade(course, dataclasses.replace(by_the_best, attempts=5), "student02")
    worse = hand_in(course, "student02", "<html>Log in</html>")
    (worse / "timestamp.txt").write_text("2026-02-01 09:00:00 UTC")

    ((after,), _) = grade(course, by_the_best, "student02")

    assert after.attempt == counts.attempt
    (page,) = write_pages(course, "tiny", by_the_best, ("student02",))
    assert "2026-01-20 08:30 UTC" in page.read_text()
    assert "2026-02-01" not in page.read_text()
    (row,) = [row for row in gather(course, "tiny", by_the_best).rows if row.student.id == "student02"]
    assert row.handed_in == datetime.datetime(2026, 1, 20, 8, 30, tzinfo=datetime.UTC)
    # Of what is handed in now the file says the time, mended or not.
    (course.folder / "submitted/student01/tiny/timestamp.txt").write_text("2026-03-01 10:00:00 UTC")
    grade(course, by_the_best, "student01")
    (row,) = [row for row in gather(course, "tiny", by_the_best).rows if row.student.id == "student01"]
    assert row.handed_in == datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.UTC)


def run(course: Course, *arguments: str) -> Result:
    environment = {"PAWGRADE_SECRET": SECRET, "PAWGRADE_SANDBOX": "none", "PAWGRADE_DEVICE": "cpu"}
    return CliRunner().invoke(
        app, ["grade", "tiny", "--course", str(course.folder), *arguments], env=environment
    )


def test_a_dry_run_tells_who_would_move_and_writes_nothing(
    course: Course, toy_cache: Path, nothing_runs: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    loosen(course)
    nothing_runs()
    before = {path: path.stat().st_mtime_ns for path in course.folder.rglob("*")}
    chosen = ("--student", "student01", "--student", "student02", "--student", "student03")

    done = run(course, "--dry-run", *chosen)

    assert done.exit_code == 0, done.output
    assert "student02\tjudged anew\t10/16 PASSED\t16/16 PASSED" in done.stdout
    assert "3 judged anew, 1 changed (student02 10 -> 16). Nothing was written: --dry-run" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in course.folder.rglob("*")} == before

    done = run(course, *chosen)

    assert "3 judged anew, 1 changed (student02 10 -> 16)" in done.stderr
    assert "student02" in done.stdout
