"""nbgrader's exchange: `inbound/` holds a folder `user+assignment+time` for each hand-in, newer ones with `+random` behind it.

Everybody may write into `inbound/`, and a folder's name is its maker's choice: who owns it, and when it was made, is not.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    write_time,
)

_FOLDER = re.compile(r"(?P<user>[^+]+)\+(?P<assignment>[^+]+)\+(?P<time>[^+]+)(?:\+.*)?", re.DOTALL)
CLOCKS_APART = datetime.timedelta(minutes=5)  # a time so little ahead is no time in the future
Status = Callable[[PurePosixPath], os.stat_result]


@dataclass(frozen=True)
class Evidence:
    """What a folder's name is held against.

    Attributes:
        status: tells of a path in the source who owns it and when it was changed, or raises OSError; None: an archive, whose
            owners are those of whoever unpacked it.
        any_owner: whether the owner may have another name than the student.
    """

    status: Status | None = None
    any_owner: bool = False


def fits(members: Sequence[Member]) -> bool:
    """Say whether folders are named as nbgrader's exchange names them."""
    around = shared_folders(members)
    return any(_split(member.path, around) for member in members)


def read(members: Sequence[Member], assignment: str, evidence: Evidence | None = None) -> Contents:
    """Return the hand-ins of an assignment, each with the time in the name of its folder.

    One whose folder or files belong to another account than the student's cannot be placed, and says so, unless any owner
    may be. A time in the future is replaced by that at which the folder was changed; where nothing tells it, the hand-in
    cannot be placed either.

    Args:
        members: files of the source.
        assignment: whose hand-ins are read.
        evidence: what the names of folders are held against; None: nothing.
    """
    evidence = evidence or Evidence()
    files: dict[PurePosixPath, tuple[re.Match[str], dict[str, Member]]] = {}
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
            folder = PurePosixPath(*member.path.parts[: -len(inner.parts)])
            files.setdefault(folder, (match, {}))[1][str(inner)] = member
    hand_ins = tuple(_hand_in(folder, *of, evidence) for folder, of in files.items())
    return Contents("nbgrader", hand_ins, tuple(asides))


def _hand_in(
    folder: PurePosixPath, match: re.Match[str], inside: Mapping[str, Member], evidence: Evidence
) -> HandIn:
    user = match["user"]
    moment, notes, refusal = _time(folder, match["time"], evidence)
    sender = Sender(user, (("id", user), ("username", user)), clean_name(user))
    without_time = {name: member for name, member in inside.items() if name != TIMESTAMP}
    if evidence.status and not evidence.any_owner:
        refusal = _other_owner(folder, user, inside.values(), evidence.status) or refusal
    return HandIn(sender, without_time, moment, notes=notes, refusal=refusal)


def _time(
    folder: PurePosixPath, text: str, evidence: Evidence
) -> tuple[datetime.datetime | None, tuple[str, ...], str]:
    """Return when a hand-in came, what is to be said of it, and why it cannot be placed, "" where it can."""
    moment = read_time(text)
    if moment is None:
        return None, (f"the folder's time {text!r} is none",), ""
    latest = datetime.datetime.now(datetime.UTC) + CLOCKS_APART
    if moment <= latest:
        return moment, (), ""
    told = f"the folder's time {write_time(moment)[:16]} is in the future"
    changed = _changed(folder, evidence)
    if changed is None or changed > latest:
        return moment, (), f"{told}, and nothing else says when it was handed in"
    return changed, (f"{told}: that of the folder itself counts",), ""


def _changed(folder: PurePosixPath, evidence: Evidence) -> datetime.datetime | None:
    if evidence.status is None:
        return None
    try:
        return datetime.datetime.fromtimestamp(int(evidence.status(folder).st_mtime), datetime.UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _other_owner(folder: PurePosixPath, user: str, files: Iterable[Member], status: Status) -> str:
    """Return why a hand-in may be another student's; "" where its folder and all of its files are its student's."""
    for path in (folder, *(member.path for member in files)):
        try:
            account = _account(status(path).st_uid)
        except OSError as exc:
            return f"nobody can say whose {path.name} is: {exc.strerror}"
        if account != user:
            what = "the folder" if path == folder else path.name
            return f"{what} belongs to {account}, not to {user}; --any-owner takes it"
    return ""


def _account(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):  # Windows; an account of another machine
        return f"an account without a name here ({uid})"


def _split(path: PurePosixPath, around: int) -> tuple[re.Match[str], PurePosixPath] | None:
    # Beside `inbound` lies what was released. What is deeper, a student may have named.
    top = around + 1 if "inbound" in path.parts[: around + 1] else around
    for position, name in enumerate(path.parts[:-1][: top + 1]):
        if match := _FOLDER.fullmatch(name):
            return match, PurePosixPath(*path.parts[position + 1 :])
    return None
