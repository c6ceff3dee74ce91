"""Puts the course into the distribution for instructors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PARTS = (
    "assignments",
    "solutions",
    "starters",
    "nbgrader_config.py",
    "pawgrade.toml",
)  # `STAFF_PARTS` of grader/files.py: a test compares
FOLDER = "pawgrade_course"


class CourseHook(BuildHookInterface[Any]):
    """Adds the course's files, from the checkout or from an unpacked source distribution."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; `version` is `standard` or `editable`."""
        if version == "editable":
            raise RuntimeError(
                "in a checkout there is nothing to install: pawgrade finds the course beside it"
            )
        root = Path(self.root)
        here = root if (root / "solutions").is_dir() else root.parent
        place = f"{FOLDER}/" if self.target_name == "wheel" else ""
        build_data["force_include"].update({str(here / name): f"{place}{name}" for name in PARTS})
