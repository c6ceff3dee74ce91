"""Hand-ins are placed whole or not at all; what was there and what fits nothing is put aside."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath

import pytest

from grader.collecting import placing, plan
from grader.collecting.members import Aside, Contents, HandIn, Member, Sender
from grader.collecting.plan import Target
from grader.collecting.senders import Identity
from grader.errors import SpecError, SubmissionError
from tests.support.handed_in import FIRST, LATER, members_of


def place(folder: Path, *hand_ins: HandIn, asides: tuple[Aside, ...] = ()) -> dict[str, str]:
    target = Target(folder, "lab", record=placing.read_record(folder, "lab"))
    rows = plan.rows(Contents("canvas", hand_ins), [Identity("student01") for _ in hand_ins], target)
    return placing.place(rows, asides, target, "canvas")


def hand_in(content: str, moment: object = FIRST, number: int | None = None, **files: str) -> HandIn:
    inside = {str(m.path): m for m in members_of({"lab.ipynb": content, **files}, moment)}  # type: ignore[arg-type]
    return HandIn(Sender("Ada", (), "ada"), inside, number=number, notes=("late",))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_hand_in_is_placed_with_its_time_and_recorded(tmp_path: Path) -> None:
    place(tmp_path, hand_in("{}", number=7))

    folder = tmp_path / "submitted" / "student01" / "lab"
    assert tree(folder) == {"lab.ipynb": b"{}", "timestamp.txt": b"2026-03-01 10:00:00.000000 UTC\n"}
    record = placing.read_record(tmp_path, "lab")["student01"]
    assert (record["system"], record["sender"], record["number"], record["notes"]) == (
        "canvas",
        "Ada",
        7,
        ["late"],
    )
    assert (folder.stat().st_mode & 0o777, (folder / "lab.ipynb").stat().st_mode & 0o400) == (0o755, 0o400)


def test_without_a_time_there_is_no_timestamp(tmp_path: Path) -> None:
    place(tmp_path, hand_in("{}", None))

    assert set(tree(tmp_path / "submitted")) == {"student01/lab/lab.ipynb"}


def test_what_was_there_is_put_aside_as_it_was(tmp_path: Path) -> None:
    place(tmp_path, hand_in("first"))
    folder = tmp_path / "submitted" / "student01" / "lab"
    (folder / "by hand.txt").write_text("a note")
    os.mkfifo(folder / "pipe")

    place(tmp_path, hand_in("second", LATER))

    assert tree(folder)["lab.ipynb"] == b"second"
    earlier = tmp_path / "collected" / "lab" / "earlier" / "student01" / "2026-03-01T10-00-00"
    assert {path.name for path in earlier.iterdir()} == {"lab.ipynb", "by hand.txt", "pipe", "timestamp.txt"}
    assert (earlier / "lab.ipynb").read_bytes() == b"first"


def test_a_name_that_is_taken_among_earlier_ones_gets_a_number(tmp_path: Path) -> None:
    for number, content in enumerate(("a", "b", "c")):
        place(tmp_path, hand_in(content, None, number))

    assert sorted(tree(tmp_path / "collected" / "lab" / "earlier")) == [
        "student01/no-time-2/lab.ipynb",
        "student01/no-time/lab.ipynb",
    ]


def test_an_older_one_is_put_aside_once(tmp_path: Path) -> None:
    place(tmp_path, hand_in("second", LATER))
    first = place(tmp_path, hand_in("first"))
    before = tree(tmp_path)
    second = place(tmp_path, hand_in("first"))

    assert list(first) == ["lab.ipynb"]
    assert (second, tree(tmp_path)) == ({}, before)
    assert (tmp_path / first["lab.ipynb"] / "lab.ipynb").read_bytes() == b"first"
    assert tree(tmp_path / "submitted")["student01/lab/lab.ipynb"] == b"second"


def test_two_of_which_none_counts_are_both_put_aside(tmp_path: Path) -> None:
    place(tmp_path, hand_in("a"), hand_in("b"))

    assert set(tree(tmp_path / "collected").values()) >= {b"a", b"b"}
    assert not (tmp_path / "submitted").exists()


def test_the_same_files_with_a_greater_number_move_the_record_on(tmp_path: Path) -> None:
    place(tmp_path, hand_in("{}", None, 5))
    place(tmp_path, hand_in("{}", None, 9))
    place(tmp_path, hand_in("{}", None, 6))

    assert placing.read_record(tmp_path, "lab")["student01"]["number"] == 9


def test_a_hand_in_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    place(tmp_path, hand_in("first"))
    before = tree(tmp_path)
    reads: list[int] = []

    def read(_: int) -> bytes:
        reads.append(1)
        if len(reads) > 1:  # the plan reads it once
            raise SubmissionError("lost")
        return b"second"

    broken = HandIn(
        Sender("Ada", (), "ada"), {"lab.ipynb": Member(PurePosixPath("lab.ipynb"), 6, LATER, read)}
    )

    with pytest.raises(SubmissionError):
        place(tmp_path, broken)

    assert tree(tmp_path) == before


def test_files_that_fit_nothing_are_put_aside_by_clean_names(tmp_path: Path) -> None:
    evil = "a\u202e\x1b[2J/../b.txt"
    files = members_of({evil: "one", "x": "file", "x/y": "below a file", "same.txt": "1"})
    again = members_of({"same.txt": "2"})

    put = place(
        tmp_path, asides=tuple(Aside(str(m.path), "no", work=False, member=m) for m in (*files, *again))
    )
    before = tree(tmp_path)
    assert (
        place(
            tmp_path, asides=tuple(Aside(str(m.path), "no", work=False, member=m) for m in (*files, *again))
        )
        == {}
    )

    assert tree(tmp_path) == before
    assert sorted(tree(tmp_path).values()) == [b"1", b"2", b"below a file", b"file", b"one"]
    assert all(name.startswith("collected/lab/unmatched/") for name in tree(tmp_path))
    assert put[evil] == "collected/lab/unmatched/a__[2J/_/b.txt"


def test_a_file_too_large_to_copy_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> bytes:
        raise SubmissionError("too large")

    large = Member(PurePosixPath("large.bin"), 10**12, None, refuse)

    assert place(tmp_path, asides=(Aside("large.bin", "no", work=False, member=large),)) == {}


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"student01": 1})])
def test_a_damaged_record_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "collected" / "lab" / "hand_ins.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)

    with pytest.raises(SpecError, match=r"hand_ins\.json is damaged.*Delete it"):
        placing.read_record(tmp_path, "lab")
