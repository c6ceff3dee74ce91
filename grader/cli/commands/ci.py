"""`pawgrade ci`: the course's own continuous integration."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from grader.cli import output

ci_app = typer.Typer(
    no_args_is_help=True,
    help="""Set up the course's continuous integration.

`pawgrade ci github` or `pawgrade ci gitlab` writes workflow files into the course: `verify` on every push, on a GPU
where you have a runner with one, and the grading of the class. docs/ci.md says what runs where and who sees what.""",
)

FolderOption = Annotated[Path, typer.Option("--folder", help="Course folder. Default: this folder.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite workflow files that differ.")]


@ci_app.command()
def github(folder: FolderOption = Path(), force: ForceOption = False) -> None:
    """Write the workflow files for GitHub Actions into a course.

    Also a requirements-ci.txt and a ruff.toml, where the course has none, and the lines that its .gitignore lacks. Then it
    says what is left to do on the service.
    """
    _write("github", folder, force=force)


@ci_app.command()
def gitlab(folder: FolderOption = Path(), force: ForceOption = False) -> None:
    """Write the pipeline for GitLab CI into a course.

    Also a requirements-ci.txt and a ruff.toml, where the course has none, the lines that its .gitignore lacks, and the file
    that caches are named after. Then it says what is left to do on the service.
    """
    _write("gitlab", folder, force=force)


def _write(service: Literal["github", "gitlab"], folder: Path, *, force: bool) -> None:
    """Write the files of a service, and say what is left to do."""
    from grader.authoring.workflows import next_steps, write_workflows

    for path in write_workflows(service, folder, force=force):
        output.note(f"wrote {path}")
    output.note("next:")
    for step in next_steps(service, folder):
        output.note(f"  - {step}")


@ci_app.command(name="cache-key")
def cache_key(
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Data card; may be repeated. Default: those that are drawn."),
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", help="Fail unless this file holds the key.", show_default=False)
    ] = None,
) -> None:
    """Print a name for the cache of photos and weights: it changes with their checksums and with nothing else."""
    # Under another name: the command hides the function's.
    from grader.authoring.workflows import cache_key as key_of
    from grader.datasets import cards
    from grader.errors import SpecError
    from grader.settings import own_cards

    key = key_of(data or cards.drawn(), own_cards(Path.cwd()))
    output.out(f"{key}\n")
    # GitLab names a cache after the content of a file: an old key there would bring back old photos.
    if check is not None and (not check.is_file() or check.read_text(encoding="utf-8").strip() != key):
        raise SpecError(f"{check} does not hold this key.", f"Write it there: echo {key} > {check}")
