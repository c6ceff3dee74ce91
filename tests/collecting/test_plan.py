"""What becomes of each hand-in is decided before anything is written."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from grader.assignment.spec import File
from grader.collecting import plan
from grader.collecting.members import Contents, HandIn, Sender, write_time
from grader.collecting.plan import Row, Target
from grader.collecting.senders import Identity
from tests.support.handed_in import FIRST, LATER, folder_of, members_of

NOTES = File(name="notes.txt", max_kb=1)


def hand_in(
    files: dict[str, str],
    moment: datetime.datetime | None = FIRST,
    number: int | None = None,
    student: str = "student01",
) -> HandIn:
    inside = {str(member.path): member for member in members_of(files, moment)}
    return HandIn(Sender(student, (), student), inside, number=number)


def rows(folder: Path, *hand_ins: HandIn, **options: object) -> list[Row]:
    target = Target(folder, "lab", (NOTES,), **options)  # type: ignore[arg-type]
    who = [Identity(row.sender.label) for row in hand_ins]
    return plan.rows(Contents("folder", hand_ins), who, target)


def row(folder: Path, *hand_ins: HandIn, **options: object) -> Row:
    (only,) = rows(folder, *hand_ins, **options)
    return only


def there(folder: Path, files: dict[str, str], moment: datetime.datetime | None = FIRST) -> None:
    timestamp = {"timestamp.txt": write_time(moment)} if moment else {}
    folder_of(folder / "submitted" / "student01" / "lab", {**files, **timestamp})


@pytest.mark.parametrize(
    ("files", "source", "note"),
    [
        ({"lab.ipynb": "", "scratch.ipynb": ""}, "lab.ipynb", ""),
        ({"a/lab.ipynb": "", "a/b/lab.ipynb": ""}, "a/lab.ipynb", ""),
        ({"lab.ipynb": "", "old/lab (1).ipynb": "", "lab (old).ipynb": ""}, "lab.ipynb", ""),
        ({"a/My Lab (2).ipynb": ""}, "a/My Lab (2).ipynb", "was called My Lab (2).ipynb"),
        ({"x\u202ey.IPYNB": ""}, "x\u202ey.IPYNB", "was called x\ufffdy.IPYNB"),
    ],
)
def test_the_notebook_is_chosen_and_another_name_is_said(
    tmp_path: Path, files: dict[str, str], source: str, note: str
) -> None:
    decided = row(tmp_path, hand_in(files))

    assert (decided.action, decided.source, decided.handed_in) == ("new", source, FIRST)
    assert list(decided.files or ()) == ["lab.ipynb"]
    assert decided.notes == ((note,) if note else ())


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.ipynb": "", "b.ipynb": ""}, "2 notebooks, none called lab.ipynb: a.ipynb, b.ipynb"),
        (
            {"a/lab.ipynb": "", "b/lab.ipynb": ""},
            "2 notebooks are called lab.ipynb: a/lab.ipynb, b/lab.ipynb",
        ),
        (
            {"lab.ipynb": "empty", "lab (1).ipynb": "the work"},
            "2 versions of lab.ipynb, and nothing says which counts: lab.ipynb, lab (1).ipynb",
        ),
        ({"report.pdf": ""}, "no notebook among report.pdf"),
        ({"all.zip": ""}, "all.zip may hold one: unpack it"),
    ],
)
def test_where_no_notebook_can_be_chosen_the_names_are_the_reason(
    tmp_path: Path, files: dict[str, str], why: str
) -> None:
    decided = row(tmp_path, hand_in(files))

    assert decided.action == "refused"
    assert why in decided.notes[-1]
    assert {aside.path for aside in decided.asides} == set(files)


def test_declared_files_are_taken_and_the_rest_is_aside(tmp_path: Path) -> None:
    files = {"lab.ipynb": "", "work/notes.txt": "mine", "weights.pt": "", "check_public.py": ""}

    decided = row(tmp_path, hand_in(files), released=frozenset({"check_public.py"}))

    assert set(decided.files or ()) == {"lab.ipynb", "notes.txt"}
    assert [aside.path for aside in decided.asides] == ["weights.pt"]
    assert not decided.asides[0].work


def test_a_declared_file_that_is_too_large_is_left_out_and_said(tmp_path: Path) -> None:
    decided = row(tmp_path, hand_in({"lab.ipynb": "", "notes.txt": "0" * 1025}))

    assert decided.action == "new"
    assert "notes.txt has more than 1 KiB" in decided.notes[0]
    assert [aside.path for aside in decided.asides] == ["notes.txt"]


def test_who_is_nobody_is_refused_with_the_reason(tmp_path: Path) -> None:
    target = Target(tmp_path, "lab")

    (decided,) = plan.rows(
        Contents("moodle", (hand_in({"lab.ipynb": ""}),)), [Identity("", "nobody is so")], target
    )

    assert (decided.action, decided.student, decided.notes) == ("refused", "", ("nobody is so",))
    assert [aside.path for aside in decided.asides] == ["lab.ipynb"]


@pytest.mark.parametrize(
    ("moment", "content", "action"),
    [
        (FIRST, "same", "unchanged"),
        (LATER, "same", "unchanged"),
        (LATER, "new", "replaces"),
        (FIRST - datetime.timedelta(days=1), "new", "older"),
        (FIRST, "new", "undecided"),
        (None, "new", "undecided"),
    ],
)
def test_beside_what_is_there_the_later_one_counts(
    tmp_path: Path, moment: datetime.datetime | None, content: str, action: str
) -> None:
    there(tmp_path, {"lab.ipynb": "same"})

    assert row(tmp_path, hand_in({"x.ipynb": content}, moment)).action == action


def test_what_is_there_without_a_time_is_replaced_only_on_demand(tmp_path: Path) -> None:
    there(tmp_path, {"lab.ipynb": "before"}, None)
    newer = hand_in({"lab.ipynb": "after"})

    assert "--replace" in row(tmp_path, newer).notes[-1]
    assert row(tmp_path, newer, replace=True).action == "replaces"


def test_an_older_one_is_not_taken_even_on_demand(tmp_path: Path) -> None:
    there(tmp_path, {"lab.ipynb": "before"}, LATER)

    decided = row(tmp_path, hand_in({"lab.ipynb": "older"}), replace=True)

    assert decided.action == "older"
    assert "2026-03-02 11:30" in decided.notes[-1]


def test_a_declared_file_alone_makes_it_another_one(tmp_path: Path) -> None:
    there(tmp_path, {"lab.ipynb": "", "notes.txt": "a"})

    assert row(tmp_path, hand_in({"lab.ipynb": "", "notes.txt": "b"}, LATER)).action == "replaces"


def test_the_systems_number_orders_where_there_are_no_times(tmp_path: Path) -> None:
    there(tmp_path, {"lab.ipynb": "five"}, None)
    digest = row(tmp_path / "empty", hand_in({"lab.ipynb": "five"})).digest
    record = {"student01": {"number": 5, "digest": digest}}

    numbers = {
        n: row(tmp_path, hand_in({"lab.ipynb": "x"}, None, n), record=record).action for n in (4, 5, 6)
    }
    assert numbers == {4: "older", 5: "undecided", 6: "replaces"}
    # Somebody changed the folder by hand: the number says nothing about that.
    there(tmp_path, {"lab.ipynb": "changed"}, None)
    assert row(tmp_path, hand_in({"lab.ipynb": "x"}, None, 6), record=record).action == "undecided"


def test_of_two_in_one_source_the_later_one_counts(tmp_path: Path) -> None:
    decided = rows(tmp_path, hand_in({"lab.ipynb": "b"}, LATER), hand_in({"lab.ipynb": "a"}))

    assert [(each.action, each.handed_in) for each in decided] == [("older", FIRST), ("new", LATER)]


def test_of_two_at_one_time_none_counts_unless_they_are_the_same(tmp_path: Path) -> None:
    differing = rows(tmp_path, hand_in({"lab.ipynb": "a"}), hand_in({"lab.ipynb": "b"}))
    same = rows(tmp_path, hand_in({"lab.ipynb": "a"}), hand_in({"lab.ipynb": "a"}))

    assert {each.action for each in differing} == {"refused"}
    assert "more than one hand-in of student01" in differing[0].notes[-1]
    assert sorted(each.action for each in same) == ["new", "older"]


def test_a_link_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "submitted").mkdir()
    (tmp_path / "submitted" / "student01").symlink_to(tmp_path)

    assert "symbolic link" in row(tmp_path, hand_in({"lab.ipynb": ""})).notes[-1]
