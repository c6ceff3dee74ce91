"""A version beyond the limit is not run, nothing of it is lost, and what counted goes on counting."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.errors import SpecError
from grader.gradebook import attempts, versions
from grader.messages import Message
from grader.records import Grade, Status, Submission
from tests.support.notebooks import source_notebook, toy_grade
from tests.support.tiny import SECRET, hand_in, solved, tiny_course

HERE = versions.Against("v1", "split", "toy_pets")
VERSIONS = [f"def double(n): return 2 * n  # version {number}" for number in range(1, 6)]


def attempt(course: Path, name: str, *, run: bool = True, **changes: Any) -> Grade:
    """Store an attempt; `provenance` entries may be given as keywords."""
    notes = {"assignment": "v1", "split": "split", "graded_at": "2026-01-01", **changes.pop("provenance", {})}
    grade = dataclasses.replace(toy_grade(attempt=name), provenance=notes, **changes)
    executed = source_notebook() if run else None
    attempts.write(
        course,
        grade,
        submitted={"toy": b"{}"},
        executed={} if executed is None else {"toy": executed},
        answers={},
    )
    return grade


def names(course: Path, judge: versions.Against = HERE) -> list[str]:
    return [one.attempt for one in versions.judged(course, "toy", "student01", judge)]


# What counts


def test_attempts_of_other_photos_assignments_and_cards_are_counted_apart(tmp_path: Path) -> None:
    attempt(tmp_path, "a1")
    attempt(tmp_path, "a2", provenance={"assignment": "v2"})
    attempt(tmp_path, "a3", provenance={"split": "other"})
    attempt(tmp_path, "a4", data="oxford_pets")

    assert names(tmp_path) == ["a1"]
    assert names(tmp_path, versions.Against("v2", "split", "toy_pets")) == ["a2"]


def test_what_could_not_be_read_and_errors_before_anything_ran_do_not_count(tmp_path: Path) -> None:
    attempt(tmp_path, "a1", status=Status.ERROR, run=False)
    attempt(tmp_path, "a2", run=False)
    attempt(tmp_path, "a3", status=Status.FAILED)

    assert names(tmp_path) == ["a3"]


def test_errors_after_the_notebook_ran_count_since_it_may_have_caused_them(tmp_path: Path) -> None:
    attempt(tmp_path, "a1", status=Status.ERROR)
    attempt(
        tmp_path,
        "a2",
        status=Status.ERROR,
        run=False,
        provenance={versions.RAN: "yes", "graded_at": "2026-01-02"},
    )

    assert names(tmp_path) == ["a1", "a2"]


def test_files_that_are_graded_with_another_seed_are_no_new_version(tmp_path: Path) -> None:
    attempt(tmp_path, "a1", provenance={"files": "f1", "scored": "1"})
    attempt(tmp_path, "a2", provenance={"files": "f2", "scored": "2"})
    attempt(tmp_path, "a3", provenance={"files": "f1", "scored": "1", "graded_at": "2026-02-01"}, seed=7)

    assert names(tmp_path) == ["a3", "a2"]


def test_a_version_keeps_its_number_when_it_is_graded_again(tmp_path: Path) -> None:
    before = [
        attempt(tmp_path, "a1"),  # from before versions were numbered
        attempt(tmp_path, "a2", provenance={"files": "f2", "scored": "2"}),
    ]

    again = versions.numbered(toy_grade(attempt="a2"), "f2", before)
    new = versions.numbered(toy_grade(attempt="a3"), "f3", before)

    assert (again.provenance["scored"], new.provenance["scored"]) == ("2", "3")
    assert new.provenance["files"] == "f3"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (5, "Scored attempt 2 of 5."),
        (0, "Scored attempt 2."),
        (1, "Scored attempt 2; 2 were scored, the limit is 1."),
    ],
)
def test_where_a_student_stands_is_said(tmp_path: Path, limit: int, words: str) -> None:
    before = [attempt(tmp_path, "a1"), attempt(tmp_path, "a2")]

    assert str(versions.standing(before[1], before, limit)) == words
    assert "2 of 5 scored attempts used; this one" in str(
        versions.standing(toy_grade(attempt="b"), before, 5)
    )


# What is kept


def submission(course: Path, text: str) -> Submission:
    folder = course / "submitted" / "student01" / "toy"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "toy.ipynb").write_text(text)
    (folder / "notes.txt").write_text("declared")
    (folder / "other.txt").write_text("not declared")
    return Submission("student01", "toy", folder)


def keep(course: Path, text: str, limit: int = 1) -> str:
    files = {"notes.txt": 1024}
    notice = versions.keep(
        course, submission(course, text), HERE, files, limit=limit, counts=Message("The first counts.")
    )
    return str(notice)


def test_a_version_that_is_not_scored_is_kept_with_its_declared_files(tmp_path: Path) -> None:
    attempt(tmp_path, "a1")

    notice = keep(tmp_path, "second")

    kept = next((tmp_path / ".pawgrade" / "unscored" / "toy" / "student01").glob("*/toy.ipynb")).parent
    assert {path.name for path in kept.iterdir()} == {"toy.ipynb", "notes.txt", "unscored.json"}
    assert (kept / "toy.ipynb").read_text() == "second"
    assert notice.startswith("This is version 2 of your work, and 1 are scored")
    assert "The first counts." in notice
    assert str(versions.waiting(tmp_path, "toy", "student01")) == notice


def test_versions_keep_their_numbers_whatever_is_handed_in_again(tmp_path: Path) -> None:
    attempt(tmp_path, "a1")

    said = [keep(tmp_path, text) for text in ("second", "third", "second")]

    assert [notice.split()[3] for notice in said] == ["2", "3", "2"]


def test_links_out_of_a_submission_are_not_followed(tmp_path: Path) -> None:
    handed_in = submission(tmp_path, "second")
    (tmp_path / "secret").write_text("the course secret")
    (handed_in.folder / "notes.txt").unlink()
    (handed_in.folder / "notes.txt").symlink_to(tmp_path / "secret")

    versions.keep(tmp_path, handed_in, HERE, {"notes.txt": 1024}, limit=1, counts=Message(""))

    assert not list((tmp_path / ".pawgrade" / "unscored").rglob("notes.txt"))


def test_nothing_waits_once_it_is_an_attempt(tmp_path: Path) -> None:
    keep(tmp_path, "second")

    versions.settle(tmp_path, submission(tmp_path, "second"))

    assert not versions.waiting(tmp_path, "toy", "student01")
    assert not list((tmp_path / ".pawgrade" / "unscored").rglob("*.ipynb"))


# A class


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_cache: Path) -> Course:
    monkeypatch.setenv("PAWGRADE_CACHE", str(toy_cache))
    monkeypatch.setenv("PAWGRADE_SECRET", SECRET)
    monkeypatch.setenv("PAWGRADE_ATTEMPTS", "2")
    monkeypatch.delenv("PAWGRADE_DATA", raising=False)
    return tiny_course(tmp_path / "course")


def grade(course: Course, version: str, *words: str) -> tuple[dict[str, Any], str]:
    """Hand in a version, grade, write the page; return the grade's JSON and what was said."""
    hand_in(course, "student01", solved(double_code=version))
    path = course.folder / "grades.json"
    command = ["grade", "tiny", "--course", str(course.folder), "--json", str(path), *words]
    done = CliRunner().invoke(app, command)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    shown = CliRunner().invoke(app, ["feedback", "tiny", "--course", str(course.folder)])
    assert shown.exit_code == 0
    (found,) = json.loads(path.read_text())
    return found, done.output


def page(course: Course) -> str:
    return (course.folder / "feedback" / "student01" / "tiny" / "tiny.html").read_text()


def autograded(course: Course) -> str:
    return (course.folder / "autograded" / "student01" / "tiny" / "tiny.ipynb").read_text()


@pytest.mark.slow
def test_the_third_of_two_versions_is_kept_and_told_and_an_extra_attempt_scores_it(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _ = grade(course, "def double(n): return n")
    second, _ = grade(course, VERSIONS[1])
    first_page = page(course)
    grade(course, VERSIONS[1], "--force")

    third, said = grade(course, VERSIONS[2])
    refused_page, refused_notebook = page(course), autograded(course)
    known, _ = grade(course, VERSIONS[1])
    known_page, known_notebook = page(course), autograded(course)
    with pytest.raises(SpecError, match="--student"):
        grade(course, VERSIONS[2], "--extra-attempt")
    extra, _ = grade(course, VERSIONS[2], "--extra-attempt", "--student", "student01")
    extra_page = page(course)
    fourth, _ = grade(course, VERSIONS[3])
    monkeypatch.setenv("PAWGRADE_ATTEMPTS", "0")
    unlimited, _ = grade(course, VERSIONS[3])

    assert "Scored attempt 2 of 2." in first_page
    assert (third["attempt"], third["points"]) == (second["attempt"], 16)
    assert "not scored: student01" in said
    assert "This is version 3 of your work, and 2 are scored" in refused_page
    assert "version 3 of your work" in refused_notebook
    assert known["attempt"] == second["attempt"]
    assert "of your work" not in known_page + known_notebook
    assert extra["attempt"] not in (third["attempt"], second["attempt"])
    assert "Scored attempt 3; 3 were scored, the limit is 2." in extra_page
    assert fourth["attempt"] == extra["attempt"]
    assert unlimited["attempt"] not in (fourth["attempt"], second["attempt"])
    assert not list((course.folder / ".pawgrade" / "unscored").rglob("*.ipynb"))


@pytest.mark.slow
def test_an_assignment_that_changed_starts_anew_and_what_could_not_be_read_costs_no_attempt(
    course: Course,
) -> None:
    for version in VERSIONS[:2]:
        grade(course, version)
    # Limits decide how notebooks run; checks and levels alone start nothing anew.
    for folder in (course.source("tiny"), course.release("tiny")):
        path = folder / "assignment.toml"
        path.write_text(path.read_text().replace("wall_s = 40", "wall_s = 41"))

    third, _ = grade(course, VERSIONS[2])
    hand_in(course, "student01", "{not json")
    CliRunner().invoke(app, ["grade", "tiny", "--course", str(course.folder)])
    fourth, said = grade(course, VERSIONS[3])
    hand_in(course, "student01", "{not json either")
    CliRunner().invoke(app, ["grade", "tiny", "--course", str(course.folder)])
    counts = versions.counting(course.folder, "tiny", "student01")

    assert third["attempt"] != fourth["attempt"]
    assert "not scored" not in said
    assert counts is not None
    assert counts.attempt == fourth["attempt"]  # beyond the limit, damaged files cost nothing


@pytest.mark.parametrize(
    "other",
    [{"assignment": "another secret"}, {"split": "another"}, {"judged": "other levels"}, {"data": "another"}],
)
def test_points_that_measure_something_else_are_not_compared(tmp_path: Path, other: dict[str, str]) -> None:
    notes = {"judged": "levels", **other}
    attempt(tmp_path, "a1", points=9.0, data=notes.pop("data", "toy_pets"), provenance=notes)
    worse = attempt(tmp_path, "b2", points=5.0, provenance={"judged": "levels"})
    attempt(tmp_path, "c3", points=6.0, provenance={"judged": "levels"})
    attempts.set_current(tmp_path, worse)

    best = versions.counting(tmp_path, "toy", "student01", "best")

    assert best is not None
    assert best.attempt == "c3"


def test_levels_in_force_decide_what_is_compared_as_far_as_they_judged(tmp_path: Path) -> None:
    former = attempt(tmp_path, "a1", points=9.0, provenance={"judged": "former levels"})
    attempt(tmp_path, "b2", points=5.0, provenance={"judged": "levels"})
    attempts.set_current(tmp_path, former)

    counting = []
    for judge in ("", "levels", "nobody was judged by these"):
        if judge:
            versions.note_judge(tmp_path, "toy", judge)
        best = versions.counting(tmp_path, "toy", "student01", "best")
        counting.append(best and best.attempt)

    assert counting == ["a1", "b2", "a1"]
