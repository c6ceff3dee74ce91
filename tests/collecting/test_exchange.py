"""nbgrader's exchange: the folder's name says who, for which assignment and when."""

from __future__ import annotations

import datetime
import os
import pwd
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from grader.collecting import exchange
from grader.collecting.folder_files import listed
from grader.collecting.members import Member, write_time
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


NOBODY_HAS = 2**31 - 7  # a number of no account here


def written(folder: Path, name: str) -> tuple[tuple[Member, ...], exchange.Evidence]:
    """Put a hand-in into a folder, and return its files and what its name is held against."""
    (folder / name).mkdir(parents=True)
    (folder / name / "cat_lab.ipynb").write_text("{}")
    return listed(folder)[0], exchange.Evidence(lambda path: (folder / path).lstat())


@pytest.mark.parametrize("user", [pwd.getpwuid(os.getuid()).pw_name, "student02"])
def test_a_folder_is_its_students_only_where_they_own_it(tmp_path: Path, user: str) -> None:
    members, evidence = written(tmp_path, f"{user}+cat_lab+{TIME}")
    me = pwd.getpwuid(os.getuid()).pw_name

    (hand_in,) = exchange.read(members, "cat_lab", evidence).hand_ins
    (of_anybody,) = exchange.read(members, "cat_lab", replace(evidence, any_owner=True)).hand_ins

    assert hand_in.refusal == (
        "" if user == me else f"the folder belongs to {me}, not to student02; --any-owner takes it"
    )
    assert of_anybody.refusal == ""


def test_a_file_of_somebody_elses_in_a_students_folder_is_said(tmp_path: Path) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    members, evidence = written(tmp_path, f"{me}+cat_lab+{TIME}")

    def status(path: PurePosixPath) -> os.stat_result:
        values = list((tmp_path / path).lstat())
        values[4] = NOBODY_HAS if path.suffix == ".ipynb" else values[4]
        return os.stat_result(values)

    (hand_in,) = exchange.read(members, "cat_lab", replace(evidence, status=status)).hand_ins

    assert hand_in.refusal.startswith(
        f"cat_lab.ipynb belongs to an account without a name here ({NOBODY_HAS})"
    )


def test_a_time_in_the_future_gives_way_to_that_of_the_folder(tmp_path: Path) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    name = f"{me}+cat_lab+2999-01-01 00:00:00.000000 UTC"
    members, evidence = written(tmp_path, name)
    os.utime(tmp_path / name, (FIRST.timestamp(), FIRST.timestamp()))

    (hand_in,) = exchange.read(members, "cat_lab", evidence).hand_ins
    (of_an_archive,) = exchange.read(members, "cat_lab").hand_ins

    assert (hand_in.handed_in, hand_in.refusal) == (FIRST, "")
    assert "2999-01-01 00:00 is in the future" in hand_in.notes[0]
    assert "is in the future, and nothing else says when" in of_an_archive.refusal


def test_clocks_that_differ_by_a_minute_are_no_future(tmp_path: Path) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=1)
    members = members_of({f"s+cat_lab+{write_time(soon)}/cat_lab.ipynb": ""})

    (hand_in,) = exchange.read(members, "cat_lab").hand_ins

    assert (hand_in.handed_in, hand_in.notes, hand_in.refusal) == (soon, (), "")
