"""The examples: assignments that the framework knows nothing of. One needs no data, one has a card of its own, one no images."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from grader import settings as all_settings
from grader.assignment.course import Course
from grader.authoring.leaks import leaks
from grader.authoring.release import stale_files
from grader.authoring.verify import verify
from grader.grading.runners import InlineExecutor
from grader.settings import Settings
from tests.support.notebooks import REPOSITORY

COURSE = Course(REPOSITORY / "examples")
IDS = ("digits", "edges", "words")
SECRET = b"0ad3050e71e89dadeaec4562aec7e59b"  # as in `make verify`


def settings(cache: Path, sandbox: str) -> Settings:
    found = all_settings.load(COURSE.folder, {"PAWGRADE_CACHE": str(cache), "PAWGRADE_SANDBOX": sandbox})
    return dataclasses.replace(found, secret=SECRET)


def test_these_are_all_of_the_course() -> None:
    assert COURSE.assignments() == IDS


@pytest.mark.parametrize("name", IDS)
def test_its_release_is_fresh(name: str) -> None:
    assert stale_files(COURSE.folder, name) == []


@pytest.mark.parametrize("name", IDS)
def test_its_release_gives_nothing_away(name: str) -> None:
    assert leaks(COURSE.release(name), COURSE.source(name)) == []


def test_a_cards_own_drawing_program_is_released_beside_it() -> None:
    program = Path("datasets", "digits.py")

    assert (COURSE.release("digits") / program).read_bytes() == (COURSE.folder / program).read_bytes()


def test_the_framework_names_none_of_them() -> None:
    files = sorted((REPOSITORY / "grader").rglob("*.py"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)

    assert not any(word in text for word in ("sobel", "digits10", "write_digits", "pleased"))


@pytest.mark.parametrize("name", ["edges", "words"])
def test_what_needs_no_data_is_checked_at_home_without_any(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(COURSE.source(name) / f"{name}.ipynb", 4)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    script = tmp_path / "solved.py"
    script.write_text("\n\n".join(cells), encoding="utf-8")
    environment = {**os.environ, "MPLBACKEND": "agg", "PAWGRADE_CACHE": str(tmp_path / "nothing")}

    done = subprocess.run(
        [sys.executable, script],
        cwd=COURSE.release(name),
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("points by the public checks") == 2
    assert "✗" not in done.stdout
    assert not (tmp_path / "nothing").exists()


def test_levels_without_a_data_card_are_held_against_their_calibration(tmp_path: Path) -> None:
    found = list(
        verify(
            COURSE,
            "words",
            settings(tmp_path, "none"),
            card=None,
            tell=lambda _: None,
            parts=("calibration",),
        )
    )

    assert len(found) == 3
    assert all(one.ok and one.kind == "calibration" for one in found)


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("name", IDS)
def test_verify_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
    if name == "digits":
        pytest.importorskip("sklearn")
    with contextlib.redirect_stdout(io.StringIO()):
        found = list(
            verify(
                COURSE,
                name,
                settings(tmp_path, "namespaces"),
                card=None,
                tell=lambda _: None,
                runner=InlineExecutor(),
            )
        )

    assert [f"{one.what}: {one.detail}" for one in found if not one.ok] == []
    assert "20 of 20" in next(one.detail for one in found if one.what == "source, all checks: full marks")
