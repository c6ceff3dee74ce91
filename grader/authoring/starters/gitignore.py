"""The lines of a course's `.gitignore`: what holds personal data or a secret goes into no repository."""

from __future__ import annotations

from pathlib import Path

NAME = ".gitignore"
_TEMPLATE = Path(__file__).resolve().parent / "course" / "gitignore.txt"


def completed(present: str) -> str:
    """Return the text of a `.gitignore` with the lines that it lacks at its end.

    Args:
        present: what the file holds; "" where there is none.

    Returns:
        `present` itself where it has all of them.
    """
    template = _TEMPLATE.read_text(encoding="utf-8")
    if not present.strip():
        return template
    patterns = {line.strip() for line in present.splitlines()}
    missing = [line for line in template.splitlines() if not line.startswith("#") and line not in patterns]
    if not missing:
        return present
    added = "\n".join(["# Of Pawgrade: personal data of students, and the course secret.", *missing])
    return f"{present.rstrip()}\n\n{added}\n"
