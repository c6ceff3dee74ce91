"""An assignment of two notebooks, through real kernels: one grade, a page and a row of the gradebook for each notebook."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from grader.assignment import contents
from grader.assignment.course import Course
from grader.feedback import publish
from grader.gradebook import attempts, rebuild
from grader.gradebook.nbgrader import nbgrader_api, open_gradebook
from grader.grading.coordinator import grade_class
from grader.grading.deciding import Options
from grader.grading.runners import InlineExecutor
from grader.records import Grade, Status
from grader.reports.review import review
from grader.settings import Settings
from tests.support.handed_in import folder_of
from tests.support.problem_set import NOTEBOOKS, PROBLEM_SET, hand_in, problem_set_course, sources

FIRST, SECOND = NOTEBOOKS


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_folder=None, cache=tmp_path_factory.mktemp("cache"), sandbox="none")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    course = problem_set_course(tmp_path_factory.mktemp("course"))
    hand_in(course, "student01", sources())
    hand_in(course, "student02", {FIRST: sources()[FIRST]})
    # The second notebook needs what only the first one defines: they share no kernel.
    borrowing = sources()
    borrowing[SECOND].cells[1].source = "def halve(numbers):\n    return numbers / factor\n\nfactor"
    hand_in(course, "student03", borrowing)
    folder_of(course.submitted, {f"student04/{PROBLEM_SET}/readme.txt": "not yet"})
    return course


@pytest.fixture(scope="module")
def grades(course: Course, settings: Settings) -> dict[str, Grade]:
    graded = grade_class(
        course, PROBLEM_SET, settings, Options(), runner=InlineExecutor(), tell=lambda *_: None
    )
    return {grade.student: grade for grade in graded}


def test_both_notebooks_make_one_grade(grades: dict[str, Grade]) -> None:
    grade = grades["student01"]

    assert (grade.status, grade.points, grade.max_points) == (Status.PASSED, 10, 10), grade.staff.log
    assert grade.notebooks == NOTEBOOKS
    assert [(one.id, one.notebook) for one in grade.exercises] == [("double", FIRST), ("halve", SECOND)]
    assert "notebook" not in str(grade.to_json())
    assert Grade.from_record(grade.to_record()) == grade


def test_a_notebook_that_is_missing_costs_its_own_exercises_and_is_named(grades: dict[str, Grade]) -> None:
    grade = grades["student02"]

    assert [(one.id, one.points) for one in grade.exercises] == [("double", 6), ("halve", 0)]
    assert [check.status for check in grade.checks] == [Status.PASSED, Status.FAILED]
    assert f"There is no {SECOND}.ipynb" in str(grade.checks[1].found)
    assert [f"{SECOND}.ipynb" in str(notice) for notice in grade.notices] == [True]


def test_each_notebook_has_a_kernel_of_its_own_and_cells_are_named_with_theirs(
    grades: dict[str, Grade],
) -> None:
    grade = grades["student03"]

    assert [(one.id, one.points) for one in grade.exercises] == [("double", 6), ("halve", 0)]
    assert [(cell.notebook, cell.error) for cell in grade.failed_cells] == [(SECOND, "NameError")]


def test_nothing_handed_in_is_told_notebook_by_notebook(grades: dict[str, Grade]) -> None:
    grade = grades["student04"]

    assert (grade.status, grade.points) == (Status.FAILED, 0)
    assert [str(check.hint).split(" in ")[0] for check in grade.checks] == [
        f"There is no {name}.ipynb" for name in NOTEBOOKS
    ]


def test_an_attempt_holds_all_notebooks_and_the_formgrader_finds_each(
    course: Course, grades: dict[str, Grade]
) -> None:
    folder = attempts.root(course.folder, PROBLEM_SET, "student02") / grades["student02"].attempt

    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.ipynb")) == [
        f"executed/{FIRST}.ipynb",
        f"submitted/{FIRST}.ipynb",
    ]
    autograded = course.folder / "autograded" / "student02" / PROBLEM_SET
    assert {path.stem for path in autograded.glob("*.ipynb")} == set(NOTEBOOKS)
    missing = nbformat.read(autograded / f"{SECOND}.ipynb", as_version=4)
    assert "There is no" in missing.cells[0].source


def test_the_gradebook_has_one_assignment_with_two_notebooks_also_when_it_is_rebuilt(
    course: Course, settings: Settings, grades: dict[str, Grade]
) -> None:
    def rows() -> list[tuple[str, str, float]]:
        with open_gradebook(course.db_url(None)) as gradebook:
            saved = gradebook.db.query(nbgrader_api().SubmittedNotebook).all()
            return sorted((row.student.id, row.name, row.score) for row in saved)

    before = rows()

    assert before[:2] == [("student01", FIRST, 6.0), ("student01", SECOND, 4.0)]
    assert ("student02", SECOND, 0.0) in before
    rebuild.rebuild_gradebook(course, settings)
    assert rows() == before


def test_every_notebook_has_a_page_that_links_to_the_others(
    course: Course, settings: Settings, grades: dict[str, Grade]
) -> None:
    pages = list(publish.write_pages(course, PROBLEM_SET, settings, ("student03",)))

    # `pages` is what this course's nbgrader_config.py calls the folder.
    folder = course.folder / "pages" / "student03" / PROBLEM_SET
    assert pages == [folder / f"{FIRST}.html", folder / f"{SECOND}.html"]
    first, second = (page.read_text() for page in pages)
    assert ("Twice a number" in first, "Half a number" in first) == (True, False)
    assert ("Twice a number" in second, "Half a number" in second) == (False, True)
    assert ("What you learned" in first, "What you learned" in second) == (True, False)
    assert 'href="problem-2.html"' in first
    assert 'href="Problem%201.html"' in second
    assert ("NameError" in second, "/ 12 points" in first, "/ 12 points" in second) == (True, True, True)


def test_the_review_reads_the_cells_of_all_notebooks(
    course: Course, settings: Settings, grades: dict[str, Grade]
) -> None:
    assert [row.student for row in review(course, PROBLEM_SET, settings).rows] == sorted(grades)


def test_other_files_in_either_notebooks_place_are_another_attempt(course: Course, tmp_path: Path) -> None:
    (submission,) = course.submissions(PROBLEM_SET, ("student01",))
    before = contents.contents(submission)
    path = submission.paths[SECOND]
    text = path.read_text()

    path.write_text(text + " ")

    try:
        assert contents.contents(submission) != before
    finally:
        path.write_text(text)
