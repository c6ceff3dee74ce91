"""A folder of files or folders by student: `student01.ipynb`, `student01/any.ipynb`, `lab-2/student01/...`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath

from grader.assignment.course import MAX_TIMESTAMP_BYTES, TIMESTAMP, same_word
from grader.collecting.members import Aside, Contents, HandIn, Member, Sender, clean_name, read_time
from grader.errors import SubmissionError


def read(
    members: Sequence[Member], assignment: str, others: Collection[str], knows: Callable[[str], bool]
) -> Contents:
    """Return the hand-ins of a folder, one a student.

    Args:
        members: its files; their times count as those of the hand-ins, unless a `timestamp.txt` lies beside them.
        assignment: whose hand-ins they are.
        others: ids of the course's other assignments: folders of their names are left alone.
        knows: whether the roster has a student of this name.
    """
    skip = _folders_around(members, assignment, knows)
    inside: dict[str, dict[str, Member]] = {}
    asides, elsewhere = list[Aside](), Counter[str]()
    for member in members:
        student, inner = _split(PurePosixPath(*member.path.parts[skip:]), assignment)
        if not student:
            is_work = member.path.suffix in {".ipynb", ".zip"}
            asides.append(
                Aside(str(member.path), "its name and folder name no student", work=is_work, member=member)
            )
        elif len(inner.parts) > 1 and inner.parts[0] in others:
            elsewhere[inner.parts[0]] += 1
        elif str(inner) in inside.setdefault(student, {}):
            why = f"{inside[student][str(inner)].path} has the same student and name; one of them was taken"
            asides.append(Aside(str(member.path), why, work=True, member=member))
        else:
            inside[student][str(inner)] = member
    asides += [
        Aside(name, f"{count} files of another assignment of the course", work=False)
        for name, count in sorted(elsewhere.items())
    ]
    hand_ins = tuple(_hand_in(student, files) for student, files in inside.items() if files)
    return Contents("folder", hand_ins, tuple(asides))


def _folders_around(members: Sequence[Member], assignment: str, knows: Callable[[str], bool]) -> int:
    """Return how many folders lie around everything and are no student's."""
    count = 0
    while True:
        paths = [PurePosixPath(*member.path.parts[count:]) for member in members]
        names = {path.parts[0] for path in paths}
        if len(names) != 1 or any(len(path.parts) < 2 for path in paths):
            return count
        (name,) = names
        notebooks = sum(len(path.parts) == 2 and path.suffix == ".ipynb" for path in paths)
        inner_folders = {path.parts[1] for path in paths if len(path.parts) > 2}
        around = same_word(name) in {same_word(assignment), "submitted"} or (
            # One student's folder has a notebook, or folders named as assignments.
            not knows(name) and (notebooks > 1 or (not notebooks and assignment not in inner_folders))
        )
        if not around:
            return count
        count += 1


def _split(path: PurePosixPath, assignment: str) -> tuple[str, PurePosixPath]:
    """Return whose a file is, "" where nothing says, and its path in the hand-in."""
    first, *deeper = path.parts
    # A folder of the assignment's name beside others, as in `lab-2/student01/`.
    if same_word(first) == same_word(assignment) and len(deeper) > 0:
        first, *deeper = deeper
    if deeper:
        # nbgrader's own order of the folders.
        inner = deeper[1:] if len(deeper) > 1 and same_word(deeper[0]) == same_word(assignment) else deeper
        return first, PurePosixPath(*inner)
    stem, suffix = PurePosixPath(first).stem, PurePosixPath(first).suffix
    if suffix != ".ipynb" or same_word(stem) == same_word(assignment):
        return "", path
    # `lab_2-student01.ipynb` and `student01_lab_2.ipynb` are student01's.
    word = "[-_ .]+".join(re.escape(word) for word in re.split(r"[-_ .]+", assignment))
    student = re.sub(rf"^{word}[-_ .]+|[-_ .]+{word}$", "", stem, flags=re.IGNORECASE)
    return student, PurePosixPath(first)


def _hand_in(student: str, files: dict[str, Member]) -> HandIn:
    keys = tuple(
        (column, student)
        for column in ("id", "username", "email", "github", "sis_login_id", "id_number", "name")
    )
    moment = None
    if timestamp := files.pop(TIMESTAMP, None):
        try:
            moment = read_time(timestamp.read(MAX_TIMESTAMP_BYTES).decode())
        except (SubmissionError, UnicodeDecodeError):
            moment = None
    sender = Sender(student, keys, clean_name(student))  # type: ignore[arg-type] # mypy widens the columns' names
    return HandIn(sender, files, moment)
