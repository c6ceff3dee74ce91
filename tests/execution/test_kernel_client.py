"""The intake believes nothing that a kernel sends: signed and asked for, known in kind, and within what is allowed."""

from __future__ import annotations

import asyncio
import json
from queue import Empty
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_client.session import Session
from nbclient.exceptions import DeadKernelError

from grader.execution.kernel_client import (
    ERROR_BYTES,
    HEADER_BYTES,
    MESSAGE_BYTES,
    SIGN_BYTES,
    Allowance,
    Outputs,
    Replies,
)

REQUEST = "request-1"
IDLE = {"execution_state": "idle"}


def session(key: bytes = b"a key") -> Session:
    return Session(key=key, digest_history_size=0)


def outputs(limit_kb: int = 8) -> Outputs:
    found = Outputs(session(), Allowance(limit_kb))
    found.expect(REQUEST)
    return found


def frames(
    kind: str, content: dict[str, Any], *, parent: str = REQUEST, key: bytes = b"a key"
) -> list[bytes]:
    """Return a message as a kernel sends it."""
    signing = session(key)
    message = signing.msg(kind, content, parent={"msg_id": parent})
    return list(signing.serialize(message, ident=b"somebody"))


def stream(text: str, **options: Any) -> list[bytes]:
    return frames("stream", {"name": "stdout", "text": text}, **options)


def kept(channel: Outputs | Replies) -> list[str]:
    return [message["content"].get("text", message["msg_type"]) for message in channel.queue]


# What may be spent


def test_once_something_did_not_fit_nothing_more_does() -> None:
    allowance = Allowance(1)

    assert [allowance.spend(size) for size in (1000, 25, 24, 0)] == [True, False, False, False]
    assert allowance.spent_bytes <= allowance.limit_bytes


@given(st.lists(st.integers(0, 5000)))
def test_no_more_is_spent_than_is_allowed(sizes: list[int]) -> None:
    allowance = Allowance(4)

    spent = sum(size for size in sizes if allowance.spend(size))

    assert spent == allowance.spent_bytes <= 4096


# Outputs


def test_a_signed_output_of_the_request_is_kept_and_charged() -> None:
    channel = outputs()

    assert channel.take(stream("meow"), whole=True)

    assert kept(channel) == ["meow"]
    assert channel.allowance.spent_bytes > MESSAGE_BYTES


@pytest.mark.parametrize(
    "message",
    [
        stream("meow", parent="another"),
        stream("meow", key=b"another key"),
        frames("comm_open", {"data": {}}),
        [],
        [b"no delimiter"],
        [b"<IDS|MSG>"],
        [b"<IDS|MSG>", b"", b"{", REQUEST.encode(), b"", b""],
        [b"<IDS|MSG>", b"", b"[" * 5000, REQUEST.encode(), b"", b""],
        [b"<IDS|MSG>", b"", b'{"msg_type": ["stream"]}', REQUEST.encode(), b"", b""],
        [b"<IDS|MSG>", b"", b" " * (HEADER_BYTES + 1), REQUEST.encode(), b"", b""],
    ],
    ids=range(10),
)
def test_what_is_not_asked_for_not_signed_or_not_known_is_dropped(message: list[bytes]) -> None:
    channel = outputs()

    assert not channel.take(message, whole=True)

    assert kept(channel) == []


def test_after_a_new_request_the_messages_of_the_old_one_are_gone() -> None:
    channel = outputs()
    channel.take(stream("old"), whole=True)

    channel.expect("request-2")
    channel.take(stream("late"), whole=True)
    channel.take(stream("new", parent="request-2"), whole=True)

    assert kept(channel) == ["new"]


def test_what_does_not_fit_is_cut_with_one_notice_and_nothing_comes_after_it() -> None:
    channel = outputs(limit_kb=2)

    for text in ("first", "x" * 3000, "after", "y" * 3000):
        channel.take(stream(text), whole=True)

    first, notice = kept(channel)
    assert first == "first"
    assert "more than 2 KB" in notice


def test_an_output_of_which_only_the_front_came_is_cut() -> None:
    channel = outputs()

    assert not channel.take(stream("front"), whole=False)

    assert "cut" in kept(channel)[0]


def test_an_error_is_kept_once_a_cell_although_the_output_is_used_up() -> None:
    error = frames("error", {"ename": "ValueError", "evalue": "no", "traceback": []})
    long = frames("error", {"ename": "V", "evalue": "x" * ERROR_BYTES, "traceback": []})
    channel = outputs()
    channel.cut()

    taken = [channel.take(message, whole=True) for message in (long, error, error)]

    assert taken == [False, True, False]


def test_a_flood_of_signs_is_no_output_and_counts_once() -> None:
    channel = outputs()
    busy, idle = (frames("status", {"execution_state": state}) for state in ("busy", "idle"))

    taken = [channel.take(message, whole=True) for message in (busy, busy, idle, idle, busy)]

    assert taken == [True, False, True, False, False]
    assert channel.allowance.spent_bytes == 0


def test_no_more_of_a_message_is_worth_keeping_than_is_allowed() -> None:
    channel = outputs(limit_kb=1000)
    before = channel.room_bytes

    channel.cut()

    assert before == 1000 * 1024 + 4 * HEADER_BYTES
    assert channel.room_bytes == SIGN_BYTES + 4 * HEADER_BYTES


# Replies


def replies() -> Replies:
    found = Replies(session(), outputs())
    found.expect(REQUEST)
    return found


def test_a_reply_is_a_sign_that_the_request_is_done_whatever_it_says() -> None:
    channel = replies()

    channel.take(frames("execute_reply", {"status": "error", "evalue": "full marks"}), whole=True)
    channel.take(frames("execute_reply", {"status": "ok"}), whole=True)

    (message,) = channel.queue
    assert message["content"] == {"status": "ok"}


def test_a_reply_too_long_to_be_verified_is_an_end_and_a_forged_one_is_none() -> None:
    long, forged = replies(), replies()

    assert long.take(frames("execute_reply", {"status": "ok"}), whole=False)
    assert not forged.take(frames("execute_reply", {"status": "ok"}, key=b"another key"), whole=True)


def test_who_waits_for_a_message_hears_that_none_came_or_that_none_ever_will() -> None:
    async def wait() -> None:
        channel = replies()
        with pytest.raises(Empty):
            await channel.get_msg(timeout=0.01)
        channel.close()
        channel.outputs.close()
        with pytest.raises(DeadKernelError):
            await channel.get_msg(timeout=10)

    asyncio.run(wait())


def test_what_is_kept_is_json_without_anything_that_was_not_asked_for() -> None:
    channel = outputs()

    channel.take(frames("stream", {"name": "stdout", "text": "x", "points": 100}), whole=True)

    (message,) = channel.queue
    assert message["content"] == {"name": "stdout", "text": "x"}
    json.dumps(message)
