"""The page of the class and the pages of its students: what is on them, and what is not."""

from __future__ import annotations

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

from grader.assignment.course import Course
from grader.cli.app import app
from grader.gradebook import attempts
from grader.reports.overview import pages
from grader.reports.overview.pages import write_overview
from grader.settings import load
from tests.support.handed_in import folder_of
from tests.support.marks import exported_course, grade_what_lies_there
from tests.support.notebooks import toy_grade

NASTY = "<script>pwn()</script>"


class Reader(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def headings(self) -> list[int]:
        return [int(tag[1]) for tag in self.tags if re.fullmatch("h[1-6]", tag)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A course of two assignments, the second one broken; student01 has one whose name is HTML and no friendly folder."""
    course = exported_course(tmp_path_factory.mktemp("course"))
    folder = course.folder
    roster = (folder / "roster.csv").read_text()
    (folder / "roster.csv").write_text(roster + f"a:b #1,Mal,{NASTY},,,,,,,,\n")
    grade = toy_grade("a:b #1")
    attempts.write(folder, grade, submitted={}, executed={}, answers={})
    attempts.set_current(folder, grade)
    (folder / "solutions" / "unfinished").mkdir()
    (folder / "solutions" / "unfinished" / "assignment.toml").write_text("id = ")
    for student in ("student01", "student02", "a:b #1"):
        path = pages.page_of(course, student, "toy")
        path.parent.mkdir(parents=True)
        path.write_text("page")
    write_overview(course, load(None, {}), {"toy": ["student01", "student02", "a:b #1"]})
    return course


def read(course: Course, *names: str) -> Reader:
    return Reader(course.folder.joinpath("feedback", *names, "index.html").read_text())


def test_the_page_of_the_class_has_everybody_by_name_with_points_and_state(made: Course) -> None:
    page = read(made)

    for words in ('Ada Example, "Countess"', "Kim Sample", "Not handed in", "Not decided", "11.83", "Passed"):
        assert words in page.text
    assert "3 wait for a person" in page.text
    assert "see pawgrade review toy" in page.text
    assert "secret flag" not in page.text
    assert "For staff." in page.text
    assert "<!-- For staff:" in (made.folder / "feedback" / "index.html").read_text()


def test_work_that_is_not_graded_yet_is_named_with_the_command(made: Course, tmp_path: Path) -> None:
    course = Course(Path(shutil.copytree(made.folder, tmp_path / "course")))
    folder_of(course.submitted, {f"{student}/toy/toy.ipynb": "{}" for student in ("student01", "student03")})
    grade_what_lies_there(course, toy_grade("student01"))
    (course.submitted / "student01/toy/toy.ipynb").write_text('{"cells": []}')

    write_overview(course, load(None, {}))

    text = read(course).text
    assert "handed in, not graded yet: student03. Run `pawgrade grade toy`." in text
    assert re.search(r"Kim Sample student03 – … Handed in, not graded yet – –", text)
    assert "a newer hand-in is not graded yet: pawgrade grade toy" in text


def test_a_broken_assignment_is_named_and_spoils_no_other_one(made: Course) -> None:
    page = read(made)

    assert "unfinished is not in the overview" in page.text
    assert "A toy assignment" in page.text


def test_every_link_leads_to_a_file_or_a_place_on_the_page(made: Course) -> None:
    for names in ((), ("student01",), ("a:b #1",)):
        page = read(made, *names)
        html = made.folder.joinpath("feedback", *names, "index.html").read_text()
        assert len(page.links) >= 2
        for link in page.links:
            if link.startswith("#"):
                assert f'id="{link[1:]}"' in html, link
            else:
                assert made.folder.joinpath("feedback", *names, unquote(link)).is_file(), link
                assert ":" not in link.split("/")[0]


def test_headings_are_in_order_and_nothing_runs_or_is_loaded(made: Course) -> None:
    for names in ((), ("student01",)):
        page = read(made, *names)
        assert page.headings[0] == 1
        assert page.headings.count(1) == 1
        assert all(
            after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False)
        )
        assert {"script", "link", "iframe", "img", "object"} & set(page.tags) == set()


def test_names_are_words_and_no_html(made: Course) -> None:
    for names in ((), ("a:b #1",)):
        page = read(made, *names)
        assert f"Mal {NASTY}" in page.text
        assert "script" not in page.tags


def test_a_students_page_has_nothing_of_others_and_nothing_for_staff(made: Course) -> None:
    page = read(made, "student01")

    assert "for Ada Example" in page.text
    assert "11.83 / 15 points" in page.text
    assert "Checks gave 7.33." in page.text
    for words in ("student02", "Kim", "secret", "review", "Mean", "staff.json"):
        assert words not in page.text


def test_a_student_without_new_feedback_is_told_nothing_new(made: Course, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "course")
    course = Course(tmp_path / "course")
    better = toy_grade("student02", attempt="a2")
    attempts.write(course.folder, better, submitted={}, executed={}, answers={})
    attempts.set_current(course.folder, better)

    write_overview(course, load(None, {}), {"unfinished": ["student02"]})

    assert "4 / 15 points" in read(course, "student02").text
    write_overview(course, load(None, {}), {"toy": ["student02"]})
    assert "10 / 15 points" in read(course, "student02").text


def test_a_page_from_before_is_linked_without_points(made: Course, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "course")
    course = Course(tmp_path / "course")
    (course.folder / ".pawgrade" / "told" / "toy.json").unlink()

    write_overview(course, load(None, {}), {"unfinished": ["student01"]})

    page = read(course, "student01")
    assert page.links.count("toy/toy.html") == 2
    assert "points" not in page.text


def test_a_roster_with_a_mistake_costs_the_names_only(made: Course, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "course")
    course = Course(tmp_path / "course")
    (course.folder / "roster.csv").write_text("nobody\n")

    overview = write_overview(course, load(None, {}))

    assert any(note.startswith("names are missing") for note in overview.notes)
    assert "student05" in read(course).text
    assert "Kim" not in read(course).text


def test_the_command_writes_both_pages_and_names_what_is_wrong(made: Course, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "course")
    course = Course(tmp_path / "course")
    shutil.rmtree(course.folder / "feedback")

    command = ["feedback", "toy", "--course", str(course.folder), "--student", "student05"]
    result = CliRunner().invoke(app, command, catch_exceptions=False)

    assert "index.html (for staff" in " ".join(result.output.split())
    assert "unfinished is not in the overview" in " ".join(result.output.split())
    assert sorted(path.parent.name for path in course.folder.glob("feedback/*/index.html")) == ["student05"]
    assert (course.folder / "feedback" / "index.html").is_file()
