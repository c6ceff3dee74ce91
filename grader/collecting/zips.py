"""List a zip archive that other people filled: within limits, nothing outside, no links, no bombs."""

from __future__ import annotations

import contextlib
import datetime
import functools
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from grader.collecting.members import MAX_DEPTH, MAX_FILES, PASSED_OVER, Aside, Member
from grader.errors import SpecError, SubmissionError
from grader.messages import Message

MAX_DIRECTORY_BYTES = 16 * 2**20  # of the archive's own list of files: it is read into memory at once
MAX_UNPACKED_BYTES = 16 * 2**30
MAX_RATIO = 200  # unpacked bytes for one packed; notebooks have about 5, and 60 when their outputs repeat
FREE_BYTES = 2**30  # below this, the ratio is not asked
_TAIL_BYTES = 65_557  # the end record with the longest comment
_END, _END_SIZE, _ZIP64_LOCATOR_BYTES = b"PK\x05\x06", 22, 20
_EXTENDED_TIME = 0x5455  # extra field with a time in UTC


@contextlib.contextmanager
def opened(
    path: Path, zone: datetime.tzinfo | None
) -> Iterator[tuple[tuple[Member, ...], tuple[Aside, ...]]]:
    """Yield the files of an archive, which can be read until the block ends, and what is not taken of it.

    Args:
        path: a zip archive.
        zone: of times that the archive has without one; None: this machine's.

    Raises:
        SpecError: it is no zip archive, is damaged, or unpacks to more than is reasonable.
    """
    try:
        _require_small_directory(path)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _require_reasonable(path, entries)
            yield _listed(archive, entries, zone)
    except (zipfile.BadZipFile, struct.error, NotImplementedError) as exc:
        raise SpecError(
            f"{path} is no zip archive that can be read: {exc}.",
            "Download it again, or unpack it and give the folder.",
        ) from exc
    except OSError as exc:
        raise SpecError(f"{path} cannot be read: {exc.strerror}.") from exc


def _require_small_directory(path: Path) -> None:
    """Raise SpecError where the list of files alone would fill the memory: `zipfile` reads it before anybody can ask."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size_bytes - _TAIL_BYTES))
        tail = file.read()
        start = tail.rfind(_END)
        if start < 0:
            raise zipfile.BadZipFile("it has no end record")
        (directory_bytes,) = struct.unpack_from("<L", tail, start + 12)
        if directory_bytes == 0xFFFFFFFF:
            # A large archive tells its size in a record of its own, to which the 20 bytes before lead.
            (offset,) = struct.unpack_from("<Q", tail, start - _ZIP64_LOCATOR_BYTES + 8)
            file.seek(min(offset, size_bytes) + 40)
            (directory_bytes,) = struct.unpack("<Q", file.read(8))
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise _too_large(
            path, f"a list of files of at most {MAX_DIRECTORY_BYTES} bytes", f"{directory_bytes}"
        )


def _require_reasonable(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_FILES:
        raise _too_large(path, f"at most {MAX_FILES} files", f"{len(entries)}")
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    archive_bytes = path.stat().st_size
    if unpacked > MAX_UNPACKED_BYTES:
        raise _too_large(path, f"at most {MAX_UNPACKED_BYTES} bytes unpacked", f"{unpacked}")
    # Files that share their bytes in the archive are packed larger than the archive: a bomb, whatever the ratio is.
    if packed > archive_bytes or (unpacked > FREE_BYTES and unpacked > MAX_RATIO * archive_bytes):
        raise SpecError(
            f"{path} looks like a zip bomb: {archive_bytes} bytes would become {unpacked}. Nothing was unpacked.",
            "Look at whose file it is; collect the others from a folder.",
        )


def _too_large(path: Path, most: str, count: str) -> SpecError:
    return SpecError(f"{path}: expected {most}, found {count}.", "Download fewer submissions at a time.")


def _listed(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], zone: datetime.tzinfo | None
) -> tuple[tuple[Member, ...], tuple[Aside, ...]]:
    members: dict[PurePosixPath, Member] = {}
    asides = []
    for entry in entries:
        # Archives made on Windows may have its separator.
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if entry.is_dir() or PASSED_OVER & set(path.parts[:-1]):
            continue
        reason = _refusal(entry, path)
        if not reason and path in members:
            reason = "the archive has two files of this name; the first was taken"
        if reason:
            asides.append(Aside(entry.filename, reason, work=True))
        else:
            read = functools.partial(_read, archive, entry)
            members[path] = Member(path, entry.file_size, _time(entry, zone), read)
    return tuple(members.values()), tuple(asides)


def _refusal(entry: zipfile.ZipInfo, path: PurePosixPath) -> str:
    """Return why an entry is not taken; "" where it may be."""
    mode = entry.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or path.parts[0].endswith(":"):
        return "its path leads out of the archive"
    if len(path.parts) > MAX_DEPTH:
        return f"it lies more than {MAX_DEPTH} folders deep"
    if stat.S_ISLNK(mode):
        return "it is a symbolic link, and links are not followed"
    # Archives made on Windows have no kind at all.
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is no regular file"
    if entry.flag_bits & 1:
        return "it is protected by a password"
    return ""


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes:
    name = PurePosixPath(entry.filename).name
    if entry.file_size > max_bytes:
        raise SubmissionError(
            Message(
                "{name}: expected at most {most} bytes, found {found}.",
                name=name,
                most=max_bytes,
                found=entry.file_size,
            )
        )
    try:
        with archive.open(entry) as file:
            # No more than it says it has: `zipfile` stops there, whatever the packed bytes would give.
            return file.read(max_bytes + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as exc:
        raise SubmissionError(Message("{name} is damaged in the archive.", name=name)) from exc


def _time(entry: zipfile.ZipInfo, zone: datetime.tzinfo | None) -> datetime.datetime | None:
    """Return when a file was changed; None where the archive does not say."""
    extra = entry.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        if kind == _EXTENDED_TIME and length >= 5 and extra[4] & 1 and len(extra) >= 9:
            return datetime.datetime.fromtimestamp(struct.unpack_from("<l", extra, 5)[0], datetime.UTC)
        extra = extra[4 + length :]
    try:
        local = datetime.datetime(*entry.date_time)  # the zone comes next
    except ValueError:
        return None
    # The first moment that the format knows stands for none.
    if local.year == 1980:
        return None
    return local.replace(tzinfo=zone) if zone else local.astimezone()
