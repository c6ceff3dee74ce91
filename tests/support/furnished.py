"""A course folder in which everything lies that a course has, the secret and the private included."""

from __future__ import annotations

from pathlib import Path


def furnished_course(folder: Path) -> Path:
    """A course with everything that a course has."""
    found = folder / "course"
    files = """nbgrader_config.py gradebook.db gradebook.db.1 pawgrade.toml .netrc .ssh/id_ed25519 .pawgrade/secret in.ipynb
    solutions/pets/pets.ipynb solutions/pets/staff/check_hidden.py assignments/pets/pets.ipynb
    submitted/student01/pets/pets.ipynb submitted/student02/pets/pets.ipynb submitted/student01/pets/.env
    autograded/student01/pets/pets.ipynb scratch/mine.ipynb"""
    for name in files.split():
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text("what only staff may read")
    return found
