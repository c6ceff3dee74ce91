"""The workflow files that a course copies, and the name under which its CI keeps photos and weights."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from grader.assignment import spec
from grader.assignment.course import Course, packaged_course
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
        version = importlib.metadata.version("pawgrade")
        files[folder / REQUIREMENTS] = packaged(REQUIREMENTS).replace("{version}", version)
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


def filled_in(template: str, drawn_card: str, real_card: str) -> str:
    """Return a workflow for a course.

    Args:
        template: from `packaged`.
        drawn_card: id of the data card for every change: its photos are drawn where they are needed.
        real_card: id of the data card for protected branches, on a GPU.
    """
    return template.replace("__DRAWN_CARD__", drawn_card).replace("__REAL_CARD__", real_card)


def _cards_of(folder: Path) -> tuple[str, str]:
    """Return the first drawn and the first real data card of a course's assignments, else of the packaged course's."""
    own = own_cards(folder)
    names = _data_of(Course(folder)) or _data_of(packaged_course())
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
