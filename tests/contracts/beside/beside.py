"""A module beside the notebook: what a spawned process runs must be importable."""

from __future__ import annotations

from typing import Any


def squared(number: int) -> int:
    return number * number


def put_squared(number: int, answers: Any) -> None:
    answers.put(squared(number))
