"""`kernels install --env` and `--keep-files`: what is written, what is refused, what is said of it."""

from __future__ import annotations

from string import Template

import pytest

from grader.cli.commands import kernel_options
from grader.errors import SpecError


def test_a_value_is_written_and_a_bare_name_is_passed_on() -> None:
    assert kernel_options.variables(["MODE=exam", "COURSE_YEAR", "EMPTY="]) == {
        "MODE": "exam",
        "COURSE_YEAR": "${COURSE_YEAR}",
        "EMPTY": "",
    }


@pytest.mark.parametrize("value", ["a=b", "$HOME", "${HOME}", "$$", "50 $"])
def test_a_value_arrives_as_it_was_given(value: str) -> None:
    stanza = kernel_options.variables([f"PRICE={value}"])

    assert Template(stanza["PRICE"]).safe_substitute(HOME="/root") == value


@pytest.mark.parametrize("text", ["", "=x", "1A=x", "A B=x", "A\x1b[2J"])
def test_what_is_no_variable_is_refused_without_its_control_characters(text: str) -> None:
    with pytest.raises(SpecError, match="expected NAME=VALUE or NAME") as caught:
        kernel_options.variables([text])

    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("name", ["API_TOKEN", "my_password", "AWS_SECRET_ACCESS_KEY"])
def test_a_secret_is_not_written_to_a_file_and_not_passed_on_in_silence(name: str) -> None:
    with pytest.raises(SpecError, match="looks like a secret") as caught:
        kernel_options.variables([f"{name}=hunter2"])
    (line,) = kernel_options.openings(kernel_options.variables([name]), [])

    assert "hunter2" not in str(caught.value)
    assert f"--env {name}" in str(caught.value.hint)
    assert "It looks like a secret" in line


def test_each_opening_is_said_and_without_any_nothing_is() -> None:
    lines = kernel_options.openings(
        kernel_options.variables(["MODE=exam", "COURSE_YEAR"]), ["*.csv", "plots/*"]
    )

    assert [line.partition(".")[0] for line in lines[:2]] == [
        "Every notebook can read MODE, from the kernelspec",
        "Every notebook can read COURSE_YEAR, from the program that starts a kernel",
    ]
    assert "*.csv, plots/*" in lines[2]
    assert kernel_options.openings({}, []) == []


def test_patterns_are_taken_as_they_are_and_a_bad_one_is_named() -> None:
    assert kernel_options.keep_files(["*.csv", "plots/*"]) == ["*.csv", "plots/*"]
    with pytest.raises(SpecError, match=r"'\.\./\*' leads out"):
        kernel_options.keep_files(["*.csv", "../*"])
