"""What the reference networks say is what the backbones say, computed once."""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import reference
from grader.datasets.photos import cat_photo
from grader.networks import backbones


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images the network was shown each time."""
    counts: list[int] = []
    network = reference._network("efficientnet_lite0")
    compute = network.logits

    def counted(images: np.ndarray, batch: int = 32) -> object:
        counts.append(len(images))
        return compute(images, batch)

    monkeypatch.setattr(network, "logits", counted)
    monkeypatch.setattr(reference, "_known", {})
    return counts


def test_probabilities_are_the_backbones_and_in_the_order_of_the_images() -> None:
    cat = cat_photo()
    images = np.stack([cat, cat[:, ::-1], cat])

    found = reference.probabilities(images)

    expected = backbones.backbone().logits(images).softmax(dim=1).numpy()
    assert found.shape == (3, 1000)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_same_image_is_computed_once(asked: list[int]) -> None:
    cat = cat_photo()

    reference.probabilities(np.stack([cat, cat]))
    reference.probabilities(np.stack([cat[:, ::-1], cat]))

    assert asked == [1, 1]


def test_more_images_than_are_kept_are_computed_all_the_same(
    asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "KEPT", 1)
    cat = cat_photo()

    found = reference.probabilities(np.stack([cat, cat[:, ::-1]]))

    assert found.shape == (2, 1000)
    assert reference._known == {}
    assert asked == [2]


def test_no_images_have_no_probabilities() -> None:
    assert reference.probabilities(np.empty((0, 224, 224, 3), np.uint8)).shape == (0, 1000)


def test_the_top_is_named_and_sorted() -> None:
    found = reference.top(reference.probabilities(cat_photo()[None])[0], 3)

    names, shares = zip(*found, strict=True)
    assert "Egyptian cat" in names
    assert list(shares) == sorted(shares, reverse=True)
    assert len(found) == 3
