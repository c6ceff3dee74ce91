"""A gradebook full of nbgrader's own grades: whatever Pawgrade does beside them, they stay."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from typer.testing import CliRunner

from grader.cli.app import app
from grader.errors import SpecError
from grader.gradebook import backups
from grader.gradebook.conversion import gradebook_notebooks, record_source
from grader.gradebook.manual_work import save_snapshot, snapshot
from grader.gradebook.nbgrader import Entry, open_gradebook, record, refuse_nbgraders_scores
from grader.gradebook.projection import Rebuilt, rebuild, set_aside
from grader.gradebook.source_cells import save_cells
from tests.support.notebooks import REPOSITORY, answered, manual_cell, toy_course, toy_grade

# nbgrader's own `update_or_create_submission` warns under SQLAlchemy 2
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")
WHEN = datetime(2026, 1, 31, 12)
STUDENTS = ("student01", "student02", "student03")
Dump = dict[str, frozenset[tuple[Any, ...]]]
KILLED = """
import os, sys
from pathlib import Path
from grader.gradebook.projection import rebuild
from grader.gradebook.nbgrader import Entry
from grader.gradebook.conversion import gradebook_notebooks
from tests.support.notebooks import answered, toy_grade
course = Path(sys.argv[1])
source = gradebook_notebooks(course, "toy")["toy"]
def entries():
    yield Entry(toy_grade("student01", double=1.0, attempt="other"), {"toy": answered(source)})
    print("half-way", flush=True)
    os._exit(9)
rebuild(f"sqlite:///{course}/gradebook.db", course, sources={"toy": {"toy": source}}, entries=entries())
"""


def graded_by_nbgrader(gradebook: Any, assignment: str, sheets: Mapping[str, Mapping[str, float]]) -> None:
    """Do what nbgrader and its formgrader do: cells, submissions, automatic and manual scores, comments, penalties."""
    gradebook.add_assignment(assignment, duedate=WHEN)
    for sheet, cells in sheets.items():
        gradebook.add_notebook(sheet, assignment)
        for cell, points in cells.items():
            gradebook.add_grade_cell(cell, sheet, assignment, max_score=points, cell_type="code")
            gradebook.add_source_cell(
                cell, sheet, assignment, cell_type="code", source="assert True", locked=True
            )
        gradebook.add_grade_cell("essay", sheet, assignment, max_score=5, cell_type="markdown")
        gradebook.add_solution_cell("essay", sheet, assignment)
    for number, student in enumerate(STUDENTS):
        gradebook.update_or_create_student(student, first_name=f"Name {number}")
        submission = gradebook.update_or_create_submission(assignment, student, timestamp=WHEN)
        submission.extension = timedelta(days=number)
        for sheet, cells in sheets.items():
            for cell in cells:
                grade = gradebook.find_grade(cell, sheet, assignment, student)
                grade.auto_score, grade.needs_manual_grade = 4.5 - number, False
            essay = gradebook.find_grade("essay", sheet, assignment, student)
            essay.manual_score, essay.extra_credit, essay.needs_manual_grade = 3.0 + number, 0.5, False
            comment = gradebook.find_comment("essay", sheet, assignment, student)
            comment.auto_comment, comment.manual_comment = "No response.", f"Read chapter {number}."
            gradebook.find_submission_notebook(sheet, assignment, student).late_submission_penalty = 0.25
    gradebook.db.commit()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose gradebook holds two assignments that nbgrader graded, one of them with two notebooks."""
    course = toy_course(tmp_path_factory.mktemp("course"))
    with open_gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        graded_by_nbgrader(gradebook, "loops", {"loops": {"count": 6.0, "sum": 4.0}})
        graded_by_nbgrader(gradebook, "final", {"part1": {"a": 5.0}, "part2": {"b": 5.0}})
    return course


@pytest.fixture
def course(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "course"))


@pytest.fixture
def db_url(course: Path) -> str:
    return f"sqlite:///{course}/gradebook.db"


@pytest.fixture
def source(course: Path) -> NotebookNode:
    return gradebook_notebooks(course, "toy")["toy"]


@pytest.fixture
def entries(source: NotebookNode) -> list[Entry]:
    return [Entry(toy_grade(student), {"toy": answered(source)}, WHEN) for student in STUDENTS[:2]]


def dump(course: Path, name: str = "gradebook.db") -> Dump:
    """Return every row of every table."""
    with closing(sqlite3.connect(course / name)) as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: frozenset(database.execute(f'SELECT * FROM "{table}"')) for table in tables}  # noqa: S608


def lost(before: Dump, after: Dump) -> Dump:
    """Return the rows that went or changed."""
    gone = {table: rows - after.get(table, frozenset()) for table, rows in before.items()}
    return {table: rows for table, rows in gone.items() if rows}


def points(db_url: str, assignment: str) -> dict[str, float]:
    with open_gradebook(db_url) as gradebook:
        return {str(row["student"]): float(row["score"]) for row in gradebook.submission_dicts(assignment)}


def again(db_url: str, course: Path, source: NotebookNode, entries: list[Entry]) -> Rebuilt:
    return rebuild(db_url, course, sources={"toy": {"toy": source}}, entries=entries)


def with_toy_of_nbgraders(db_url: str) -> None:
    """Let nbgrader have graded an assignment of the same name, with cells of its own."""
    with open_gradebook(db_url) as gradebook:
        graded_by_nbgrader(gradebook, "toy", {"toy": {"double": 6.0, "cube": 4.0}})


def test_release_grading_and_two_rebuilds_touch_no_row_of_nbgraders(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    before = dump(course)

    record_source(course, "toy", db_url)
    with open_gradebook(db_url) as gradebook:
        refuse_nbgraders_scores(gradebook, "toy")
        for entry in entries:
            record(gradebook, entry.grade, entry.notebooks, timestamp=entry.timestamp)
    first = again(db_url, course, source, entries)
    second = again(db_url, course, source, entries)

    assert lost(before, dump(course)) == {}
    assert (first.submissions, second.submissions) == (2, 2)
    assert first.notices == second.notices == ()
    assert points(db_url, "toy") == {"student01": 10.0, "student02": 10.0}


def test_no_copy_is_overwritten_by_a_later_one(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    before = dump(course)
    first = again(db_url, course, source, entries)
    content = first.kept.read_bytes() if first.kept else b""

    again(db_url, course, source, entries[:1])
    again(db_url, course, source, entries)

    kept = [path.name for path in backups.backups(course / "gradebook.db")]
    assert kept == ["gradebook.db.bak.3", "gradebook.db.bak.2", "gradebook.db.bak.1"]
    assert first.kept is not None
    assert first.kept.read_bytes() == content
    assert lost(before, dump(course, "gradebook.db.bak.1")) == {}


def test_a_copy_of_what_has_not_changed_is_made_once(course: Path) -> None:
    first = backups.backup(course / "gradebook.db")
    second = backups.backup(course / "gradebook.db")

    assert first == second == course / "gradebook.db.bak.1"


@pytest.mark.parametrize("what", ["release", "rebuild"])
def test_other_cells_of_the_same_name_are_refused_and_nothing_is_changed(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry], what: str
) -> None:
    with_toy_of_nbgraders(db_url)
    before = dump(course)

    with pytest.raises(SpecError, match="3 students .*would be lost.*cube.*gradebook set-aside toy"):
        record_source(course, "toy", db_url) if what == "release" else again(db_url, course, source, entries)

    assert dump(course) == before


def test_the_same_cells_are_taken_but_scores_of_nbgraders_are_not_replaced(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    record_source(course, "toy", db_url)
    with open_gradebook(db_url) as gradebook:
        gradebook.update_or_create_student("student01")
        gradebook.update_or_create_submission("toy", "student01", timestamp=WHEN)
        gradebook.find_grade("double", "toy", "toy", "student01").auto_score = 4.5
        gradebook.db.commit()
        before = dump(course)

        for grading in (
            lambda: refuse_nbgraders_scores(gradebook, "toy"),
            lambda: record(gradebook, entries[0].grade, entries[0].notebooks),
            lambda: again(db_url, course, source, entries),
        ):
            with pytest.raises(SpecError, match=r"student01.* has been graded by nbgrader.*set-aside toy"):
                grading()
            assert lost(before, dump(course)) == {}

    done = again(db_url, course, source, entries[1:])

    assert done.submissions == 1
    assert lost(before, dump(course)) == {}


def test_what_is_set_aside_keeps_every_score_and_pawgrade_begins_anew(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    with_toy_of_nbgraders(db_url)
    before, scores = dump(course), points(db_url, "toy")

    name, done = set_aside(db_url, course, "toy", source={"toy": source}, entries=[])
    record_source(course, "toy", db_url)
    again(db_url, course, source, entries)
    again(db_url, course, source, entries)

    assert (name, done.submissions) == ("toy_nbgrader", 0)
    assert points(db_url, name) == scores
    assert list(lost(before, dump(course))) == ["assignment"]  # its name
    assert points(db_url, "toy") == {"student01": 10.0, "student02": 10.0}
    assert done.kept is not None
    assert lost(before, dump(course, done.kept.name)) == {}


def test_what_pawgrade_had_graded_stays_with_its_assignment_and_so_does_the_work_on_it(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    record_source(course, "toy", db_url)
    with open_gradebook(db_url) as gradebook:
        record(gradebook, entries[0].grade, entries[0].notebooks, timestamp=WHEN)
        reflection = gradebook.find_grade("reflection", "toy", "toy", "student01")
        reflection.manual_score, reflection.needs_manual_grade = 4.0, False
        gradebook.update_or_create_submission("toy", "student02")
        gradebook.find_grade("double", "toy", "toy", "student02").auto_score = 4.5
        gradebook.db.commit()

    name, done = set_aside(db_url, course, "toy", source={"toy": source}, entries=entries[:1])

    assert done.notices == ()
    assert points(db_url, name) == {"student01": 14.0, "student02": 4.5}
    assert points(db_url, "toy") == {"student01": 14.0}


def test_there_may_be_nothing_to_set_aside(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    again(db_url, course, source, entries)

    with pytest.raises(SpecError, match="no scores of it but Pawgrade's"):
        set_aside(db_url, course, "toy", source={"toy": source}, entries=entries)


def test_a_second_one_that_is_set_aside_gets_another_name(
    course: Path, db_url: str, source: NotebookNode
) -> None:
    names = []
    for _ in range(2):
        with_toy_of_nbgraders(db_url)
        names.append(set_aside(db_url, course, "toy", source={"toy": source}, entries=[])[0])
        with open_gradebook(db_url) as gradebook:
            gradebook.remove_assignment("toy")

    assert names == ["toy_nbgrader", "toy_nbgrader_2"]
    assert points(db_url, names[0]) == points(db_url, names[1])


def test_an_extension_that_staff_gave_beforehand_is_no_grade_and_stays(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    record_source(course, "toy", db_url)
    with open_gradebook(db_url) as gradebook:
        gradebook.update_or_create_submission("toy", "student01").extension = timedelta(days=3)
        gradebook.db.commit()
    changed = nbformat.from_dict(source)
    changed.cells.append(manual_cell("second_thoughts", 2, "YOUR ANSWER HERE"))

    again(db_url, course, changed, entries)

    with open_gradebook(db_url) as gradebook:
        assert gradebook.find_submission("toy", "student01").extension == timedelta(days=3)


def test_scores_that_nbgrader_gave_where_pawgrade_only_kept_manual_work_are_nbgraders(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    again(db_url, course, source, entries)
    with open_gradebook(db_url) as gradebook:
        gradebook.find_grade("reflection", "toy", "toy", "student01").manual_score = 4.0
        gradebook.db.commit()
    again(db_url, course, source, entries[1:])  # its attempt is gone
    with open_gradebook(db_url) as gradebook:
        gradebook.find_grade("double", "toy", "toy", "student01").auto_score = 2.5
        gradebook.db.commit()

    again(db_url, course, source, entries[1:])

    assert points(db_url, "toy") == {"student01": 6.5, "student02": 10.0}


def test_a_rebuild_that_is_killed_half_way_has_changed_nothing(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    again(db_url, course, source, entries)
    before = dump(course)

    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(course)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("half-way\n", 9), done.stderr
    assert dump(course) == before
    assert lost(before, dump(course, "gradebook.db.bak.2")) == {}


@pytest.mark.parametrize("damage", ["damaged", "gone"])
def test_nbgraders_scores_come_back_from_the_last_copy_when_the_file_is_lost(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry], damage: str
) -> None:
    before, path = dump(course), course / "gradebook.db"
    again(db_url, course, source, entries)
    with open_gradebook(db_url) as gradebook:
        save_snapshot(course, snapshot(gradebook))
    content = path.read_bytes()
    path.write_bytes(b"\0" * 4096 + content[4096:]) if damage == "damaged" else path.unlink()

    done = again(db_url, course, source, entries)

    assert lost(before, dump(course)) == {}
    assert "gradebook.db.bak.1" in " ".join(done.notices)
    assert points(db_url, "toy") == {"student01": 10.0, "student02": 10.0}
    assert (done.kept and done.kept.name) == ("gradebook.db.damaged.1" if damage == "damaged" else None)


def test_cells_of_nbgraders_assignment_stay_when_it_has_not_been_graded_by_pawgrade(
    course: Path, db_url: str, source: NotebookNode
) -> None:
    with_toy_of_nbgraders(db_url)
    before = dump(course)

    with open_gradebook(db_url) as gradebook, pytest.raises(SpecError, match="set-aside toy"):
        save_cells(gradebook, "toy", {"toy": source})

    assert dump(course) == before


def test_a_course_that_lost_its_attempts_keeps_the_scores_that_came_from_them(
    course: Path, db_url: str, source: NotebookNode, entries: list[Entry]
) -> None:
    again(db_url, course, source, entries)
    before = dump(course)

    with pytest.raises(SpecError, match=r"2 students .* no attempt of it is stored: all would be lost"):
        again(db_url, course, source, [])
    assert dump(course) == before

    (notice,) = again(db_url, course, source, entries[:1]).notices
    assert "1 student (student02) has no stored attempt" in notice


def test_the_command_says_what_the_assignment_is_called_now(course: Path, db_url: str) -> None:
    with_toy_of_nbgraders(db_url)

    refused = CliRunner().invoke(app, ["gradebook", "rebuild", "--course", str(course)])
    said = CliRunner().invoke(app, ["gradebook", "set-aside", "toy", "--course", str(course)])
    rebuilt = CliRunner().invoke(app, ["gradebook", "rebuild", "--course", str(course)])

    assert isinstance(refused.exception, SpecError)
    assert "toy as it was is now toy_nbgrader" in said.output
    assert "gradebook.db.bak." in said.output
    assert rebuilt.exit_code == 0
