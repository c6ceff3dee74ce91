"""Options of `pawgrade kernels install` that let something into a kernel, or out of it: variables, and files to keep."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from grader.errors import SpecError

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

EnvOption = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="NAME[=VALUE]",
        help="Variable of the kernels: NAME=VALUE is written to the kernelspec; NAME alone passes on what the program that "
        "starts a kernel has. Every notebook can read it. May be repeated.",
        show_default=False,
    ),
]
KeepFilesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep-files",
        metavar="PATTERN",
        help="Files that a notebook writes and that are copied out, beside it, when its kernel ends: '*.csv', 'plots/*'. "
        "Wildcards name data (tables, text, arrays, pictures); other files only a pattern that ends as they do, '*.svg'. "
        "Never a notebook, a hidden file or a link. Default: none. May be repeated.",
        show_default=False,
    ),
]


def variables(given: Sequence[str]) -> dict[str, str]:
    """Read `--env` into the `env` stanza of a kernelspec.

    Raises:
        SpecError: there is no such variable, or a secret would be written to a file that everybody may read.
    """
    stanza: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not VARIABLE.fullmatch(name):
            raise SpecError(
                f"--env: expected NAME=VALUE or NAME, found {text!a}.",
                "Begin with a letter, then letters, digits and _.",
            )
        if equals and is_secret(name):
            raise SpecError(
                f"--env: {name} looks like a secret, and a kernelspec is a file that others may read.",
                f"`--env {name}` passes it on from the program that starts a kernel; every notebook can read it then.",
            )
        # jupyter_client replaces `${NAME}`; in a value a dollar is only a dollar.
        stanza[name] = value.replace("$", "$$") if equals else f"${{{name}}}"
    return stanza


def is_secret(name: str) -> bool:
    """Tell whether a variable is named like a secret."""
    from grader.sandbox.inside.zygote import SECRET

    return bool(SECRET.search(name))


def openings(env: Mapping[str, str], patterns: Sequence[str]) -> list[str]:
    """Say what a kernelspec lets into its kernels and out of them, one line each."""
    lines = []
    for name, value in env.items():
        whence = "from the program that starts a kernel" if value == f"${{{name}}}" else "from the kernelspec"
        warning = (
            " It looks like a secret: do this only for notebooks that may have it." if is_secret(name) else ""
        )
        lines.append(f"Every notebook can read {name}, {whence}.{warning}")
    if patterns:
        lines.append(
            f"Files that a notebook writes are copied out beside it: {', '.join(patterns)}. Look at them as at anything "
            "that a stranger sent."
        )
    return lines


def keep_files(given: Sequence[str]) -> list[str]:
    """Check `--keep-files`; raises SpecError for a pattern that cannot be used."""
    from grader.sandbox import keepable

    for pattern in given:
        if why := keepable.problem(pattern):
            raise SpecError(
                f"--keep-files: {pattern!a} {why}.",
                "Name files below the notebook's folder, such as '*.csv' or 'plots/*'.",
            )
    return list(given)
