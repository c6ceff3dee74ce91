"""Features that were computed before are the same values, and are not taken for those of a network that was changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from grader.networks import backbones, feature_store, remembering
from grader.networks.normalising import with_normalise


def photos(count: int) -> Any:
    return np.random.default_rng(3).integers(0, 256, (count, 224, 224, 3), np.uint8)


@pytest.fixture(scope="module")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("features")
    assert remembering.remember(folder, [photos(3), photos(2)]) == 3
    assert remembering.remember(folder, [photos(4)]) == 1
    return folder


def knowing(folder: Path) -> backbones.Backbone:
    network = backbones.backbone().freeze()
    network.known = feature_store.KnownFeatures(folder, network)
    return network


def test_known_features_are_the_same_values(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, plain, images = knowing(remembered), backbones.backbone().freeze(), photos(6)
    asked: list[int] = []
    compute = network.network.forward

    def counted(x: torch.Tensor) -> Any:
        asked.append(len(x))
        return compute(x)

    monkeypatch.setattr(network.network, "forward", counted)

    found = network.features(images[::-1].copy())

    assert torch.allclose(found, plain.features(images[::-1].copy()), atol=1e-4)
    assert asked == [2]
    own = torch.tensor((images.astype(np.float64) - 127) / 128).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        assert torch.allclose(network.pooled(own), plain.pooled(own), atol=1e-4)
    assert asked == [2, 2]


@pytest.mark.parametrize("change", ["training", "weights", "gradients", "a copy", "odd pixels"])
def test_a_network_that_was_changed_computes(remembered: Path, change: str) -> None:
    network, x = knowing(remembered), with_normalise(backbones.backbone()).normalise(photos(2))
    if change == "training":
        network.network.train()
    elif change == "weights":
        with torch.no_grad():
            next(network.network.parameters()).add_(0.5)
    elif change == "gradients":
        x.requires_grad_()
    elif change == "odd pixels":
        x = x + 0.3 / 128
    else:
        import copy

        assert copy.deepcopy(network).known is None
        return

    assert network.known is not None
    assert network.known.of(x, network) is None
