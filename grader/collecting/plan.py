"""Decide what becomes of each hand-in before anything is written: new, unchanged, newer, older, or for people to decide."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from grader.assignment.course import MAX_TIMESTAMP_BYTES, TIMESTAMP
from grader.assignment.layout import layout_of
from grader.assignment.spec import File
from grader.collecting.members import Aside, Contents, HandIn, Member, read_time, write_time
from grader.collecting.senders import Identity
from grader.errors import SubmissionError
from grader.files import read_bytes
from grader.notebooks.raw_json import MAX_NOTEBOOK_BYTES
from grader.notebooks.sanitise_text import visible

Action = Literal["new", "unchanged", "replaces", "older", "undecided", "refused"]
LISTED = 5  # names in a reason


@dataclass(frozen=True)
class Target:
    """Where hand-ins go, and which of their files count.

    Attributes:
        folder: the course's.
        assignment: id.
        declared: files that belong to the assignment beside the notebooks.
        notebooks: their names, without `.ipynb`; empty: one, called as the assignment is.
        released: names of the release's files: they are not handed in, only carried along.
        record: what was collected before, by student; see `placing`.
        replace: whether what is there is replaced where nothing says which one is newer.
    """

    folder: Path
    assignment: str
    declared: tuple[File, ...] = ()
    notebooks: tuple[str, ...] = ()
    released: frozenset[str] = frozenset()
    record: Mapping[str, Mapping[str, Any]] | None = None
    replace: bool = False

    @property
    def notebook(self) -> str:
        """Name of the file of the first notebook."""
        return self.files[0]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files of all notebooks."""
        return tuple(f"{name}.ipynb" for name in self.notebooks or (self.assignment,))

    def of(self, student: str) -> Path:
        """Return the folder of a student's hand-in."""
        return self.folder / layout_of(self.folder).submitted / student / self.assignment

    @property
    def limits(self) -> dict[str, int]:
        """Names of the files that count, with the most bytes of each."""
        return {
            **dict.fromkeys(self.files, MAX_NOTEBOOK_BYTES),
            **{file.name: file.max_kb * 1024 for file in self.declared},
        }


@dataclass(frozen=True)
class Row:
    """What becomes of one hand-in.

    Attributes:
        sender: as the system shows them.
        student: the course's id; "" where nobody is.
        action: what is done.
        source: path of the notebook in the source; "" where none was chosen.
        handed_in: when, where that is told.
        number: the system's own, which grows with each hand-in, or None.
        files: what is placed, by name.
        digest: of names and contents of the files; "" where they were not read.
        notes: what is to be said of it.
        asides: files that came with it and are not placed.
    """

    sender: str
    student: str
    action: Action
    source: str = ""
    handed_in: datetime.datetime | None = None
    number: int | None = None
    files: Mapping[str, Member] | None = None
    digest: str = ""
    notes: tuple[str, ...] = ()
    asides: tuple[Aside, ...] = ()

    @property
    def order(self) -> tuple[datetime.datetime, int]:
        """What is later among hand-ins of one student in one source."""
        earliest = datetime.datetime.min.replace(tzinfo=datetime.UTC)
        return self.handed_in or earliest, self.number or 0


def rows(contents: Contents, identities: Sequence[Identity], target: Target) -> list[Row]:
    """Return what becomes of each hand-in of a source; only reads.

    Args:
        contents: of the source.
        identities: of the senders, in the order of its hand-ins.
        target: where they go.
    """
    chosen = [
        _chosen(hand_in, who, target) for hand_in, who in zip(contents.hand_ins, identities, strict=True)
    ]
    by_student: dict[str, list[Row]] = {}
    for row in chosen:
        if row.action == "new":
            by_student.setdefault(row.student, []).append(row)
    latest = {id(_latest(several)) for several in by_student.values()}
    decided = [_decided(row, id(row) in latest, by_student, target) for row in chosen]
    # Readers look for a student; who is none comes last.
    return sorted(decided, key=lambda row: (not row.student, row.student, row.order, row.sender))


def _chosen(hand_in: HandIn, who: Identity, target: Target) -> Row:
    """Return a hand-in with the files that count chosen, as `new`; `refused` where that cannot be."""
    row = Row(hand_in.sender.label, who.student, "refused", number=hand_in.number)
    notebooks, reason = _notebooks(hand_in.files, target.files)
    reason = hand_in.refusal or who.reason or reason
    if not notebooks or reason:
        return replace(row, notes=(*hand_in.notes, reason), asides=_all_aside(hand_in, reason))
    limits = target.limits
    files = {name: hand_in.files[path] for name, path in notebooks.items()}
    notes = list(hand_in.notes)
    by_name = {PurePosixPath(path).name: path for path in sorted(hand_in.files, key=_depth, reverse=True)}
    taken = set(notebooks.values())
    missing = [name for name in target.files if name not in notebooks]
    notes += [f"no {name}" for name in missing]
    for file in target.declared:
        path = by_name.get(file.name)
        if path is None:
            continue
        if hand_in.files[path].size_bytes > limits[file.name]:
            notes.append(f"{file.name} has more than {file.max_kb} KiB and was left out")
            continue
        files[file.name] = hand_in.files[path]
        taken.add(path)
    notebook = next(iter(notebooks.values()))
    name = PurePosixPath(notebook).name
    if name not in target.files:
        notes.append(f"was called {visible(name)}")
    if who.made:
        notes.append(f"id made of {visible(hand_in.sender.label)!r}")
    try:
        digest = _digest({name: member.read(limits[name]) for name, member in files.items()})
    except SubmissionError as exc:
        return replace(row, notes=(*notes, str(exc)), asides=_all_aside(hand_in, str(exc)))
    return replace(
        row, action="new", files=files, digest=digest, notes=tuple(notes),
        source=str(hand_in.files[notebook].path),
        handed_in=hand_in.handed_in or hand_in.files[notebook].modified,
        asides=_rest(hand_in, taken, target.released),
    )  # fmt: skip


def _notebooks(files: Mapping[str, Member], names: Sequence[str]) -> tuple[dict[str, str], str]:
    """Return the paths of the notebooks of a hand-in by the names that they should have, or why none is chosen."""
    if len(names) == 1:
        path, reason = _notebook(files, names[0])
        return ({} if path is None else {names[0]: path}), reason
    by_name: dict[str, str] = {}
    for name in names:
        path, reason = _called(files, name)
        if reason:
            return {}, reason
        if path is not None:
            by_name[name] = path
    # Of several, no other name is taken for one of them: which it is would be a guess.
    return by_name, "" if by_name else f"none of {', '.join(names)} among {_names(files) or 'its files'}"


def _notebook(files: Mapping[str, Member], name: str) -> tuple[str | None, str]:
    """Return the path of the notebook of a hand-in, or why none is chosen."""
    path, reason = _called(files, name)
    if path is not None or reason:
        return path, reason
    notebooks = sorted((path for path in files if path.lower().endswith(".ipynb")), key=_depth)
    if len(notebooks) == 1:
        return notebooks[0], ""
    if not notebooks:
        archives = [path for path in files if path.lower().endswith((".zip", ".tar", ".gz", ".7z", ".rar"))]
        inside = f"; {_names(archives)} may hold one: unpack it" if archives else ""
        return None, f"no notebook among {_names(files) or 'its files'}{inside}"
    return None, f"{len(notebooks)} notebooks, none called {name}: {_names(notebooks)}"


def _called(files: Mapping[str, Member], name: str) -> tuple[str | None, str]:
    """Return the path of the notebook that has a name, or why none of those that have it is chosen; neither where none has it."""
    named = sorted((path for path in files if PurePosixPath(path).name == name), key=_depth)
    if not named:
        return None, ""
    # Of several the one that lies highest, where only one does.
    if len(named) > 1 and _depth(named[0])[0] == _depth(named[1])[0]:
        return None, f"{len(named)} notebooks are called {name}: {_names(named)}"
    if versions := _versions(files, named[0]):
        return None, f"{len(versions)} versions of {name}, and nothing says which counts: {_names(versions)}"
    return named[0], ""


def _versions(files: Mapping[str, Member], path: str) -> list[str]:
    """Return a notebook and those beside it that have its name with a number, as `week1 (1).ipynb`; empty where there are none.

    Moodle and browsers give such names to a file that is there already, and the later one may be the work.
    """
    notebook = PurePosixPath(path)
    numbered = re.compile(rf"{re.escape(notebook.stem)} ?\(\d+\)\.ipynb", re.IGNORECASE)
    beside = [
        other
        for other in files
        if PurePosixPath(other).parent == notebook.parent and numbered.fullmatch(PurePosixPath(other).name)
    ]
    return [path, *sorted(beside)] if beside else []


def _names(paths: Collection[str]) -> str:
    names = [visible(path) for path in list(paths)[:LISTED]]
    return ", ".join([*names, *(["..."] if len(paths) > LISTED else [])])


def _depth(path: str) -> tuple[int, str]:
    return len(PurePosixPath(path).parts), path


def _all_aside(hand_in: HandIn, reason: str) -> tuple[Aside, ...]:
    if hand_in.keeps_rest:
        return ()
    return tuple(
        Aside(str(member.path), reason, work=False, member=member) for member in hand_in.files.values()
    )


def _rest(hand_in: HandIn, taken: Collection[str], released: Collection[str]) -> tuple[Aside, ...]:
    rest = [member for path, member in hand_in.files.items() if path not in taken and path not in released]
    if hand_in.keeps_rest:
        return ()
    why = "only the assignment's notebooks and the files that it declares are graded"
    return tuple(Aside(str(member.path), why, work=False, member=member) for member in rest)


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _latest(several: Sequence[Row]) -> Row | None:
    """Return the latest of a student's hand-ins in one source; None where nothing says which one it is."""
    first, *others = sorted(several, key=lambda row: row.order, reverse=True)
    tied = [row for row in others if row.order == first.order and row.digest != first.digest]
    return None if tied else first


def _decided(row: Row, latest: bool, by_student: Mapping[str, Sequence[Row]], target: Target) -> Row:
    if row.action != "new":
        return row
    if not latest:
        several = by_student[row.student]
        if _latest(several) is None:
            senders = _names(sorted({rival.source for rival in several}))
            return replace(
                row,
                action="refused",
                notes=(
                    *row.notes,
                    f"more than one hand-in of {row.student}, and nothing says which is later: {senders}",
                ),
            )
        return replace(row, action="older", notes=(*row.notes, "a later one is in the same source"))
    return _beside_what_is_there(row, target)


def _beside_what_is_there(row: Row, target: Target) -> Row:
    """Compare a hand-in with the one that the student's folder has."""
    folder = target.of(row.student)
    if folder.parent.is_symlink() or folder.is_symlink():
        reason = f"{folder.relative_to(target.folder)} is a symbolic link, and links are not followed"
        return replace(row, action="refused", notes=(*row.notes, reason))
    if not folder.exists():
        return row
    if _digest_there(folder, target) == row.digest:
        return replace(row, action="unchanged")
    before = (target.record or {}).get(row.student, {})
    # The record is of what is there only as long as nobody changed that by hand.
    number = before.get("number") if before.get("digest") == _digest_there(folder, target) else None
    there = time_there(folder)
    if row.number is not None and isinstance(number, int) and row.number != number:
        newer: bool | None = row.number > number
    elif row.handed_in is None or there is None or row.handed_in == there:
        newer = True if target.replace else None
    else:
        newer = row.handed_in > there
    if newer is None:
        note = "another one is there, and no time says which is later; --replace takes this one"
        return replace(row, action="undecided", notes=(*row.notes, note))
    if newer:
        return replace(row, action="replaces")
    when = f" of {write_time(there)[:16]}" if there else ""
    return replace(row, action="older", notes=(*row.notes, f"the one{when} that is there is later"))


def _digest_there(folder: Path, target: Target) -> str:
    contents = {}
    for name, most in target.limits.items():
        try:
            contents[name] = read_bytes(folder / name, most)
        except (OSError, SubmissionError):
            continue
    return _digest(contents)


def time_there(folder: Path) -> datetime.datetime | None:
    """Return when the hand-in in a folder was handed in; None where its `timestamp.txt` is missing or is no time."""
    try:
        return read_time(read_bytes(folder / TIMESTAMP, MAX_TIMESTAMP_BYTES).decode())
    except (OSError, SubmissionError, UnicodeDecodeError):
        return None
