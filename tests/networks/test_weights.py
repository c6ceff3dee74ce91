"""Weights: found where they may lie, checked before use, downloaded once, and missed with a message that helps."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from grader.errors import InfrastructureError
from grader.networks import backbones
from grader.networks.weights import Packaged, Published
from grader.networks.zoo import NETWORKS

NAME = "mobilenet_v2"


@dataclasses.dataclass(frozen=True)
class Elsewhere(Published):
    """Weights like torchvision's, published by the test."""

    url: str = ""

    @property
    def entry(self) -> Any:
        return SimpleNamespace(url=self.url, meta={"_file_size": 13.6})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file named as torchvision names its own, as old as some of them: without batch counters."""
    torch.manual_seed(0)
    network = NETWORKS[NAME].bare().to_empty(device="cpu")
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | nn.BatchNorm2d):
            module.reset_parameters()
    stored = {key: value for key, value in network.state_dict().items() if "num_batches" not in key}
    folder = tmp_path_factory.mktemp("published")
    torch.save(stored, folder / "weights.pth", _use_new_zipfile_serialization=False)
    digits = hashlib.sha256((folder / "weights.pth").read_bytes()).hexdigest()[:8]
    return (folder / "weights.pth").rename(folder / f"mobilenet_v2-{digits}.pth")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAWGRADE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("PAWGRADE_WEIGHTS", raising=False)


def publish(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    plan = dataclasses.replace(NETWORKS[NAME], weights=Elsewhere(NAME, url=url))
    monkeypatch.setitem(NETWORKS, NAME, plan)


@pytest.fixture
def offline(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the file at a port that answers nobody."""
    with (
        socket.socket() as taken
    ):  # bound, but not listening: connections are refused, and nobody else gets it
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{published.name}"
        publish(monkeypatch, url)
        yield url


@pytest.fixture
def online(published: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server that has the file; yields the paths that it was asked for."""
    asked: list[str] = []

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_request(self, code: object = "-", size: object = "-") -> None:
            asked.append(self.path)

    handler = partial(Quiet, directory=str(published.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        publish(monkeypatch, f"http://127.0.0.1:{server.server_port}/{published.name}")
        yield asked
        server.shutdown()
        thread.join()


def put(published: Path, folder: Path, *, broken: bool = False) -> Path:
    folder.mkdir(parents=True)
    content = published.read_bytes()
    path = folder / published.name
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if broken else content)
    return path


def test_weights_are_downloaded_once(online: list[str], published: Path, tmp_path: Path) -> None:
    before = backbones.is_available(NAME)
    first, second = backbones.backbone(NAME), backbones.backbone(NAME)

    assert (before, backbones.is_available(NAME)) == (False, True)
    assert len(online) == 1
    assert (tmp_path / "cache" / "weights" / published.name).read_bytes() == published.read_bytes()
    assert torch.equal(first.head.weight, second.head.weight)  # type: ignore[arg-type]
    assert torch.equal(first.head.weight, torch.load(published)["classifier.1.weight"])  # type: ignore[arg-type]


def test_a_broken_file_in_the_cache_is_replaced(online: list[str], published: Path, tmp_path: Path) -> None:
    path = put(published, tmp_path / "cache" / "weights", broken=True)
    available = backbones.is_available(NAME)

    backbones.backbone(NAME)

    assert not available
    assert len(online) == 1
    assert path.read_bytes() == published.read_bytes()


def test_what_torch_hub_has_is_used(offline: str, published: Path, tmp_path: Path) -> None:
    put(published, tmp_path / "torch" / "hub" / "checkpoints")

    assert backbones.is_available(NAME)
    assert backbones.backbone(NAME).name == NAME
    assert not (tmp_path / "cache").exists()


def test_a_broken_file_of_torch_hub_is_left_alone(online: list[str], published: Path, tmp_path: Path) -> None:
    path = put(published, tmp_path / "torch" / "hub" / "checkpoints", broken=True)
    content = path.read_bytes()

    backbones.backbone(NAME)

    assert path.read_bytes() == content
    assert len(online) == 1


def test_a_folder_of_weights_may_be_named(
    offline: str, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(published, tmp_path / "shared")
    monkeypatch.setenv("PAWGRADE_WEIGHTS", str(tmp_path / "shared"))

    assert backbones.is_available(NAME)
    assert backbones.backbone(NAME).name == NAME


def test_a_file_that_changes_is_checked_again(offline: str, published: Path, tmp_path: Path) -> None:
    path = put(published, tmp_path / "cache" / "weights")
    available = backbones.is_available(NAME)

    path.write_bytes(path.read_bytes()[:-1])

    assert available
    assert not backbones.is_available(NAME)


def test_offline_the_message_says_where_to_put_the_file(offline: str, tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError) as caught:
        backbones.backbone(NAME)

    assert str(caught.value.message).startswith(
        "mobilenet_v2: its weights (14 MB) are not on this machine, and could not be downloaded: "
    )
    assert f"put {offline} at {tmp_path / 'cache' / 'weights' / Path(offline).name}" in str(caught.value.hint)
    assert "efficientnet_lite1 need no download" in str(caught.value.hint)


def test_weights_of_another_network_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: Path
) -> None:
    put(published, tmp_path / "cache" / "weights")
    other = dataclasses.replace(
        NETWORKS["resnet18"], weights=Elsewhere("resnet18", url=f"http://x/{published.name}")
    )
    monkeypatch.setitem(NETWORKS, "resnet18", other)

    with pytest.raises(InfrastructureError, match="resnet18: the weights in .* do not fit"):
        backbones.backbone("resnet18")


def test_no_published_file_is_named_without_its_hash() -> None:
    for plan in NETWORKS.values():
        if isinstance(plan.weights, Published):
            stem = Path(plan.weights.entry.url).stem
            assert plan.weights.entry.url.startswith("https://")
            assert int(stem.rpartition("-")[2], 16) >= 0
            assert len(stem.rpartition("-")[2]) == 8


def test_a_package_with_other_weights_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = NETWORKS["efficientnet_lite1"]
    assert isinstance(plan.weights, Packaged)
    other = dataclasses.replace(plan.weights, sha256="0" * 64)
    monkeypatch.setitem(NETWORKS, "efficientnet_lite1", dataclasses.replace(plan, weights=other))

    assert not backbones.is_available("efficientnet_lite1")
    with pytest.raises(
        InfrastructureError, match=r"expected weights with sha256 0{12}\.\.\., found 77cc7160d37b"
    ):
        backbones.backbone("efficientnet_lite1")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = NETWORKS["efficientnet_lite1"]
    monkeypatch.setitem(
        NETWORKS,
        "efficientnet_lite1",
        dataclasses.replace(plan, weights=Packaged("no-such-model", "x.pth", "0" * 64)),
    )

    assert not backbones.is_available("efficientnet_lite1")
    with pytest.raises(InfrastructureError, match="in the package no-such-model, which is not here"):
        backbones.backbone("efficientnet_lite1")
