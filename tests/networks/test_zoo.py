"""The networks that there are agree with those who published them."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from grader.networks import backbones
from grader.networks.normalising import computed
from grader.networks.weights import Published
from grader.networks.zoo import NETWORKS

TORCHVISION = [name for name, plan in NETWORKS.items() if isinstance(plan.weights, Published)]


@functools.cache
def shapes_of(name: str) -> backbones.Backbone:
    """A backbone without memory for its weights: it knows shapes, and computes nothing else."""
    return backbones.Backbone(name, NETWORKS[name].bare())


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_networks_are_fed_what_torchvision_feeds_them(name: str) -> None:
    ramp = np.arange(3 * 224 * 224, dtype=np.int64).reshape(1, 224, 224, 3) // 590
    images = torch.from_numpy(ramp.astype(np.uint8))
    theirs = NETWORKS[name].weights.entry.transforms(resize_size=224, crop_size=224)  # type: ignore[union-attr]

    ours = functools.partial(computed, recipe=NETWORKS[name].normalisation)

    assert torch.equal(ours(images).permute(0, 3, 1, 2), theirs(images.permute(0, 3, 1, 2)))
    torch.testing.assert_close(ours(images / 255), ours(images), atol=1e-6, rtol=0)
    assert "0.485" in shapes_of(name).normalisation
    assert "0.225" in shapes_of(name).normalisation


@pytest.mark.parametrize("name", TORCHVISION)
def test_sizes_and_costs_are_those_that_torchvision_publishes(name: str) -> None:
    published = NETWORKS[name].weights.entry.meta  # type: ignore[union-attr]

    assert shapes_of(name).size == published["num_params"]
    assert shapes_of(name).multiply_adds() == pytest.approx(
        published["_ops"] * 1e9, abs=0.5e6
    )  # its rounding
