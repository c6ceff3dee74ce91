"""The pages of a class: who gets one, and with which photos."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from grader.assignment import spec
from grader.assignment.course import Course, packaged_course
from grader.cli.app import app
from grader.errors import SpecError
from grader.feedback import publish
from grader.gradebook import attempts, versions
from grader.gradebook.nbgrader import open_gradebook
from grader.settings import Settings
from tests.support.gradebooks import worked_course
from tests.support.notebooks import source_notebook, toy_course, toy_grade
from tests.support.pages import grade


def test_feedback_does_without_photos_rather_than_download_them(tmp_path: Path) -> None:
    assignment = spec.load_assignment(packaged_course().source("oxford_pets"))

    found = publish._training_photos(
        assignment, grade(data="oxford_pets"), Settings(None, tmp_path / "cache")
    )

    assert found is None
    assert not (tmp_path / "cache").exists()  # a download would begin with a folder


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course with a hand-in, its attempt, and a person's points and comments in a real gradebook."""
    course = Course(worked_course(tmp_path_factory.mktemp("course")))
    with open_gradebook(f"sqlite:///{course.folder}/gradebook.db") as gradebook:
        answer = gradebook.find_comment("double_answer", "toy", "toy", "student01")
        answer.manual_comment = "Try **addition**, see `sum`."
        gradebook.db.commit()
    folder = course.folder / "submitted" / "student01" / "toy"
    folder.mkdir(parents=True)
    nbformat.write(source_notebook(), folder / "toy.ipynb")
    (folder / "timestamp.txt").write_text("2026-01-31 12:00:30.123456 Europe/Berlin")
    return course


def html_of(course: Course, cache: Path) -> str:
    (submission,) = course.submissions("toy")
    notes = {"files": versions.version(submission), "graded_at": "2026-02-01 09:13 UTC"}
    grade = toy_grade("student01", double=0.0)
    stored = replace(grade, provenance=notes)
    executed = {"toy": source_notebook()}
    attempts.write(course.folder, stored, submitted={"toy": b""}, executed=executed, answers={})
    attempts.set_current(course.folder, grade)
    (path,) = publish.write_pages(course, "toy", Settings(None, cache), ("student01",))
    return path.read_text("utf-8")


def test_a_page_says_when_its_work_was_handed_in_and_graded(graded: Course, toy_cache: Path) -> None:
    html = html_of(graded, toy_cache)

    assert "<dt>Handed in</dt><dd>2026-01-31 12:00 Europe/Berlin</dd>" in html
    assert "<dt>Graded</dt><dd>2026-02-01 09:00 UTC</dd>" in html  # no finer than `disclosure` says


def test_comments_of_staff_stand_at_their_cells(graded: Course, toy_cache: Path) -> None:
    html = html_of(graded, toy_cache)

    cells = dict(re.findall(r'id="cell-(\d)">(.*?)(?=<div class="cell|</section>)', html, re.DOTALL))
    assert "Try <strong>addition</strong>, see <code>sum</code>." in cells["3"]
    assert "Thoughtful." in cells["7"]
    assert "No response." not in html
    assert [number for number, cell in cells.items() if "Comment of your teachers" in cell] == ["3", "7"]


def test_a_verdict_leads_to_the_cell_of_the_students_function(graded: Course, toy_cache: Path) -> None:
    with (graded.source("toy") / "assignment.toml").open("a") as file:
        file.write(
            '\n[[entry_points]]\nname = "double"\nbudget_s = 1\n'
            'inputs = [{ name = "number", dtype = "int" }]\noutput = { dtype = "int" }\n'
        )
    html = html_of(graded, toy_cache)

    card = html[html.index('id="exercise-1"') :].split("</article>")[0]
    assert 'href="#cell-3"' in card
    assert "<code>def double(number):</code>" in card


@pytest.mark.parametrize("text", ["<b>now</b>", "2026-01-31 12:00 <script>", "yesterday", ""])
def test_what_is_no_time_is_not_shown(graded: Course, toy_cache: Path, text: str) -> None:
    stamp = graded.folder / "submitted" / "student01" / "toy" / "timestamp.txt"
    before = stamp.read_text()
    stamp.write_text(text)

    html = html_of(graded, toy_cache)
    stamp.write_text(before)

    assert "Handed in" not in html


def test_the_time_of_another_version_is_not_shown(graded: Course, toy_cache: Path) -> None:
    (submission,) = graded.submissions("toy")
    grade = replace(toy_grade("student01"), provenance={"files": "another"})

    assert publish._handed_in(submission, grade) == ""
    assert publish._handed_in(None, grade) == ""


def test_before_any_grade_the_command_to_type_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    course = toy_course(tmp_path)
    done = {
        command: CliRunner().invoke(app, [command, "toy", "--course", str(course)])
        for command in ("feedback", "export")
    }

    for command, result in done.items():
        assert isinstance(result.exception, SpecError), command
        assert "nobody has been graded in toy yet. Run `pawgrade grade toy` first." in str(result.exception)
        assert result.exception.exit_code == 2
    assert not (course / "feedback").exists()
