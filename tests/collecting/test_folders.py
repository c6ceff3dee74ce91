"""A folder of files or folders by student, with or without folders around them."""

from __future__ import annotations

import pytest

from grader.collecting import folders
from grader.collecting.members import Contents
from tests.support.handed_in import FIRST, LATER, members_of


def read(files: dict[str, str], *roster: str) -> Contents:
    return folders.read(members_of(files), "cat_lab", {"dog_lab"}, lambda name: name in roster)


def by_student(contents: Contents) -> dict[str, list[str]]:
    return {hand_in.sender.label: list(hand_in.files) for hand_in in contents.hand_ins}


@pytest.mark.parametrize(
    "path",
    [
        "student01/whatever.ipynb",
        "Cat-Lab/student01/whatever.ipynb",
        "student01/cat_lab/whatever.ipynb",
        "submitted/student01/cat_lab/whatever.ipynb",
    ],
)
def test_a_students_folder_is_told_from_the_folders_around_it(path: str) -> None:
    assert by_student(read({path: "{}"})) == {"student01": ["whatever.ipynb"]}


@pytest.mark.parametrize(
    "name",
    ["student01.ipynb", "student01_cat_lab.ipynb", "cat-lab-student01.ipynb", "CAT LAB student01.ipynb"],
)
def test_a_flat_file_is_the_students_of_its_name(name: str) -> None:
    assert list(by_student(read({name: "{}", "student02.ipynb": "{}"}))) == ["student01", "student02"]


def test_a_folder_around_several_students_is_no_student() -> None:
    flat = read({"week 3/student01.ipynb": "", "week 3/student02.ipynb": ""})
    deep = read({"all/week 3/student01/x.ipynb": "", "all/week 3/student02/y.ipynb": ""})

    assert list(by_student(flat)) == list(by_student(deep)) == ["student01", "student02"]


def test_a_folder_of_a_student_whom_the_roster_knows_is_no_folder_around() -> None:
    contents = read({"student01/a.ipynb": "", "student01/b.ipynb": ""}, "student01")

    assert by_student(contents) == {"student01": ["a.ipynb", "b.ipynb"]}


def test_folders_of_other_assignments_are_left_alone() -> None:
    contents = read(
        {"s1/dog_lab/dog_lab.ipynb": "", "s1/cat_lab/cat_lab.ipynb": "", "s2/dog_lab/dog_lab.ipynb": ""}
    )

    assert by_student(contents) == {"s1": ["cat_lab.ipynb"]}
    assert [(aside.path, aside.why, aside.work) for aside in contents.asides] == [
        ("dog_lab", "2 files of another assignment of the course", False)
    ]


def test_a_file_that_names_no_student_is_somebodys_work() -> None:
    contents = read({"cat_lab.ipynb": "", "readme.txt": "", "student01/x.ipynb": ""})

    assert {aside.path: aside.work for aside in contents.asides} == {
        "cat_lab.ipynb": True,
        "readme.txt": False,
    }


def test_a_timestamp_beside_the_notebook_goes_before_the_files_time() -> None:
    timed, untimed = read(
        {
            "s1/x.ipynb": "",
            "s1/timestamp.txt": "2026-03-02 11:30:00 UTC",
            "s2/x.ipynb": "",
            "s2/timestamp.txt": "soon",
        }
    ).hand_ins

    assert (timed.handed_in, list(timed.files)) == (LATER, ["x.ipynb"])
    assert untimed.handed_in is None
    assert untimed.files["x.ipynb"].modified == FIRST


def test_one_name_in_two_places_is_taken_once_and_said() -> None:
    contents = read({"cat-lab/s1/x.ipynb": "a", "s1/x.ipynb": "b"})

    assert by_student(contents) == {"s1": ["x.ipynb"]}
    assert contents.asides[0].work
