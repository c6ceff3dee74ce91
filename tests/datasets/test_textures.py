"""Crops of textures: from their own part of the photo alone, and no part is another's."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from grader.datasets import textures


@pytest.mark.parametrize("split", get_args(textures.Split))
def test_a_crop_shows_nothing_of_another_part(split: textures.Split, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = np.zeros((512, 512), np.uint8)
    area = {"train": np.s_[:, :256], "test": np.s_[:256, 256:], "hidden": np.s_[256:, 256:]}[split]
    outside = np.ones((512, 512), bool)
    outside[area] = False
    flat[outside] = 255
    monkeypatch.setattr(textures, "photo", lambda name: flat)
    monkeypatch.setattr(textures, "_lit", lambda grey, rng: grey)
    rng = np.random.default_rng(0)

    brightest = max(float(np.asarray(textures.crop("brick", split, rng)).max()) for _ in range(40))

    assert brightest == 0


def test_pictures_are_grey_and_differ() -> None:
    rng = np.random.default_rng(0)

    first, second = (textures.crop("gravel", "train", rng) for _ in range(2))

    assert first.shape == (112, 112, 3)
    assert first.dtype == np.uint8
    assert (first == first[..., :1]).all()
    assert (first != second).any()


def test_brightness_does_not_tell_the_texture() -> None:
    rng = np.random.default_rng(0)
    means = {
        name: np.mean([textures.crop(name, "train", rng).mean() for _ in range(60)])
        for name in textures.CLASSES
    }

    assert max(means.values()) - min(means.values()) < 20  # photos themselves differ by more


def test_the_photo_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        textures.photo("brick")[0, 0] = 1
