"""What a source holds: its files as they are listed, the hand-ins made of them, and what fits nothing."""

from __future__ import annotations

import datetime
import itertools
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from grader.gradebook.roster import Column
from grader.notebooks.sanitise_text import SIGN, visible

MAX_FILES = 20_000  # of one source
MAX_DEPTH = 32  # folders
MAX_NAME_BYTES = 120  # of a file or folder that is made of a name in a source; disks allow 255

Kind = Literal["moodle", "canvas", "nbgrader", "folder", "git"]

# Folders that programs make: nobody hands them in.
PASSED_OVER = frozenset(
    {".git", ".ipynb_checkpoints", "__MACOSX", "__pycache__", ".venv", "venv", "node_modules"}
)


@dataclass(frozen=True)
class Member:
    """A file of a source.

    Attributes:
        path: in the source, its parts joined by `/`; names of other people's choice.
        size_bytes: as the source says.
        modified: when the file was made or handed in, where the source tells; with a zone.
        read: returns the content, or raises SubmissionError where it has more than so many bytes or cannot be read.
    """

    path: PurePosixPath
    size_bytes: int
    modified: datetime.datetime | None
    read: Callable[[int], bytes]


@dataclass(frozen=True)
class Aside:
    """Something in a source that does not go to a student's folder.

    Attributes:
        path: in the source.
        why: the reason, for people.
        work: whether somebody's work may be missing for it.
        member: the file, where it can be copied aside.
    """

    path: str
    why: str
    work: bool
    member: Member | None = None


@dataclass(frozen=True)
class Sender:
    """Who handed something in, in the words of a system.

    Attributes:
        label: as the system shows them.
        keys: what to look up in the roster: column and value; the first that finds somebody is enough where it is the id.
        made_id: the course's id for them where there is no roster.
        tie: what tells two of one `made_id` apart; "" where nothing does.
    """

    label: str
    keys: tuple[tuple[Column, str], ...]
    made_id: str
    tie: str = ""


@dataclass(frozen=True)
class HandIn:
    """What somebody handed in at one time.

    Attributes:
        sender: who.
        files: by their names in the hand-in, folders included.
        handed_in: when; None: when its notebook was made, where that is told.
        number: the system's own number, which grows with each hand-in; None where it has none.
        notes: what is to be said of it.
        keeps_rest: whether files that are not taken stay where they are, so that no copy is needed.
        refusal: why it may not be placed, whoever handed it in; "" where it may.
    """

    sender: Sender
    files: Mapping[str, Member]
    handed_in: datetime.datetime | None = None
    number: int | None = None
    notes: tuple[str, ...] = ()
    keeps_rest: bool = False
    refusal: str = ""


@dataclass(frozen=True)
class Contents:
    """What was read out of a source.

    Attributes:
        kind: the system that it comes from.
        hand_ins: in the order of the source.
        asides: what is in no hand-in.
    """

    kind: Kind
    hand_ins: tuple[HandIn, ...] = ()
    asides: tuple[Aside, ...] = ()


def shared_folders(members: Sequence[Member]) -> int:
    """Return how many folders lie around all files: what is deeper, a student may have named."""
    if not members:
        return 0
    folders = [member.path.parent.parts for member in members]
    return sum(
        1 for names in itertools.takewhile(lambda names: len(set(names)) == 1, zip(*folders, strict=False))
    )


def clean_name(name: str) -> str:
    """Return a name of other people's choice as one that a file or folder may have; "" where nothing of it is left."""
    text = visible(unicodedata.normalize("NFC", name)).replace(SIGN, "_")
    text = "".join("_" if character in '/\\:*?"<>|\n' else character for character in text)
    text = " ".join(text.split()).lstrip(". ")
    # Cut as bytes, since that is what disks count; half a letter at the end goes.
    return text.encode("utf-8", "replace")[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(". ")


def student_id(words: str) -> str:
    """Return an id made of a name as a system writes it: `Ada Example` becomes `ada-example`."""
    return "-".join(clean_name(words).casefold().replace(",", " ").replace("+", " ").split())


def read_time(text: str) -> datetime.datetime | None:
    """Read a time as `timestamp.txt` has it: `2026-01-31 12:00:00.000000 UTC`; None where it is no time."""
    try:
        moment = datetime.datetime.fromisoformat(
            text.strip().replace(" UTC", "+00:00").replace(" GMT", "+00:00")
        )
        # nbgrader, too, takes a time without a zone for UTC.
        return moment.astimezone(datetime.UTC) if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    except (ValueError, OverflowError):  # the first day of the first year, in the east
        return None


def write_time(moment: datetime.datetime) -> str:
    """Return a time as nbgrader writes it to `timestamp.txt`."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
