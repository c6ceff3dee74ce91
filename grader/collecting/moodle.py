"""Moodle's "download all submissions": a folder or a prefix for each student.

`Full Name_123456_assignsubmission_file_/...`, without the last underscore in older ones, or, without folders,
`Full Name_123456_assignsubmission_file_name.ipynb`. The number is the participant's, one for each student and assignment.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from grader.collecting.members import Aside, Contents, HandIn, Member, Sender, shared_folders, student_id

_FOLDER = re.compile(
    r"(?P<name>.+?)_(?P<participant>\d+)_assign(?P<area>submission|feedback)_(?P<plugin>[a-z]+)_?(?P<rest>.*)",
    re.DOTALL,
)


def fits(members: Sequence[Member]) -> bool:
    """Say whether most folders or files at the top are named as Moodle names them."""
    around = shared_folders(members)
    # Most at the top, not any: deeper names are students', who could make themselves somebody else by them.
    tops = {member.path.parts[: around + 1]: _split(member.path, around) is not None for member in members}
    return 2 * sum(tops.values()) > len(tops)


def read(members: Sequence[Member]) -> Contents:
    """Return the hand-ins of a download, one a participant. A file's time is when it was handed in."""
    files: dict[tuple[str, str], dict[str, Member]] = {}
    asides, around = [], shared_folders(members)
    for member in members:
        split = _split(member.path, around)
        if split is None:
            asides.append(
                Aside(
                    str(member.path),
                    "its name is none that Moodle gives to a hand-in",
                    work=True,
                    member=member,
                )
            )
            continue
        match, inner = split
        if (match["area"], match["plugin"]) == ("submission", "file"):
            files.setdefault((match["name"], match["participant"]), {})[str(inner)] = member
        else:
            what = (
                "text typed into Moodle"
                if match["plugin"] == "onlinetext"
                else f"Moodle's {match['area']} of kind {match['plugin']}"
            )
            asides.append(
                Aside(str(member.path), f"{what}: only files are collected", work=False, member=member)
            )
    hand_ins = [HandIn(_sender(*key), inside) for key, inside in files.items()]
    return Contents("moodle", tuple(hand_ins), tuple(asides))


def _split(path: PurePosixPath, around: int) -> tuple[re.Match[str], PurePosixPath] | None:
    """Return what a path says of its student, and the rest of it; None where no part of it says anything."""
    # Who unpacked the archive may have put a folder around it.
    for position, name in enumerate(path.parts[: around + 1]):
        if match := _FOLDER.fullmatch(name):
            deeper = path.parts[position + 1 :]
            inner = PurePosixPath(*filter(None, (match["rest"], *deeper)))
            return (match, inner) if inner.parts else None
    return None


def _sender(name: str, participant: str) -> Sender:
    keys = (("name", name), ("participant", participant))
    return Sender(name, keys, student_id(name), participant)  # type: ignore[arg-type] # mypy widens the columns' names
