"""Calibrations in `staff/hidden.toml`: written at its end, read by `spec.load_hidden`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grader.assignment import spec
from grader.assignment.calibrated import Calibration
from grader.files import write_whole


def write(folder: Path, card: str, calibration: Calibration) -> Path:
    """Write a calibration into `staff/hidden.toml`, at its end; what stands before it, and other cards', is kept.

    Args:
        folder: the assignment's source folder.
        card: id of the data card.
        calibration: what was found.

    Returns:
        The file.
    """
    path = folder / "staff" / "hidden.toml"
    old = path.read_bytes() if path.is_file() else b""
    calibrations = {**spec.load_hidden(folder).calibration, card: calibration}
    # All that follows the marker was written by this function, and is written again.
    lines = [old.partition(spec.CALIBRATED)[0].decode().rstrip(), ""]
    lines.append(f"{spec.CALIBRATED.decode()}; written anew by the next one. What follows decides no grade.")
    for name, stored in sorted(calibrations.items()):
        lines += _table(f"calibration.{name}", stored.model_dump(exclude={"measures"}, exclude_defaults=True))
        for measure, spread in stored.measures.items():
            # TOML has no null: what is None is left out, and is the default when it is read.
            lines += _table(f'calibration.{name}.measures."{measure}"', spread.model_dump(exclude_none=True))
    write_whole(path, "\n".join(lines).lstrip("\n") + "\n")
    return path


def _table(title: str, values: Mapping[str, Any]) -> list[str]:
    return ["", f"[{title}]", *(f"{name} = {_toml(value)}" for name, value in values.items())]


def _toml(value: object) -> str:
    """Write a number, a list or a text: they look the same in JSON and in TOML, but for surrogate pairs and DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
