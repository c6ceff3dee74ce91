"""Names of other people's choice become names of files; times are read and written as nbgrader does."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.collecting.members import (
    MAX_NAME_BYTES,
    clean_name,
    read_time,
    shared_folders,
    student_id,
    write_time,
)
from tests.support.handed_in import FIRST, members_of


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("student01", "student01"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a\x1b[2Jb", "a_[2Jb"),
        ("gpj.\u202eeman", "gpj._eman"),
        ("zero\u200bwidth", "zero_width"),
        ("Zoe\u0308  Example", "Zoë Example"),
        (".hidden", "hidden"),
        ("...", ""),
        ("C:\\tmp", "C__tmp"),
        ("line\nbreak", "line_break"),
    ],
)
def test_a_name_is_cleaned(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@given(st.text())
def test_a_clean_name_leads_nowhere_and_stays_as_it_is(name: str) -> None:
    clean = clean_name(name)

    assert not {"/", "\\", "\0", "\n"} & set(clean)
    assert clean not in {".", ".."}
    assert len(clean.encode()) <= MAX_NAME_BYTES
    assert clean_name(clean) == clean


def test_an_id_is_made_of_a_name() -> None:
    assert student_id("Example, Ada") == "example-ada"
    assert student_id("Zoë  van Example") == "zoë-van-example"


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01 10:00:00.000000 UTC",
        "2026-03-01 10:00:00 UTC\n",
        "2026-03-01T11:00:00+01:00",
        "2026-03-01 10:00:00",
    ],
)
def test_a_time_is_read(text: str) -> None:
    assert read_time(text) == FIRST


def test_what_is_no_time_is_none() -> None:
    assert read_time("tomorrow") is None
    assert read_time("0001-01-01T00:00:00+14:00") is None


@pytest.mark.parametrize(
    ("paths", "count"),
    [
        ((), 0),
        (("a",), 0),
        (("a/b/c",), 2),
        (("a/b/c", "a/b/d"), 2),
        (("a/b/c", "a/d"), 1),
        (("a/x", "b/x"), 0),
    ],
)
def test_folders_around_all_files_are_counted(paths: tuple[str, ...], count: int) -> None:
    assert shared_folders(members_of(dict.fromkeys(paths, ""))) == count


def test_a_time_is_written_as_nbgrader_writes_and_reads_it() -> None:
    pytest.importorskip("nbgrader")
    from grader.gradebook.formgrader import parse_timestamp

    berlin = FIRST.astimezone(datetime.timezone(datetime.timedelta(hours=1)))

    assert write_time(berlin) == "2026-03-01 10:00:00.000000 UTC"
    assert parse_timestamp(write_time(berlin)) == FIRST.replace(tzinfo=None)
