"""What students hand in, what grading makes and the course secret go into no repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from grader.authoring.starters.gitignore import completed

PRIVATE = (
    ".pawgrade/secret",
    "submitted/student01/week1/week1.ipynb",
    "autograded/student01/week1/week1.ipynb",
    "feedback/student01/week1/week1.html",
    "gradebook.db",
    "gradebook.db.bak.1",
    ".env",
)


def test_git_leaves_out_what_is_private_and_takes_the_rest(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text(completed(""))
    for name in (*PRIVATE, "solutions/week1/week1.ipynb", "pawgrade.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout

    git("init", "--quiet")
    git("add", ".")

    assert git("ls-files").split() == [".gitignore", "pawgrade.toml", "solutions/week1/week1.ipynb"]


def test_a_file_gets_the_lines_that_it_lacks_and_keeps_its_own() -> None:
    own = "*.tmp\nsubmitted/\n# ours\n"

    text = completed(own)

    assert text.startswith(own)
    assert text.count("submitted/\n") == 1
    assert ".pawgrade/\n" in text


def test_a_file_that_has_all_of_them_stays_as_it_is() -> None:
    text = completed(completed("")) + "mine\n"

    assert completed(text) == text
