"""Which files may be copied out of a kernel: those that a pattern names, and never a link, a notebook or a hidden one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.sandbox import keepable


@pytest.mark.parametrize(
    ("path", "patterns", "kept"),
    [
        ("a.csv", ["*.csv"], True),
        ("deep/er/a.csv", ["*.csv"], True),
        ("a.csv", ["plots/*"], False),
        ("plots/p.png", ["plots/*"], True),
        ("plots/deep/p.png", ["plots/*"], True),
        ("other/plots/p.png", ["plots/*"], False),
        ("a.csv", [], False),
        ("a.CSV", ["*.csv"], False),
        (".a.csv", ["*"], False),
        (".git/a.csv", ["*"], False),
        ("plots/.a.csv", ["*"], False),
        ("../a.csv", ["*"], False),
        ("plots/../../a.csv", ["*"], False),
        ("/etc/a.csv", ["*"], False),
        ("plots//a.csv", ["*"], False),
        ("./a.csv", ["*"], False),
        ("", ["*"], False),
        ("in.ipynb", ["*", "in.ipynb"], False),
        ("in.IPYNB", ["*"], False),
        ("evil.py", ["*"], False),
        ("made.py", ["*.py"], True),
        ("conftest.PY", ["conftest*"], False),
        ("a\nb.csv", ["*"], False),
        ("a\u202eb.csv", ["*"], False),
        ("\udcff.csv", ["*"], False),
        ("/".join("d" * 15) + "/a.csv", ["*"], True),
        ("/".join("d" * 16) + "/a.csv", ["*"], False),
        ("x" * keepable.LONGEST, ["*"], True),
        ("x" * keepable.LONGEST + "x", ["*"], False),
    ],
)
def test_a_file_is_kept_when_a_pattern_names_it_and_it_is_harmless(
    path: str, patterns: list[str], kept: bool
) -> None:
    assert keepable.is_keepable(path, patterns) == kept


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("", "empty"),
        ("a\nb", "printed"),
        ("/etc/*", "leads out"),
        ("../*", "leads out"),
        ("plots/../..", "leads out"),
        (".*", "hidden"),
        ("plots/.git/*", "hidden"),
        ("*.ipynb", "notebooks"),
        ("in.IPYNB", "notebooks"),
    ],
)
def test_a_pattern_that_would_keep_nothing_or_too_much_is_explained(pattern: str, word: str) -> None:
    assert word in keepable.problem(pattern)


@pytest.mark.parametrize("pattern", ["*", "*.csv", "plots/*", "results/table-[0-9].csv"])
def test_usual_patterns_are_no_problem(pattern: str) -> None:
    assert keepable.problem(pattern) == ""


def test_the_list_has_plain_files_with_their_sizes_nearest_first(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("deep/a.csv", "z.csv", "brought.csv", ".hidden/b.csv", "c.txt"):
        (tmp_path / name).write_text("cats")
    os.utime(tmp_path / "brought.csv", (0, 0))  # as `kernel_app.unpack` lays it down
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    (tmp_path / "linked").symlink_to(tmp_path / "deep")
    os.mkfifo(tmp_path / "pipe.csv")

    assert keepable.listing(str(tmp_path), ["*.csv"]) == [("z.csv", 4), ("deep/a.csv", 4)]


def test_the_list_ends_one_after_the_most_and_goes_only_so_deep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepable, "MOST_FILES", 3)
    for number in range(9):
        (tmp_path / f"{number}.csv").write_text("")
    folder = tmp_path
    for _ in range(40):
        folder /= "d"
        folder.mkdir()
    (folder / "far.txt").write_text("")

    assert len(keepable.listing(str(tmp_path), ["*.csv"])) == 4
    assert keepable.listing(str(tmp_path), ["*.txt"]) == []
