"""The workflow files that a course copies, and the name under which its CI keeps photos and weights."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from grader.assignment import spec
from grader.assignment.course import Course
from grader.authoring.starters import gitignore
from grader.datasets import cards
from grader.errors import SpecError
from grader.settings import own_cards

Service = Literal["github", "gitlab"]

KEY_FILE = "ci-cache-key.txt"  # GitLab names a cache after files only
REQUIREMENTS = "requirements-ci.txt"
FILES: dict[Service, dict[str, str]] = {
    "github": {
        ".github/workflows/pawgrade.yml": "github/pawgrade.yml",
        ".github/workflows/grade.yml": "github/grade.yml",
    },
    "gitlab": {".gitlab-ci.yml": "gitlab/gitlab-ci.yml"},
}
GPU_VARIABLE, GRADING_VARIABLE = (
    "PAWGRADE_GPU_RUNNER",
    "PAWGRADE_GRADING_RUNNER",
)  # "true": there is such a runner
NEXT: dict[Service, tuple[str, ...]] = {
    "github": (
        "the repository must be private: it has the solutions",
        "commit the files and push: the job `cpu` runs at once",
        f"no GPU job runs yet. With a runner labelled `self-hosted`, `gpu`: Settings > Secrets and variables > Actions > Variables, {GPU_VARIABLE} = true",
        f"no class is graded at night yet. With a runner labelled `self-hosted`, `grading`: the variable {GRADING_VARIABLE} = true",
        "for grading: Settings > Environments > New, name it `grading`, let only your default branch deploy to it; in it the secret "
        'PAWGRADE_SECRET (python3 -c "import secrets; print(secrets.token_hex(16))" draws one: keep a copy) and the variables PAWGRADE_COURSE and '
        "PAWGRADE_SUBMISSIONS (folders on the runner)",
    ),
    "gitlab": (
        "the project must be private: it has the solutions",
        "commit the files and push: the job `cpu` runs at once",
        f"no GPU job runs yet. With a protected runner tagged `self-hosted`, `gpu`: Settings > CI/CD > Variables, {GPU_VARIABLE} = true",
        "for grading: a protected runner tagged `self-hosted`, `grading`; Operate > Environments, one named `grading`; for it the protected variables "
        'PAWGRADE_SECRET (masked; python3 -c "import secrets; print(secrets.token_hex(16))" draws one: keep a copy), COURSE and SUBMISSIONS (folders on the runner)',
        "no class is graded at night yet: Build > Pipeline schedules, on the default branch",
    ),
}
OWN_RULES = ("ruff.toml", ".ruff.toml", "pyproject.toml")  # any of them is where a course chooses its lint


def packaged(name: str) -> str:
    """Return the text of a file that lies in `grader/ci/`."""
    return (Path(__file__).resolve().parent / "ci" / name).read_text(encoding="utf-8")


def write_workflows(service: Service, folder: Path, *, force: bool = False) -> Iterator[Path]:
    """Write the workflow files of a service into a course.

    What the course chooses for itself is written only where there is none: its requirements and its lint. A `.gitignore` gets
    the lines that it lacks.

    Args:
        service: where the course's repository is.
        folder: the course folder.
        force: overwrite workflow files that differ.

    Yields:
        The path of each file that was written.

    Raises:
        SpecError: a workflow file is there already and differs; nothing was written.
    """
    drawn_card, real_card = _cards_of(folder)
    files = {
        folder / name: filled_in(packaged(source), drawn_card, real_card)
        for name, source in FILES[service].items()
    }
    # All are compared before the first one is written.
    different = [path for path, text in files.items() if path.is_file() and path.read_text("utf-8") != text]
    if different and not force:
        raise SpecError(
            f"{different[0]} is there already and differs.", "Compare the two; --force overwrites it."
        )
    if not (folder / REQUIREMENTS).exists():
        files[folder / REQUIREMENTS] = packaged(REQUIREMENTS).replace("{pawgrade}", "\n".join(origin().lines))
    if not any((folder / name).exists() for name in OWN_RULES):
        files[folder / "ruff.toml"] = packaged("ruff.toml")
    ignored = folder / gitignore.NAME
    present = ignored.read_text(encoding="utf-8") if ignored.is_file() else ""
    if gitignore.completed(present) != present:
        files[ignored] = gitignore.completed(present)
    if service == "gitlab":
        files[folder / KEY_FILE] = f"{cache_key([drawn_card, real_card], own_cards(folder))}\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        yield path


@dataclass(frozen=True)
class Origin:
    """Where this Pawgrade came from, and so where a course's CI gets it.

    Attributes:
        lines: of a requirements file.
        advice: what staff must do before CI can install it; "" where nothing is left to do.
    """

    lines: tuple[str, ...]
    advice: str = ""


def origin(distribution: importlib.metadata.Distribution | None = None) -> Origin:
    """Say where the installed Pawgrade came from, by what pip noted of it (PEP 610); no network is asked.

    What came from an index is pinned to its version. What came from a repository, or from a checkout of one, is pinned to
    the commit there: no index need have it.

    Args:
        distribution: an installed one; None: the running one.
    """
    distribution = distribution or importlib.metadata.distribution("pawgrade")
    noted = json.loads(distribution.read_text("direct_url.json") or "{}")
    if not noted:
        return Origin((f"pawgrade[staff]=={distribution.version}",))
    url, commit = noted.get("url", ""), noted.get("vcs_info", {}).get("commit_id", "")
    if not commit and url.startswith("file:"):
        folder = Path(urllib.request.url2pathname(urlsplit(url).path))
        url, commit = _git(folder, "remote", "get-url", "origin"), _git(folder, "rev-parse", "HEAD")
    if commit and url.startswith(("https:", "ssh:")):
        parts = urlsplit(url)
        # A token or a password in an address must not get into the course's repository.
        host = parts.netloc if parts.scheme == "ssh" else parts.netloc.rpartition("@")[2]
        at = f"git+{parts.scheme}://{host}{parts.path}@{commit}"
        return Origin((f"pawgrade[staff] @ {at}", f"pawgrade-course @ {at}#subdirectory=course"))
    advice = (
        f"{REQUIREMENTS}: Pawgrade was installed here from a file or folder, and CI cannot reach that. Put "
        "`pawgrade[staff] @ git+ADDRESS` and `pawgrade-course @ git+ADDRESS#subdirectory=course` there, with its repository's address"
    )
    return Origin((f"pawgrade[staff]=={distribution.version}  # where your package index has it",), advice)


def _git(folder: Path, *words: str) -> str:
    """Ask git about a checkout; "" where there is none, or no git."""
    with contextlib.suppress(OSError):
        asked = subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607 - the one on PATH
            capture_output=True,
            text=True,
            check=False,
        )
        return asked.stdout.strip() if asked.returncode == 0 else ""
    return ""


def next_steps(service: Service, folder: Path) -> Iterator[str]:
    """Yield what staff have to do on the service before the files in the course folder work, a line each."""
    came = origin()
    if not Course(folder).assignments():
        yield "there is no assignment yet, and until then the job `cpu` fails: `pawgrade new course .`, or `pawgrade new assignment week1` in a course"
    # Not where the course has written its own requirements.
    if came.advice and came.lines[0] in (folder / REQUIREMENTS).read_text(encoding="utf-8"):
        yield came.advice
    yield from NEXT[service]
    yield "docs/ci.md of Pawgrade says what runs where, who sees what, and how runners are set up"


def filled_in(template: str, drawn_card: str, real_card: str) -> str:
    """Return a workflow for a course.

    Args:
        template: from `packaged`.
        drawn_card: id of the data card for every change: its photos are drawn where they are needed.
        real_card: id of the data card for protected branches, on a GPU.
    """
    return template.replace("__DRAWN_CARD__", drawn_card).replace("__REAL_CARD__", real_card)


def _cards_of(folder: Path) -> tuple[str, str]:
    """Return the first drawn and the first real data card of a course's assignments.

    Where none of them has photos both are a drawn card, which costs no download: `verify` takes it for what has no card.
    """
    own = own_cards(folder)
    names = _data_of(Course(folder)) or list(cards.drawn())
    drawn = {name: cards.load_card(name, own).drawing is not None for name in dict.fromkeys(names)}
    drawn_cards = [name for name, is_drawn in drawn.items() if is_drawn]
    real_cards = [name for name, is_drawn in drawn.items() if not is_drawn]
    return (drawn_cards or real_cards)[0], (real_cards or drawn_cards)[0]


def _data_of(course: Course) -> list[str]:
    """Return the ids of the data cards of a course's assignments, in their order."""
    return [
        name
        for assignment in course.assignments()
        for name in spec.load_assignment(course.source(assignment)).data
    ]


def cache_key(names: Sequence[str], own: Path | None = None) -> str:
    """Return a name for a cache of photos and weights: another one as soon as any checksum changes.

    Args:
        names: ids of data cards.
        own: folder with a course's own cards, or None.

    Returns:
        For example `pawgrade-mine-3f0c4a51d2e89b67`.

    Raises:
        SpecError: there is no such card.
    """
    names = list(dict.fromkeys(names))  # a course whose photos are all drawn names one card twice
    digest = hashlib.sha256()
    for name in names:
        card = cards.load_card(name, own)
        # A drawn set has no files: how it is drawn takes the place of their checksums.
        digest.update(f"{card.id} {card.drawing} ".encode())
        for file in card.source.files if card.source else ():
            digest.update(f"{file.name} {file.sha256} ".encode())
    for line in _weights():
        digest.update(line.encode())
    return f"pawgrade-{'-'.join(names)}-{digest.hexdigest()[:16]}"


def _weights() -> Iterator[str]:
    """Yield each network with its weights' checksum; torchvision has the digits of it in the file's name."""
    from grader.networks.weights import Packaged
    from grader.networks.zoo import NETWORKS

    for name, network in sorted(NETWORKS.items()):
        weights = network.weights
        told = weights.sha256 if isinstance(weights, Packaged) else weights.entry.url.rpartition("/")[2]
        yield f"{name} {told}\n"
