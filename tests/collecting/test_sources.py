"""A source is opened, and its system told by what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.assignment.course import Course
from grader.collecting import sources
from grader.collecting.members import Kind
from grader.collecting.sources import Reading
from grader.errors import SpecError
from tests.support.handed_in import cat_course, folder_of, repository_of, zip_of

NAMES: dict[Kind, str] = {
    "moodle": "Ada Example_1_assignsubmission_file_/x.ipynb",
    "canvas": "exampleada_1_2_cat_lab-1.ipynb",
    "nbgrader": "inbound/student01+cat_lab+2026-03-01 10:00:00 UTC/x.ipynb",
    "folder": "student01/x.ipynb",
}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return cat_course(tmp_path / "course")


@pytest.mark.parametrize("kind", NAMES)
def test_a_system_is_told_by_its_names_in_archives_and_folders(
    course: Course, tmp_path: Path, kind: Kind
) -> None:
    files = {NAMES[kind]: "{}"}

    for source in (zip_of(tmp_path / "a.zip", files), folder_of(tmp_path / "in", files)):
        with sources.opened(source, course, "cat_lab", Reading()) as contents:
            assert contents.kind == kind
            (hand_in,) = contents.hand_ins
            assert next(iter(hand_in.files.values())).read(9) == b"{}"
            assert list(hand_in.files) == ["cat_lab.ipynb" if kind == "canvas" else "x.ipynb"]


def test_what_is_said_goes_before_what_is_told(course: Course, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "in", {"a_1_2_cat_lab.ipynb": "{}", "student01.ipynb": "{}"})

    with sources.opened(source, course, "cat_lab", Reading("folder")) as contents:
        assert {hand_in.sender.label for hand_in in contents.hand_ins} == {"a_1_2", "student01"}


def test_repositories_are_told_and_refused_in_an_archive(course: Course, tmp_path: Path) -> None:
    repository_of(tmp_path / "all" / "cat-lab-student01", {"x.ipynb": "{}"}, "submit/1")

    with sources.opened(tmp_path / "all", course, "cat_lab", Reading()) as contents:
        assert contents.kind == "git"
        assert len(contents.hand_ins) == 1
    archive = zip_of(tmp_path / "a.zip", {"x": ""})
    with (
        pytest.raises(SpecError, match="from a folder"),
        sources.opened(archive, course, "cat_lab", Reading("git")),
    ):
        pass
    empty = folder_of(tmp_path / "empty", {"x": ""})
    with (
        pytest.raises(SpecError, match="no git repository"),
        sources.opened(empty, course, "cat_lab", Reading("git")),
    ):
        pass


def test_what_a_folder_or_archive_refuses_is_among_what_is_left_out(course: Course, tmp_path: Path) -> None:
    source = zip_of(tmp_path / "a.zip", {"../x.ipynb": "", "student01/y.ipynb": ""})

    with sources.opened(source, course, "cat_lab", Reading()) as contents:
        assert [aside.path for aside in contents.asides] == ["../x.ipynb"]


def test_an_archive_without_its_end_is_a_broken_download(course: Course, tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", {NAMES["moodle"]: "{}" * 100})
    archive.write_bytes(archive.read_bytes()[:-30])

    with (
        pytest.raises(SpecError, match="a whole zip archive") as raised,
        sources.opened(archive, course, "cat_lab", Reading()),
    ):
        pass
    assert "get the archive again" in str(raised.value.hint)


def test_what_is_no_source_is_told(course: Course, tmp_path: Path) -> None:
    (tmp_path / "one.ipynb").write_text("{}")

    for name, why in (("one.ipynb", "expected a zip archive or a folder"), ("nothing", "does not exist")):
        with (
            pytest.raises(SpecError, match=why),
            sources.opened(tmp_path / name, course, "cat_lab", Reading()),
        ):
            pass
