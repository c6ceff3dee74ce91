"""Settings: read once, from `pawgrade.toml` in the course folder, then from the environment, which wins."""

from __future__ import annotations

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import platformdirs

from grader.errors import SpecError


@dataclass(frozen=True)
class Settings:
    """What a course or a machine may choose.

    Attributes:
        data_folder: folder with the real photos (`PAWGRADE_DATA`), or None.
        cache: folder for drawn photos, decoded splits and downloaded weights (`PAWGRADE_CACHE`).
        weights: folder with weights of networks, looked into first, never written to (`PAWGRADE_WEIGHTS`), or None.
        secret: course secret that seeds the hidden crops (`PAWGRADE_SECRET`); None: a file in the course keeps it.
        kernel: name of the kernelspec that runs submissions (`PAWGRADE_KERNEL`); "": the one that fits `sandbox`.
        sandbox: `namespaces`, or `none` for code that you trust (`PAWGRADE_SANDBOX`).
        seed: seed that notebooks are given (`PAWGRADE_SEED`).
        device: `cpu` or `cuda` (`PAWGRADE_DEVICE`).
        counts: which attempt counts: `latest`, as in nbgrader, or `best` (`PAWGRADE_COUNTS`).
        db_url: the gradebook's database URL (`PAWGRADE_DB_URL`); None: `gradebook.db` in the course.
    """

    data_folder: Path | None
    cache: Path
    weights: Path | None = None
    secret: bytes | None = None
    kernel: str = ""
    sandbox: Literal["namespaces", "none"] = "namespaces"
    seed: int = 0
    device: str = "cpu"
    counts: Literal["latest", "best"] = "latest"
    db_url: str | None = None


def load(course: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Args:
        course: folder that may hold `pawgrade.toml`, or None.
        environment: usually `os.environ`; names are `PAWGRADE_` and the setting's name in capitals.

    Raises:
        SpecError: a key is unknown or a value is of no use.
    """
    values: dict[str, str] = {}
    path = course / "pawgrade.toml" if course else None
    if path and path.is_file():
        try:
            values = {
                key: str(value) for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items()
            }
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
            raise SpecError(f"{path} is not valid TOML: {exc}.") from exc
    known = {field.name for field in fields(Settings)} - {"data_folder"} | {"data"}
    unknown = sorted(set(values) - known)
    if unknown:
        raise SpecError(f"{path}: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    for name in {"data", "cache", "weights"} & set(values) if course is not None else set[str]():
        values[name] = str(Path(course or "", Path(values[name]).expanduser()))
    for name in known:
        if environment.get(f"PAWGRADE_{name.upper()}"):
            values[name] = environment[f"PAWGRADE_{name.upper()}"]
    return _settings(values)


def _settings(values: Mapping[str, str]) -> Settings:
    counts = values.get("counts", "latest")
    if counts not in ("latest", "best"):
        raise SpecError(f"setting counts: expected latest or best, found {counts!r}.")
    sandbox = values.get("sandbox", "namespaces")
    if sandbox not in ("namespaces", "none"):
        raise SpecError(f"setting sandbox: expected namespaces or none, found {sandbox!r}.")
    device = values.get("device", "cpu")
    if device not in ("cpu", "cuda"):
        raise SpecError(f"setting device: expected cpu or cuda, found {device!r}.")
    try:
        seed = int(values.get("seed", "0"))
    except ValueError as exc:
        raise SpecError(f"setting seed: expected a whole number, found {values['seed']!r}.") from exc
    if not 0 <= seed < 2**32:  # what numpy's generators take
        raise SpecError(f"setting seed: expected 0 to {2**32 - 1}, found {seed}.")
    data = values.get("data")
    return Settings(
        data_folder=Path(data).expanduser().resolve() if data else None,
        cache=Path(values.get("cache") or platformdirs.user_cache_dir("pawgrade")).expanduser(),
        weights=Path(values["weights"]).expanduser().resolve() if values.get("weights") else None,
        secret=values["secret"].encode() if values.get("secret") else None,
        kernel=values.get("kernel", ""),
        sandbox="none" if sandbox == "none" else "namespaces",
        seed=seed,
        device=device,
        counts="best" if counts == "best" else "latest",
        db_url=values.get("db_url") or None,
    )


def course_secret(course: Path, settings: Settings) -> bytes:
    """Return the course secret; the first call draws one and keeps it in `.pawgrade/secret`, readable by its owner.

    Keep that file with the gradebook: another secret means other hidden crops, so other attempts.
    """
    if settings.secret is not None:
        return settings.secret
    path = course / ".pawgrade" / "secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        found = path.read_bytes().strip()
        if len(found) < 16:
            raise SpecError(
                f"{path} is empty or cut short.",
                "Put the old secret back, or delete the file to draw a new one.",
            ) from None
        return found
    with os.fdopen(descriptor, "wb") as file:
        secret = secrets.token_hex(16).encode()
        file.write(secret)
        file.flush()
        os.fsync(descriptor)
    return secret
