"""Puts the course into the wheel; an editable install reads it from the checkout instead."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COURSE = ("assignments", "datasets", "solutions", "nbgrader_config.py")


class CourseHook(BuildHookInterface[Any]):
    """Adds the course as package data of `grader`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; `version` is `standard` or `editable`."""
        if version == "standard":
            build_data["force_include"].update({name: f"grader/course/{name}" for name in COURSE})
