"""Hand-ins that are tags in git repositories, one repository a student.

GitHub Classroom names repositories `assignment-student`, Classroom 50 `classroom-assignment-student`; its tags are
`submit/2026-01-31T12-00-00Z-1a2b3c4`. Of the tags that fit, the one on the latest commit counts.

Git is asked about repositories of other people: no hook, no filter, no checkout, no network, nothing is written.
"""

from __future__ import annotations

import datetime
import fnmatch
import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from grader.collecting.members import MAX_FILES, Aside, Contents, HandIn, Member, Sender, clean_name
from grader.errors import SpecError, SubmissionError
from grader.messages import Message
from grader.notebooks.sanitise_text import visible

TAGS = "submit/*"
# Of each tag: its name, the commit's time and kind where it has words of its own, and where it has none.
_FORMAT = "%(refname)%00%(*objectname)%00%(*objecttype)%00%(*committerdate:unix)%00%(objectname)%00%(objecttype)%00%(committerdate:unix)"
TIMEOUT_S = 60
# They would lead to another repository than the one that is asked about.
_LEADING_AWAY = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE", "GIT_COMMON_DIR",
)  # fmt: skip
# A repository's own settings may name programs: these are the ones that a reader could start.
_SETTINGS = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never",
)  # fmt: skip


@dataclass(frozen=True)
class Tag:
    """A tag on a commit.

    Attributes:
        name: without `refs/tags/`.
        commit: its object id.
        committed: when, as the committer's machine had it.
    """

    name: str
    commit: str
    committed: datetime.datetime


def repositories(folder: Path) -> list[Path]:
    """Return the repositories in a folder, by name, or the folder itself where it is one."""
    if is_repository(folder):
        return [folder]
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.is_symlink() and is_repository(path))


def read(folder: Path, slug: str, tags: str = TAGS) -> Contents:
    """Return the hand-ins of an assignment's repositories.

    Args:
        folder: holds clones or bare repositories, or is one.
        slug: the assignment in their names.
        tags: pattern of the tags that hand something in; `*` stands for any characters.
    """
    hand_ins, asides = list[HandIn](), list[Aside]()
    for repository in repositories(folder):
        name = repository.resolve().name.removesuffix(".git")
        student = _student(name, slug)
        if not student:
            asides.append(
                Aside(
                    name,
                    f"its name has no {slug!r} with a student behind it; --slug gives another word",
                    work=True,
                )
            )
            continue
        try:
            hand_ins.append(_hand_in(repository, student, tags))
        except GitRefused as exc:
            asides.append(Aside(name, str(exc), work=True))
    return Contents("git", tuple(hand_ins), tuple(asides))


def _student(name: str, slug: str) -> str:
    """Return what stands behind the assignment in the name of a repository; "" where nothing does."""
    match = re.search(rf"(?:^|[-_]){re.escape(slug)}[-_](.+)$", name, re.IGNORECASE)
    return match.group(1) if match else ""


def slug_of(assignment: str) -> str:
    """Return an assignment's id as it stands in the names of repositories."""
    return re.sub(r"[^A-Za-z0-9]+", "-", assignment).strip("-").lower()


def _hand_in(repository: Path, student: str, pattern: str) -> HandIn:
    tags = list(_tags(repository))
    fitting = [tag for tag in tags if fnmatch.fnmatchcase(tag.name, pattern)]
    if not fitting:
        names = ", ".join(tag.name for tag in tags[:5]) or "none"
        raise GitRefused(f"it has no tag {pattern!r}; its tags: {names}. --tag gives another pattern")
    # By name, too: of two tags on commits of the same second the same one counts each time.
    latest = max(fitting, key=lambda tag: (tag.committed, tag.name))
    members, links = _files(repository, latest)
    notes = [f"tag {latest.name}"]
    if links:
        notes.append(f"{links} links or submodules left out")
    sender = Sender(
        student, (("github", student), ("username", student), ("id", student)), clean_name(student)
    )
    return HandIn(sender, members, latest.committed, notes=tuple(notes), keeps_rest=True)


def _tags(repository: Path) -> Iterator[Tag]:
    listing = run_git(repository, "for-each-ref", "--sort=refname", f"--format={_FORMAT}", "refs/tags")
    for line in listing.decode("utf-8", "replace").splitlines():
        name, *both = line.split("\0")
        # A tag with words of its own leads to its commit; one without is the commit's.
        commit, kind, seconds = both[:3] if both[0] else both[3:]
        if kind == "commit":
            moment = datetime.datetime.fromtimestamp(min(int(seconds or 0), 2**40 // 8), datetime.UTC)
            yield Tag(name.removeprefix("refs/tags/"), commit, moment)


def _files(repository: Path, tag: Tag) -> tuple[dict[str, Member], int]:
    """Return the files of a commit, and how many entries are links or other repositories."""
    listing = run_git(repository, "ls-tree", "-r", "-z", "--long", tag.commit)
    rows = [row for row in listing.split(b"\0") if row]
    if len(rows) > MAX_FILES:
        raise GitRefused(f"tag {tag.name} has more than {MAX_FILES} files")
    members, links = dict[str, Member](), 0
    for row in rows:
        facts, _, name = row.partition(b"\t")
        mode, _, blob, size_bytes = facts.split()
        if mode not in (b"100644", b"100755"):
            links += 1
            continue
        path = PurePosixPath(name.decode("utf-8", "replace"))
        read_blob = functools.partial(_read, repository, blob.decode(), path.name, int(size_bytes))
        members[str(path)] = Member(path, int(size_bytes), tag.committed, read_blob)
    return members, links


def _read(repository: Path, blob: str, name: str, size_bytes: int, max_bytes: int) -> bytes:
    if size_bytes > max_bytes:
        raise SubmissionError(
            Message(
                "{name}: expected at most {most} bytes, found {found}.",
                name=name,
                most=max_bytes,
                found=size_bytes,
            )
        )
    try:
        # The bytes as they were committed: unlike `git archive` and a checkout, this runs no filter.
        return run_git(repository, "cat-file", "blob", blob)
    except GitRefused as exc:
        raise SubmissionError(Message("{name} cannot be read: {reason}", name=name, reason=str(exc))) from exc


class GitRefused(Exception):
    """Git does not read a repository; the text says why and what helps."""


def is_repository(folder: Path) -> bool:
    """Say whether a folder is a clone or a bare repository. A `.git` file, which leads elsewhere, is none."""
    return any(
        (top / "HEAD").is_file() and (top / "objects").is_dir() and (top / "refs").is_dir()
        for top in (folder, folder / ".git")
        if not top.is_symlink()
    )


def run_git(repository: Path, *words: str) -> bytes:
    """Return what a reading git command prints.

    Args:
        repository: clone or bare repository.
        words: command and arguments. Only commands that read objects and refs: they start no filter.

    Raises:
        GitRefused: git cannot read the repository.
        SpecError: there is no git.
    """
    program = shutil.which("git")
    if program is None:
        raise SpecError(
            "git is not installed, and repositories are read by it.",
            "Install it, for example: apt-get install git",
        )
    environment = {name: value for name, value in os.environ.items() if name not in _LEADING_AWAY}
    # The ceiling keeps git from a repository around the folder, such as the course's own.
    environment |= {
        "GIT_CEILING_DIRECTORIES": str(repository.resolve().parent),
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "LC_ALL": "C",
    }
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    try:
        done = subprocess.run(
            [program, "--no-pager", *settings, "-C", str(repository), *words],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip
    except subprocess.TimeoutExpired as exc:
        raise GitRefused(f"git gave no answer within {TIMEOUT_S} s") from exc
    if done.returncode:
        raise GitRefused(_explain(repository, done.stderr.decode("utf-8", "replace")))
    return done.stdout


def _explain(repository: Path, text: str) -> str:
    if "dubious ownership" in text or "unsafe repository" in text:
        return (
            "git refuses it, since it belongs to another user. If you trust it: "
            f"git config --global --add safe.directory {repository.resolve()}"
        )
    first_line = next(iter(text.strip().splitlines()), "no reason given")
    return f"git cannot read it: {visible(first_line)[:200]}"
