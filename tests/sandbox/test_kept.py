"""Whose a control group is follows from its name, and a number that another program has by now is nobody's."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from grader.sandbox.host.kept import has_keeper

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")


def test_a_group_has_a_keeper_while_that_lives() -> None:
    line = [
        sys.executable,
        "-c",
        "input('ready\\n')",
        "-m",
        "grader.sandbox.host.keeper",
    ]  # as its command line reads

    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout is not None
        keeper.stdout.readline()
        living = has_keeper(f"pawgrade-{keeper.pid}-3")
        keeper.communicate(b"\n")

    assert living
    assert not has_keeper(f"pawgrade-{keeper.pid}-3")


@pytest.mark.parametrize(
    "group", ["pawgrade", "pawgrade-", "pawgrade-x-1", f"pawgrade-{2**22 + 1}-1", "../.."]
)
def test_a_group_of_another_name_has_none(group: str) -> None:
    assert not has_keeper(group)


def test_another_program_under_the_number_is_no_keeper() -> None:
    assert not has_keeper(f"pawgrade-{os.getpid()}-1")
