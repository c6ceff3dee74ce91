"""Tags in repositories are hand-ins: the latest commit counts, and nothing of a repository is run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.collecting import repositories
from grader.collecting.repositories import GitRefused, is_repository, run_git
from grader.errors import SpecError, SubmissionError
from tests.support.handed_in import FIRST, LATER, git, repository_of

TAG = "submit/2026-03-01T10-00-00Z-0a1b2c3"


def test_the_tag_on_the_latest_commit_counts_whatever_it_is_called(tmp_path: Path) -> None:
    clone = repository_of(tmp_path / "cat-lab-student01", {"cat_lab.ipynb": "first"}, "submit/z")
    repository_of(clone, {"cat_lab.ipynb": "second"}, "submit/a", LATER)
    repository_of(clone, {"cat_lab.ipynb": "third"}, "draft", LATER.replace(month=4))

    (hand_in,) = repositories.read(tmp_path, "cat-lab").hand_ins

    assert hand_in.files["cat_lab.ipynb"].read(99) == b"second"
    assert (hand_in.handed_in, hand_in.notes) == (LATER, ("tag submit/a",))
    assert hand_in.sender.keys[0] == ("github", "student01")


def test_a_tag_with_words_of_its_own_leads_to_its_commit(tmp_path: Path) -> None:
    clone = repository_of(tmp_path / "fall-cat-lab-student01", {"cat_lab.ipynb": "{}"}, moment=FIRST)
    git(clone, "tag", "-a", TAG, "-m", "handed in", moment=LATER)

    (hand_in,) = repositories.read(tmp_path, "cat-lab").hand_ins

    assert hand_in.handed_in == FIRST


def test_bare_repositories_are_read_and_one_alone_too(tmp_path: Path) -> None:
    clone = repository_of(tmp_path / "clone", {"cat_lab.ipynb": "{}"}, TAG)
    git(tmp_path, "clone", "--bare", str(clone), str(tmp_path / "all" / "Cat-Lab-student01.git"))

    for folder in (tmp_path / "all", tmp_path / "all" / "Cat-Lab-student01.git"):
        (hand_in,) = repositories.read(folder, "cat-lab").hand_ins
        assert hand_in.sender.label == "student01"


def test_a_name_without_the_assignment_and_a_repository_without_the_tag_are_named(tmp_path: Path) -> None:
    repository_of(tmp_path / "dog-lab-student01", {"a": "1"}, TAG)
    repository_of(tmp_path / "cat-lab-student02", {"a": "1"}, "v1")

    asides = {aside.path: aside for aside in repositories.read(tmp_path, "cat-lab").asides}

    assert "--slug" in asides["dog-lab-student01"].why
    assert "no tag 'submit/*'; its tags: v1. --tag" in asides["cat-lab-student02"].why
    assert all(aside.work for aside in asides.values())


def test_another_pattern_chooses_other_tags(tmp_path: Path) -> None:
    repository_of(tmp_path / "cat-lab-student01", {"cat_lab.ipynb": "{}"}, "v1")

    assert repositories.read(tmp_path, "cat-lab", "v*").hand_ins[0].notes == ("tag v1",)


def test_a_repository_that_git_refuses_stops_nobody(tmp_path: Path) -> None:
    repository_of(tmp_path / "cat-lab-student01", {"cat_lab.ipynb": "{}"}, TAG)
    broken = repository_of(tmp_path / "cat-lab-student02", {"cat_lab.ipynb": "{}"}, TAG)
    (broken / ".git" / "config").write_text("[core\n")

    contents = repositories.read(tmp_path, "cat-lab")

    assert len(contents.hand_ins) == 1
    assert contents.asides[0].path == "cat-lab-student02"
    assert "git cannot read it" in contents.asides[0].why


def test_links_and_large_files_are_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "cat-lab-student01"
    folder.mkdir()
    (folder / "cat_lab.ipynb").symlink_to("/etc/passwd")
    git(folder, "init")
    repository_of(folder, {"notes.txt": "0" * 100}, TAG)

    (hand_in,) = repositories.read(tmp_path, "cat-lab").hand_ins

    assert list(hand_in.files) == ["notes.txt"]
    assert hand_in.notes == (f"tag {TAG}", "1 links or submodules left out")
    with pytest.raises(SubmissionError, match="at most 99 bytes, found 100"):
        hand_in.files["notes.txt"].read(99)


def test_no_program_of_a_repository_is_run(tmp_path: Path) -> None:
    clone = repository_of(
        tmp_path / "cat-lab-student01",
        {"cat_lab.ipynb": "{}", ".gitattributes": "*.ipynb filter=evil export-subst"},
        TAG,
    )
    trap = tmp_path / "trap"
    program = f"touch {trap}; cat"
    for setting in (
        "filter.evil.smudge",
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "core.gitProxy",
        "alias.ls-tree",
        "alias.cat-file",
    ):
        git(clone, "config", setting, program if setting.startswith(("filter", "core")) else f"!{program}")
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        path = clone / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\ntouch {trap}\n")
        path.chmod(0o755)

    (hand_in,) = repositories.read(tmp_path, "cat-lab").hand_ins

    assert hand_in.files["cat_lab.ipynb"].read(99) == b"{}"
    assert not trap.exists()
    # The trap is one: who checks the file out falls into it.
    (clone / "cat_lab.ipynb").unlink()
    git(clone, "-c", "core.fsmonitor=false", "checkout", "--", "cat_lab.ipynb")
    assert trap.exists()


def test_a_slug_is_made_of_an_id() -> None:
    assert repositories.slug_of("Oxford_pets") == "oxford-pets"


def test_clones_and_bare_repositories_are_repositories(tmp_path: Path) -> None:
    clone = repository_of(tmp_path / "clone", {"a": "1"})
    git(tmp_path, "clone", "--bare", str(clone), str(tmp_path / "bare.git"))
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / ".git").write_text(f"gitdir: {clone}/.git")

    assert is_repository(clone)
    assert is_repository(tmp_path / "bare.git")
    assert not is_repository(tmp_path / "linked")
    assert not is_repository(tmp_path)
    assert run_git(tmp_path / "bare.git", "cat-file", "blob", "HEAD:a") == b"1"


def test_a_repository_of_another_user_is_told_with_the_command_that_trusts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = repository_of(tmp_path / "clone", {"a": "1"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)  # it may trust every folder
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own way to try it

    with pytest.raises(GitRefused, match=r"another user.*safe\.directory .*clone"):
        run_git(clone, "for-each-ref")


def test_the_repository_around_a_folder_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = repository_of(tmp_path / "course", {"inside/a": "secret"})
    monkeypatch.setenv("GIT_DIR", str(course / ".git"))

    with pytest.raises(GitRefused, match="git cannot read it"):
        run_git(course / "inside", "cat-file", "blob", "HEAD:inside/a")


def test_what_git_says_steers_no_terminal(tmp_path: Path) -> None:
    clone = repository_of(tmp_path / "clone", {"a": "1"})

    with pytest.raises(GitRefused) as caught:
        run_git(clone, "cat-file", "blob", "no\x1b[2J\u202ething")

    assert not {"\x1b", "\u202e"} & set(str(caught.value))


def test_without_git_its_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SpecError, match="apt-get install git"):
        run_git(tmp_path, "for-each-ref")
