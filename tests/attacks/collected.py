"""Attacks by what is handed in to be collected, `archives/<name>.toml`: no notebook runs, an archive or a roster is the weapon."""

from __future__ import annotations

import stat
import tomllib
import zipfile
from dataclasses import dataclass, field, fields
from pathlib import Path

FOLDER = Path(__file__).parent / "archives"
KINDS = {
    "file": stat.S_IFREG,
    "link": stat.S_IFLNK,
    "character device": stat.S_IFCHR,
    "block device": stat.S_IFBLK,
    "socket": stat.S_IFSOCK,
    "pipe": stat.S_IFIFO,
}


@dataclass(frozen=True)
class Collected:
    """One attack on `pawgrade collect`.

    Attributes:
        name: the file's name without its ending.
        title: what it is, in a few words.
        tries: what it does.
        wins: what it would win.
        gets: what becomes of it, in words.
        actions: what becomes of each hand-in, by student, or by sender where nobody is.
        files: the archive: `name`, `content`, `kind` (a key of `KINDS`).
        says: words that staff must read.
        refused: how many files of the archive must be named as work that was not taken.
        present: students who have handed in before.
        roster: text of the course's `roster.csv`; "": there is none.
    """

    name: str
    title: str
    tries: str
    wins: str
    gets: str
    actions: dict[str, str]
    files: tuple[dict[str, str], ...]
    says: tuple[str, ...] = ()
    refused: int = 0
    present: tuple[str, ...] = field(default=())
    roster: str = ""

    def archive(self, path: Path) -> Path:
        """Write the archive, whatever its names are; return its path."""
        with zipfile.ZipFile(path, "w") as archive:
            for file in self.files:
                entry = zipfile.ZipInfo("x", (2026, 3, 1, 10, 0, 0))
                entry.filename = file["name"]  # past `ZipInfo`'s own cleaning
                entry.external_attr = (KINDS[file.get("kind", "file")] | 0o777) << 16
                archive.writestr(entry, file.get("content", ""))
        return path


def read_all() -> list[Collected]:
    """Return the entries, sorted by name; raises ValueError for an unknown key."""
    entries = []
    for path in sorted(FOLDER.glob("*.toml")):
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = set(facts) - {each.name for each in fields(Collected)}
        if unknown:
            raise ValueError(f"{path}: unknown keys {', '.join(sorted(unknown))}")
        lists = {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
        entries.append(Collected(name=path.stem, **{**facts, **lists}))
    return entries
