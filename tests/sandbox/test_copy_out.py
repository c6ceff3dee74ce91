"""Files are written beside the notebook and nowhere else, whatever their list says and whatever lies there already.

`tests/contracts/test_files_that_are_kept.py` has the same with real kernels; a list that lies needs a stand-in.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.host import copy_out
from grader.sandbox.host.connection import Connection


class Lying(Connection):
    """A connection to a world that answers what a test wants."""

    def __init__(self, contents: dict[str, bytes], sizes: dict[str, int] | None = None) -> None:
        self.contents = contents
        self.sizes = {name: len(content) for name, content in contents.items()} | (sizes or {})
        self.asked: list[str] = []

    def ask(self, what: str, *_: Any, **__: Any) -> dict[str, Any]:
        self.asked.append(what)
        return {}

    def listing(self, patterns: Sequence[str]) -> list[tuple[str, int]]:
        self.asked.append("listing")
        return list(self.sizes.items())

    def part(self, path: str, start: int, max_bytes: int) -> bytes:
        assert max_bytes > 0  # a world sends no empty part
        return self.contents[path][start : start + max_bytes]


def copied(folder: Path, contents: dict[str, bytes], **options: Any) -> copy_out.CopiedOut:
    most_mb = options.pop("most_mb", 1)
    return copy_out.copy_out(Lying(contents, **options), folder, ["*", "*.py"], most_mb)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_everything_is_stopped_before_anything_is_looked_at(folder: Path) -> None:
    world = Lying({"a.csv": b"cats"})

    copy_out.copy_out(world, folder, ["*.csv"], 1)

    assert world.asked == ["stop", "listing"]


def test_a_file_of_several_parts_arrives_whole_and_cannot_be_executed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copy_out, "PART_BYTES", 3)

    result = copied(folder, {"deep/a.csv": b"cats and dogs", "empty.csv": b""})

    assert result == copy_out.CopiedOut(("deep/a.csv", "empty.csv"), (), (), more=False)
    assert (folder / "deep" / "a.csv").read_bytes() == b"cats and dogs"
    assert (folder / "deep" / "a.csv").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "path",
    [
        "../out.csv", "/nowhere/out.csv", "a/../../out.csv", ".netrc", "a/.ssh/key", "in.ipynb", "gradebook.db",
        "gradebook.db-journal", "nbgrader_config.py", "a/pawgrade.toml", "staff/check.csv", "a\x1b[2J.csv",
    ],
)  # fmt: skip
def test_a_path_that_may_not_be_written_is_left_out_whoever_listed_it(folder: Path, path: str) -> None:
    (folder / "in.ipynb").write_text("as it was handed in")
    before = sorted(folder.parent.rglob("*"))

    result = copied(folder, {path: b"evil"})

    assert (result.copied, result.no_data) == ((), (path,))
    assert sorted(folder.parent.rglob("*")) == before
    assert (folder / "in.ipynb").read_text() == "as it was handed in"


def test_what_is_no_data_by_its_first_bytes_is_named_and_stays(folder: Path) -> None:
    result = copied(folder, {"p.png": b"<script>", "a.csv": b"\x7fELF\0\0", "b.csv": b"cats"})

    assert (result.copied, result.left_out) == (("b.csv",), ())
    assert result.no_data == ("p.png", "a.csv")
    assert [path.name for path in folder.iterdir()] == ["b.csv"]


def test_a_link_in_the_folder_leads_nowhere(folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "target.csv").write_text("mine")
    (folder / "linked").symlink_to(outside)
    (folder / "a.csv").symlink_to(outside / "target.csv")

    result = copied(folder, {"linked/b.csv": b"cats", "a.csv": b"cats"})

    assert (result.copied, result.left_out) == (("a.csv",), ("linked/b.csv",))
    assert (outside / "target.csv").read_text() == "mine"
    assert [path.name for path in outside.iterdir()] == ["target.csv"]
    assert not (folder / "a.csv").is_symlink()


def test_a_folder_or_a_file_in_the_way_leaves_the_rest_alone(folder: Path) -> None:
    (folder / "a.csv").mkdir()
    (folder / "b").write_text("a file where a folder should be")

    result = copied(folder, {"a.csv": b"cats", "b/c.csv": b"cats", "d.csv": b"cats"})

    assert (result.copied, result.left_out) == (("d.csv",), ("a.csv", "b/c.csv"))
    assert {path.name for path in folder.iterdir()} == {"a.csv", "b", "d.csv"}


def test_files_share_one_bound_and_one_that_does_not_fit_leaves_the_others_their_room(folder: Path) -> None:
    half = b"x" * 2**19

    result = copied(
        folder, {"a.csv": half, "b.csv": half + b"x", "c.csv": half, "d.csv": b"x"}, sizes={"e.csv": -1}
    )

    assert (result.copied, result.left_out) == (("a.csv", "c.csv"), ("b.csv", "d.csv", "e.csv"))


def test_a_file_that_is_shorter_than_listed_leaves_the_old_one_as_it_was(folder: Path) -> None:
    (folder / "a.csv").write_text("old")

    result = copied(folder, {"a.csv": b"new"}, sizes={"a.csv": 9})

    assert result.left_out == ("a.csv",)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("a.csv", "old")]


def test_no_more_than_so_many_files_are_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copy_out, "MOST_FILES", 2)

    result = copied(folder, dict.fromkeys(("a.csv", "b.csv", "Makefile", "c.csv"), b"x"))

    assert (result.copied, result.no_data, result.more) == (("a.csv", "b.csv"), ("Makefile",), True)


def test_a_folder_that_is_gone_is_an_error(folder: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        copied(folder / "gone", {"a.csv": b"cats"})
