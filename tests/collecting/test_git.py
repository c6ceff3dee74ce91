"""Git is asked about repositories of other people without any program that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.collecting import git
from grader.errors import SpecError
from tests.support.handed_in import git as run_git
from tests.support.handed_in import repository_of


def test_clones_and_bare_repositories_are_repositories(tmp_path: Path) -> None:
    clone = repository_of(tmp_path / "clone", {"a": "1"})
    run_git(tmp_path, "clone", "--bare", str(clone), str(tmp_path / "bare.git"))
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").write_text(f"gitdir: {clone}/.git")

    assert git.is_repository(clone)
    assert git.is_repository(tmp_path / "bare.git")
    assert not git.is_repository(tmp_path / "linked")
    assert not git.is_repository(tmp_path)
    assert git.run(tmp_path / "bare.git", "cat-file", "blob", "HEAD:a") == b"1"


def test_a_repository_of_another_user_is_told_with_the_command_that_trusts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = repository_of(tmp_path / "clone", {"a": "1"})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own way to try it

    with pytest.raises(git.GitRefused, match=r"another user.*safe\.directory .*clone"):
        git.run(clone, "for-each-ref")


def test_the_repository_around_a_folder_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = repository_of(tmp_path / "course", {"inside/a": "secret"})
    monkeypatch.setenv("GIT_DIR", str(course / ".git"))

    with pytest.raises(git.GitRefused, match="git cannot read it"):
        git.run(course / "inside", "cat-file", "blob", "HEAD:inside/a")


def test_what_git_says_steers_no_terminal(tmp_path: Path) -> None:
    clone = repository_of(tmp_path / "clone", {"a": "1"})

    with pytest.raises(git.GitRefused) as caught:
        git.run(clone, "cat-file", "blob", "no\x1b[2J\u202ething")

    assert not {"\x1b", "\u202e"} & set(str(caught.value))


def test_without_git_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SpecError, match="apt-get install git"):
        git.run(tmp_path, "for-each-ref")
