"""Say which of the course's students a sender is: by the roster, else by an id made of what the system gives."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from grader.collecting.members import Sender
from grader.gradebook.roster import Roster
from grader.notebooks.sanitise_text import visible


@dataclass(frozen=True)
class Identity:
    """Who a sender is in the course.

    Attributes:
        student: the id; "" where nobody is.
        reason: why nobody is.
        made: whether the id was made of the system's words and differs from them.
    """

    student: str
    reason: str = ""
    made: bool = False


def identify(
    senders: Sequence[Sender], roster: Roster, *, complete: bool, folders: Collection[str] = ()
) -> list[Identity]:
    """Return who each sender is.

    Args:
        senders: of one source.
        roster: who is in the course.
        complete: whether a sender who is not in it is nobody; else an id is made.
        folders: names of the folders under `submitted/`: an id that differs from one in nothing but case is refused.
    """
    made = Counter(
        sender.made_id for sender in {(sender.label, sender.tie): sender for sender in senders}.values()
    )
    twice = {name for name, count in made.items() if count > 1}
    same = {_folded(name): name for name in [*folders, *(student.id for student in roster.students)]}
    return [_identify(sender, roster, complete, sender.made_id in twice, same) for sender in senders]


def _identify(sender: Sender, roster: Roster, complete: bool, twice: bool, same: dict[str, str]) -> Identity:
    lookups = [(column, roster.find(column, value)) for column, value in sender.keys]
    by_id = {lookup.student.id for column, lookup in lookups if column == "id" and lookup.student}
    # The course's own id goes before what else is called so.
    students = sorted(by_id or {lookup.student.id for _, lookup in lookups if lookup.student})
    label = visible(sender.label)
    if len(students) == 1:
        return Identity(students[0])
    if students:
        return Identity("", f"{label!r} is more than one student in {roster.source}: {', '.join(students)}")
    several = next((lookup.reason for _, lookup in lookups if " students in " in lookup.reason), "")
    if not complete and not several:
        return _made(sender, twice, same)
    columns = ", ".join(column.replace("_", " ") for column, _ in sender.keys)
    number = f" and number {sender.tie}" if sender.tie else ""
    nobody = f"nobody in {roster.source} is {label!r}{number} (looked for: {columns})"
    return Identity("", several or nobody)


def _made(sender: Sender, twice: bool, same: dict[str, str]) -> Identity:
    """Return an id made of what the system gives, or why none can be."""
    if twice and not sender.tie:
        return Identity("", f"two names become the id {sender.made_id!r}; a roster can tell them apart")
    made = f"{sender.made_id}-{sender.tie}" if twice else sender.made_id
    if not made.strip("-._"):
        return Identity("", "no id can be made of the name; a roster can give one")
    folder = same.setdefault(_folded(made), made)
    if folder != made:
        reason = (
            f"the id {made!r} differs in nothing but case or the way its letters are written from {folder!r}"
        )
        return Identity("", reason)
    return Identity(made, made=made != sender.label)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()
