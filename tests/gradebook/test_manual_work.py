"""What people did by hand survives rebuilds, damaged files and changed assignments."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from grader.errors import SpecError
from grader.gradebook.conversion import gradebook_notebooks
from grader.gradebook.manual_work import (
    given_by_hand,
    last_snapshot,
    refuse_to_begin_anew,
    restore,
    save_snapshot,
    snapshot,
)
from grader.gradebook.nbgrader import open_gradebook
from tests.support.gradebooks import worked_course


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


def taken(db_url: str) -> dict[str, Any]:
    with open_gradebook(db_url) as gradebook:
        return snapshot(gradebook)


def scores(db_url: str) -> list[dict[str, Any]]:
    with open_gradebook(db_url) as gradebook:
        rows = sorted(gradebook.submission_dicts("toy"), key=lambda row: str(row["student"]))
    return [{key: value for key, value in row.items() if key != "id"} for row in rows]


def test_a_snapshot_is_json_and_holds_all_that_people_did(db_url: str) -> None:
    saved = taken(db_url)

    assert json.loads(json.dumps(saved)) == saved
    (assignment,) = saved["assignments"]
    (work,) = assignment["submissions"]
    assert assignment["duedate"] == "2026-01-30T23:59:00"
    assert (work["student"], work["attempt"], work["extension_s"]) == ("student01", "first", 172800.0)
    assert work["notebooks"][0]["flagged"]
    assert work["notebooks"][0]["grades"][0]["manual_score"] == 4.0
    assert work["notebooks"][0]["comments"] == [{"cell": "reflection", "manual_comment": "Thoughtful."}]
    assert saved["students"][0]["email"] == "ada@example.org"


def test_what_people_gave_and_said_is_found_by_student_and_cell(db_url: str) -> None:
    with open_gradebook(db_url) as gradebook:
        given = given_by_hand(gradebook, "toy")
        nothing = given_by_hand(gradebook, "moon")

    assert given["student01"]["reflection"] == (4.0, "Thoughtful.")
    assert given["student02"]["reflection"] == (None, "")
    assert nothing == {}


def test_restoring_a_snapshot_brings_everything_back(db_url: str) -> None:
    saved, before = taken(db_url), scores(db_url)
    with open_gradebook(db_url) as gradebook:
        reflection = gradebook.find_grade("reflection", "toy", "toy", "student01")
        reflection.manual_score = reflection.extra_credit = None
        gradebook.find_assignment("toy").duedate = None
        gradebook.find_student("student01").email = None
        gradebook.db.commit()

        notices = restore(gradebook, saved)

    assert notices == []
    assert taken(db_url) == saved
    assert scores(db_url) == before


def test_a_snapshot_is_written_only_when_something_changed(course: Path, db_url: str) -> None:
    saved = taken(db_url)
    first = save_snapshot(course, saved)

    second = save_snapshot(course, saved)
    third = save_snapshot(course, {**saved, "students": []})

    assert second == first
    assert third != first
    assert last_snapshot(course) == (third, {**saved, "students": []})


def test_a_snapshot_that_was_cut_off_is_passed_over(course: Path, db_url: str) -> None:
    path = save_snapshot(course, taken(db_url))
    path.with_name("99991231T000000Z.json").write_text('{"version": 1, "stud')

    found = last_snapshot(course)

    assert found is not None
    assert found[0] == path


def test_manual_work_on_an_assignment_that_is_gone_is_named(course: Path, db_url: str) -> None:
    saved = taken(db_url)
    saved["assignments"][0]["name"] = "moon"
    with open_gradebook(db_url) as gradebook:
        notices = restore(gradebook, saved)

    assert notices == [
        "moon: the assignment is not in the gradebook, or not as Pawgrade keeps it; its manual work (1 submissions) is in the snapshot only."
    ]


@pytest.mark.parametrize("left", ["gone", "empty"])
def test_a_lost_gradebook_that_held_manual_work_is_not_begun_anew(
    course: Path, db_url: str, left: str
) -> None:
    with open_gradebook(db_url) as gradebook:
        save_snapshot(course, snapshot(gradebook))
    refuse_to_begin_anew(course, db_url)  # while it is there
    path = course / "gradebook.db"
    path.write_bytes(b"") if left == "empty" else path.unlink()

    with pytest.raises(SpecError, match=rf"{left}.*gradebook rebuild"):
        refuse_to_begin_anew(course, db_url)


def test_a_first_gradebook_is_begun(tmp_path: Path) -> None:
    refuse_to_begin_anew(tmp_path, f"sqlite:///{tmp_path}/gradebook.db")


def test_the_newest_copy_is_named_by_its_number(course: Path, db_url: str) -> None:
    path = course / "gradebook.db"
    for number in (9, 10):
        path.with_name(f"gradebook.db.bak.{number}").write_bytes(b"a copy")
    path.with_name("gradebook.db.bak.new").write_bytes(b"a draft")
    path.unlink(missing_ok=True)

    with pytest.raises(SpecError, match=r"gradebook\.db\.bak\.10 says"):
        refuse_to_begin_anew(course, db_url)
