"""Into a kernel goes the folder that a program names for a notebook, and nothing that is not the notebook's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.sandbox.belongings import SESSION, NotTaken, named_folder, travels
from grader.sandbox.host import workdir_archive
from tests.support.furnished import furnished_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return furnished_course(tmp_path)


def taken(folder: Path) -> set[str]:
    """Name what of a folder would be packed."""
    import tarfile

    with (
        workdir_archive.packed(named_folder(folder), 1, travels) as found,
        os.fdopen(os.dup(found.descriptor), "rb") as file,
    ):
        return {one.name for one in tarfile.open(fileobj=file) if one.isfile()}


@pytest.mark.parametrize("cwd", [None, "", "/no/such/folder", 5])
def test_where_no_folder_is_named_nothing_is_taken(cwd: object) -> None:
    with pytest.raises(NotTaken):
        named_folder(cwd)


@pytest.mark.parametrize(
    "folder",
    ["/", "/root", "/home", "/etc", "/tmp", "/usr", str(Path.home()), str(Path.home().parent)],  # noqa: S108
)
def test_homes_and_top_folders_are_never_taken(folder: str) -> None:
    with pytest.raises(NotTaken):
        named_folder(folder)


def test_the_home_of_an_account_is_not_taken_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, link = tmp_path / "people" / "ann", tmp_path / "link"
    home.mkdir(parents=True)
    link.symlink_to(home)
    monkeypatch.setenv("HOME", str(home))

    for folder in (home, link, home.parent):
        with pytest.raises(NotTaken, match="no notebook's own folder"):
            named_folder(folder)


@pytest.mark.parametrize(
    "folder",
    [
        ".",
        "solutions",
        "assignments",
        "submitted",
        "submitted/student01",
        "autograded",
        ".pawgrade",
        ".ssh",
        "scratch",
        "solutions/pets/staff",
    ],
)
def test_of_a_course_only_the_folder_of_one_notebook_is_taken(course: Path, folder: str) -> None:
    with pytest.raises(NotTaken, match="belongs to the course"):
        named_folder(course / folder)


@pytest.mark.parametrize(
    "folder", ["solutions/pets", "submitted/student01/pets", "autograded/student01/pets", "assignments/pets"]
)
def test_a_notebooks_own_folder_comes_without_staffs_and_hidden_files(course: Path, folder: str) -> None:
    assert taken(course / folder) == {"pets.ipynb"}


def test_a_course_below_a_notebooks_folder_stays_behind(course: Path) -> None:
    (course.parent / "helper.py").touch()

    assert taken(course.parent) == {"helper.py"}


def test_a_folder_beside_the_notebook_that_a_server_names_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    notebook = str(tmp_path / "deep" / "a.ipynb")

    with pytest.raises(NotTaken, match="not where"):
        named_folder(tmp_path, {SESSION: notebook})
    assert named_folder(tmp_path / "deep", {SESSION: notebook}) == tmp_path / "deep"
    monkeypatch.setenv(SESSION, notebook)  # of the notebook that started this process
    assert named_folder(tmp_path, dict(os.environ)) == tmp_path
