"""A quiz is made of its bank, keeps up with it, and shows nothing of its key."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from grader.assignment.course import Course
from grader.assignment.quizzes.bank import FILE, bank_of
from grader.assignment.quizzes.cells import drawing_number
from grader.assignment.spec import load_assignment
from grader.authoring.quizzes import making
from grader.authoring.release import build_release, require_readable, stale_files
from grader.authoring.starters import new
from grader.checks.soundness import require_sound
from grader.errors import SpecError
from tests.support.quizzes import SALT, bank_text


@pytest.fixture
def course(tmp_path: Path) -> Course:
    new.new_course(tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def quiz(course: Course, tmp_path: Path) -> Path:
    """The source folder of a quiz of a bank that lies elsewhere, without a salt."""
    (tmp_path / "questions.toml").write_text(bank_text(questions=5, draw=3).partition("\n")[2])
    new.new_assignment(course, "week1", "quiz", bank=tmp_path / "questions.toml")
    return course.source("week1")


def test_a_bank_becomes_an_assignment_of_as_many_questions_as_it_draws(quiz: Path) -> None:
    assignment, bank = load_assignment(quiz), bank_of(quiz)

    assert bank is not None
    assert re.fullmatch(r"[0-9a-f]{32}", bank.salt)
    assert bank.salt != SALT
    assert (assignment.points, assignment.pass_points) == (6, 3)
    assert assignment.entry_point("quiz").output.shape == (4,)
    require_sound(quiz, assignment)
    require_readable(quiz)


def test_nothing_of_the_key_is_released(course: Course, quiz: Path) -> None:
    bank = bank_of(quiz)
    assert bank is not None
    texts = [path.read_text() for path in course.release("week1").rglob("*") if path.is_file()]

    hidden = [bank.salt, *(option.explanation for one in bank.questions for option in one.options)]
    hidden += [one.id for one in bank.questions]
    assert not [words for words in hidden for text in texts if words in text]
    assert not [text for text in texts if "right = true" in text or "SOLUTION" in text]


def test_a_bank_that_changed_is_told_until_a_release_writes_the_notebook_anew(
    course: Course, quiz: Path
) -> None:
    path = quiz / "week1.ipynb"
    notebook = nbformat.read(path, 4)
    notebook.cells[0].source = "# Mine"
    nbformat.write(notebook, path)
    (quiz / FILE).write_text((quiz / FILE).read_text().replace("What is number", "Which is number"))

    with pytest.raises(SpecError, match="not those that staff/bank.toml draws"):
        build_release(course.folder, "week1", course.folder / "assignments")
    assert making.refresh(quiz)
    assert not making.refresh(quiz)
    build_release(course.folder, "week1", course.folder / "assignments")

    assert stale_files(course.folder, "week1") == []
    released = nbformat.read(course.release("week1") / "week1.ipynb", 4)
    assert released.cells[0].source == "# Mine"
    assert sum("Which is number" in cell.source for cell in released.cells) == 3
    assert [cell.source for cell in released.cells if cell.id == "q2"] == [
        'answer["q2"] = ""  # A, B, C or D'
    ]


def test_more_questions_need_their_place_in_the_contract_and_get_their_cells(quiz: Path) -> None:
    (quiz / FILE).write_text((quiz / FILE).read_text().replace("draw = 3", "draw = 4"))
    before = nbformat.read(quiz / "week1.ipynb", 4)

    with pytest.raises(SpecError, match=re.escape("expected output.shape = [5], found [4]")):
        require_readable(quiz)
    making.refresh(quiz)
    after = nbformat.read(quiz / "week1.ipynb", 4)

    ids = [cell.id for cell in after.cells]
    position = ids.index("q3")
    assert ids[position + 1 : position + 4] == ["q4-text", "q4", "quiz-code"]
    assert [cell.id for cell in before.cells] == [name for name in ids if not name.startswith("q4")]
    assert drawing_number(after) != drawing_number(before)


def test_mistakes_of_a_bank_leave_nothing_behind(course: Course, tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(bank_text().replace("right = true", ""))

    with pytest.raises(SpecError, match="6 mistakes"):
        new.new_assignment(course, "week1", "quiz", bank=tmp_path / "bad.toml")
    with pytest.raises(SpecError, match="a bank of questions makes a quiz"):
        new.new_assignment(course, "week1", "function", bank=tmp_path / "bad.toml")
    assert not (course.folder / "solutions" / "week1").exists()


def test_an_assignment_without_a_bank_is_left_alone(course: Course) -> None:
    source = course.source(new.SAMPLE)

    assert making.common_drawing(source) is None
    assert not making.refresh(source)
    making.require_current(source)
