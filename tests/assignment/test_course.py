"""A course is found by its folders; what is handed in is what lies in nbgrader's place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from grader.assignment.course import (
    MAX_LEVELS,
    Course,
    deeper_notebooks,
    find_course,
    notebooks,
    packaged_course,
)
from grader.errors import SpecError
from grader.settings import assignments_named
from tests.support.notebooks import toy_course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(toy_course(tmp_path / "course"))


def hand_in(course: Course, student: str, timestamp: str | bytes | None = None) -> Path:
    folder = course.folder / "submitted" / student / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.ipynb").write_text("{}")
    if timestamp is not None:
        content = timestamp if isinstance(timestamp, bytes) else timestamp.encode()
        (folder / "timestamp.txt").write_bytes(content)
    return folder


def test_a_course_is_found_from_any_folder_in_it(course: Course) -> None:
    assert find_course(None, course.folder / "solutions" / "toy").folder == course.folder
    assert find_course(course.folder, Path("/")).folder == course.folder


def test_a_folder_that_is_no_course_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"is no course: expected nbgrader_config\.py.*--course"):
        find_course(tmp_path, tmp_path)


def test_a_folder_that_is_not_there_is_not_called_no_course(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SpecError, match=r"nowhere does not exist.*`pawgrade new course .*nowhere` makes one"):
        find_course(tmp_path / "nowhere", tmp_path)
    with pytest.raises(SpecError, match="file is a file"):
        find_course(tmp_path / "file", tmp_path)


def test_a_chosen_folder_is_not_searched_upwards(course: Course) -> None:
    with pytest.raises(SpecError, match="is no course"):
        find_course(course.folder / "solutions", course.folder)


def test_the_packaged_course_has_assignments() -> None:
    assert "oxford_pets" in packaged_course().assignments()


def test_assignments_are_folders_with_a_description(course: Course) -> None:
    (course.folder / "solutions" / "notes").mkdir()

    assert course.assignments() == ("toy",)
    assert course.source("toy") == course.folder / "solutions" / "toy"


def test_assignments_come_in_the_order_of_the_course_then_by_name(course: Course) -> None:
    for name in ("beta", "alpha", "zeta"):
        shutil.copytree(course.source("toy"), course.folder / "solutions" / name)
    (course.folder / "pawgrade.toml").write_text('order = ["zeta", "to_come", "toy"]\n')

    assert course.assignments() == ("zeta", "toy", "alpha", "beta")
    assert course.chosen(None) == course.assignments()
    assert course.missing_in_order() == ("to_come",)


def test_the_packaged_course_begins_with_what_is_taught_first() -> None:
    order = assignments_named(packaged_course().folder, "order")

    assert packaged_course().assignments() == tuple(
        name for name in order if name not in packaged_course().missing_in_order()
    )


@pytest.mark.parametrize("name", ["other", "toy/../nothing", "*", "", "..", "toy/../toy", "./toy"])
def test_an_unknown_assignment_is_told_beside_those_there_are(course: Course, name: str) -> None:
    with pytest.raises(SpecError, match="the course has toy"):
        course.source(name)


def test_a_release_that_was_not_made_is_told(course: Course) -> None:
    with pytest.raises(
        SpecError, match="'toy' is not released: .*assignments/toy does not exist. Run `pawgrade release toy`"
    ):
        course.release("toy")
    with pytest.raises(SpecError, match="no assignment 'tyo' in .* Did you mean toy?"):
        course.release("tyo")


def test_the_command_that_makes_a_release_can_be_pasted(tmp_path: Path) -> None:
    (tmp_path / "solutions" / "Problem Set 1").mkdir(parents=True)

    with pytest.raises(SpecError, match="Run `pawgrade release 'Problem Set 1'`"):
        Course(tmp_path).release("Problem Set 1")


def test_submissions_are_listed_by_student(course: Course) -> None:
    for student in ("student02", "student01"):
        hand_in(course, student, "2026-01-01 10:00:00 UTC\n")

    found = course.submissions("toy")

    assert [one.student for one in found] == ["student01", "student02"]
    assert found[0].paths["toy"] == course.folder / "submitted" / "student01" / "toy" / "toy.ipynb"
    assert found[0].timestamp == "2026-01-01 10:00:00 UTC"


def test_nobody_has_handed_in_yet(course: Course) -> None:
    assert course.submissions("toy") == []


def test_the_only_notebook_of_a_folder_is_the_submission_whatever_its_name(course: Course) -> None:
    folder = hand_in(course, "student01")
    (folder / "toy.ipynb").rename(folder / "toy final (2).ipynb")
    (folder / ".hidden.ipynb").write_text("{}")
    (folder / "linked.ipynb").symlink_to(folder / "toy final (2).ipynb")

    (submission,) = course.submissions("toy")

    assert (submission.name, submission.paths) == (
        "toy final (2).ipynb",
        {"toy": folder / "toy final (2).ipynb"},
    )


@pytest.mark.parametrize("names", [("a.ipynb", "b.ipynb"), ("toy.ipynb", "a.ipynb")])
def test_of_several_notebooks_only_the_one_of_the_right_name_is_the_submission(
    course: Course, names: tuple[str, ...]
) -> None:
    folder = hand_in(course, "student01")
    (folder / "toy.ipynb").unlink()
    for name in names:
        (folder / name).write_text("{}")

    (submission,) = course.submissions("toy")

    assert (submission.name, submission.paths["toy"].name) == ("", "toy.ipynb")
    assert notebooks(folder) == sorted(names)


def test_notebooks_in_folders_are_found_and_links_and_hidden_ones_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "toy"
    for path in ("b/toy.ipynb", "a/b/toy.IPYNB", "a/notes.txt", "a/.ipynb_checkpoints/x.ipynb", "top.ipynb"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("{}")
    (folder / "link").symlink_to(folder / "b")
    (folder / "a" / "link.ipynb").symlink_to(folder / "b" / "toy.ipynb")
    deep = folder.joinpath("c", *["d"] * MAX_LEVELS)
    deep.mkdir(parents=True)
    (deep / "too_deep.ipynb").touch()
    (deep.parent / "deep.ipynb").touch()

    assert deeper_notebooks(folder) == ["b/toy.ipynb", "a/b/toy.IPYNB", "c/d/d/d/deep.ipynb"]
    assert deeper_notebooks(tmp_path / "nowhere") == []


def test_the_search_for_notebooks_ends_at_a_number_of_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.assignment.course.MAX_ENTRIES", 5)
    for number in range(9):
        (tmp_path / "sub").mkdir(exist_ok=True)
        (tmp_path / "sub" / f"{number}.ipynb").touch()

    assert len(deeper_notebooks(tmp_path)) == 4


@pytest.mark.parametrize("name", ["", "timestamp.txt", ".DS_Store"])
def test_an_empty_folder_is_no_hand_in_and_named(course: Course, name: str) -> None:
    hand_in(course, "student01")
    folder = course.folder / "submitted" / "student02" / "toy"
    folder.mkdir(parents=True)
    if name:
        (folder / name).touch()

    assert [submission.student for submission in course.submissions("toy")] == ["student01"]
    assert course.left_out("toy") == {
        "student02": "submitted/student02/toy is empty, which counts as not handed in. Put the notebook there, or delete the folder."
    }
    with pytest.raises(SpecError, match="'student02' is not graded: submitted/student02/toy is empty"):
        course.submissions("toy", ("student02",))


def test_a_folder_with_anything_in_it_is_a_hand_in(course: Course) -> None:
    folder = hand_in(course, "student01")
    (folder / "toy.ipynb").rename(folder / "notes.txt")

    assert [submission.student for submission in course.submissions("toy")] == ["student01"]


def test_what_lies_in_no_students_folder_of_an_assignment_is_named(course: Course) -> None:
    hand_in(course, "student01")
    submitted = course.folder / "submitted"
    for path in (
        "To-Y/student02/x.ipynb",
        "student03/TOY/x.ipynb",
        "student04/homework/x.ipynb",
        "student05/toy/toy.ipynb",
    ):
        (submitted / path).parent.mkdir(parents=True)
        (submitted / path).write_text("{}")
    for path in (
        "student06.ipynb",
        "all.zip",
        "README.md",
        "student04/x.ipynb",
        "student04/notes.txt",
        ".DS_Store",
    ):
        (submitted / path).write_text("")
    (course.folder / "source" / "ps1").mkdir(parents=True)  # nbgrader's own
    (submitted / "student01" / "ps1").mkdir()

    assert course.strays() == {
        "To-Y/": "an assignment's name in the place of a student's",
        "student03/TOY/": "no assignment is called so; toy is meant",
        "student04/homework/": "no assignment is called so",
        "student04/x.ipynb": "a file beside the folders of the assignments",
        "student06.ipynb": "a file in the place of a student's folder",
        "all.zip": "a file in the place of a student's folder",
    }


def test_only_those_who_were_asked_for_are_listed(course: Course) -> None:
    for student in ("student01", "student02", "student03"):
        hand_in(course, student)

    assert [one.student for one in course.submissions("toy", ("student03", "student01"))] == [
        "student03",
        "student01",
    ]


def test_a_student_who_handed_in_nothing_is_told(course: Course) -> None:
    with pytest.raises(SpecError, match="student 'student09' has handed in nothing for 'toy'.*student09/toy"):
        course.submissions("toy", ("student09",))


def test_a_submission_that_is_a_link_is_none(course: Course) -> None:
    folder = hand_in(course, "student01")
    (course.folder / "submitted" / "student02").mkdir()
    (course.folder / "submitted" / "student02" / "toy").symlink_to(folder)

    assert [one.student for one in course.submissions("toy")] == ["student01"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * 500])
def test_a_timestamp_that_is_none_stops_nobody(course: Course, content: bytes | None) -> None:
    hand_in(course, "student01", content)

    assert course.submissions("toy")[0].timestamp is None


def test_a_timestamp_that_is_a_link_is_not_read(course: Course, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (hand_in(course, "student01") / "timestamp.txt").symlink_to(tmp_path / "secret")

    assert course.submissions("toy")[0].timestamp is None


def test_the_gradebook_is_in_the_course_unless_another_is_chosen(course: Course) -> None:
    assert course.db_url(None) == f"sqlite:///{course.folder}/gradebook.db"
    assert course.db_url("postgresql://host/db") == "postgresql://host/db"
