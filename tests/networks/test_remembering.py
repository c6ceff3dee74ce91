"""Features are computed once for each photo, and a store that grows keeps what it had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from grader.networks import backbones, remembering
from grader.networks.feature_store import key_of

NAME = "efficientnet_lite0"
Photos = npt.NDArray[np.uint8]


def photos(count: int) -> Photos:
    return np.random.default_rng(3).integers(0, 256, (count, 224, 224, 3), np.uint8)


def stored(folder: Path) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    return np.load(folder / f"{NAME}-keys.npy"), np.load(folder / f"{NAME}-values.npy")


def test_a_photo_that_is_asked_for_again_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = photos(3)
    assert remembering.remember(tmp_path, [images[:2], images[1:2], images[:1]]) == 2
    before = stored(tmp_path)

    assert remembering.remember(tmp_path, [images]) == 1

    keys, values = stored(tmp_path)
    assert keys.tolist() == [key_of(image) for image in images]
    assert np.array_equal(values[:2], before[1])
    monkeypatch.setattr(backbones, "backbone", lambda _: pytest.fail("it was computed"))
    assert remembering.remember(tmp_path, [images[::-1]]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{NAME}-keys.npy", f"{NAME}-values.npy"]


def test_what_is_stored_are_the_features_of_the_photo_with_that_key(tmp_path: Path) -> None:
    images = photos(2)

    remembering.remember(tmp_path, [images])

    expected = backbones.backbone(NAME).freeze().features(images)
    torch.testing.assert_close(torch.from_numpy(stored(tmp_path)[1]), expected, atol=1e-4, rtol=1e-4)
