"""nbgrader's exchange: the folder's name says who, for which assignment and when."""

from __future__ import annotations

import pytest

from grader.collecting import exchange
from tests.support.handed_in import FIRST, members_of

TIME = "2026-03-01 10:00:00.000000 UTC"


@pytest.mark.parametrize(
    "folder", [f"student01+cat_lab+{TIME}", f"inbound/student01+cat_lab+{TIME}+q7-x_Z0="]
)
def test_a_hand_in_is_its_users_at_the_time_of_the_folder(folder: str) -> None:
    members = members_of(
        {f"{folder}/cat_lab.ipynb": "{}", f"{folder}/timestamp.txt": "2001-01-01 00:00:00 UTC"}
    )

    (hand_in,) = exchange.read(members, "cat_lab").hand_ins

    assert exchange.fits(members)
    assert (hand_in.sender.made_id, hand_in.handed_in, list(hand_in.files)) == (
        "student01",
        FIRST,
        ["cat_lab.ipynb"],
    )


def test_each_time_is_a_hand_in_of_its_own() -> None:
    later = TIME.replace("10:", "11:")
    contents = exchange.read(
        members_of({f"s+cat_lab+{TIME}/cat_lab.ipynb": "", f"s+cat_lab+{later}/cat_lab.ipynb": ""}), "cat_lab"
    )

    assert len(contents.hand_ins) == 2


def test_other_assignments_are_passed_over_and_other_folders_are_said() -> None:
    contents = exchange.read(
        members_of({f"inbound/s+dog_lab+{TIME}/dog_lab.ipynb": "", "outbound/cat_lab/cat_lab.ipynb": ""}),
        "cat_lab",
    )

    assert contents.hand_ins == ()
    assert [(aside.path, aside.work) for aside in contents.asides] == [
        ("outbound/cat_lab/cat_lab.ipynb", False)
    ]


def test_a_time_that_is_none_is_said() -> None:
    (hand_in,) = exchange.read(members_of({"s+cat_lab+yesterday/cat_lab.ipynb": ""}), "cat_lab").hand_ins

    assert hand_in.handed_in is None
    assert "'yesterday'" in hand_in.notes[0]


def test_no_student_becomes_another_by_the_name_of_a_folder() -> None:
    inside = f"inbound/student02+cat_lab+{TIME}/cat_lab.ipynb"
    members = members_of(
        {f"inbound/student01+cat_lab+{TIME}/{inside}": "", f"inbound/s3+cat_lab+{TIME}/x.ipynb": ""}
    )

    assert {row.sender.label for row in exchange.read(members, "cat_lab").hand_ins} == {"student01", "s3"}
    assert not exchange.fits(members_of({f"student01/{inside}": "", "student02/x.ipynb": ""}))


def test_an_exchange_is_read_from_any_folder_around_inbound() -> None:
    members = members_of(
        {f"course/inbound/s+cat_lab+{TIME}/cat_lab.ipynb": "", "course/outbound/cat_lab/cat_lab.ipynb": ""}
    )

    assert exchange.fits(members)
    assert len(exchange.read(members, "cat_lab").hand_ins) == 1


def test_a_plus_in_a_file_is_no_exchange() -> None:
    assert not exchange.fits(members_of({"a+b+c": "", "student01/x.ipynb": ""}))
