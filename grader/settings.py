"""Settings: read once, from `pawgrade.toml` in the course folder, then from the environment, which wins."""

from __future__ import annotations

import os
import secrets
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import platformdirs

from grader.errors import SpecError

Number = TypeVar("Number", int, float)
SECRET_FILE = ".pawgrade/secret"  # noqa: S105 - of a course: a path, not what it holds
SECRET_BYTES = 16  # fewer could be found by trying
SECRET_S = 2.0  # for another process to write the secret that it has drawn
FILE = "pawgrade.toml"
# Lists of assignments: they describe the course, so no variable of the environment replaces them.
LISTS = ("order", "demo")
LARGEST_STEP = 0.5  # a larger one would release the first score only


@dataclass(frozen=True)
class Settings:
    """What a course or a machine may choose.

    Attributes:
        data_folder: folder with the real photos (`PAWGRADE_DATA`), or None.
        holdout: folder with photos of your own that judge in place of the data card's (`PAWGRADE_HOLDOUT`), or None.
        cache: folder for drawn photos, decoded splits and downloaded weights (`PAWGRADE_CACHE`).
        weights: folder with weights of networks, looked into first, never written to (`PAWGRADE_WEIGHTS`), or None.
        secret: course secret that seeds the hidden crops (`PAWGRADE_SECRET`); None: a file in the course keeps it.
        kernel: name of the kernelspec that runs submissions (`PAWGRADE_KERNEL`); "": the one that fits `sandbox`.
        sandbox: `namespaces`, or `none` for code that you trust (`PAWGRADE_SANDBOX`).
        seed: seed that notebooks are given (`PAWGRADE_SEED`).
        device: `auto` (a GPU for assignments whose limits ask for one, where there is one), `cpu` or `cuda` (`PAWGRADE_DEVICE`).
        devices: file that says which GPUs there are (`PAWGRADE_DEVICES`); None: the driver is asked.
        gpu_slots: kernels on one GPU at a time (`PAWGRADE_GPU_SLOTS`).
        counts: which attempt counts: `latest`, as in nbgrader, or `best` (`PAWGRADE_COUNTS`).
        attempts: versions of one student's work that are scored against the same hidden photos (`PAWGRADE_ATTEMPTS`);
            0: all.
        ladder: step, in accuracy, by which a score on hidden photos must improve before feedback shows it
            (`PAWGRADE_LADDER`); 0: every score is shown.
        db_url: the gradebook's database URL (`PAWGRADE_DB_URL`); None: `gradebook.db` in the course.
        cards: folder with the course's own data cards, beside those of the package; it is found, not set.
    """

    data_folder: Path | None
    cache: Path
    weights: Path | None = None
    secret: bytes | None = None
    kernel: str = ""
    sandbox: Literal["namespaces", "none"] = "namespaces"
    seed: int = 0
    device: str = "auto"
    counts: Literal["latest", "best"] = "latest"
    attempts: int = 5
    ladder: float = 0.0
    db_url: str | None = None
    devices: Path | None = None
    gpu_slots: int = 1
    holdout: Path | None = None
    cards: Path | None = None


def load(course: Path | None, environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Args:
        course: folder that may hold `pawgrade.toml`, or None.
        environment: usually `os.environ`; names are `PAWGRADE_` and the setting's name in capitals.

    Raises:
        SpecError: a key is unknown or a value is of no use.
    """
    values: dict[str, str] = {}
    path = course / FILE if course else None
    if path and path.is_file():
        # As texts, like those of the environment: `_settings` reads both alike.
        values = {key: str(value) for key, value in _read(path).items() if key not in LISTS}
    # Outside, `data_folder` is called `data`; `cards` is found and cannot be set.
    setting_names = {field.name for field in fields(Settings)} - {"data_folder", "cards"} | {"data"}
    unknown = sorted(set(values) - setting_names)
    if unknown:
        raise SpecError(
            f"{path}: unknown setting {unknown[0]!r}; known are {', '.join(sorted({*setting_names, *LISTS}))}."
        )
    for name in (
        {"data", "holdout", "cache", "weights", "devices"} & set(values) if course is not None else set[str]()
    ):
        # Relative to the course and not to the current folder; an absolute path stays as it is.
        values[name] = str(Path(course or "", Path(values[name]).expanduser()))
    for name in setting_names:
        # A variable that is set to nothing counts as unset.
        if environment.get(f"PAWGRADE_{name.upper()}"):
            values[name] = environment[f"PAWGRADE_{name.upper()}"]
    return replace(_settings(values), cards=own_cards(course))


def assignments_named(course: Path, name: Literal["order", "demo"]) -> tuple[str, ...]:
    """Return the ids of assignments that a list of the course's `pawgrade.toml` names, in its order.

    Args:
        course: folder that may hold the file.
        name: `order`, in which the course is taught and its assignments are listed, or `demo`, what `pawgrade demo` grades.

    Returns:
        The ids, of assignments that the course may not have; empty where the file or the list is missing.

    Raises:
        SpecError: the file is no TOML, or the value is not a list of ids, each once.
    """
    path = course / FILE
    ids = _read(path).get(name, []) if path.is_file() else []
    if not isinstance(ids, list) or not all(isinstance(entry, str) and entry for entry in ids):
        raise SpecError(
            f"{path}: setting {name}: expected a list of assignments' ids, found {ids!r}.",
            f'For example {name} = ["week1", "week2"].',
        )
    repeated = sorted({entry for entry in ids if ids.count(entry) > 1})
    if repeated:
        raise SpecError(
            f"{path}: setting {name}: expected each assignment once, found {repeated[0]!r} again.",
            "Remove one of the two.",
        )
    return tuple(ids)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SpecError(f"{path} is not valid TOML: {exc}.") from exc


def own_cards(folder: Path | None) -> Path | None:
    """Return the folder with data cards beside a course's or a notebook's files, or None when there is none."""
    cards_folder = folder / "datasets" if folder is not None else None
    return cards_folder if cards_folder is not None and any(cards_folder.glob("*.toml")) else None


def _settings(values: Mapping[str, str]) -> Settings:
    counts = values.get("counts", "latest")
    if counts not in ("latest", "best"):
        raise SpecError(f"setting counts: expected latest or best, found {counts!r}.")
    sandbox = values.get("sandbox", "namespaces")
    if sandbox not in ("namespaces", "none"):
        raise SpecError(f"setting sandbox: expected namespaces or none, found {sandbox!r}.")
    device = values.get("device", "auto")
    if device not in ("auto", "cpu", "cuda"):
        raise SpecError(f"setting device: expected auto, cpu or cuda, found {device!r}.")
    slots = values.get("gpu_slots", "1")
    if not (slots.isascii() and slots.isdigit() and 1 <= int(slots) <= 64):
        raise SpecError(f"setting gpu_slots: expected 1 to 64, found {slots!r}.")
    seed = _number(values, "seed", int, 0)
    if not 0 <= seed < 2**32:  # what numpy's generators take
        raise SpecError(f"setting seed: expected 0 to {2**32 - 1}, found {seed}.")
    attempts = _number(values, "attempts", int, 5)
    if attempts < 0:
        raise SpecError(f"setting attempts: expected 0 (no limit) or more, found {attempts}.")
    ladder = _number(values, "ladder", float, 0.0)
    if not 0 <= ladder <= LARGEST_STEP:  # so that NaN is a mistake, too
        raise SpecError(
            f"setting ladder: expected a step in accuracy, 0 (off) to {LARGEST_STEP:g}, found {ladder:g}."
        )
    data = values.get("data")
    return Settings(
        data_folder=Path(data).expanduser().resolve() if data else None,
        cache=Path(values.get("cache") or platformdirs.user_cache_dir("pawgrade")).expanduser(),
        weights=Path(values["weights"]).expanduser().resolve() if values.get("weights") else None,
        secret=_secret(values.get("secret", "")),
        kernel=values.get("kernel", ""),
        sandbox="none" if sandbox == "none" else "namespaces",
        seed=seed,
        device=device,
        counts="best" if counts == "best" else "latest",
        attempts=attempts,
        ladder=ladder,
        db_url=values.get("db_url") or None,
        devices=Path(values["devices"]).expanduser().resolve() if values.get("devices") else None,
        gpu_slots=int(slots),
        holdout=Path(values["holdout"]).expanduser().resolve() if values.get("holdout") else None,
    )


def _secret(text: str) -> bytes | None:
    """Return a secret that cannot be guessed from what a page shows of it."""
    if text and len(text.encode()) < SECRET_BYTES:
        raise SpecError(
            f"setting secret: expected at least {SECRET_BYTES} bytes, found {len(text.encode())}.",
            'python3 -c "import secrets; print(secrets.token_hex(16))" draws one.',
        )
    return text.encode() if text else None


def _number(values: Mapping[str, str], name: str, kind: Callable[[str], Number], default: Number) -> Number:
    text = values.get(name, "")
    try:
        return kind(text) if text else default
    except ValueError as exc:
        expected = "a whole number" if kind is int else "a number"
        raise SpecError(f"setting {name}: expected {expected}, found {text!r}.") from exc


def course_secret(course: Path, settings: Settings) -> bytes:
    """Return the course secret; the first call draws one and keeps it in `.pawgrade/secret`, readable by its owner.

    Keep that file with the gradebook: another secret means other hidden crops, so other attempts.
    """
    if settings.secret is not None:
        return settings.secret
    path = course / SECRET_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # O_EXCL: of two first calls one makes the file, the other reads it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        # An editor may have added the end of a line.
        stored_secret = path.read_bytes().strip()
        deadline = time.monotonic() + SECRET_S
        while len(stored_secret) < SECRET_BYTES and time.monotonic() < deadline:
            time.sleep(0.05)  # who makes it may not have written it yet
            stored_secret = path.read_bytes().strip()
        if len(stored_secret) < SECRET_BYTES:
            raise SpecError(
                f"{path} is empty or cut short.",
                "Put the old secret back, or delete the file to draw a new one.",
            ) from None
        return stored_secret
    with os.fdopen(descriptor, "wb") as file:
        secret = secrets.token_hex(16).encode()
        file.write(secret)
        file.flush()
        os.fsync(descriptor)
    return secret
