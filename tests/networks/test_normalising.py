"""Pixels become what a network expects, whichever way they are given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grader.datasets import photos
from grader.networks import backbones
from grader.networks.normalising import NormalisingBackbone, with_normalise


@pytest.fixture(scope="module")
def lite0() -> NormalisingBackbone:
    return with_normalise(backbones.backbone("efficientnet_lite0"))


def noise(count: int = 2) -> photos.Images:
    return np.random.default_rng(0).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)


def test_bytes_and_fractions_are_normalised_alike(lite0: NormalisingBackbone) -> None:
    images = noise()

    from_bytes = lite0.normalise(images)

    expected = (images.astype(np.float32) - 127) / 128
    np.testing.assert_allclose(from_bytes.numpy(), expected.transpose(0, 3, 1, 2), atol=1e-6)
    torch.testing.assert_close(
        lite0.normalise(images.astype(np.float64) / 255), from_bytes, atol=1e-5, rtol=0
    )
    torch.testing.assert_close(lite0.normalise(torch.from_numpy(images)), from_bytes)


def test_read_only_photos_are_accepted(lite0: NormalisingBackbone) -> None:
    images = noise(1)
    images.setflags(write=False)

    assert lite0.normalise(images).shape == (1, 3, 224, 224)


def test_gradients_reach_the_image(lite0: NormalisingBackbone) -> None:
    image = torch.full((1, 224, 224, 3), 0.5, requires_grad=True)

    lite0(lite0.normalise(image))[0, 281].backward()

    assert image.grad is not None
    assert image.grad.abs().sum() > 0
