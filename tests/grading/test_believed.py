"""Tests in the notebook's own cells give points by nbgrader's rule, and of hidden ones a student learns the points alone."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from grader import disclosure
from grader.assignment.course import Course
from grader.assignment.spec import Assignment
from grader.authoring.adoption.adopt import adopt
from grader.execution.run import Execution
from grader.feedback.publish import write_pages
from grader.gradebook.nbgrader import open_gradebook
from grader.gradebook.scores import read_scores
from grader.grading import believed
from grader.grading.coordinator import grade_class
from grader.grading.deciding import Options
from grader.grading.notices import on_run
from grader.grading.runners import InlineExecutor
from grader.limits import Limits
from grader.messages import Message
from grader.records import FailedCell, Grade, Limit, Seconds, Status
from grader.reports.exports import gradescope, rows, table
from grader.settings import Settings
from tests.support.classic import SECRET_INPUT, classic_course, hand_in, solved, source_notebook
from tests.support.notebooks import graded_cell, toy_grade


@dataclass(frozen=True)
class Runs:
    execution: Execution
    tested: Execution | None = None


STARTED = {"start_time": "2026-01-15T12:00:00", "status": "completed"}
ASSIGNMENT = Assignment.model_validate(
    {
        "id": "week1",
        "title": "Week 1",
        "points": 4,
        "pass_points": 2,
        "graded": "in the notebook",
        "exercises": [{"id": "tests", "title": "Tests", "points": 4}],
    }
)


def output(kind: str, **fields: Any) -> NotebookNode:
    return nbformat.v4.new_output(kind, **fields)


RESULT = output("execute_result", data={"text/plain": "1.5"})
ERROR = output("error", ename="AssertionError", evalue="wrong", traceback=[])
WARNING = output("stream", name="stderr", text="a warning")


def ran(*outputs: NotebookNode, started: bool = True, **fields: Any) -> Execution:
    """A run of one cell with tests and one cell after it."""
    cells = [graded_cell("tests", 4, "assert True"), nbformat.v4.new_code_cell("1")]
    cells[0].outputs = list(outputs)
    for cell in cells if started else ():
        cell.metadata["papermill"] = dict(STARTED)
    return Execution(nbformat.v4.new_notebook(cells=cells), **fields)


def test_an_error_that_the_hidden_part_mends_is_no_reason() -> None:
    # `score` is set among hidden tests: without them its name is missing.
    missing = FailedCell(0, 1, "tests", "NameError", Message("name 'score' is not defined"))
    visible = ran(output("error", ename="NameError", evalue="x", traceback=[]), failed=(missing,))

    (told,) = believed.verdicts(ASSIGNMENT, [Runs(visible, ran(RESULT))]).checks

    assert (told.points, told.status, str(told.measured)) == (1.5, Status.FAILED, "a part of the tests pass")
    assert "read the error" not in str(told.hint)


@pytest.mark.parametrize(
    ("outputs", "points", "status", "words"),
    [
        ([], 4.0, Status.PASSED, "the tests in this cell pass"),
        ([output("stream", name="stdout", text="3")], 4.0, Status.PASSED, "pass"),
        ([RESULT], 1.5, Status.FAILED, "a part of the tests pass"),
        ([ERROR], 0.0, Status.FAILED, "a test failed: AssertionError: wrong"),
        ([RESULT, ERROR], 0.0, Status.FAILED, "a test failed"),
        ([WARNING], 0.0, Status.FAILED, "standard error"),
        ([output("execute_result", data={"text/plain": "[1, 2]"})], 4.0, Status.PASSED, "pass"),
    ],
)
def test_points_are_those_of_nbgraders_own_rule(
    outputs: list[NotebookNode], points: float, status: Status, words: str
) -> None:
    (check,) = believed.verdicts(ASSIGNMENT, [Runs(ran(*outputs))]).checks

    assert (check.points, check.status, check.max_points) == (points, status, 4)
    assert words in str(check.measured)


@pytest.mark.parametrize("text", ["5.0", "4.0001", "-1", "nan", "inf", "-inf", "1e999"])
def test_what_is_no_number_of_points_is_none_of_them_and_a_counted_attempt(text: str) -> None:
    strange = ran(output("execute_result", data={"text/plain": text}))

    (check,) = believed.verdicts(ASSIGNMENT, [Runs(strange)]).checks

    # FAILED, not ERROR, which would be run again each time and count as no attempt.
    assert (check.points, check.status) == (0.0, Status.FAILED)
    assert str(check.measured) == "the tests gave no number from 0 to 4"
    assert f"gave {float(text):g}, no number" in str(check.exact)
    (flag,) = believed.flags(ASSIGNMENT, {"week1": Runs(strange)})
    assert "exercise tests" in flag


def test_a_picture_in_the_place_of_points_is_none_of_them() -> None:
    picture = ran(output("execute_result", data={"text/html": "<b>1</b>"}))

    (check,) = believed.verdicts(ASSIGNMENT, [Runs(picture)]).checks

    assert (check.points, check.status) == (0.0, Status.FAILED)


def test_a_cell_that_never_ran_or_in_which_the_kernel_ended_earns_nothing() -> None:
    failed = FailedCell(0, 1, "tests", "limit: wall", Message("took too long"), Limit.WALL)
    last = ran()
    del last.notebook.cells[1].metadata["papermill"]
    for run in (
        ran(started=False),
        ran(failed=(failed,)),
        Execution(last.notebook, dead=True),
        Execution(
            nbformat.v4.new_notebook(cells=[last.notebook.cells[1], last.notebook.cells[0]]), dead=True
        ),
    ):
        (check,) = believed.verdicts(ASSIGNMENT, [Runs(run)]).checks

        assert (check.points, check.status) == (0.0, Status.FAILED)


def test_what_ran_before_the_kernel_ended_keeps_its_points() -> None:
    (check,) = believed.verdicts(ASSIGNMENT, [Runs(ran(dead=True))]).checks

    assert check.points == 4


def test_a_hidden_test_costs_its_points_and_tells_its_error_to_staff_alone() -> None:
    secret = output("error", ename="AssertionError", evalue="double(4711) is 9422", traceback=[])

    (check,) = believed.verdicts(ASSIGNMENT, [Runs(ran(), ran(secret))]).checks

    assert (check.points, check.status, str(check.measured)) == (0.0, Status.FAILED, "a hidden test failed")
    assert "4711" in str(check.exact)
    assert "4711" not in f"{check.measured}{check.required}{check.hint}"


def test_a_notebook_that_is_missing_costs_its_exercises_and_an_exercise_without_a_cell_is_undecided() -> None:
    reason = Message("There is no week1.ipynb.")

    (missing,) = believed.verdicts(ASSIGNMENT, [], {"tests": reason}).checks
    (lost,) = believed.verdicts(ASSIGNMENT, []).checks

    assert (missing.points, missing.status, missing.hint) == (0.0, Status.FAILED, reason)
    assert (lost.points, lost.status) == (0.0, Status.ERROR)


def test_a_test_that_was_deleted_gives_nothing_and_its_student_reads_why() -> None:
    without = ran()
    without.notebook.cells.clear()

    (check,) = believed.verdicts(ASSIGNMENT, [Runs(without)]).checks

    assert (check.points, check.max_points, check.status) == (0.0, 4.0, Status.FAILED)
    assert str(check.measured) == "the cell with these tests is missing from the notebook"
    assert "copy the cell back" in str(check.hint)


def test_of_two_runs_the_cells_are_those_that_the_student_sees() -> None:
    failed = FailedCell(0, 1, "tests", "AssertionError", Message("4711"))
    visible, tested = ran(execute_s=2, peak_mb=10), ran(ERROR, failed=(failed,), execute_s=3, peak_mb=20)

    both = believed.joined(visible, tested)

    assert (both.notebook, both.failed) == (visible.notebook, ())
    assert (both.execute_s, both.probe_s, both.peak_mb) == (2, 0, 20)


LIMITED = FailedCell(0, 1, "tests", "limit: wall", Message("took too long"), Limit.WALL)
SECRETS = {
    "an error": ran(ERROR),
    "an error of another text": ran(output("error", ename="E4711", evalue="4711", traceback=[])),
    "standard error": ran(WARNING),
    "more points than there are": ran(output("execute_result", data={"text/plain": "4711"})),
    "no number": ran(output("execute_result", data={"text/plain": "nan"})),
    "less than nothing": ran(output("execute_result", data={"text/plain": "-4711"})),
    "a picture": ran(output("execute_result", data={"text/html": "4711"})),
    "none of the points": ran(output("execute_result", data={"text/plain": "0"})),
    "a wall": ran(started=False, failed=(LIMITED,), hits={Limit.WALL: 0}, dead=True),
    "memory": ran(ERROR, failed=(LIMITED,), hits={Limit.MEMORY: 0}, near_memory=True, peak_mb=4711),
    "processes": ran(ERROR, hits={Limit.PROCESSES: None}),
    "output": ran(ERROR, hits={Limit.OUTPUT: 0}, output_bytes=4711),
    "a broken world": ran(ERROR, dead=True, broken=Message("process 4711 is gone")),
    "time": ran(ERROR, execute_s=4711, kernel_s=4711, wall_s=4711, cell_s=4711),
    "a busy machine": ran(ERROR, hits={Limit.CELL: 0}, overloaded=True),
}


def public(visible: Execution, tested: Execution) -> str:
    """Return all that a student's page is made of."""
    both = believed.joined(visible, tested)
    checks = believed.verdicts(ASSIGNMENT, [Runs(both, tested)]).checks
    seconds = Seconds(0, both.kernel_s, both.execute_s, both.probe_s, 0, 4711 + tested.execute_s)
    told = disclosure.told(dataclasses.replace(toy_grade(), checks=checks, limit=both.limit, seconds=seconds))
    notices = on_run(both, Limits(), [])
    cells = [(cell.index, str(cell.message)) for cell in both.failed]
    return f"{told.to_record()}{[str(notice) for notice in notices]}{cells}{both.dead}{both.overloaded}"


def test_a_run_with_hidden_tests_that_others_made_late_is_known_as_such() -> None:
    assert believed.late_through_others(SECRETS["a busy machine"])
    assert not believed.late_through_others(SECRETS["a wall"])
    assert not believed.late_through_others(None)


@pytest.mark.parametrize(
    "visible", [ran(), ran(RESULT), ran(ERROR), ran(output("execute_result", data={"text/plain": "nan"}))]
)
def test_a_page_tells_of_the_run_with_hidden_tests_how_many_points_it_gave_and_nothing_else(
    visible: Execution,
) -> None:
    told = {public(visible, tested) for tested in SECRETS.values()}

    assert len(told) == 1
    assert not [text for text in told if "4711" in text]
    # Points are heard, so that what is compared can differ at all.
    assert public(visible, ran()) not in told


def test_what_the_run_with_hidden_tests_met_is_told_to_staff() -> None:
    flags = {
        name: believed.flags(ASSIGNMENT, {"week1": Runs(believed.joined(ran(), tested), tested)})
        for name, tested in SECRETS.items()
    }

    assert {name for name, told in flags.items() if told} == {
        "more points than there are", "no number", "less than nothing", "a picture",
        "a wall", "memory", "processes", "output", "a broken world", "a busy machine",
    }  # fmt: skip
    assert "week1: only the run with hidden tests met the limit wall" in flags["a wall"][0]
    # What both runs met, the student knows.
    both = ran(ERROR, hits={Limit.CELL: 0})
    assert believed.flags(ASSIGNMENT, {"week1": Runs(both, both)}) == ()


def test_hidden_tests_go_into_locked_cells_and_nowhere_else() -> None:
    tests = source_notebook()
    released = copy.deepcopy(tests)
    for cell in released.cells:
        cell.source = "of the student"

    complete = believed.with_hidden_tests(released, tests)

    with_secret = [cell.metadata.nbgrader.grade_id for cell in complete.cells if SECRET_INPUT in cell.source]
    assert with_secret == ["double_tests"]
    assert [cell.source for cell in complete.cells if cell.metadata.get("nbgrader", {}).get("solution")] == [
        "of the student"
    ] * 3
    assert released.cells[2].source == "of the student"  # what came in is not changed


# One class for all that is said of it


SNOOP = """\
def double(number):
    import inspect
    print("called by", inspect.currentframe().f_back.f_code.co_names, number)
    return 2 * number if number < 100 else 0"""


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, Settings, list[Grade]]:
    """A class of two: everything right, and one whom a hidden test catches, and who prints what tests ask."""
    course = classic_course(tmp_path_factory.mktemp("classic") / "course")
    adopt(course, "week1", course.db_url(None))
    hand_in(course, "student01", solved(why="Because."))
    hand_in(course, "student02", without_secret(solved(double_code=SNOOP, why="Because.")))
    settings = Settings(None, course.folder / "cache", secret=b"secret", sandbox="none")
    grades = grade_class(course, "week1", settings, Options(), runner=InlineExecutor(), tell=lambda *_: None)
    return course, settings, grades


def without_secret(notebook: NotebookNode) -> NotebookNode:
    """Return a submission as a student has it: of the hidden test nothing."""
    for cell in notebook.cells:
        cell.source = cell.source.partition("### BEGIN HIDDEN")[0].rstrip()
    return notebook


def test_a_classic_assignment_is_graded_and_its_points_are_marked_as_believed(
    graded: tuple[Course, Settings, list[Grade]],
) -> None:
    first, second = graded[2]

    assert (first.points, first.max_points, first.believed) == (8, 8, True)
    assert (second.points, second.believed) == (6, True)
    assert [check.points for check in second.checks] == [0, 3, 3]
    assert str(second.checks[0].measured) == "a hidden test failed"
    assert second.failed_cells == ()
    assert second.to_json()["believed"] is True
    assert Grade.from_record(second.to_record()).believed


def test_what_people_grade_waits_for_them_and_a_task_is_never_untouched(
    graded: tuple[Course, Settings, list[Grade]],
) -> None:
    with open_gradebook(graded[0].db_url(None)) as gradebook:
        given = read_scores(gradebook, "week1")["student01"].cells

    assert {name: (cell.automatic, cell.waits) for name, cell in given.items()} == {
        "double_tests": (2, False),
        "mean_tests": (3, False),
        "mean-partly": (3, False),
        "why": (None, True),
        "essay": (None, True),
    }


def test_nothing_that_a_student_may_read_holds_the_hidden_test(
    graded: tuple[Course, Settings, list[Grade]],
) -> None:
    course, settings, grades = graded
    pages = [path.read_text() for path in write_pages(course, "week1", settings)]

    attempts = course.folder / ".pawgrade" / "attempts" / "week1" / "student02" / grades[1].attempt
    texts = [*pages, *(path.read_text() for path in attempts.iterdir() if path.name != "staff.json")]
    texts += [path.read_text() for path in (course.folder / "autograded" / "student02").rglob("*.ipynb")]
    assert len(texts) >= 5
    assert [text for text in texts if SECRET_INPUT in text] == []
    # The source of this test's secret is where it should be, so that its absence elsewhere says something.
    assert SECRET_INPUT in (course.folder / "solutions" / "week1" / "week1.ipynb").read_text()
    assert "a hidden test failed" in pages[1]
    assert all("These points are believed" in page for page in pages)


def test_exports_say_which_points_are_believed(graded: tuple[Course, Settings, list[Grade]]) -> None:
    course, settings, _ = graded
    marks = rows.gather(course, "week1", settings)

    header, *lines = table.export(marks).splitlines()
    assert header.endswith('"believed"')
    assert [line.endswith('"yes"') for line in lines] == [True, True]
    assert any("believed" in note for note in marks.notes)
    assert all("These points are believed" in text for text in gradescope.export(marks).files.values())
