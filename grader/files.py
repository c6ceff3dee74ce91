"""Files: finding those that Pawgrade brings along, reading hostile ones, writing whole ones or none.

This is the one place that tells an installed package from a checkout.

Two distributions are built from one repository. `pawgrade`, which students install, carries what they may read: the
released assignments and the data cards. `pawgrade-course`, which comes with `pawgrade[staff]`, carries the course that they
were made from, with solutions, hidden checks and mutants. Only the standard library is imported here, since the build
reads this file, too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import stat
import sys
import tarfile
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from types import ModuleType

PACKAGE = Path(__file__).resolve().parent
FOLDER = "course"  # of the public parts, inside an installed package
PUBLIC_PARTS = ("assignments", "datasets")
STAFF_FOLDER = "pawgrade_course"  # beside the packages of an environment
STAFF_PARTS = ("assignments", "solutions", "starters", "nbgrader_config.py", "pawgrade.toml")
STAFF_PROJECT = "pawgrade-course"
# NOFOLLOW refuses a link; NONBLOCK keeps a pipe that nobody writes to from blocking us. Windows has neither, and would
# translate the ends of lines: there students read their own files only.
_READING = os.O_RDONLY
for _name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _READING |= getattr(os, _name, 0)
HAS_FILTERS = hasattr(tarfile, "data_filter")  # came with Python 3.11.4; Debian 12 has 3.11.2


def is_installed(package: Path = PACKAGE) -> bool:
    """Say whether a `grader` package was built into a wheel; in a checkout its files lie beside it."""
    return (package / FOLDER).is_dir()


def public_parts(package: Path = PACKAGE) -> Path:
    """Return the folder that holds `PUBLIC_PARTS`: package data, or the checkout.

    Beside an installed package, folders of these names may be another project's: there they are never looked at.
    """
    return package / FOLDER if is_installed(package) else package.parent


def staff_parts(package: Path = PACKAGE) -> Path | None:
    """Return the folder that holds `STAFF_PARTS`: the checkout, or what `pawgrade-course` installed; None: neither."""
    if not is_installed(package) and (package.parent / "solutions").is_dir():
        return package.parent
    return next((folder for folder in staff_folders() if (folder / "solutions").is_dir()), None)


def staff_folders(package: Path = PACKAGE) -> list[Path]:
    """Return every folder of this Python's environment that holds staff's files.

    More than one may be there: of the user and of the system, and what a former version left in the package itself.
    """
    environment = [Path(entry) / STAFF_FOLDER for entry in sys.path if entry]
    return [folder for folder in (*environment, package / FOLDER / "solutions") if folder.is_dir()]


def staff_paths() -> list[Path]:
    """Return what no kernel may see of this Python's environment: staff's folders, and the lists of their files."""
    # Even the names of hidden checks and mutants tell something.
    lists = [
        path for entry in sys.path if entry for path in Path(entry).glob(f"{STAFF_FOLDER}-*.dist-info/RECORD")
    ]
    return [*staff_folders(), *lists]


def import_file(path: Path) -> ModuleType:
    """Import a Python file of staff's by its path; raises ImportError when there is none."""
    spec = importlib.util.spec_from_file_location(f"pawgrade_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"{path} does not exist")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Read a hostile file: a regular file of at most `max_bytes`, not a link, pipe or device.

    Raises:
        FileNotFoundError: there is no such file.
        SubmissionError: it is something else, or too large.
    """
    from grader.errors import SubmissionError  # the build reads this file by itself
    from grader.messages import Message

    irregular = Message("{name}: expected a regular file, found something else.", name=path.name)
    try:
        descriptor = os.open(path, _READING)
    except FileNotFoundError:
        raise
    except OSError as exc:
        raise SubmissionError(irregular) from exc
    try:
        # Of the open file: its path could mean another one by now.
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(irregular)
        if status.st_size > max_bytes:
            raise SubmissionError(
                Message(
                    "{name}: expected at most {most} bytes, found {found}.",
                    name=path.name,
                    most=max_bytes,
                    found=status.st_size,
                )
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            # The file may have grown since it was measured.
            content = file.read(max_bytes + 1)
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise SubmissionError(
            Message("{name}: expected at most {most} bytes, found more.", name=path.name, most=max_bytes)
        )
    return content


def unpack(archive: tarfile.TarFile, folder: Path, members: Iterable[tarfile.TarInfo] | None = None) -> None:
    """Unpack a tar archive as Python's filter "data" does: nothing outside of the folder, no device, nobody else's files.

    Without filters only plain files and folders are let out.

    Args:
        archive: an open one.
        folder: where to.
        members: of the archive; None: all.

    Raises:
        tarfile.TarError: a member would lie, or lead, outside, or is a device; without filters also any link.
    """
    if HAS_FILTERS:
        archive.extractall(folder, members, filter="data")
    else:
        archive.extractall(folder, _plain(archive if members is None else members))  # noqa: S202


def _plain(members: Iterable[tarfile.TarInfo]) -> Iterator[tarfile.TarInfo]:
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
            raise tarfile.ReadError(f"{member.name!r} is no plain file or folder, or leads out of the folder")
        # As the filter "data" has it: files are our own, not writable by others and not setuid.
        member.uid, member.gid, member.uname, member.gname = os.geteuid(), os.getegid(), "", ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        yield member


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """Yield a draft beside `path` that takes its place when the block ends well, and vanishes otherwise.

    A reader sees the old file or the new one, whole, even when the machine loses power in between. The draft keeps the ending of the
    name, since some writers look at it.

    Args:
        path: the file; its folder is made where there is none.
        mode: permissions of the new file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the file, since a rename does not cross disks; cut, since names are bounded.
    draft = path.with_name(f".{path.stem[:80]}.{uuid.uuid4().hex}{path.suffix}")
    try:
        yield draft
        # On the disk before the rename: else a power cut could leave an empty file under the name.
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes, *, mode: int = 0o644) -> None:
    """Put text, as UTF-8, or bytes at `path`, whole or not at all."""
    with replacing(path, mode=mode) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `target` when the block ends well, and vanishes otherwise.

    A reader sees the old folder or the new one, complete. (POSIX has no exchange of two folders: in the instant
    between two renames there is none, and a crash there leaves the old one under its hidden name.)
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    draft, old = scratch / "new", scratch / "old"
    # The folder around it is closed to others, as mkdtemp makes it; this one will be read.
    draft.mkdir(mode=0o755)
    try:
        yield draft
        if target.exists():
            target.rename(old)
        try:
            draft.rename(target)
        except OSError:
            # Readers get the old folder back rather than none.
            if old.exists():
                old.rename(target)
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
