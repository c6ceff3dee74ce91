"""Moodle's names of folders and files are read: who, which participant, what kind."""

from __future__ import annotations

import pytest

from grader.collecting import moodle
from tests.support.handed_in import members_of

ADA = "Ada Example_123456_assignsubmission_file_"


@pytest.mark.parametrize(
    "path",
    [
        f"{ADA}/cat_lab.ipynb",
        f"{ADA.removesuffix('_')}/cat_lab.ipynb",
        f"{ADA}cat_lab.ipynb",
        f"unpacked/{ADA}/cat_lab.ipynb",
    ],
)
def test_a_hand_in_is_its_participants(path: str) -> None:
    members = members_of({path: "{}"})

    (hand_in,) = moodle.read(members).hand_ins

    assert moodle.fits(members)
    assert list(hand_in.files) == ["cat_lab.ipynb"]
    assert hand_in.sender.keys == (("name", "Ada Example"), ("participant", "123456"))
    assert (hand_in.sender.made_id, hand_in.sender.tie) == ("ada-example", "123456")


def test_files_of_one_participant_are_one_hand_in() -> None:
    contents = moodle.read(
        members_of(
            {
                f"{ADA}/mine/a.ipynb": "",
                f"{ADA}/notes.txt": "",
                "Bo Example_7_assignsubmission_file_/b.ipynb": "",
            }
        )
    )

    assert [list(hand_in.files) for hand_in in contents.hand_ins] == [
        ["mine/a.ipynb", "notes.txt"],
        ["b.ipynb"],
    ]


def test_typed_text_and_feedback_are_said_and_not_collected() -> None:
    contents = moodle.read(
        members_of(
            {
                "Ada Example_1_assignsubmission_onlinetext_/onlinetext.html": "",
                "Ada Example_1_assignfeedback_file_/old.pdf": "",
            }
        )
    )

    assert contents.hand_ins == ()
    assert [aside.why for aside in contents.asides] == [
        "text typed into Moodle: only files are collected",
        "Moodle's feedback of kind file: only files are collected",
    ]
    assert not any(aside.work for aside in contents.asides)


def test_another_name_is_somebodys_work_that_fits_nothing() -> None:
    contents = moodle.read(members_of({"cat_lab.ipynb": "", f"{ADA}/a.ipynb": ""}))

    assert [(aside.path, aside.work) for aside in contents.asides] == [("cat_lab.ipynb", True)]
    assert not moodle.fits(members_of({"student01/cat_lab.ipynb": "", ADA: ""}))


def test_no_student_becomes_another_by_the_name_of_a_folder() -> None:
    inside = "Bo Example_18_assignsubmission_file_/x.ipynb"
    members = members_of({f"{ADA}/{inside}": "", "Cy Example_19_assignsubmission_file_/y.ipynb": ""})
    by_student = members_of({f"student01/{inside}": "", "student02/y.ipynb": "", "student03/y.ipynb": ""})

    assert {hand_in.sender.label for hand_in in moodle.read(members).hand_ins} == {
        "Ada Example",
        "Cy Example",
    }
    assert not moodle.fits(by_student)
    assert moodle.read(by_student).hand_ins == ()


def test_a_participant_of_blind_marking_has_a_name_with_an_underscore_kept() -> None:
    (hand_in,) = moodle.read(
        members_of({"Participant 12_12_assignsubmission_file_/my_work_1.ipynb": ""})
    ).hand_ins

    assert hand_in.sender.made_id == "participant-12"
    assert list(hand_in.files) == ["my_work_1.ipynb"]
