"""Copies of a database's file: whole, numbered, and never one over another."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from grader.errors import InfrastructureError
from grader.gradebook.backups import backup, backups, is_damaged, last_whole_backup, move_aside


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "grade[b]ook*.db"  # as somebody may call it
    score(path, 1)
    return path


def score(path: Path, points: int) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS grade (points INTEGER)")
        connection.execute("INSERT INTO grade VALUES (?)", (points,))
        connection.commit()


def scores(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT points FROM grade")]


def names(paths: list[Path]) -> list[str]:
    return [path.suffix for path in paths]


def test_a_copy_is_made_of_what_has_changed_and_the_newest_comes_first(database: Path) -> None:
    first, same = backup(database), backup(database)
    for points in range(2, 12):
        score(database, points)
        backup(database)

    assert first == same
    assert names(backups(database)) == [f".{number}" for number in range(11, 0, -1)]
    assert scores(first) == [1]
    assert scores(backups(database)[0]) == list(range(1, 12))


def test_what_was_not_committed_is_in_no_copy(database: Path) -> None:
    with closing(sqlite3.connect(database)) as other:
        other.execute("INSERT INTO grade VALUES (99)")

        assert scores(backup(database)) == [1]


def test_files_of_other_names_are_no_copies(database: Path) -> None:
    for name in (
        "other.db.bak.1",
        f"{database.name}.bak.x",
        f"{database.name}.bak.1.old",
        "gradebook.db.bak.7",
    ):
        database.with_name(name).write_bytes(b"")

    assert backups(database) == []


def test_what_is_no_database_cannot_be_copied_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gradebook.db"
    path.write_bytes(b"no database at all " * 100)

    with pytest.raises(InfrastructureError, match="cannot be copied"):
        backup(path)

    assert [one.name for one in tmp_path.iterdir()] == ["gradebook.db"]


def test_damage_in_the_middle_is_found(database: Path) -> None:
    for points in range(200):
        score(database, points)
    assert not is_damaged(database)

    content = database.read_bytes()
    database.write_bytes(content[:4096] + b"\xff" * 4096 + content[8192:])

    assert is_damaged(database)


def test_a_locked_file_is_not_taken_for_a_damaged_one(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **options: connect(*a, **{**options, "timeout": 0.01}))

    with closing(connect(database)) as other:
        other.execute("BEGIN EXCLUSIVE")

        assert not is_damaged(database)


def test_the_last_whole_copy_is_neither_empty_nor_damaged(database: Path) -> None:
    whole = backup(database)
    for number, content in ((2, b""), (3, b"cut off"), (4, b"")):
        database.with_name(f"{database.name}.bak.{number}").write_bytes(content)

    assert last_whole_backup(database) == whole
    assert last_whole_backup(database.with_name("other.db")) is None


def test_a_damaged_file_is_put_aside_under_a_number_of_its_own(database: Path) -> None:
    for number in (1, 2):
        database.write_bytes(b"damage %d" % number)
        move_aside(database)

    kept = sorted(database.parent.glob("*.damaged.*"))
    assert [path.read_bytes() for path in kept] == [b"damage 1", b"damage 2"]
    assert not database.exists()
