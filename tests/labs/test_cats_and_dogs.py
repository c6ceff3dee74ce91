"""A course graded on the public cats and dogs: two classes instead of breeds, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import SpecError
from grader.grading.preparation import prepare
from grader.grading.submission import grade_submission
from grader.records import Status
from grader.settings import Settings
from tests.support.breeds import some_cats_and_dogs
from tests.support.tiny import SECRET, hand_in, source_notebook, tiny_course

CARD = '\n[data.cats_and_dogs]\nlabel_space = "species2"\n'


@pytest.mark.slow
def test_a_submission_is_graded_on_cats_and_dogs(tmp_path: Path) -> None:
    course = tiny_course(tmp_path / "course")
    for folder in (course.source("tiny"), course.release("tiny")):
        with (folder / "assignment.toml").open("a", encoding="utf-8") as file:
            file.write(CARD)
    some_cats_and_dogs(tmp_path / "photos" / "PetImages")
    hand_in(course, "ada", source_notebook())
    settings = Settings(tmp_path / "photos", tmp_path / "cache", sandbox="none")

    work = prepare(
        course, "tiny", settings, card="cats_and_dogs", secret=SECRET.encode(), desk=tmp_path / "desk"
    )
    (submission,) = course.submissions("tiny")
    found = grade_submission(submission, work).grade

    assert (work.context.classes, work.context.groups) == (("cat", "dog"), ("cat", "dog"))
    assert (found.data, found.status, found.points) == ("cats_and_dogs", Status.PASSED, found.max_points)


def test_a_folder_with_other_photos_is_refused(tmp_path: Path) -> None:
    course = tiny_course(tmp_path / "course")
    with (course.source("tiny") / "assignment.toml").open("a", encoding="utf-8") as file:
        file.write(CARD)
    settings = Settings(tmp_path, tmp_path / "cache", sandbox="none")

    with pytest.raises(SpecError, match=r"cats_and_dogs: expected photos such as Cat/12\.jpg"):
        prepare(
            course, "tiny", settings, card="cats_and_dogs", secret=SECRET.encode(), desk=tmp_path / "desk"
        )
