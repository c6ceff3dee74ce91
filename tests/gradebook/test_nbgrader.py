"""The gradebook follows the attempts, and keeps whatever people did by hand."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode

from grader.errors import InfrastructureError, SpecError
from grader.gradebook.conversion import gradebook_notebooks
from grader.gradebook.nbgrader import manual_points, open_gradebook, record
from grader.records import Status
from tests.support.gradebooks import known_course, row
from tests.support.notebooks import answered, toy_grade


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return known_course(tmp_path_factory.mktemp("course"))


@pytest.fixture
def db_url(course: Path, tmp_path: Path) -> str:
    shutil.copy(course / "gradebook.db", tmp_path / "gradebook.db")
    return f"sqlite:///{tmp_path}/gradebook.db"


@pytest.fixture
def gradebook(db_url: str) -> Iterator[Any]:
    with open_gradebook(db_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def source(course: Path) -> NotebookNode:
    return gradebook_notebooks(course, "toy")["toy"]


@pytest.fixture
def submission(source: NotebookNode) -> NotebookNode:
    return answered(source)


def grade_by_hand(gradebook: Any, cell: str, points: float) -> None:
    """Do what the formgrader does when a grader types a score."""
    found = row(gradebook, cell)
    found.manual_score = points
    found.needs_manual_grade = False
    gradebook.db.commit()


def test_each_exercise_gets_its_points(gradebook: Any, submission: NotebookNode) -> None:
    record(gradebook, toy_grade(double=3.5), {"toy": submission})

    assert row(gradebook, "double").auto_score == 3.5
    assert row(gradebook, "square").auto_score == 4.0
    assert not row(gradebook, "double").needs_manual_grade
    assert gradebook.find_submission("toy", "student01").score == 7.5


def test_an_answer_in_words_waits_for_a_person(gradebook: Any, submission: NotebookNode) -> None:
    record(gradebook, toy_grade(), {"toy": submission})

    found = row(gradebook, "reflection")
    assert (found.auto_score, found.needs_manual_grade) == (None, True)
    assert gradebook.find_submission("toy", "student01").needs_manual_grade


@pytest.mark.parametrize("case", ["untouched", "deleted", "no notebook", "forged checksum"])
def test_no_answer_is_no_points_and_says_so(gradebook: Any, source: NotebookNode, case: str) -> None:
    notebook = answered(source, answer=None)
    if case == "deleted":
        notebook.cells = [cell for cell in notebook.cells if cell.id != "reflection"]
    if case == "forged checksum":
        notebook.cells[-1].metadata.nbgrader["checksum"] = "0" * 32

    record(gradebook, toy_grade(), {} if case == "no notebook" else {"toy": notebook})

    found = row(gradebook, "reflection")
    assert (found.auto_score, found.needs_manual_grade) == (0.0, False)
    assert gradebook.find_comment("reflection", "toy", "toy", "student01").comment == "No response."


def test_the_remark_about_no_answer_goes_when_an_answer_comes(
    gradebook: Any, source: NotebookNode, submission: NotebookNode
) -> None:
    record(gradebook, toy_grade(), {"toy": answered(source, answer=None)})

    record(gradebook, toy_grade(attempt="second"), {"toy": submission})

    assert gradebook.find_comment("reflection", "toy", "toy", "student01").comment is None
    assert row(gradebook, "reflection").needs_manual_grade


def test_an_exercise_that_could_not_be_decided_waits_for_a_person(
    gradebook: Any, submission: NotebookNode
) -> None:
    grade = toy_grade(double=0.0)
    undecided = dataclasses.replace(grade.exercises[0], status=Status.ERROR)

    record(gradebook, dataclasses.replace(grade, exercises=(undecided, grade.exercises[1])), submission)

    assert row(gradebook, "double").auto_score is None
    assert row(gradebook, "double").needs_manual_grade


def test_the_same_attempt_again_changes_nothing(gradebook: Any, submission: NotebookNode) -> None:
    record(gradebook, toy_grade(), {"toy": submission}, timestamp=datetime(2026, 1, 31, 12))
    first = gradebook.submission_dicts("toy")

    record(gradebook, toy_grade(), {"toy": submission}, timestamp=datetime(2026, 1, 31, 12))

    assert gradebook.submission_dicts("toy") == first


def test_a_score_given_by_hand_stays_settled_for_the_same_attempt(
    gradebook: Any, submission: NotebookNode
) -> None:
    record(gradebook, toy_grade(), {"toy": submission})
    grade_by_hand(gradebook, "reflection", 4.0)

    record(gradebook, toy_grade(), {"toy": submission})

    found = row(gradebook, "reflection")
    assert (found.manual_score, found.needs_manual_grade) == (4.0, False)


def test_a_new_attempt_keeps_the_score_given_by_hand_and_asks_for_another_look(
    gradebook: Any, submission: NotebookNode
) -> None:
    record(gradebook, toy_grade(), {"toy": submission})
    grade_by_hand(gradebook, "reflection", 4.0)

    record(gradebook, toy_grade(attempt="second"), {"toy": submission})
    record(gradebook, toy_grade(attempt="second"), {"toy": submission})

    found = row(gradebook, "reflection")
    assert (found.manual_score, found.needs_manual_grade) == (4.0, True)
    assert not row(gradebook, "double").needs_manual_grade


def test_extra_credit_comments_and_corrections_survive_another_attempt(
    gradebook: Any, submission: NotebookNode
) -> None:
    record(gradebook, toy_grade(), {"toy": submission})
    row(gradebook, "double").extra_credit = 1.0
    gradebook.find_comment("double_answer", "toy", "toy", "student01").manual_comment = "Well done."
    grade_by_hand(gradebook, "square", 3.0)

    record(gradebook, toy_grade(attempt="second", double=2.0), {"toy": submission})

    assert row(gradebook, "double").score == 3.0
    assert row(gradebook, "square").score == 3.0
    assert gradebook.find_comment("double_answer", "toy", "toy", "student01").comment == "Well done."


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 31, 12),
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_times_are_kept_as_nbgrader_keeps_them(
    gradebook: Any, submission: NotebookNode, moment: datetime
) -> None:
    record(gradebook, toy_grade(), {"toy": submission}, timestamp=moment)

    assert gradebook.find_submission("toy", "student01").timestamp == datetime(2026, 1, 31, 12)


def test_a_later_attempt_without_a_time_clears_it(gradebook: Any, submission: NotebookNode) -> None:
    record(gradebook, toy_grade(), {"toy": submission}, timestamp=datetime(2026, 1, 31, 12))

    record(gradebook, toy_grade(attempt="second"), {"toy": submission})

    assert gradebook.find_submission("toy", "student01").timestamp is None


def test_a_record_that_fails_half_way_writes_nothing(gradebook: Any, submission: NotebookNode) -> None:
    stray = dataclasses.replace(toy_grade().exercises[0], id="cube")
    grade = dataclasses.replace(toy_grade(), exercises=(*toy_grade().exercises, stray))

    with pytest.raises(SpecError, match="no cell for cube"):
        record(gradebook, grade, {"toy": submission})

    assert gradebook.students == []
    assert gradebook.submission_dicts("toy") == []


def test_an_assignment_that_is_not_in_the_gradebook_says_what_to_run(
    gradebook: Any, submission: NotebookNode
) -> None:
    grade = dataclasses.replace(toy_grade(), assignment="moon")

    with pytest.raises(SpecError, match="pawgrade release moon"):
        record(gradebook, grade, {"toy": submission})


def test_a_student_that_staff_entered_keeps_the_name(gradebook: Any, submission: NotebookNode) -> None:
    gradebook.add_student("student01", first_name="Ada")

    record(gradebook, toy_grade(), {"toy": submission})

    assert gradebook.find_student("student01").first_name == "Ada"


def test_manual_points_are_none_until_a_person_gave_some(gradebook: Any, submission: NotebookNode) -> None:
    assert manual_points(gradebook, "toy", "student01") is None
    record(gradebook, toy_grade(), {"toy": submission})
    assert manual_points(gradebook, "toy", "student01") is None

    grade_by_hand(gradebook, "reflection", 0.0)

    assert manual_points(gradebook, "toy", "student01") == 0.0


def test_a_correction_of_an_automatic_score_is_not_manual_points(
    gradebook: Any, submission: NotebookNode
) -> None:
    record(gradebook, toy_grade(), {"toy": submission})

    grade_by_hand(gradebook, "double", 1.0)

    assert manual_points(gradebook, "toy", "student01") is None


def test_a_locked_gradebook_is_reported_and_nothing_is_written(db_url: str, submission: NotebookNode) -> None:
    with (
        open_gradebook(f"{db_url}?timeout=0.1") as gradebook,
        closing(sqlite3.connect(db_url.removeprefix("sqlite:///"))) as other,
    ):
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(InfrastructureError, match="in use by another program"):
            record(gradebook, toy_grade(), {"toy": submission})

        other.rollback()
        record(gradebook, toy_grade(), {"toy": submission})
        assert row(gradebook, "double").auto_score == 6.0


def test_two_open_gradebooks_see_each_others_work(db_url: str, submission: NotebookNode) -> None:
    with open_gradebook(db_url) as first, open_gradebook(db_url) as second:
        record(first, toy_grade(), {"toy": submission})
        assert row(first, "reflection").manual_score is None
        grade_by_hand(second, "reflection", 5.0)

        record(first, toy_grade(double=1.0), {"toy": submission})

        assert row(first, "reflection").manual_score == 5.0
        assert not row(first, "reflection").needs_manual_grade


@pytest.mark.parametrize(
    ("content", "said"), [(b"this is not a database" * 99, "damaged"), (None, "cannot be used")]
)
def test_a_file_that_is_no_gradebook_is_reported(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "gradebook.db"
    path.write_bytes(content) if content else path.mkdir()

    with pytest.raises((SpecError, InfrastructureError), match=said), open_gradebook(f"sqlite:///{path}"):
        pass


def test_a_url_that_is_none_is_reported() -> None:
    with pytest.raises(SpecError, match=r"sqlite:////course/gradebook\.db"), open_gradebook("gradebook.db"):
        pass


def test_a_new_gradebook_needs_no_activated_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    with open_gradebook(f"sqlite:///{tmp_path}/gradebook.db") as gradebook:
        assert gradebook.assignments == []

    assert os.environ["PATH"] == "/usr/bin:/bin"


def test_nbgrader_itself_counts_the_same_points(gradebook: Any, submission: NotebookNode) -> None:
    record(gradebook, toy_grade(double=3.0), {"toy": submission})
    grade_by_hand(gradebook, "reflection", 5.0)

    (found,) = gradebook.submission_dicts("toy")

    assert (found["score"], found["max_score"]) == (12.0, 15.0)
    assert (found["code_score"], found["written_score"]) == (7.0, 5.0)
