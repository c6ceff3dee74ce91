"""The pages of a class: who gets one, and with which photos."""

from __future__ import annotations

from pathlib import Path

from grader.assignment import spec
from grader.assignment.course import packaged_course
from grader.feedback import publish
from grader.settings import Settings
from tests.support.pages import grade


def test_feedback_does_without_photos_rather_than_download_them(tmp_path: Path) -> None:
    assignment = spec.load_assignment(packaged_course().source("oxford_pets"))

    found = publish._training_photos(
        assignment, grade(data="oxford_pets"), Settings(None, tmp_path / "cache")
    )

    assert found is None
    assert not (tmp_path / "cache").exists()  # a download would begin with a folder
