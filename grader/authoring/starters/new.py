"""Make a course, or an assignment in one: whole folders that pass `pawgrade verify` as they are, or nothing at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from grader.assignment import calibration_file, spec
from grader.assignment.course import Course, packaged_course
from grader.assignment.names import MAX_NAME_CHARS, why_not_plain
from grader.authoring import release
from grader.authoring.quizzes import making
from grader.authoring.starters import gitignore
from grader.calibration.statistics import measured_version
from grader.checks.soundness import require_sound
from grader.errors import SpecError
from grader.files import STAFF_PROJECT

Kind = Literal["function", "images", "quiz", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SAMPLE = "example"  # id of the assignment that a new course has
COURSE_FILES = Path(__file__).resolve().parent / "course"
# What a new repository has on the first day: a course may be made around it.
BROUGHT = {".git", gitignore.NAME, "LICENSE", "LICENSE.md", "README.md"}
CONFIG = "nbgrader_config.py"  # that of the packaged course serves every other one


def new_course(folder: Path) -> list[Path]:
    """Make a course: settings, `.gitignore`, README and a sample assignment with its release.

    Args:
        folder: where it goes. The folder around it must exist. It itself may be there if nothing is in it, or what a new
            repository has (`BROUGHT`): its README and licence stay as they are, its `.gitignore` gets the lines that it lacks.

    Returns:
        Its files, sorted.

    Raises:
        SpecError: something is there already, or the folder cannot be made; then nothing is.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - `resolve` would follow a link in the folder's place
    is_new = not os.path.lexists(folder)
    if not (is_new or _is_empty(folder)):
        raise SpecError(
            f"{folder} exists; nothing was written.",
            "Choose another name, an empty folder or a repository without files: what is there is never overwritten.",
        )
    if not folder.parent.is_dir():
        raise SpecError(f"{folder.parent} does not exist.", "Make it first, or choose another place.")
    with _draft(folder if is_new else folder / "course", around=None if is_new else folder) as draft:
        (draft / "solutions").mkdir()
        shutil.copyfile(packaged_course().folder / CONFIG, draft / CONFIG)
        for name in ("pawgrade.toml", "README.md"):
            text = (COURSE_FILES / name).read_text(encoding="utf-8")
            (draft / name).write_text(text.replace("__TITLE__", folder.name), encoding="utf-8")
        ignored = folder / gitignore.NAME
        present = "" if is_new or not ignored.is_file() else ignored.read_text(encoding="utf-8")
        (draft / gitignore.NAME).write_text(gitignore.completed(present), encoding="utf-8")
        new_assignment(Course(draft), SAMPLE, "function")
    return [path for path in _files(folder) if ".git" not in path.relative_to(folder).parts]


def _is_empty(folder: Path) -> bool:
    """Whether nothing lies in a folder but what a new repository has."""
    return folder.is_dir() and not folder.is_symlink() and {path.name for path in folder.iterdir()} <= BROUGHT


def new_assignment(
    course: Course, name: str, kind: Kind, title: str = "", bank: Path | None = None
) -> list[Path]:
    """Make an assignment of a kind in a course, and its release.

    Args:
        course: the course.
        name: id of the assignment, any that nbgrader takes (`assignment.names`).
        kind: what it asks for, one of `KINDS`.
        title: its title; "": made of the id.
        bank: file with the questions of a quiz; None: a few, to begin with.

    Returns:
        The files of source and release, sorted.

    Raises:
        SpecError: the id is none, something of that name is there already, the bank has mistakes or is for another kind, or it
            cannot be written; then nothing is.
    """
    if bank is not None and kind != "quiz":
        raise SpecError(f"a bank of questions makes a quiz, found the kind {kind!r}.", "Add --kind quiz.")
    words = name.replace("_", " ")
    title = title or words[:1].upper() + words[1:]
    _require_names(name, title)
    source, target = (course.folder / part / name for part in (course.layout.source, course.layout.release))
    for path in (source, target):
        _require_absent(path)
    with _draft(source) as draft:
        for file, text in filled_in(kind, name, title, bank).items():
            path = draft / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        # What honest work reaches was measured under another id, which is part of the digest and decides no measure.
        for card, calibration in spec.load_hidden(draft).calibration.items():
            digest = measured_version(draft, card)
            calibration_file.write(draft, card, calibration.model_copy(update={"digest": digest}))
    try:
        require_sound(source, spec.load_assignment(source))
        release.build_release(course.folder, name, target.parent)
    except BaseException:
        shutil.rmtree(source)  # made above, by this call
        raise
    return sorted([*_files(source), *_files(target)])


def filled_in(kind: Kind, name: str, title: str, bank: Path | None = None) -> dict[str, str]:
    """Return the files of a kind of assignment by their path in the source folder.

    Args:
        kind: one of `KINDS`.
        name: id of the assignment.
        title: its title.
        bank: file with the questions of a quiz; None: the starter's.

    Raises:
        SpecError: the files are not installed, as for students; or the bank has mistakes.
    """
    # As JSON and TOML write it between quotation marks: it stands nowhere else.
    quoted_title = json.dumps(title, ensure_ascii=False)[1:-1]
    files, folder = {}, starters() / kind
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            file = path.relative_to(folder).as_posix()
            file = f"{name}.ipynb" if file == "notebook.ipynb" else file
            text = path.read_text(encoding="utf-8")
            # In quotation marks it is the id; elsewhere it stands in a command, where a shell would part it at a blank.
            text = text.replace('"__ID__"', json.dumps(name, ensure_ascii=False)).replace(
                "__ID__", shlex.quote(name)
            )
            files[file] = text.replace("__TITLE__", quoted_title)
    return making.quiz_files(files, name, bank) if kind == "quiz" else files


def starters() -> Path:
    """Return the folder with the files of each kind, of the checkout or of `pawgrade-course`; raises SpecError."""
    folder = packaged_course().folder / "starters"
    if not folder.is_dir():
        raise SpecError(
            f"{folder} does not exist.",
            f"Update {STAFF_PROJECT}: pip install --upgrade 'pawgrade[staff]'.",
        )
    return folder


def _require_names(name: str, title: str) -> None:
    reason = why_not_plain(name)
    if reason:
        # What is left of it by words.
        words = " ".join(re.findall(r"[^\W_][\w-]*", name))[:MAX_NAME_CHARS].strip()
        raise SpecError(
            f"expected an assignment id that is a plain folder name, found {name!r} with {reason}.",
            f"For example {words or 'week1'!r}; --title takes any words.",
        )
    if not title.isprintable():
        raise SpecError(f"expected a title of one line that can be printed, found {title!r}.")


def _require_absent(path: Path) -> None:
    if os.path.lexists(path):
        raise SpecError(
            f"{path} exists; nothing was written.", "Choose another name: what is there is never overwritten."
        )


@contextmanager
def _draft(target: Path, around: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder that becomes `target` when the block ends well, and vanishes otherwise; raises SpecError.

    Args:
        target: a path that does not exist.
        around: a folder that is there: its entries take the place of `target`.
    """
    draft = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex}")
    try:
        draft.mkdir()
        yield draft
        if around is not None:
            _move_into(draft, around)
            return
        _require_absent(target)  # once more: `rename` would replace an empty folder that came meanwhile
        draft.rename(target)
    except OSError as exc:
        raise SpecError(f"{target} cannot be written: {exc.strerror or exc}.") from exc
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _move_into(draft: Path, folder: Path) -> None:
    """Move what a draft holds into a folder; a README that is there stays, a `.gitignore` has been completed."""
    for path in sorted(draft.iterdir()):
        if path.name == gitignore.NAME or not os.path.lexists(folder / path.name):
            path.replace(folder / path.name)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
