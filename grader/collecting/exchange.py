"""nbgrader's exchange: `inbound/` holds a folder `user+assignment+time` for each hand-in, newer ones with `+random` behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from grader.assignment.course import TIMESTAMP
from grader.collecting.members import (
    Aside,
    Contents,
    HandIn,
    Member,
    Sender,
    clean_name,
    read_time,
    shared_folders,
)

_FOLDER = re.compile(r"(?P<user>[^+]+)\+(?P<assignment>[^+]+)\+(?P<time>[^+]+)(?:\+.*)?", re.DOTALL)


def fits(members: Sequence[Member]) -> bool:
    """Say whether folders are named as nbgrader's exchange names them."""
    around = shared_folders(members)
    return any(_split(member.path, around) for member in members)


def read(members: Sequence[Member], assignment: str) -> Contents:
    """Return the hand-ins of an assignment, each with the time in the name of its folder."""
    files: dict[str, tuple[re.Match[str], dict[str, Member]]] = {}
    asides, around = [], shared_folders(members)
    for member in members:
        split = _split(member.path, around)
        if split is None:
            # An exchange also holds what was released, `outbound/`, and feedback.
            asides.append(
                Aside(str(member.path), "it lies in no folder of the exchange's inbound", work=False)
            )
            continue
        match, inner = split
        if match["assignment"] == assignment:
            files.setdefault(match.string, (match, {}))[1][str(inner)] = member
    hand_ins = tuple(_hand_in(match, inside) for match, inside in files.values())
    return Contents("nbgrader", hand_ins, tuple(asides))


def _hand_in(match: re.Match[str], inside: dict[str, Member]) -> HandIn:
    user, moment = match["user"], read_time(match["time"])
    notes = () if moment else (f"the folder's time {match['time']!r} is none",)
    sender = Sender(user, (("id", user), ("username", user)), clean_name(user))
    without_time = {name: member for name, member in inside.items() if name != TIMESTAMP}
    return HandIn(sender, without_time, moment, notes=notes)


def _split(path: PurePosixPath, around: int) -> tuple[re.Match[str], PurePosixPath] | None:
    # Beside `inbound` lies what was released. What is deeper, a student may have named.
    top = around + 1 if "inbound" in path.parts[: around + 1] else around
    for position, name in enumerate(path.parts[:-1][: top + 1]):
        if match := _FOLDER.fullmatch(name):
            return match, PurePosixPath(*path.parts[position + 1 :])
    return None
