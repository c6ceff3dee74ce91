"""Canvas' "download submissions": flat files, the student in front of each name.

`examplestudent_LATE_12345_67890_tiny-1.ipynb`: the sortable name without blanks, LATE where it was, the user's id, a
number that grows with each hand-in, the name of the file. Canvas adds -1, -2 to a name that was handed in before.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from grader.collecting.members import Aside, Contents, HandIn, Member, Sender, shared_folders, student_id

_FILE = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<user>\d+)_(?P<number>\d+)_(?P<file>.+)", re.DOTALL)
_TEXT = re.compile(r"[^_]+_(LATE_)?\d+_text\.html")  # what was typed into Canvas
_AGAIN = re.compile(r"(?P<stem>.+)-\d{1,3}", re.DOTALL)


def fits(members: Sequence[Member]) -> bool:
    """Say whether most notebooks are named as Canvas names them."""
    around = shared_folders(members)
    flat = [member.path for member in members if len(member.path.parts) == around + 1]
    notebooks = [path.name for path in flat if path.suffix == ".ipynb"]
    # Most, not one: a student may choose such a name.
    return 2 * sum(_FILE.fullmatch(name) is not None for name in notebooks) > len(notebooks)


def read(members: Sequence[Member], expected: Collection[str]) -> Contents:
    """Return the hand-ins of a download, one a user.

    The archive's times say when it was made, not when work was handed in: they are left out.

    Args:
        members: files of the archive.
        expected: names of the files that belong to the assignment: a number that Canvas added to one of them goes.
    """
    files: dict[tuple[str, str], dict[str, tuple[int, Member]]] = {}
    late, asides = set[str](), list[Aside]()
    around = shared_folders(members)
    for member in members:
        # Canvas makes no folders: what lies in one was named by somebody else.
        flat = len(member.path.parts) == around + 1
        match = _FILE.fullmatch(member.path.name) if flat else None
        if match is None:
            typed = _TEXT.fullmatch(member.path.name) is not None
            why = (
                "text typed into Canvas: only files are collected"
                if typed
                else "its name is none that Canvas gives to a hand-in"
            )
            asides.append(Aside(str(member.path), why, work=not typed, member=member))
            continue
        name, number = _original(match["file"], expected), int(match["number"])
        inside = files.setdefault((match["name"], match["user"]), {})
        late |= {match["user"]} if match["late"] else set()
        untimed = dataclasses.replace(member, modified=None)
        before = inside.get(name)
        if before is not None:
            earlier = min(before, (number, untimed), key=lambda pair: pair[0])[1]
            why = f"{name} was handed in again; the later one counts"
            asides.append(Aside(str(earlier.path), why, work=False, member=earlier))
        if before is None or number > before[0]:
            inside[name] = (number, untimed)
    return Contents(
        "canvas", tuple(_hand_in(*key, inside, late) for key, inside in files.items()), tuple(asides)
    )


def _hand_in(name: str, user: str, inside: dict[str, tuple[int, Member]], late: set[str]) -> HandIn:
    sender = Sender(f"{name} ({user})", (("canvas_id", user),), student_id(f"{name} {user}"))
    number = max(number for number, _ in inside.values())
    notes = ("late, as Canvas says",) if user in late else ()
    return HandIn(sender, {file: member for file, (_, member) in inside.items()}, number=number, notes=notes)


def _original(name: str, expected: Collection[str]) -> str:
    """Return the name under which a file was handed in, where the assignment has one of that name."""
    path = PurePosixPath(name)
    match = _AGAIN.fullmatch(path.stem)
    first_name = match["stem"] + path.suffix if match else name
    return first_name if name not in expected and first_name in expected else name
