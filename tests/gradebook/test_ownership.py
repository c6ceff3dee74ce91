"""Whose a submission in the gradebook is: Pawgrade's where it noted an attempt, nobody's while it is empty, else nbgrader's."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.errors import SpecError
from grader.gradebook.conversion import record_source
from grader.gradebook.nbgrader import open_gradebook
from grader.gradebook.ownership import (
    NO_ATTEMPT,
    exchange_attempt,
    forget_attempt,
    is_foreign,
    named,
    recorded_attempt,
    refuse_to_replace,
)
from tests.support.notebooks import toy_course

# nbgrader's own `update_or_create_submission` warns under SQLAlchemy 2
pytestmark = pytest.mark.filterwarnings("ignore:Object of type <Submitted")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course whose gradebook knows the toy assignment; made once, since a new database costs seconds."""
    folder = toy_course(tmp_path_factory.mktemp("course"))
    record_source(folder, "toy", f"sqlite:///{folder}/gradebook.db")
    return folder


@pytest.fixture
def gradebook(course: Path, tmp_path: Path) -> Iterator[Any]:
    shutil.copy(course / "gradebook.db", tmp_path / "gradebook.db")
    with open_gradebook(f"sqlite:///{tmp_path}/gradebook.db") as opened:
        yield opened


def submission(gradebook: Any, student: str = "student01") -> Any:
    gradebook.update_or_create_student(student)
    return gradebook.update_or_create_submission("toy", student)


def test_the_last_attempt_that_was_noted_is_the_one_that_is_shown(gradebook: Any) -> None:
    session, row = gradebook.db, submission(gradebook)

    before = [exchange_attempt(session, row.id, attempt) for attempt in ("first", "second", "second")]

    assert before == [None, "first", "second"]
    assert recorded_attempt(session, row.id) == "second"
    forget_attempt(session, row.id)
    assert recorded_attempt(session, row.id) is None


def auto_score(row: Any) -> None:
    row.notebooks[0].grades[0].auto_score = 0.0


def manual_score(row: Any) -> None:
    row.notebooks[0].grades[0].manual_score = 0.0


def comment(row: Any) -> None:
    row.notebooks[0].comments[0].manual_comment = ""


def penalty(row: Any) -> None:
    row.notebooks[0].late_submission_penalty = 0.25


@pytest.mark.parametrize("change", [auto_score, manual_score, comment, penalty])
def test_what_holds_anything_without_a_note_is_nbgraders(
    gradebook: Any, change: Callable[[Any], None]
) -> None:
    session, row = gradebook.db, submission(gradebook)
    empty = is_foreign(session, row)

    change(row)

    assert not empty
    assert is_foreign(session, row)
    exchange_attempt(session, row.id, "first")
    assert not is_foreign(session, row)


def test_of_a_row_for_manual_work_alone_automatic_scores_are_nbgraders(gradebook: Any) -> None:
    session, row = gradebook.db, submission(gradebook)
    exchange_attempt(session, row.id, NO_ATTEMPT)
    manual_score(row)
    with_manual_work = is_foreign(session, row)

    auto_score(row)

    assert not with_manual_work
    assert is_foreign(session, row)


def test_scores_of_nbgraders_are_not_replaced_and_the_way_out_is_named(gradebook: Any) -> None:
    rows = [submission(gradebook, f"student{number:02d}") for number in range(3)]
    refuse_to_replace(gradebook.db, "toy", rows)
    auto_score(rows[2])

    with pytest.raises(SpecError, match=r"1 student \(student02\) has been graded.*set-aside toy"):
        refuse_to_replace(gradebook.db, "toy", rows)


def test_a_large_class_is_named_by_its_beginning() -> None:
    names = [f"s{number}" for number in range(7)]

    assert named(names[:1]) == "1 student (s0) has"
    assert named(names[:5]) == "5 students (s0, s1, s2, s3, s4) have"
    assert named(names) == "7 students (s0, s1, s2, s3, s4, ...) have"
