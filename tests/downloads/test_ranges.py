"""The part of a download that is here, and its note: built upon only where it is a part of the very same file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.downloads.ranges import Dropped, Order, Patience, connect
from grader.errors import InfrastructureError
from tests.support.site import Page, Site, serving

CONTENT = bytes(range(256)) * 400  # 102,400 bytes
QUICK = Patience(connect_s=2, stall_s=0.15, window_s=0.1, slowest_bytes_s=1000, tries=3, pause_s=0.005)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as one:
        yield one


@pytest.fixture
def order(tmp_path: Path) -> Order:
    return order_of("https://example.org/file", tmp_path)


def order_of(url: str, folder: Path, size_bytes: int | None = None, **changes: str) -> Order:
    facts = {"sha256": hashlib.sha256(CONTENT).hexdigest(), **changes}
    return Order(url, folder / "file.bin", facts["sha256"], size_bytes, lambda *_: None, QUICK)


def test_a_part_is_built_upon_by_the_order_that_began_it(order: Order, tmp_path: Path) -> None:
    order.begin('"1"')
    order.part.write_bytes(CONTENT[:1000])

    assert (order.have(), order.version()) == (1000, '"1"')
    assert order_of("https://example.org/other", tmp_path).have() == 0
    assert order_of(order.url, tmp_path, sha256="ab").version() is None


@pytest.mark.parametrize("note", ["", "{", "[1, 2]", "[1, 2, 3, 4]", "null", "3", "\ufeff"])
def test_a_note_that_cannot_be_read_stands_for_no_part(order: Order, note: str) -> None:
    order.part.write_bytes(CONTENT[:1000])
    order.note.write_text(note)

    assert (order.have(), order.version()) == (0, None)


def test_a_new_beginning_and_an_end_leave_nothing_of_the_old_part(order: Order, tmp_path: Path) -> None:
    order.begin('"1"')
    order.part.write_bytes(CONTENT[:1000])

    order.begin('"2"')
    assert (order.part.exists(), order.have()) == (False, 0)
    order.discard()
    order.discard()

    assert list(tmp_path.iterdir()) == []


def test_a_connection_asks_for_the_missing_bytes_alone_and_says_where_they_begin(
    site: Site, tmp_path: Path
) -> None:
    page = Page(CONTENT, etag='"1"')
    order = order_of(site.add("/file", page), tmp_path)
    order.begin('"1"')
    order.part.write_bytes(CONTENT[:1000])

    begun = connect(order)

    assert begun == 1000
    assert page.asked[0]["Range"] == "bytes=1000-"
    assert order.part.read_bytes() == CONTENT


def test_a_part_that_is_whole_is_asked_for_nowhere(site: Site, tmp_path: Path) -> None:
    page = Page(CONTENT)
    order = order_of(site.add("/file", page), tmp_path, len(CONTENT))
    order.begin("")
    order.part.write_bytes(CONTENT)

    assert connect(order) == len(CONTENT)
    assert page.asked == []


def test_what_another_connection_may_mend_is_told_apart_from_what_none_can(
    site: Site, tmp_path: Path
) -> None:
    cut = order_of(site.add("/cut", Page(CONTENT, cuts=[30_000])), tmp_path)
    gone = order_of(site.add("/gone", Page(CONTENT, status=404)), tmp_path / "gone")
    gone.target.parent.mkdir()

    with pytest.raises(Dropped) as dropped:
        connect(cut)
    with pytest.raises(InfrastructureError, match="found 404"):
        connect(gone)

    assert dropped.value.reached
    assert "30000 bytes are kept, it goes on from there" in str(dropped.value.error.hint)


def test_an_answer_that_is_longer_than_it_said_is_not_kept(site: Site, tmp_path: Path) -> None:
    order = order_of(site.add("/file", Page(CONTENT, announced=-1)), tmp_path, 1000)

    with pytest.raises(InfrastructureError, match="found more than 1000 bytes"):
        connect(order)

    assert list(tmp_path.iterdir()) == []
