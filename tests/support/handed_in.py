"""Courses, archives and repositories for tests of collecting: real files, made-up people."""

from __future__ import annotations

import datetime
import os
import shutil
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from grader.assignment.course import Course
from grader.collecting.members import Member
from tests.support.notebooks import toy_course

FIRST = datetime.datetime(2026, 3, 1, 10, 0, tzinfo=datetime.UTC)
LATER = datetime.datetime(2026, 3, 2, 11, 30, tzinfo=datetime.UTC)


def cat_course(folder: Path) -> Course:
    """Write a course with the assignments `cat_lab`, which declares notes.txt of 1 KiB, and `dog_lab`."""
    toy_course(folder)
    toy = folder / "solutions" / "toy"
    for name in ("cat_lab", "dog_lab"):
        lab = folder / "solutions" / name
        shutil.copytree(toy, lab)
        (lab / "toy.ipynb").rename(lab / f"{name}.ipynb")
        toml = (lab / "assignment.toml").read_text().replace('id = "toy"', f'id = "{name}"')
        (lab / "assignment.toml").write_text(toml + '\n[[files]]\nname = "notes.txt"\nmax_kb = 1\n')
    shutil.rmtree(toy)
    return Course(folder.resolve())


def zip_of(
    path: Path, files: Mapping[str, str | bytes], moment: datetime.datetime = FIRST, mode: int = 0o100644
) -> Path:
    """Write a zip archive whose files all have one time, which counts as UTC, and one mode."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return path


def folder_of(folder: Path, files: Mapping[str, str | bytes], moment: datetime.datetime = FIRST) -> Path:
    """Write files that were all changed at one time."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (moment.timestamp(), moment.timestamp()))
    return folder


def members_of(files: Mapping[str, str], moment: datetime.datetime | None = FIRST) -> tuple[Member, ...]:
    """Return files of a source that are nowhere."""
    return tuple(
        Member(PurePosixPath(name), len(content), moment, lambda _, content=content: content.encode())  # type: ignore[misc]
        for name, content in files.items()
    )


def git(folder: Path, *words: str, moment: datetime.datetime = FIRST) -> None:
    """Run git as a made-up student."""
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (
            ("NAME", "student"),
            ("EMAIL", "student@example.org"),
            ("DATE", moment.isoformat()),
        )
    }
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    words = ("-c", "init.defaultBranch=main", "-C", str(folder), *words)
    subprocess.run(["git", *words], check=True, capture_output=True, env=environment)


def repository_of(
    folder: Path, files: Mapping[str, str | bytes], tag: str = "", moment: datetime.datetime = FIRST
) -> Path:
    """Commit files to a repository, which is made where there is none, and tag the commit."""
    if not (folder / ".git").is_dir():
        folder.mkdir(parents=True)
        git(folder, "init")
    folder_of(folder, files)
    git(folder, "add", "--all", moment=moment)
    git(folder, "commit", "--allow-empty", "-m", "work", moment=moment)
    if tag:
        git(folder, "tag", tag, moment=moment)
    return folder
