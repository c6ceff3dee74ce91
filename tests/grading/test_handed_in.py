"""Tests of what was handed in: which notebooks can be run, and why another cannot."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from grader.grading.handed_in import read_notebooks
from grader.grading.preparation import Work
from grader.notebooks.cells import PutBack
from grader.records import Submission
from tests.support.handed_in import folder_of
from tests.support.problem_set import NOTEBOOKS, PROBLEM_SET, sources

FIRST, SECOND = NOTEBOOKS


class Released:
    """The fields of `Work` that reading needs: preparing a whole one takes a released course."""

    releases = sources()
    put_back = PutBack.ALL


def read(folder: Path, contents: dict[str, str | bytes]) -> dict[str, str]:
    """Hand files in, and return why notebooks are refused; checks that the others can be run."""
    import nbformat

    for name, content in contents.items():
        text = nbformat.writes(sources()[name]) if content == "the source" else content
        (folder / f"{name}.ipynb").write_bytes(text.encode() if isinstance(text, str) else text)
    submission = Submission("student01", PROBLEM_SET, folder, notebooks=NOTEBOOKS)
    result = read_notebooks(submission, cast("Work", Released()))
    assert set(result.notebooks) | set(result.refused) == set(NOTEBOOKS)
    assert set(result.submitted) >= set(result.notebooks)
    return {name: str(words) for name, words in result.refused.items()}


def test_all_of_them_can_be_run(tmp_path: Path) -> None:
    assert read(tmp_path, {FIRST: "the source", SECOND: "the source"}) == {}


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({FIRST: "the source"}, f"There is no {SECOND}.ipynb"),
        ({FIRST: "the source", SECOND: b"\x89PNG"}, f"The notebook {SECOND}.ipynb could not be read"),
    ],
    ids=["missing", "damaged"],
)
def test_one_that_cannot_be_run_is_named_and_the_other_is_read(
    tmp_path: Path, contents: dict[str, str | bytes], words: str
) -> None:
    refused = read(tmp_path, contents)

    assert list(refused) == [SECOND]
    assert words in refused[SECOND]


def test_of_several_notebooks_the_missing_one_alone_is_looked_for_in_folders(tmp_path: Path) -> None:
    folder_of(tmp_path, {"sub/other.ipynb": "{}"})
    assert "folders" not in read(tmp_path, {FIRST: "the source"})[SECOND]

    folder_of(tmp_path, {f"sub/{SECOND}.ipynb": "{}"})

    assert f"only in folders of it: sub/{SECOND}.ipynb." in read(tmp_path, {FIRST: "the source"})[SECOND]


def test_repairs_name_their_notebook(tmp_path: Path) -> None:
    changed = sources()[SECOND]
    changed.cells[-1].source = "print('changed')"
    released = Released()
    import nbformat

    nbformat.write(changed, tmp_path / f"{SECOND}.ipynb")
    submission = Submission("student01", PROBLEM_SET, tmp_path, notebooks=NOTEBOOKS)

    result = read_notebooks(submission, cast("Work", released))

    assert {repair.notebook for repair in result.repairs} == {SECOND}
