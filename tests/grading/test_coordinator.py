"""A class graded for real: stock kernels, papermill, the judge, nbgrader's gradebook. Toy photos, tiny exercises."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.errors import SpecError
from grader.gradebook import attempts, versions
from grader.grading import coordinator, runners
from grader.grading.deciding import Options
from grader.records import NOT_RUN, Status, Submission
from grader.settings import Settings
from tests.support.tiny import GREEK_LETTERS, SECRET, hand_in, solved, source_notebook, tiny_course

HOSTILE = {
    "one NaN": (
        "def classify(images):\n    s = np.zeros((len(images), 35))\n    s[0, 0] = np.nan\n    return s",
        "NaN",
    ),
    "37 columns": ("def classify(images):\n    return np.zeros((len(images), 37))", ", 37)"),
    "objects": ("def classify(images):\n    return np.full((len(images), 35), None)", "objects"),
    "a thousand million numbers": (
        "def classify(images):\n    return np.broadcast_to(0.5, (10**5, 10**4))",
        "too large",
    ),
    "an object that lies": (
        """\
class Liar(float):
    shape, dtype = (6, 35), np.dtype(float)
    def __eq__(self, other): return True
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __hash__(self): return 0
    def __sub__(self, other): return 0.0
    def __array__(self, *args, **kwargs): return self
def classify(images):
    return Liar()""",
        "shape ()",
    ),
    "a pickle": (
        """\
import os
class Trap:
    def __reduce__(self): return os.system, ("touch /tmp/pawgrade-was-here",)
def classify(images):
    save = np.save
    def forge(path, array, **options):
        np.save = save  # its own answer alone
        open(path, "wb").write(__import__("pickle").dumps(Trap()))
    np.save = forge
    return np.zeros((len(images), 35))""",
        "not a plain numpy array",
    ),
    "pickle inside npy": (
        """\
class Trap:
    def __reduce__(self): return print, ("gotcha",)
def classify(images):
    save = np.save
    def forge(path, array, **options):
        np.save = save  # its own answer alone
        save(path, np.full((len(array), 35), Trap()), allow_pickle=True)
    np.save = forge
    return np.zeros((len(images), 35))""",
        "dtype object",
    ),
    "dice": ("def classify(images):\n    return np.random.rand(len(images), 35)", "largest difference"),
    "an error": ("def classify(images):\n    raise RuntimeError('left <b>half</b> done')", "RuntimeError"),
    "an exit": ("def classify(images):\n    raise SystemExit(3)", "SystemExit"),
    "no function": ("classify = 3", "no such function"),
}


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path) -> Course:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.setenv("PAWGRADE_SECRET", SECRET)
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    return tiny_course(tmp_path / "course")


def run(course: Course, *words: str, code: int | None = None) -> str:
    """Run `pawgrade` in this process and return what it printed."""
    done = CliRunner().invoke(app, [*words, "--course", str(course.folder)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert code is None or done.exit_code == code, done.output
    return done.output


def grades(course: Course, *words: str) -> dict[str, dict[str, Any]]:
    """Grade the class and return the JSON objects by student."""
    path = course.folder / "grades.json"
    run(course, "grade", "tiny", "--json", str(path), *words)
    return {one["student"]: one for one in json.loads(path.read_text())}


def scores(course: Course) -> list[tuple[Any, ...]]:
    """Return every score in nbgrader's gradebook, by student and cell."""
    query = """select submitted_assignment.student_id, base_cell.name, grade.auto_score, grade.manual_score,
        grade.needs_manual_grade from grade join submitted_notebook on grade.notebook_id = submitted_notebook.id
        join submitted_assignment on submitted_notebook.assignment_id = submitted_assignment.id
        join base_cell on grade.cell_id = base_cell.id order by 1, 2"""
    with sqlite3.connect(course.folder / "gradebook.db") as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


@pytest.mark.slow
def test_every_hostile_answer_gets_a_verdict_with_a_hint_and_the_next_submission_is_graded(
    course: Course,
) -> None:
    hand_in(course, "student99", solved())
    for number, (code, _) in enumerate(HOSTILE.values(), start=1):
        hand_in(course, f"student{number:02}", solved(classify_code=f"import numpy as np\n{code}"))

    found = grades(course)

    assert found["student99"]["points"] == found["student99"]["max_points"] == 16
    assert found["student99"]["status"] == "PASSED"
    assert not Path("/tmp/pawgrade-was-here").exists()  # noqa: S108 - what the pickle would make
    for number, (_, said) in enumerate(HOSTILE.values(), start=1):
        grade = found[f"student{number:02}"]
        assert [one["points"] for one in grade["exercises"]] == [6, 0], said
        first = next(one for one in grade["checks"] if one["exercise"] == "brightness")
        assert (first["status"], bool(first["hint"])) == ("FAILED", True)
        assert said in first["measured"]
        assert grade["sandbox"] == os.environ.get("PAWGRADE_SANDBOX", "namespaces")


@pytest.mark.slow
def test_an_untouched_template_earns_nothing_without_an_error(course: Course) -> None:
    hand_in(course, "student01", (course.release("tiny") / "tiny.ipynb").read_bytes())

    grade = grades(course)["student01"]

    assert (grade["points"], grade["passed"], grade["status"]) == (0, False, "FAILED")
    assert {one["status"] for one in grade["checks"]} <= {"FAILED", "SKIPPED"}
    assert grade["failed_cells"] == []


@pytest.mark.slow
def test_limits_end_a_cell_or_the_notebook_and_the_rest_is_still_judged(course: Course) -> None:
    hand_in(course, "student01", solved(double_code="while True:\n    pass"))
    hand_in(course, "student02", solved(double_code="print('x' * 10**6)\ndef double(n): return 2 * n"))
    hand_in(course, "student03", solved(double_code="import os; os._exit(1)"))

    found = grades(course)

    assert (found["student01"]["limit"], found["student01"]["points"]) == ("cell", 10)
    assert found["student01"]["failed_cells"][0]["error"] == "limit: cell"
    assert (found["student02"]["limit"], found["student02"]["points"]) == ("output", 16)
    assert (found["student03"]["limit"], found["student03"]["points"]) == (None, 0)
    assert found["student03"]["failed_cells"][0]["error"] == "KernelDied"
    assert "the kernel ended in code cell" in found["student03"]["checks"][0]["measured"]


@pytest.mark.slow
def test_what_cannot_be_read_is_the_students_to_mend_and_stops_nobody(course: Course) -> None:
    hand_in(course, "student01", "{not json")
    hand_in(course, "student02", b"\xff\xfe\x00")
    hand_in(course, "student03", json.dumps({"nbformat": 2, "worksheets": []}))
    folder = hand_in(course, "student04", "")
    (folder / "tiny.ipynb").rename(folder / "readme.txt")
    folder = hand_in(course, "student05", solved())
    (folder / "weights.pt").write_bytes(b"trained elsewhere")
    (folder / "notes.txt").write_text("declared")

    found = grades(course)

    for student in ("student01", "student02", "student03", "student04"):
        assert (found[student]["points"], found[student]["status"]) == (0, "FAILED")
        assert found[student]["checks"][0]["hint"]
    assert found["student05"]["points"] == 16
    kept = versions.counting(course.folder, "tiny", "student05")
    assert kept is not None
    assert tuple(map(str, kept.notices)) == (
        "Only the notebook counts; these files beside it were ignored: weights.pt.",
    )
    assert (course.folder / "autograded" / "student01" / "tiny" / "tiny.ipynb").is_file()


def exact_seconds(course: Course) -> Any:
    """Return the times of the only attempt, which staff alone have in full."""
    (path,) = (course.folder / ".pawgrade" / "attempts" / "tiny" / "student01").glob("*/staff.json")
    return json.loads(path.read_text())["seconds"]


@pytest.mark.slow
def test_grading_again_is_free_and_what_people_gave_survives_force_and_rebuild(course: Course) -> None:
    from nbgrader.api import Gradebook

    hand_in(course, "student01", solved())
    first, took = grades(course)["student01"], exact_seconds(course)
    with Gradebook(course.db_url(None)) as gradebook:
        gradebook.find_grade("reflection", "tiny", "tiny", "student01").manual_score = 3.0
        gradebook.find_grade("reflection", "tiny", "tiny", "student01").needs_manual_grade = False
        gradebook.find_comment("reflection", "tiny", "tiny", "student01").manual_comment = "Well thought."
        gradebook.db.commit()
    before = scores(course)

    again = grades(course)["student01"]
    forced = grades(course, "--force")["student01"]
    run(course, "gradebook", "rebuild", code=0)
    run(course, "feedback", "tiny", code=0)

    assert first["manual_points"] is None
    assert again == {**first, "manual_points": 3.0}
    assert exact_seconds(course) != took
    assert (forced["points"], forced["manual_points"], forced["attempt"]) == (16, 3.0, first["attempt"])
    assert scores(course) == before
    page = (course.folder / "feedback" / "student01" / "tiny" / "tiny.html").read_text()
    assert "Well thought." in page
    assert GREEK_LETTERS not in page
    assert str(course.folder) not in page


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_with_the_same_gradebook(
    course: Course, tmp_path: Path, toy_cache: Path
) -> None:
    undisturbed = tiny_course(tmp_path / "undisturbed")
    notebooks = [solved(), source_notebook(), solved(double_code="1 / 0"), solved(classify_code="pass")]
    for place in (course, undisturbed):
        for number, notebook in enumerate(notebooks, start=1):
            hand_in(place, f"student{number:02}", notebook)
    command = [sys.executable, "-c", "from grader.cli import main; main()", "grade", "tiny"]
    environment = {**os.environ, "PAWGRADE_CACHE": str(toy_cache), "PAWGRADE_SECRET": SECRET}
    killed = subprocess.Popen(
        [*command, "--course", str(course.folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    stored = course.folder / ".pawgrade" / "attempts" / "tiny"
    deadline = time.monotonic() + 120
    while len(list(stored.glob("*/current"))) < 2 and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()

    resumed, whole = grades(course), grades(undisturbed)

    assert killed.returncode == -signal.SIGKILL
    assert scores(course) == scores(undisturbed)
    assert {name: one["points"] for name, one in resumed.items()} == {
        name: one["points"] for name, one in whole.items()
    }
    assert not list(stored.rglob(".new-*"))
    assert not (course.folder / ".pawgrade" / "work").exists()


@pytest.mark.slow
def test_a_broken_check_is_an_error_that_waits_for_staff_and_is_tried_again(course: Course) -> None:
    hand_in(course, "student01", solved())
    checks = course.source("tiny") / "staff" / "check_hidden.py"
    whole = checks.read_text()
    checks.write_text(
        whole.replace(
            "require(float(np.abs(answer.value).max()), at_most=0.0,", "require(1 / 0, at_most=0.0,"
        )
    )

    broken = grades(course)["student01"]
    waiting = [row for row in scores(course) if row[1] == "brightness"]
    checks.write_text(whole)
    mended = grades(course)["student01"]

    assert broken["status"] == "ERROR"
    assert waiting == [("student01", "brightness", None, None, 1)]
    assert mended["status"] == "PASSED"
    log = next((course.folder / ".pawgrade" / "attempts" / "tiny" / "student01").glob("*/former/1/staff.log"))
    assert "ZeroDivisionError" in log.read_text()


def test_a_student_who_handed_in_nothing_is_named(course: Course) -> None:
    with pytest.raises(Exception, match="student77"):
        run(course, "grade", "tiny", "--student", "student77")


def test_an_unknown_assignment_is_named_with_those_that_exist(course: Course) -> None:
    with pytest.raises(Exception, match="the course has tiny"):
        run(course, "grade", "small")


@pytest.mark.slow
def test_a_base_install_without_nbgrader_grades_and_explains_but_keeps_no_gradebook(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(course, "student01", solved())
    for module in ("grading.coordinator", "feedback.publish", "doctor"):
        monkeypatch.setattr(f"grader.{module}.has_nbgrader", lambda: False)
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    monkeypatch.setitem(sys.modules, "nbgrader.api", None)

    found = grades(course)["student01"]
    run(course, "feedback", "tiny", code=0)

    assert (found["points"], found["manual_points"]) == (16, None)
    assert (course.folder / "feedback" / "student01" / "tiny" / "tiny.html").is_file()
    assert not (course.folder / "gradebook.db").exists()
    with pytest.raises(SpecError, match="needs nbgrader"):
        run(course, "release", "tiny")


def test_where_nothing_ran_nobody_claims_that_it_ran_with_your_rights(course: Course) -> None:
    folder = hand_in(course, "student09", solved())
    (folder / "tiny.ipynb").write_text("{")

    text = run(course, "grade", "tiny", "--student", "student09")

    assert "Student code ran" not in text
    assert attempts.stored(course.folder, "tiny", "student09")[0].sandbox == NOT_RUN


@pytest.mark.slow
def test_a_fault_that_nobody_foresaw_in_one_submission_leaves_the_others_their_grades(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    for student in ("student01", "student02"):
        hand_in(course, student, solved())
    version = versions.version

    def broken(submission: Submission) -> str:
        if submission.student == "student01":
            raise RuntimeError("nobody foresaw it")
        return version(submission)

    monkeypatch.setattr(versions, "version", broken)
    CliRunner().invoke(app, ["grade", "tiny", "--course", str(course.folder)])

    first, second = (versions.counting(course.folder, "tiny", name) for name in ("student01", "student02"))
    assert first is not None
    assert second is not None
    assert (first.status, "nobody foresaw it" in first.staff.log) == (Status.ERROR, True)
    assert (second.status, second.points) == (Status.PASSED, 16)


@pytest.mark.slow
def test_two_workers_grade_a_class_as_one_does(course: Course, toy_cache: Path) -> None:
    for number in range(1, 5):
        hand_in(
            course,
            f"student{number:02}",
            solved(classify_code=f"import numpy as np\n{HOSTILE['dice'][0]}") if number == 3 else solved(),
        )
    settings, told = Settings(None, toy_cache, secret=SECRET.encode()), list[tuple[str, str]]()

    with runners.local(2) as runner:
        found = coordinator.grade_class(
            course,
            "tiny",
            settings,
            Options(),
            runner=runner,
            tell=lambda event, student, _: told.append((event, student)),
            jobs=2,
        )

    assert [(grade.student, grade.points == 16) for grade in found] == [
        ("student01", True),
        ("student02", True),
        ("student03", False),
        ("student04", True),
    ]
    assert told[:3] == [("started", "student01"), ("started", "student02"), ("graded", "student01")]
    assert [name for event, name in told if event == "graded"] == [grade.student for grade in found]
    assert len(attempts.stored(course.folder, "tiny", "student03")) == 1
