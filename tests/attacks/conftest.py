"""A course with three students, in a world that is watched; one zygote for all attacks."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.sandbox.host import client
from tests.attacks.course import hostile_course
from tests.attacks.grade import Range
from tests.attacks.world import World

if sys.platform != "linux":
    collect_ignore_glob = ["test_every_attack.py"]  # sandboxes are Linux's


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Home, temporary folder and course of one's own, with a secret in everything that nobody may read."""
    client.release_zygotes()  # those that are held live in another runtime folder
    place = Path(tempfile.mkdtemp(prefix="paw-"))
    place.chmod(0o755)  # an attacker may know the way
    found = World(place)
    for name in ("home", "tmp", "run"):
        (place / name).mkdir(mode=0o700)
    (place / "home" / ".ssh").mkdir()
    for name in (".netrc", ".ssh/id_ed25519"):
        (place / "home" / name).write_text(found.canary("home"))
    (place / "tmp" / "notes.txt").write_text(found.canary("tmp"))
    hostile_course(place / "course", found.canary("hidden"))
    secret = place / "course" / ".pawgrade" / "secret"
    secret.parent.mkdir()
    secret.write_text(found.canary("secret"))
    mine = {
        "HOME": place / "home",
        "TMPDIR": place / "tmp",
        "XDG_RUNTIME_DIR": place / "run",
        "JUPYTER_RUNTIME_DIR": place / "run" / "jupyter",
        "PAWGRADE_ATTACKED_SECRET": found.canary("environment"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, text in mine.items():
            patch.setenv(name, str(text))
        patch.setattr(tempfile, "tempdir", str(place / "tmp"))
        with found.listeners.open(place / f"{found.marker}.sock", found.canary("listener")):
            found.marker = f"{found.marker}-inside"
            yield found
        client.release_zygotes()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def range_(world: World, toy_cache: Path) -> Iterator[Range]:
    """Where attacks are handed in and graded."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with Range.open(world, toy_cache) as found:
        yield found
