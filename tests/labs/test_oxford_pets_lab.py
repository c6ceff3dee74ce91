"""The lab for real: its reference on real photos, its release, its cast, and nbgrader's own commands on it."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from grader.assignment.course import packaged_course
from grader.authoring import variants
from grader.grading import preparation
from grader.grading.submission import grade_submission
from grader.records import Grade, Status, Submission
from grader.settings import Settings
from tests.support.notebooks import REPOSITORY

REAL = REPOSITORY.parent / "shared" / "data" / "oxford_pets"
needs_photos = pytest.mark.skipif(not REAL.is_dir(), reason="needs real pet photos beside the checkout")
SECRET = b"a secret of the tests"


def grade(notebook: nbformat.NotebookNode, settings: Settings, folder: Path) -> Grade:
    """Grade a notebook of the lab as the class is graded, and return the verdicts."""
    work = preparation.prepare(
        packaged_course(), "oxford_pets", settings, card=None, secret=SECRET, desk=folder / "desk"
    )
    handed_in = folder / "submitted" / "student01" / "oxford_pets"
    handed_in.mkdir(parents=True)
    nbformat.write(notebook, handed_in / "oxford_pets.ipynb")
    return grade_submission(Submission("student01", "oxford_pets", handed_in), work).grade


def notebooks() -> tuple[nbformat.NotebookNode, nbformat.NotebookNode]:
    """Return the lab's source and its release."""
    course = packaged_course()
    folders = (course.source("oxford_pets"), course.release("oxford_pets"))
    source, release = (nbformat.read(folder / "oxford_pets.ipynb", as_version=4) for folder in folders)
    return source, release


def successes(found: Grade, check: str) -> tuple[int, int]:
    """Read `(173 of 210; ...)` from what a check measured, in full."""
    measured = next(one.exact for one in found.checks if one.id == check)
    words = str(measured).split("(", maxsplit=1)[1].split()
    return int(words[0]), int(words[2].rstrip(";"))


@needs_photos
@pytest.mark.slow
def test_the_reference_earns_everything_on_the_real_holdout(tmp_path: Path, toy_cache: Path) -> None:
    source, _ = notebooks()

    found = grade(source, Settings(REAL, toy_cache), tmp_path)

    assert (found.data, found.status, found.points) == ("oxford_pets", Status.PASSED, found.max_points)
    assert found.failed_cells == ()
    right, asked = successes(found, "top_1")
    assert 0.6 * 210 <= asked <= 210  # the secret decides how many of a class judge
    assert right / asked >= 0.82
    among, asked = successes(found, "top_3")
    assert among / asked >= 0.95


@pytest.mark.slow
def test_one_photo_a_class_is_weak_but_honest_and_earns_a_part(tmp_path: Path, toy_cache: Path) -> None:
    source, release = notebooks()
    recipe = packaged_course().source("oxford_pets") / "staff" / "recipes" / "one_photo_a_class.py"
    weak = variants.read_variant(recipe)

    found = grade(variants.apply(weak, source, release), Settings(None, toy_cache), tmp_path)

    assert 40 < found.points < 75
    assert next(one for one in found.checks if one.id == "top_1").hint


def test_the_releases_are_fresh_and_give_nothing_away() -> None:
    from grader.authoring import leaks, release

    course = packaged_course()

    for assignment in course.assignments():
        assert release.stale_files(course.folder, assignment) == []
        assert leaks.leaks(course.release(assignment), course.source(assignment)) == []
