"""A gradebook that is rebuilt has what the attempts say and what people did, and fails whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from grader.errors import SpecError
from grader.gradebook.conversion import gradebook_notebooks
from grader.gradebook.manual_work import (
    save_snapshot,
    snapshot,
)
from grader.gradebook.nbgrader import Entry, manual_points, open_gradebook
from grader.gradebook.projection import Rebuilt, rebuild
from tests.support.gradebooks import WHEN, worked_course
from tests.support.notebooks import answered, toy_grade


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worked_course(tmp_path_factory.mktemp("course"))


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
    submission = answered(source)
    first, second = toy_grade("student01"), toy_grade("student02", double=0.0)
    return [Entry(first, {"toy": submission}, WHEN), Entry(second, {"toy": submission})]


def taken(db_url: str) -> dict[str, Any]:
    with open_gradebook(db_url) as gradebook:
        return snapshot(gradebook)


def scores(db_url: str) -> list[dict[str, Any]]:
    with open_gradebook(db_url) as gradebook:
        rows = sorted(gradebook.submission_dicts("toy"), key=lambda row: str(row["student"]))
    return [{key: value for key, value in row.items() if key != "id"} for row in rows]


def again(db_url: str, course: Path, source: NotebookNode, entries: list[Entry]) -> Rebuilt:
    return rebuild(db_url, course, sources={"toy": {"toy": source}}, entries=entries)


def test_a_rebuild_from_the_same_attempts_changes_nothing(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    saved, before = taken(db_url), scores(db_url)

    rebuilt = again(db_url, course, source, entries)

    assert scores(db_url) == before
    assert taken(db_url) == saved
    assert (rebuilt.submissions, rebuilt.notices) == (2, ())


def test_a_rebuild_saves_the_work_and_the_old_database_first(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    saved = taken(db_url)

    rebuilt = again(db_url, course, source, entries)

    assert rebuilt.snapshot is not None
    assert json.loads(rebuilt.snapshot.read_text()) == saved
    assert rebuilt.kept == course / "gradebook.db.bak.1"
    assert taken(f"sqlite:///{rebuilt.kept}") == saved


def test_a_rebuild_drops_automatic_scores_that_no_attempt_supports(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    again(db_url, course, source, entries[:1])

    assert [row["student"] for row in scores(db_url)] == ["student01"]


def test_a_rebuild_keeps_manual_work_whose_attempt_is_gone(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    again(db_url, course, source, entries[1:])

    (work,) = taken(db_url)["assignments"][0]["submissions"]
    assert work["student"] == "student01"
    assert work["notebooks"][0]["grades"][0]["manual_score"] == 4.0
    assert work["timestamp"] == WHEN.isoformat()


def test_a_rebuild_with_another_attempt_asks_for_another_look(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    newer = Entry(toy_grade("student01", attempt="second"), entries[0].notebooks, WHEN)

    again(db_url, course, source, [newer, entries[1]])

    with open_gradebook(db_url) as gradebook:
        found = gradebook.find_grade("reflection", "toy", "toy", "student01")
        assert (found.manual_score, found.needs_manual_grade) == (4.0, True)


def test_a_rebuild_takes_up_changed_cells_and_says_what_lost_its_place(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    changed = nbformat.from_dict(source)
    for cell in changed.cells:
        if cell.id == "reflection":
            cell.metadata.nbgrader["grade_id"] = "afterthought"

    rebuilt = again(db_url, course, changed, entries)

    assert [row["max_score"] for row in scores(db_url)] == [15.0, 15.0]
    assert any("no cell reflection for 4.0 points" in notice for notice in rebuilt.notices)
    assert any("Thoughtful." in notice for notice in rebuilt.notices)
    assert rebuilt.snapshot is not None


def test_a_rebuild_that_fails_changes_nothing(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    saved, before = taken(db_url), scores(db_url)
    broken = nbformat.from_dict(source)
    broken.cells = [cell for cell in broken.cells if cell.id != "double"]

    with pytest.raises(SpecError, match="no cell for double"):
        again(db_url, course, broken, entries)

    assert (taken(db_url), scores(db_url)) == (saved, before)


def test_a_rebuild_leaves_other_assignments_alone(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    with open_gradebook(db_url) as gradebook:
        gradebook.add_assignment("old_one")
        gradebook.add_notebook("sheet", "old_one")
        gradebook.add_grade_cell("task", "sheet", "old_one", max_score=3, cell_type="code")

    again(db_url, course, source, entries)

    with open_gradebook(db_url) as gradebook:
        assert gradebook.find_assignment("old_one").max_score == 3


def test_a_gradebook_that_is_open_elsewhere_goes_on_with_the_rebuilt_rows(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    with open_gradebook(db_url) as formgrader:
        assert formgrader.find_grade("reflection", "toy", "toy", "student01").manual_score == 4.0

        again(db_url, course, source, entries)
        formgrader.find_grade("reflection", "toy", "toy", "student01").manual_score = 5.0
        formgrader.db.commit()

    with open_gradebook(db_url) as gradebook:
        assert manual_points(gradebook, "toy", "student01") == 5.0


@pytest.mark.parametrize("damage", ["cut off", "overwritten", "gone"])
def test_a_damaged_gradebook_is_built_anew_with_the_last_snapshot(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry], damage: str
) -> None:
    path = course / "gradebook.db"
    saved, before = taken(db_url), scores(db_url)
    snapshot_file = save_snapshot(course, saved)
    spoil(path, damage)
    spoilt = path.read_bytes() if path.exists() else None

    rebuilt = again(db_url, course, source, entries)

    assert (taken(db_url), scores(db_url)) == (saved, before)
    assert rebuilt.snapshot == snapshot_file
    assert "Manual work comes from" in " ".join(rebuilt.notices)
    assert (rebuilt.kept.read_bytes() if rebuilt.kept else None) == spoilt


def test_a_damaged_gradebook_without_a_snapshot_is_kept_and_said_so(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    spoil(course / "gradebook.db", "overwritten")

    rebuilt = again(db_url, course, source, entries)

    assert rebuilt.kept is not None
    assert rebuilt.kept.exists()
    assert "There is no snapshot of manual work" in " ".join(rebuilt.notices)


def test_a_first_rebuild_needs_no_gradebook_and_has_nothing_to_say(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    (course / "gradebook.db").unlink()

    rebuilt = again(db_url, course, source, entries)

    assert rebuilt == Rebuilt(2, None, None, ())
    assert len(scores(db_url)) == 2


def test_a_copy_of_the_database_is_whole_while_another_program_reads(
    db_url: str, course: Path, source: NotebookNode, entries: list[Entry]
) -> None:
    with closing(sqlite3.connect(course / "gradebook.db")) as reader:
        reader.execute("SELECT * FROM grade").fetchone()

        rebuilt = again(db_url, course, source, entries)

    assert rebuilt.kept is not None
    assert len(scores(f"sqlite:///{rebuilt.kept}")) == 2


def spoil(path: Path, damage: str) -> None:
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    elif damage == "cut off":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(b"\0" * 4096 + content[4096:])
