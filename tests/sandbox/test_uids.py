"""As root each kernel has a uid of its own, from a block that is its keeper's alone, where there are such blocks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grader.sandbox import uids


def mapped(monkeypatch: pytest.MonkeyPatch, rows: str, uid: int = 0) -> None:
    """Pretend to be in a user namespace."""
    monkeypatch.setattr(os, "getuid", lambda: uid)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: rows)


def test_every_keeper_has_a_block_that_no_other_has_and_nobody_else_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mapped(monkeypatch, "0 0 4294967295\n")

    blocks = [uids.block(pid) for pid in (1, 2, 3, uids.MOST_PIDS - 1)]

    assert blocks[0] + uids.BLOCK == blocks[1]
    assert len(set(blocks)) == 4
    assert min(blocks) >= 0x7000_0000
    assert max(blocks) + uids.BLOCK <= 2**31


@pytest.mark.parametrize(
    ("rows", "uid"), [("0 0 65536\n", 0), ("0 1000 1\n1 100000 65536\n", 0), ("0 0 4294967295\n", 1000)]
)
def test_in_a_rootless_container_and_as_an_ordinary_user_kernels_share_a_uid(
    monkeypatch: pytest.MonkeyPatch, rows: str, uid: int
) -> None:
    mapped(monkeypatch, rows, uid)

    assert uids.block(4711) == 0


def test_kernels_take_the_first_free_place_and_share_the_last_when_there_is_none() -> None:
    assert uids.choose(()) == 1
    assert uids.choose({1, 2, 4}) == 3
    assert uids.choose(range(1, uids.KERNELS + 1)) == uids.KERNELS
    assert {uids.watcher(place) for place in range(1, uids.KERNELS + 1)}.isdisjoint(range(uids.KERNELS + 1))
    assert uids.watcher(uids.KERNELS) < uids.BLOCK
