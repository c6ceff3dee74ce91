"""Puts what students may read of the course into the wheel; an editable install reads it from the checkout instead."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CourseHook(BuildHookInterface[Any]):
    """Adds released assignments and data cards as package data of `grader`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; `version` is `standard` or `editable`."""
        if version == "standard":
            packaged = runpy.run_path(str(Path(self.root) / "grader" / "files.py"))
            folder = f"grader/{packaged['FOLDER']}"
            build_data["force_include"].update(
                {name: f"{folder}/{name}" for name in packaged["PUBLIC_PARTS"]}
            )
