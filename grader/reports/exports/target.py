"""Write an export: a file whole or not at all, a folder likewise, and nobody else's folder is replaced."""

from __future__ import annotations

from pathlib import Path

from grader.errors import SpecError
from grader.files import fresh_folder, write_whole
from grader.reports.exports.gradescope import FILE
from grader.reports.exports.rows import Export

MODE = 0o600  # marks are nobody else's business


def write(made: Export, path: Path) -> None:
    """Put an export at a path, readable for its owner only.

    Args:
        made: one file, or a folder of them.
        path: of the file or the folder.

    Raises:
        SpecError: the path is a folder where a file is to be, a folder that holds anything else than an earlier export, or cannot be written.
    """
    try:
        if set(made.files) == {""}:
            if path.is_dir():
                raise SpecError(f"{path} is a folder.", "Name a file with --output.")
            write_whole(path, made.files[""], mode=MODE)
            return
        _require_ours(path)
        with fresh_folder(path) as draft:
            for name, content in made.files.items():
                write_whole(draft / name, content, mode=MODE)
    except OSError as exc:
        raise SpecError(
            f"{path} cannot be written: {exc.strerror}.", "Name another place with --output."
        ) from exc


def _require_ours(path: Path) -> None:
    """Raise SpecError for a folder with anything but results in it: the new one takes its place."""
    if not path.exists():
        return
    strangers = (
        [path]
        if not path.is_dir()
        else [file for file in path.rglob("*") if not file.is_dir() and file.name != FILE]
    )
    if strangers:
        raise SpecError(
            f"{path} holds {strangers[0].name}, which would be lost.", "Name a new folder with --output."
        )
