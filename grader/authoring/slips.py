"""What an author got wrong, told to the author: the lines of the assignment's own files first, libraries' after them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

MOST_OTHERS = 6  # lines of libraries: where an exception came from, not all the way there
# As pytest prints frames in its short style: file, line and function, then the source, then the exception after "E".
_FRAME = re.compile(r"^(?P<file>\S.*?):(?P<line>\d+): in (?P<function>\S+)$")


def own_first(log: str, folder: Path) -> str:
    """Return a log of broken checks with the author's own lines first.

    Args:
        log: of a grade, for staff: tracebacks in pytest's short style, and sentences.
        folder: the assignment's source folder.

    Returns:
        For each traceback the exception, the frames in `folder` by their path in it, then those of libraries; sentences as
        they are.
    """
    return "\n".join(line for part in log.split("\n\n") for line in _told(part.splitlines(), folder))


def in_a_line(log: str, folder: Path) -> str:
    """Return the exceptions of a log, each with the author's line that it came from."""
    lines = own_first(log, folder).splitlines()
    return "; ".join(line.strip() for line in lines if line.strip() and not line.startswith("    "))


def _told(lines: list[str], folder: Path) -> Iterator[str]:
    frames = [match for line in lines if (match := _FRAME.match(line))]
    raised = [line.removeprefix("E").strip() for line in lines if line.startswith("E  ")]
    if not frames:
        yield from lines
        return
    own = [frame for frame in frames if _relative(frame["file"], folder)]
    others = [frame for frame in frames if frame not in own]
    # The last of the author's frames is the nearest to the mistake.
    place = f", {_relative(own[-1]['file'], folder)}:{own[-1]['line']}" if own else ""
    yield f"{' '.join(raised) or 'broken'}{place}"
    yield from (f"    {_line(frame, lines, _relative(frame['file'], folder))}" for frame in reversed(own))
    if others:
        yield "    from there into libraries:"
        yield from (f"      {_line(frame, lines, frame['file'])}" for frame in others[-MOST_OTHERS:])


def _line(frame: re.Match[str], lines: list[str], file: str) -> str:
    following = lines[lines.index(frame.string) + 1 :][:1]
    source = f": {following[0].strip()}" if following and following[0].startswith("    ") else ""
    return f"{file}:{frame['line']} in {frame['function']}{source}"


def _relative(file: str, folder: Path) -> str:
    """Return the path of a file in the assignment's folder; "" for one that lies elsewhere."""
    path = Path(file)
    if path.is_absolute() and path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    # pytest tells paths from the folder where it was started, which lies elsewhere; and a release is judged by its own files.
    inside = [found for found in (folder / path.name, folder / "staff" / path.name) if found.is_file()]
    return inside[0].relative_to(folder).as_posix() if inside else ""
