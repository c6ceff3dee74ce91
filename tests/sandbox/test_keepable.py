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
        ("Makefile", ["*", "M*"], False),
        ("Makefile", ["Makefile"], True),
        ("lib.so.6", ["*", "lib*"], False),
        ("start.ipy", ["*"], False),
        ("run.bat", ["*", "run*"], False),
        ("ci.yml", ["*"], False),
        ("page.html", ["*", "*.*"], False),
        ("page.html", ["*.html"], True),
        ("plots/p.svg", ["plots/*"], False),
        ("plots/p.svg", ["plots/*.svg"], True),
        ("weights.pkl", ["*"], False),
        ("weights.pt", ["weights*"], False),
        ("table.PNG", ["*"], True),
        ("a.tar.gz", ["*"], False),
        ("jupyter_server_config.json", ["*.json"], False),
        ("requirements.txt", ["*.txt"], False),
        ("requirements.txt", ["requirements.txt"], True),
        ("CMakeLists.txt", ["*"], False),
        ("timestamp.txt", ["*.txt"], False),
        ("x.dist-info/entry_points.txt", ["*", "x.dist-info/entry_points.txt"], False),
        ("a\nb.csv", ["*"], False),
        ("a\u202eb.csv", ["*"], False),
        ("\udcff.csv", ["*"], False),
        ("/".join("d" * 15) + "/a.csv", ["*"], True),
        ("/".join("d" * 16) + "/a.csv", ["*"], False),
        ("x" * (keepable.LONGEST - 4) + ".csv", ["*"], True),
        ("x" * (keepable.LONGEST - 3) + ".csv", ["*"], False),
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


def test_after_the_files_that_may_be_kept_stand_some_that_are_no_data(tmp_path: Path) -> None:
    for name in ("z.csv", "Makefile", ".hidden", *(f"m{number:02}.py" for number in range(40))):
        (tmp_path / name).write_text("cats")

    listed = [path for path, _ in keepable.listing(str(tmp_path), ["*"])]

    assert listed[:3] == ["z.csv", "Makefile", "m00.py"]
    assert len(listed) == 1 + keepable.WITHHELD


@pytest.mark.parametrize(
    ("path", "head", "right"),
    [
        ("p.png", b"\x89PNG\r\n\x1a\n....", True),
        ("p.png", b"<svg onload=alert(1)>", False),
        ("p.png", b"", False),
        ("p.PNG", b"\x7fELF", False),
        ("a.npy", b"\x93NUMPY\x01\0", True),
        ("a.npy", b"\x80\x04pickled", False),
        ("m.safetensors", b"\x40\0\0\0\0\0\0\0{}", True),
        ("p.webp", b"RIFF....WEBP", True),
        ("a.csv", b"a,b\n1,2", True),
        ("a.csv", b"", True),
        ("a.csv", "katze,größe".encode("utf-16"), True),
        ("a.csv", b"MZ\x90\0", False),
        ("a.txt", b"#!/bin/sh\n", False),
        ("made.py", b"#!/usr/bin/python", True),
    ],
)
def test_a_file_of_data_begins_as_its_name_says(path: str, head: bytes, right: bool) -> None:
    assert keepable.begins_as_named(path, head) == right


def test_numpys_own_files_and_pictures_begin_so(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    np.save(tmp_path / "a.npy", np.zeros(3))
    np.savez(tmp_path / "b.npz", a=np.zeros(3))
    for suffix in ("png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp"):
        Image.new("RGB", (4, 4)).save(tmp_path / f"p.{suffix}")

    names = {path.name for path in tmp_path.iterdir()}
    heads = {path.name: path.read_bytes()[: keepable.HEAD_BYTES] for path in tmp_path.iterdir()}

    assert len(names) == 10
    assert {name for name in names if keepable.begins_as_named(name, heads[name])} == names
    assert not keepable.begins_as_named("p.png", heads["p.gif"])


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
