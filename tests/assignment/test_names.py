"""Tests of names: as nbgrader's courses have them, and nothing that leads out of a folder."""

from __future__ import annotations

import pytest

from grader.assignment.names import MAX_NAME_CHARS, plain_name


@pytest.mark.parametrize(
    "name", ["HW1", "ps-1", "Problem Set 1", "Übung 3", "lab_2", "1.5 (extra)", "a" * 100]
)
def test_names_of_courses_that_exist_are_welcome(name: str) -> None:
    assert plain_name(name) == name


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("", "0 characters"),
        ("a" * (MAX_NAME_CHARS + 1), "101 characters"),
        ("..", "leading '.'"),
        (".hidden", "leading '.'"),
        ("--help", "leading '-'"),
        ("a/b", "'/'"),
        ("a\\b", "the character"),
        ("ps+1", "'+'"),
        (" ps1", "blank"),
        ("ps1.", "dot"),
        ("ps\n1", r"'\n'"),
        ("ps\u202e1", r"'\u202e'"),
        ("ps\ud8001", r"'\ud800'"),
        ("ps\u20281", r"'\u2028'"),
    ],
)
def test_what_is_no_plain_name_of_a_folder_is_refused_with_the_reason(name: str, found: str) -> None:
    with pytest.raises(ValueError, match="plain folder name") as caught:
        plain_name(name)

    assert found in str(caught.value)
