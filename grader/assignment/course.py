"""A course: where its assignments, releases and submissions lie. The folders are nbgrader's."""

from __future__ import annotations

import contextlib
import difflib
import glob
import itertools
import os
import re
import shlex
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader import files
from grader.assignment.layout import CONFIG, Layout, layout_of
from grader.assignment.spec import notebook_names
from grader.errors import SpecError, SubmissionError
from grader.records import Submission
from grader.settings import assignments_named

TIMESTAMP = "timestamp.txt"

MAX_TIMESTAMP_BYTES = 200
MAX_ENTRIES = 10_000  # of a folder that other people fill
MAX_LEVELS = 4  # of folders in it that are searched for notebooks
HANDED_IN = frozenset({".ipynb", ".zip"})  # endings of files that somebody may have handed in


@dataclass(frozen=True)
class Course:
    """The folders of a course.

    Attributes:
        folder: the course folder, absolute.
    """

    folder: Path

    @property
    def layout(self) -> Layout:
        """The names of its folders; raises SpecError where `nbgrader_config.py` cannot be followed."""
        return layout_of(self.folder)

    @property
    def submitted(self) -> Path:
        """The folder of what students hand in; it may be missing."""
        return self.folder / self.layout.submitted

    def source(self, assignment: str) -> Path:
        """Return the source folder of an assignment; raises SpecError when there is none."""
        return self._existing(self.layout.source, assignment)

    def release(self, assignment: str) -> Path:
        """Return the release folder of an assignment; raises SpecError when there is no such assignment or release."""
        self.source(assignment)
        path = self.folder / self.layout.release / assignment
        if not path.is_dir():
            raise SpecError(
                f"assignment {assignment!r} is not released: {path} does not exist.",
                f"Run `pawgrade release {shlex.quote(assignment)}`.",
            )
        return path

    def _existing(self, kind: str, assignment: str) -> Path:
        path = self.folder / kind / assignment
        # By its own name: "", ".." and "a/../b" would lead to folders, too.
        if Path(assignment).name != assignment or assignment in ("", "..") or not path.is_dir():
            assignment_ids = self.assignments()
            close = difflib.get_close_matches(assignment, assignment_ids, n=1)
            raise SpecError(
                f"no assignment {assignment!r} in {self.folder / kind}; the course has {', '.join(assignment_ids) or 'none'}.",
                f"Did you mean {close[0]}?" if close else "`pawgrade new assignment ID` makes one.",
            )
        return path

    def assignments(self) -> tuple[str, ...]:
        """Return the ids of all assignments: first those of the setting `order`, in its order, then the others by name.

        Raises:
            SpecError: `nbgrader_config.py` or `pawgrade.toml` cannot be followed.
        """
        source = self.folder / self.layout.source
        existing = sorted(path.parent.name for path in source.glob("*/assignment.toml"))
        positions = {name: position for position, name in enumerate(assignments_named(self.folder, "order"))}
        # `sorted` is stable: those without a position stay by name.
        return tuple(sorted(existing, key=lambda name: positions.get(name, len(positions))))

    def missing_in_order(self) -> tuple[str, ...]:
        """Return what the setting `order` names and the course does not have: yet to be written, or misspelt."""
        existing = self.assignments()
        return tuple(name for name in assignments_named(self.folder, "order") if name not in existing)

    def chosen(self, assignments: Sequence[str] | None) -> tuple[str, ...]:
        """Return the assignments named, or all of the course; raises SpecError for one, or a course, that is none."""
        for assignment in assignments or ():
            # For its SpecError: a misspelt name stops everything before any work begins.
            self.source(assignment)
        selected = tuple(assignments or ()) or self.assignments()
        if not selected:
            source = self.layout.source
            others = sorted(path.name for path in (self.folder / source).glob("*") if path.is_dir())
            has = f"the folders {', '.join(others)} without one" if others else "nothing"
            raise SpecError(
                f"{self.folder / source}: expected {source}/<id>/assignment.toml, found {has}.",
                "`pawgrade new assignment ID` makes one: a folder with assignment.toml, check_public.py and its notebook <id>.ipynb.",
            )
        return selected

    def db_url(self, chosen: str | None) -> str:
        """Return the gradebook's URL: the one chosen, else nbgrader's for this course, else `gradebook.db` in the course."""
        return chosen or self.layout.db_url or f"sqlite:///{self.folder / 'gradebook.db'}"

    def left_out(self, assignment: str) -> dict[str, str]:
        """Return the students whose folders are not read, with the reason: staff put them there, so it is for them to mend."""
        reasons = {}
        for path in sorted(self.submitted.glob(f"*/{glob.escape(assignment)}")):
            name = path.parent.name
            # A link may lead anywhere, to another student's work, too.
            if path.parent.is_symlink() or path.is_symlink():
                link = (path.parent if path.parent.is_symlink() else path).relative_to(self.folder)
                reasons[name] = (
                    f"{link} is a symbolic link, and links are not followed. Put the folder itself there."
                )
            # Bytes of a name that are no UTF-8 are lone surrogates here, which "replace" turns into question
            # marks.
            elif path.is_dir() and name.encode("utf-8", "replace").decode() != name:
                reasons[name] = "the folder's name is no UTF-8, so that no gradebook can hold it. Rename it."
            elif path.is_dir() and _is_empty(path):
                reasons[name] = (
                    f"{path.relative_to(self.folder)} is empty, which counts as not handed in. Put the notebook there, or delete the folder."
                )
        return reasons

    def submissions(self, assignment: str, students: tuple[str, ...] = ()) -> list[Submission]:
        """Return what is handed in, by student; raises SpecError for a student who handed in nothing."""
        # `glob` passes over folders that it may not read: their students would count as having handed in nothing.
        _require_readable(self.submitted, assignment)
        left_out = self.left_out(assignment)
        folders = {
            path.parent.name: path
            for path in sorted(self.submitted.glob(f"*/{glob.escape(assignment)}"))
            if path.is_dir() and path.parent.name not in left_out
        }
        for student in students:
            if student in left_out:
                raise SpecError(f"student {student!r} is not graded: {left_out[student]}")
        missing = [student for student in students if student not in folders]
        if missing:
            raise SpecError(
                f"student {missing[0]!r} has handed in nothing for {assignment!r}.",
                f"Expected the folder {self.folder / 'submitted' / missing[0] / assignment}.",
            )
        selected = students or tuple(folders)
        names = notebook_names(self.folder / self.layout.source / assignment)
        _require_different(self.submitted, selected)
        return [
            Submission(
                student,
                assignment,
                folders[student],
                _timestamp(folders[student]),
                _only_notebook(folders[student], f"{names[0]}.ipynb") if len(names) == 1 else "",
                notebooks=names,
            )
            for student in selected
        ]

    def strays(self) -> dict[str, str]:
        """Return what lies under `submitted/` and belongs to no student's assignment, with the reason."""
        submitted = self.submitted
        assignments = self._all_assignments()
        reasons = {}
        for path in _entries(submitted):
            name = path.name
            if path.is_file():
                if path.suffix in HANDED_IN:
                    reasons[name] = "a file in the place of a student's folder"
            elif any(same_word(name) == same_word(assignment) for assignment in assignments):
                reasons[f"{name}/"] = "an assignment's name in the place of a student's"
            else:
                for inside, reason in _strays_of_student(path, assignments):
                    reasons[f"{name}/{inside}"] = reason
        return reasons

    def _all_assignments(self) -> set[str]:
        """Return the ids of all assignments, those that are nbgrader's alone included."""
        folders = (
            path
            for kind in {
                "solutions",
                "assignments",
                "source",
                "release",
                self.layout.source,
                self.layout.release,
            }
            for path in self.folder.glob(f"{kind}/*")
        )
        return {path.name for path in folders if path.is_dir()}


def find_course(folder: Path | None, start: Path) -> Course:
    """Return the course in `folder`, or in `start` or a folder above it.

    Raises:
        SpecError: there is none, or no such folder.
    """
    # A folder that was given is meant: those above it are not searched.
    for candidate in [folder] if folder else [start, *start.parents]:
        if (candidate / CONFIG).is_file() and (candidate / layout_of(candidate).source).is_dir():
            return Course(candidate.resolve())
    if folder is not None and not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise SpecError(
            f"{folder} {what}; expected the folder of a course.",
            f"`pawgrade new course {shlex.quote(str(folder))}` makes one.",
        )
    raise SpecError(
        f"{folder or start} is no course: expected nbgrader_config.py and the folder of its source_directory there: solutions in Pawgrade's courses, source in nbgrader's.",
        "Give the course with --course, make one with `pawgrade new course NAME`, or run `pawgrade demo` to see one.",
    )


def packaged_course() -> Course:
    """Return the course that Pawgrade brings along, from `pawgrade-course` or the checkout; raises SpecError."""
    folder = files.staff_parts()
    if folder is None:
        raise SpecError(
            "the course with its solutions is not installed: students' installations have none.",
            f"Instructors: pip install 'pawgrade[staff]', which brings {files.STAFF_PROJECT}.",
        )
    return Course(folder)


def _require_readable(submitted: Path, assignment: str) -> None:
    """Raise SpecError where a search would pass over what is handed in: a file in the folder's place, a closed folder."""
    if not submitted.exists():
        return
    try:
        for student_folder in sorted(submitted.iterdir()):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                # Only to learn whether it may be looked at; that nothing is there is no error.
                (student_folder / assignment).lstat()
    except NotADirectoryError as exc:
        raise SpecError(f"{submitted} is a file.", "It is the folder of what students hand in.") from exc
    except OSError as exc:
        raise SpecError(
            f"{exc.filename or submitted} cannot be read: {exc.strerror}.", "Nothing was graded."
        ) from exc


def _require_different(submitted: Path, students: Sequence[str]) -> None:
    """Raise SpecError when two students' ids differ in nothing but case or composition."""
    by_normalised_id: dict[str, str] = {}
    for student in students:
        # Wider than what disks confuse: a refusal costs a renamed folder, a mix-up somebody's grade.
        first_student = by_normalised_id.setdefault(
            unicodedata.normalize("NFKC", student).casefold(), student
        )
        if first_student != student:
            raise SpecError(
                f"{submitted}: the folders {first_student!r} and {student!r} differ in nothing but case or the way their letters are written.",
                "Grade one of them with --student, or rename one: on many disks they are the same folder.",
            )


def same_word(text: str) -> str:
    """Return a name of an assignment as it is compared: `Lab-2` is `lab_2`."""
    return re.sub(r"[-_ .]+", "", text).casefold()


def notebooks(folder: Path) -> list[str]:
    """Return the names of the notebooks that lie directly in a folder, sorted; links and hidden files are none."""
    return sorted(
        path.name
        for path in _entries(folder)
        if path.suffix.lower() == ".ipynb" and path.is_file() and not path.is_symlink()
    )


def deeper_notebooks(folder: Path) -> list[str]:
    """Return the paths of notebooks in the folders below one that other people fill, nearest first.

    The search ends after `MAX_LEVELS` levels and `MAX_ENTRIES` entries; links and hidden files are passed over.
    """
    paths, level, left = list[str](), [folder], MAX_ENTRIES
    for depth in range(MAX_LEVELS + 1):
        entries = list[os.DirEntry[str]]()
        for below in level:
            with contextlib.suppress(OSError), os.scandir(below) as read:
                batch = list(itertools.islice(read, left))
                left -= len(batch)
                entries += (entry for entry in batch if not entry.name.startswith("."))
        files_there = [
            Path(entry.path) for entry in entries if depth and entry.is_file(follow_symlinks=False)
        ]
        paths += sorted(
            path.relative_to(folder).as_posix() for path in files_there if path.suffix.lower() == ".ipynb"
        )
        level = sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
    return paths


def _is_empty(folder: Path) -> bool:
    """Say whether nothing was handed in: hidden files are the system's, and nbgrader writes a time beside nothing, too."""
    try:
        with os.scandir(folder) as entries:
            return all(entry.name.startswith(".") or entry.name == TIMESTAMP for entry in entries)
    except OSError:
        return False


def _only_notebook(folder: Path, name: str) -> str:
    """Return the name of the only notebook in a folder that has none of the right name; "" otherwise."""
    if os.path.lexists(folder / name):
        return ""
    names = notebooks(folder)
    return names[0] if len(names) == 1 else ""


def _strays_of_student(folder: Path, assignments: Collection[str]) -> Iterator[tuple[str, str]]:
    for path in _entries(folder):
        if path.is_file():
            if path.suffix in HANDED_IN:
                yield path.name, "a file beside the folders of the assignments"
        elif path.name not in assignments:
            meant = [name for name in sorted(assignments) if same_word(name) == same_word(path.name)]
            yield (
                f"{path.name}/",
                "no assignment is called so" + (f"; {meant[0]} is meant" if meant else ""),
            )


def _entries(folder: Path) -> list[Path]:
    """Return what a folder of other people's holds, sorted and bounded, without hidden files; nothing where there is none."""
    try:
        entries = itertools.islice(folder.iterdir(), MAX_ENTRIES)
        return sorted(path for path in entries if not path.name.startswith("."))
    except OSError:
        return []


def _timestamp(folder: Path) -> str | None:
    try:
        return files.read_bytes(folder / TIMESTAMP, MAX_TIMESTAMP_BYTES).decode("utf-8").strip()
    except (OSError, SubmissionError, UnicodeDecodeError):  # missing, or not to be read by us
        return None
